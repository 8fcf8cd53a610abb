"""Whether a list of cases is narrowed to few of very many.

A list shows the newest that fit. Where many fit, walking the cases from the
newest on meets enough of them at once; where few of a million fit, that walk
reads them all, and finding those few first is the way. Which it is is not
known before looking: for each thing asked for, an index gives as many as are
few and no more. The list's conditions stay the same either way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, Text, bindparam, func, select, true, union_all
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Session, aliased

from core.db.base import Base
from core.db.epoch import EpochCache
from core.db.prepared import Prepared
from core.lib.errors import Invalid
from core.lib.text import msg
from core.workflow.models import Case
from core.workflow.service.reading import DEPARTMENT, GRID

FEW = 5_000
_IN_WORDS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"})
"""What PostgreSQL takes for a part of a word, in any UTF-8 locale: letters, Chinese characters and digits; to an index over trigrams all else is a gap."""
_LAST = "\U0010ffff"
_CASES = Base.metadata.tables[Case.__tablename__]


def few(session: Session, values: Mapping[str, Any]) -> list[int] | None:
    """Give the ids of the cases that fit one of the given values (text, grid, department), when they are few; None when all are many.

    Raises Invalid for a text of signs alone when nothing else narrows the cases down: no index knows
    signs, and if hardly any title has them, the list would read the whole archive.
    """
    has_word = any(unicodedata.category(character) in _IN_WORDS for character in values.get("text") or "")
    for name, probe in _PROBES.items():
        if values.get(name) and (has_word or name != "text"):
            found = [row.id for row in probe.all(session, {name: values[name], "most": FEW + 1})]
            if len(found) <= FEW:
                return found
    if values.get("text") and not has_word:
        raise Invalid(msg("workflow.text_of_signs"), path="text")
    return None


def begins(number: Any, text: ColumnElement[str]) -> ColumnElement[bool]:
    """Give the condition that a case number begins with ``text``: numbers are compared by their bytes."""
    condition: ColumnElement[bool] = number.between(text, text.concat(_LAST))
    return condition


def grids_within(code: ColumnElement[str]) -> ColumnElement[Any]:
    """Give, as a set, the ids of the grid with this code and of all below it."""
    above = aliased(GRID)
    chosen = select(above.c.path).where(above.c.code == code).order_by(above.c.id).limit(1)
    return func.grid_ids_within(chosen.scalar_subquery())


def grids_below(session: Session, path: str) -> str:
    """Give the ids of the grids at and below a path as an array in text; they change with the configuration alone, and few people ask for many paths."""

    def read() -> str:
        found: str = session.execute(_BELOW, {"path": path}).scalar_one()
        return found

    return _below.get(session, (getattr(session, "agency_id", None), path), read)


_below: EpochCache[str] = EpochCache()
_BELOW = sql_text("SELECT CAST(coalesce(array_agg(id), '{}') AS text) FROM grid_ids_within(text2ltree(:path)) AS id")
_MOST = bindparam("most", type_=Integer)


def _by_text() -> Select[Any]:
    wanted = bindparam("text", type_=Text)
    numbered = select(_CASES.c.id).where(begins(_CASES.c.number, wanted)).limit(_MOST)
    titled = select(func.case_ids_titled(wanted, _MOST).label("id"))
    return select(union_all(select(numbered.subquery().c.id), titled).subquery().c.id).limit(_MOST)


def _by_grid() -> Select[Any]:
    # Grid by grid, so that the index is asked whatever the planner thinks of the number of cases in one.
    grid = select(grids_within(bindparam("grid", type_=String)).label("id")).subquery("grid_within")
    there = select(_CASES.c.id).where(_CASES.c.grid_id == grid.c.id).limit(_MOST).lateral("there")
    return select(there.c.id).select_from(grid.join(there, true())).limit(_MOST)


def _by_department() -> Select[Any]:
    department = select(DEPARTMENT.c.id).where(DEPARTMENT.c.code == bindparam("department", type_=String)).subquery("named")
    theirs = select(_CASES.c.id).where(_CASES.c.department_id == department.c.id).limit(_MOST).lateral("theirs")
    return select(theirs.c.id).select_from(department.join(theirs, true())).limit(_MOST)


_PROBES = {"text": Prepared(_by_text()), "grid": Prepared(_by_grid()), "department": Prepared(_by_department())}
