"""What stands in ledgers and belongs to a score: targets that results are held against, and points decided by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from core.scoring.definition import Line, Scorecard
from core.scoring.service.counting import Work
from core.scoring.service.naming import AGENCY, FIRST_DAY, LAST_DAY, Grain, json_text
from core.scoring.types import Adjustment, Subject

_PLACES = {"grid": "grid_id", "department": "department_id"}
"""Of which subjects a ledger's row says itself whose it is."""


def targets_of(work: Work, card: Scorecard, subjects: Sequence[Subject]) -> dict[str, dict[str, Fraction]]:
    """Give the targets of every subject by its ref and the line's key: rows of one subject and period are added up.

    A row is of the period that its field ``period`` names, and of the area or
    department that it belongs to, or whose code its field ``subject`` holds.
    """
    found: dict[str, dict[str, Fraction]] = {}
    for line in card.lines:
        if line.target is None:
            continue
        by_id, by_code = _targets(work, card, line)
        for subject in subjects:
            target = by_code.get(subject.code) if subject.special is None else None
            if subject.special is None and subject.id is not None and subject.id in by_id:
                target = (target or Fraction(0)) + by_id[subject.id]
            if target is not None:
                found.setdefault(subject.ref, {})[line.key] = target
    return found


def adjustments_of(work: Work, card: Scorecard) -> dict[int | None, tuple[Adjustment, ...]]:
    """Give the points decided in the period, by the id of the area or department that they are for."""
    if card.adjustments is None:
        return {}
    grain = Grain("record", work.source.tables)
    records = grain.facts
    whose = records.c[_PLACES[card.subjects.kind]]
    day = json_text(grain.column(card.adjustments.at))
    query = (
        select(
            whose.label("whose"), records.c.id, records.c.title, type_coerce(grain.column(card.adjustments.points), JSONB).label("points")
        )
        .where(records.c.agency_id == AGENCY, records.c.ledger_key == card.adjustments.ledger, records.c.retired_at.is_(None))
        .where(func.substr(day, 1, 10).collate("C").between(FIRST_DAY, LAST_DAY), whose.is_not(None))
        .order_by(records.c.id)
    )
    found: dict[int | None, tuple[Adjustment, ...]] = {}
    for row in _rows(work, query):
        points = number_of(row.points)
        if points is not None:
            found[row.whose] = (*found.get(row.whose, ()), Adjustment(row.title, points, row.id))
    return found


def number_of(value: Any) -> Fraction | None:
    """Read a number of a form as it is written; None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(str(value))


def _targets(work: Work, card: Scorecard, line: Line) -> tuple[Mapping[int, Fraction], Mapping[str, Fraction]]:
    assert line.target is not None
    grain = Grain("record", work.source.tables)
    records = grain.facts
    place = records.c[_PLACES[card.subjects.kind]] if card.subjects.kind in _PLACES else literal(None)
    query = select(
        place.label("place"),
        json_text(grain.column("subject")).label("subject"),
        type_coerce(grain.column(line.target.value), JSONB).label("value"),
    ).where(
        records.c.agency_id == AGENCY,
        records.c.ledger_key == line.target.ledger,
        records.c.retired_at.is_(None),
        json_text(grain.column("period")) == work.window.period.text,
    )
    if line.target.where is not None:
        query = query.where(grain.condition(line.target.where))
    by_id: dict[int, Fraction] = {}
    by_code: dict[str, Fraction] = {}
    for row in _rows(work, query):
        value = number_of(row.value)
        if value is None:
            continue
        if row.subject is not None:
            by_code[row.subject] = by_code.get(row.subject, Fraction(0)) + value
        elif row.place is not None:
            by_id[row.place] = by_id.get(row.place, Fraction(0)) + value
    return by_id, by_code


def _rows(work: Work, query: Any) -> Sequence[Any]:
    return work.session.execute(query, work.window.parameters(work.actor, work.source)).all()
