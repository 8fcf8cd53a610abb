"""Column types: instants in UTC, paths in a tree, points in metres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, types
from sqlalchemy.sql.type_api import TypeEngine


class UTCDateTime(types.TypeDecorator[datetime]):
    """``timestamptz`` that refuses naive values and always answers in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive datetime."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored; attach a zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Answer in UTC whatever zone the connection has."""
        return None if value is None else value.astimezone(UTC)


class LTree(types.UserDefinedType[str]):
    """PostgreSQL's ``ltree``: a path such as ``1.17.204``."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "ltree"

    class comparator_factory(TypeEngine.Comparator[str]):  # noqa: N801
        """The ltree operators."""

        def is_under(self, path: Any) -> Any:
            """``path`` itself or below it."""
            return self.op("<@", is_comparison=True)(path)

        def contains_path(self, path: Any) -> Any:
            """An ancestor of ``path``, or ``path`` itself."""
            return self.op("@>", is_comparison=True)(path)


class PointXY(types.UserDefinedType[tuple[float, float]]):
    """PostgreSQL's built-in ``point``: x, y in metres of the local projection."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "point"

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002
        """Write (x, y) as the text form of a point."""
        return lambda value: None if value is None else f"({value[0]!r},{value[1]!r})"

    def bind_expression(self, bindvalue: Any) -> Any:
        """Cast the text to a point, whatever the driver thinks of it."""
        from sqlalchemy import Text, cast, type_coerce  # noqa: PLC0415  # SQLAlchemy's own advice: bind_expression is called at compile time

        return cast(type_coerce(bindvalue, _PointText(Text)), self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        """Read ``(x,y)`` back as two floats."""

        def read(value: str | None) -> tuple[float, float] | None:
            if value is None:
                return None
            x, y = value.strip("()").split(",")
            return float(x), float(y)

        return read


class _PointText(types.TypeDecorator[Any]):
    impl = types.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None or isinstance(value, str):
            return value
        return f"({float(value[0])!r},{float(value[1])!r})"
