"""Grades, out of the catalogue that a card names."""

from __future__ import annotations

from decimal import Decimal

from core.definitions.kinds.catalogue import Catalogue
from core.lib.errors import Invalid
from core.lib.text import msg
from core.scoring.agreement import grade_problems
from core.scoring.definition import Grade, Scale


def scale_of(catalogue: Catalogue) -> Scale:
    """Give the scale that a catalogue's items make; raises Invalid when an agency's own edit of it leaves a hole."""
    items = [{"code": item.code, "data": item.data} for item in catalogue.items.values()]
    for problem, params in grade_problems(items):
        raise Invalid(msg(f"scoring.{problem}", name=catalogue.key, **params), path="grades")
    grades = (Grade(item.code, item.title, Decimal(str(item.data["from"])), item.data.get("colour")) for item in catalogue.items.values())
    return Scale(tuple(sorted(grades, key=lambda grade: grade.least, reverse=True)))
