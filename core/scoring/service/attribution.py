"""Whose a fact is: the column that each kind of subject is grouped by, for each grain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, SQLColumnExpression, all_, any_, cast, false, literal, null, or_

from core.scoring.definition import PERSONS, Indicator
from core.scoring.service.naming import Grain, person_of

LEAF_OF = {
    "grid": "grid",
    "department": "department",
    "person": "person",
    "post": "person",
    "team": "person",
    "record": "record",
    "agency": "agency",
}
"""By whom a statement groups for each kind of subject; what stands above is made of these."""


@dataclass(frozen=True)
class Own:
    """Which leaves are a subject's: those of these ids (or all ``but`` those), and those of none ``with_null``."""

    ids: tuple[int, ...]
    with_null: bool = False
    but: bool = False

    def condition(self, column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Give the condition of the facts that are the subject's."""
        ids = cast(literal(list(self.ids), ARRAY(BigInteger)), ARRAY(BigInteger))
        among = column != all_(ids) if self.but else column == any_(ids)
        if not self.ids:
            among = column.is_not(None) if self.but else false()
        return or_(column.is_(None), among) if self.with_null else among


EVERYTHING = Own((), with_null=True, but=True)


def leaf(grain: Grain, kind: str, indicator: Indicator) -> ColumnElement[Any]:
    """Give the column that says whose a fact is: a grid, department, person or record by id."""
    if kind == "person":
        names = indicator.persons or PERSONS.get(grain.name, ())
        return person_of(grain, names) if names else grain.facts.c.created_by_id
    if kind == "record":
        return grain.facts.c.id if grain.name == "record" else grain.facts.c.record_id
    if kind == "agency":
        return cast(null(), BigInteger)
    column: ColumnElement[Any] = grain.facts.c[f"{kind}_id"]
    return column
