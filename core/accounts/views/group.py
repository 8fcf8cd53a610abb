"""The one group that all routes of this package belong to, and how its lists are paged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Routes
from core.http.work import Work

routes = Routes("accounts")


def read_page(
    work: Work,
    query: Select[*tuple[Any, ...]],
    keys: Sequence[InstrumentedAttribute[Any]],
    given: Mapping[str, Any],
    write: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    """Read one page of ``query`` in the order of ``keys``, which together are unique; ``write`` makes an item of a row."""
    kinds = [key.type.python_type for key in keys]
    after = decode_cursor(given["after"], kinds)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    limit = given["limit"]
    found = work.session.execute(query.add_columns(*keys).order_by(*keys).limit(limit + 1)).all()
    rows, width = found[:limit], len(keys)
    mark = encode_cursor(*rows[-1][-width:]) if len(found) > limit else None
    return {"items": [write(*row[:-width]) for row in rows], "next": mark}


def columns_of(row: Any, *names: str) -> dict[str, Any]:
    """Write some columns of a row."""
    return {name: getattr(row, name) for name in names}
