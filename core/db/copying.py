"""Many rows at once: columns put into ``COPY``'s text form, and sent into a table of the session's own.

Under row-level security ``COPY`` is refused, so rows go into a temporary table
first and from there by ``INSERT … SELECT`` under the policies. Packing needs
no connection: it can be done while the rows before are still being stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from core.db.json import dumps

_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_FREE = {"text", "jsonb"}
"""Kinds of column in which anything may stand."""


@dataclass(frozen=True)
class Packed:
    """Rows as ``COPY`` takes them."""

    columns: tuple[str, ...]
    text: str


def pack(columns: Mapping[str, tuple[str, Sequence[Any]]]) -> Packed:
    """Pack columns of equal length, each given by its name as its kind (a PostgreSQL type) and its values."""
    texts = [_column(kind, values) for kind, values in columns.values()]
    return Packed(tuple(columns), "\n".join(map("\t".join, zip(*texts, strict=True))))


def copy_in(session: Session, table: str, packed: Packed) -> None:
    """Send packed rows into a temporary table of the session's connection."""
    columns = sql.SQL(", ").join(map(sql.Identifier, packed.columns))
    statement = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN").format(sql.Identifier(table), columns)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        if packed.text:
            copy.write(packed.text)
            copy.write("\n")


def _column(kind: str, values: Sequence[Any]) -> list[str]:
    """Write a column; only one that has nulls or special characters pays for them."""
    write = _WRITERS.get(kind, str)
    has_null = None in values
    if has_null:
        texts = ["" if value is None else write(value) for value in values]
    else:
        texts = list(values) if kind == "text" else list(map(write, values))
    if kind in _FREE:
        joined = "".join(texts)
        if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
            texts = [one.translate(_SPECIAL) for one in texts]
    if has_null:
        texts = ["\\N" if value is None else one for one, value in zip(texts, values, strict=True)]
    return texts


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a naive datetime cannot be stored; attach a zone")
    return value.isoformat()


def _point(value: tuple[float, float]) -> str:
    return f"({value[0]!r},{value[1]!r})"


def _bytes(value: bytes) -> str:
    return f"\\\\x{value.hex()}"


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "bytea": _bytes,
    "double precision": repr,
    "jsonb": dumps,
    "point": _point,
    "text": str,
    "timestamptz": _instant,
}
