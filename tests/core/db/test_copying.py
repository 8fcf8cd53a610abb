"""Columns in COPY's text form: what goes in comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db.copying import Packed, copy_in, pack

NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
KINDS = {
    "word": ("text", ["a\tb", None, "行\n\\N", "\r", "\\.", ""]),
    "told": ("jsonb", [{"a": "x\\y\n"}, None, [], {}, "\t", {"b": {"c": None}}]),
    "at": ("timestamptz", [NOON, None, NOON, NOON, NOON, NOON]),
    "proof": ("bytea", [b"\x00\xff\\", None, b"", b"a", b"b", b"c"]),
    "place": ("point", [(1.5, -2.25), None, (0.0, 0.0), (1e9, 1e-9), (3.0, 4.0), (5.0, 6.0)]),
    "length": ("double precision", [0.1, None, 1e300, -0.0, 2.0, 3.0]),
    "count": ("bigint", [1, None, -5, 2**40, 0, 7]),
    "yes": ("boolean", [True, None, False, True, False, True]),
    "name": ("uuid", [UUID(int=7), None, UUID(int=8), UUID(int=9), UUID(int=10), UUID(int=11)]),
}


def test_every_kind_of_value_comes_back_as_it_went_in(session: Session) -> None:
    body = ", ".join(f"{name} {kind}" for name, (kind, _) in KINDS.items())
    session.execute(text(f"CREATE TEMP TABLE sent (number integer, {body}) ON COMMIT DROP"))
    copy_in(session, "sent", pack({"number": ("integer", range(6)), **KINDS}))
    columns = [name if name != "place" else "place[0] AS x, place[1] AS y" for name in KINDS]
    rows = session.execute(text(f"SELECT {', '.join(columns)} FROM sent ORDER BY number")).all()
    for name, (kind, values) in KINDS.items():
        if kind == "point":
            assert [None if row.x is None else (row.x, row.y) for row in rows] == values
        else:
            assert [getattr(row, name) if name != "count" else row._mapping["count"] for row in rows] == values, name


def test_no_rows_are_sent_as_none(session: Session) -> None:
    session.execute(text("CREATE TEMP TABLE sent_none (word text) ON COMMIT DROP"))
    packed = pack({"word": ("text", [])})
    assert packed == Packed(("word",), "")
    copy_in(session, "sent_none", packed)
    assert session.execute(text("SELECT count(*) FROM sent_none")).scalar_one() == 0


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        pack({"at": ("timestamptz", [NOON.replace(tzinfo=None)])})


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        pack({"one": ("text", ["a"]), "two": ("text", ["a", "b"])})
