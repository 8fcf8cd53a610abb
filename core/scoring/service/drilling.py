"""The list behind a number: the same condition that counted it, asked for the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, cast, func, literal, null, select, table, tuple_
from sqlalchemy import column as sql_column
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.types import UTCDateTime
from core.http.paging import decode_cursor, encode_cursor
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg
from core.scoring.definition import Indicator, Scorecard
from core.scoring.service import deductions
from core.scoring.service.attribution import LEAF_OF, Own, leaf
from core.scoring.service.counting import parts_of
from core.scoring.service.formulas import Formula, formula_of
from core.scoring.service.inspections import inspection_behind
from core.scoring.service.measuring import MILLIONTHS, Measure, measure, millionths
from core.scoring.service.naming import AGENCY, Grain
from core.scoring.service.seeing import may_see
from core.scoring.service.sources import NOW, Source, Window, window_of
from core.scoring.service.subjects import layout_of
from core.scoring.types import FINDINGS, PART, Fact, FactPage, Number

_CASES = table("cases", sql_column("agency_id"), sql_column("id"), sql_column("number"))
_KEYS = {
    "case": ("case_id",),
    "holding": ("case_id", "department_id", "limit_key"),
    "task": ("case_id", "sequence"),
    "answer": ("id",),
    "record": ("id",),
}
_COLUMNS: dict[str, dict[str, str]] = {
    "case": {
        "case_id": "case_id", "grid_id": "grid_id", "department_id": "department_id", "class_code": "class_code", "state": "state",
        "person_id": "reporter_id", "record_id": "record_id", "began_at": "reported_at", "ended_at": "done_at", "closed_at": "closed_at",
    },
    "holding": {
        "case_id": "case_id", "grid_id": "grid_id", "department_id": "department_id", "state": "case_state", "limit": "limit_key",
        "verb": "ended_by", "began_at": "given_at", "ended_at": "done_at",
    },
    "task": {
        "case_id": "case_id", "grid_id": "grid_id", "department_id": "department_id", "person_id": "person_id", "state": "state",
        "limit": "limit_key", "verb": "verb", "began_at": "started_at", "due_at": "due_at", "ended_at": "ended_at",
    },
    "answer": {"case_id": "case_id", "grid_id": "grid_id", "department_id": "department_id", "ended_at": "answered_at"},
    "record": {"record_id": "id", "grid_id": "grid_id", "department_id": "department_id", "state": "state", "began_at": "created_at"},
}  # fmt: skip
"""Of each grain, in which columns a list finds what it shows."""

_SHOWN = (
    "case_id", "record_id", "grid_id", "department_id", "person_id", "class_code", "state", "limit", "verb", "began_at", "due_at",
    "ended_at", "closed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """Which facts a list is of: a part of an indicator, and the condition that says whose."""

    grain: Grain
    measure: Measure
    part: PART
    whose: ColumnElement[bool]
    value: ColumnElement[Any]

    @property
    def condition(self) -> ColumnElement[bool]:
        """The condition of the rows."""
        return and_(self.grain.facts.c.agency_id == AGENCY, self.measure.predicate(self.part), self.whose)


def facts_behind(
    session: Session,
    actor: Actor,
    number: Number,
    *,
    after: str | None = None,
    limit: int = 100,
    source: Source = NOW,
    own: Own | None = None,
) -> FactPage:
    """Give a page of what a number is made of, oldest first, and how long the whole list is; the two are counted by one condition.

    ``own`` says which leaves are the subject's where that is known already, and
    whoever gives it has seen to who may see them. Raises NotFound for a subject
    whose score the actor may not see, and for a line that is no number of
    facts (such as a part of a composite card).
    """
    formula = formula_of(session, (number.scorecard,), source.formula)
    window = window_of(session, number.period, source)
    card = formula.cards[number.scorecard]
    if card.inspection is not None:
        return _inspection(session, actor, card, number, source, window)
    wanted = _list(session, actor, number, source, formula, window, own)
    parameters = {**window.parameters(actor, source), **deductions.parameters(formula)}
    return page_of(session, wanted, parameters, after=after, limit=limit)


def page_of(session: Session, wanted: Listed, parameters: Mapping[str, Any], *, after: str | None, limit: int) -> FactPage:
    """Give a page of facts and how many there are."""
    count = select(func.count()).select_from(wanted.grain.source).where(wanted.condition)
    total = session.execute(count, dict(parameters)).scalar_one()
    rows = session.execute(_page(wanted, after, limit), dict(parameters)).all()
    facts = [_fact(wanted, row) for row in rows[:limit]]
    following = _token(wanted, rows[limit - 1]) if len(rows) > limit else None
    return FactPage(total, facts, following)


def _inspection(session: Session, actor: Actor, card: Scorecard, number: Number, source: Source, window: Window) -> FactPage:
    """Give the one step that a record's score is read off."""
    kind, _, code = number.subject.partition(":")
    subject, page = inspection_behind(session, actor, card, window, source, code)
    if kind != "record" or not may_see(actor, subject):
        raise NotFound(msg("scoring.no_subject", subject=number.subject[:80]))
    if card.inspection is None or number.line not in {group.key for group in card.inspection.groups}:
        raise NotFound(msg("scoring.no_line", card=card.key, line=number.line[:60]))
    return page if number.part in {"counted", "base"} else FactPage(0, [], None)


def _list(session: Session, actor: Actor, number: Number, source: Source, formula: Formula, window: Window, own: Own | None) -> Listed:
    card = formula.cards[number.scorecard]
    indicator = _indicator(formula, card, number)
    grain = Grain(indicator.grain, source.tables) if card.deduction is None else deductions.findings_grain(source.tables)
    measured = measure(grain, indicator)
    kind = LEAF_OF[card.subjects.kind]
    of = leaf(grain, kind, indicator)
    value: ColumnElement[Any] = null() if measured.value is None else millionths(measured.value)
    if card.deduction is not None:
        value = deductions.taken(grain, card.deduction, of)
    if own is not None:
        return Listed(grain, measured, number.part, own.condition(of), value)
    leaves: Sequence[int | None] = ()
    if kind in {"person", "record"}:
        leaves = session.scalars(_leaves(grain, measured, of, number.subject), window.parameters(actor, source)).all()
    subject, own = layout_of(session, actor, card, window, source, leaves).find(number.subject)
    if not may_see(actor, subject):
        raise NotFound(msg("scoring.no_subject", subject=number.subject[:80]))
    return Listed(grain, measured, number.part, own.condition(of), value)


def _leaves(wanted: Grain, measured: Measure, of: ColumnElement[Any], ref: str) -> Select[Any]:
    """Give whom the layout has to know: the person or record that is named, or, to know who is nobody, whoever has facts."""
    kind, _, code = ref.partition(":")
    if kind == "person":
        return select(literal(int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else 0))
    if kind == "record":
        records = wanted.tables.record
        return select(records.c.id).where(records.c.agency_id == AGENCY, records.c.code == code)
    return select(of).select_from(wanted.source).where(wanted.facts.c.agency_id == AGENCY, measured.inside).distinct()


def _indicator(formula: Formula, card: Scorecard, number: Number) -> Indicator:
    key = card.measured.get(number.line)
    if card.deduction is not None and number.line == FINDINGS:
        key = card.deduction.findings
    if key is None:
        raise NotFound(msg("scoring.no_line", card=card.key, line=number.line[:60]))
    parts = parts_of(formula, key)
    # A ratio opens two lists: what is above the line, and what is below it.
    return parts[0] if number.part == "counted" else parts[-1]


def _page(wanted: Listed, after: str | None, limit: int) -> Select[Any]:
    grain, measured = wanted.grain, wanted.measure
    facts = grain.facts
    order = _order(wanted)
    columns: list[Any] = [
        *(_column(grain, name).label(name) for name in _SHOWN),
        _late(grain).label("is_late"),
        measured.predicate("counted").label("is_counted"),
        *(cast(reason, Boolean).label(f"reason_{number}") for number, (_, reason) in enumerate(measured.reasons)),
        wanted.value.label("value"),
        *(column.label(f"order_{number}") for number, column in enumerate(order)),
    ]
    source = grain.source
    if "case_id" in facts.c:
        columns.append(_CASES.c.number.label("number"))
        source = source.outerjoin(_CASES, and_(_CASES.c.agency_id == facts.c.agency_id, _CASES.c.id == facts.c.case_id))
    # What a finding takes may depend on those before it, so the page is cut from the whole list.
    whole = select(*columns).select_from(source).where(wanted.condition).subquery()
    marks = [whole.c[f"order_{number}"] for number in range(len(order))]
    query = select(whole).order_by(*marks).limit(limit + 1)
    return query if after is None else query.where(tuple_(*marks) > tuple_(*_mark(wanted, after)))


def _order(wanted: Listed) -> list[ColumnElement[Any]]:
    """Give what a list is sorted by: the instant that put the facts into the period, then their key."""
    facts = wanted.grain.facts
    return [wanted.grain.instant(wanted.measure.indicator.at or "recorded"), *(facts.c[name] for name in _KEYS[wanted.grain.name])]


def _column(grain: Grain, name: str) -> ColumnElement[Any]:
    if name == "due_at" and grain.name in {"case", "holding"}:
        # The deadline that was missed first stays to be seen, whatever came later.
        return func.coalesce(grain.facts.c.missed_at, grain.facts.c.running_due_at)
    column = _COLUMNS[grain.name].get(name)
    return null() if column is None else grain.facts.c[column]


def _late(grain: Grain) -> ColumnElement[Any]:
    return grain.column("is_late") if grain.name in {"case", "holding", "task"} else null()


def _fact(wanted: Listed, row: Any) -> Fact:
    reasons = [one.key for number, (one, _) in enumerate(wanted.measure.reasons) if getattr(row, f"reason_{number}")]
    verdict: PART = "exempted" if reasons else "counted" if row.is_counted else "missed"
    return Fact(
        verdict=verdict,
        exemptions=tuple(reasons),
        is_late=row.is_late,
        value=None if row.value is None or verdict != "counted" else Fraction(int(row.value), MILLIONTHS),
        number=getattr(row, "number", None),
        **{name: getattr(row, name) for name in _SHOWN},
    )


def _kinds(wanted: Listed) -> list[type]:
    return [str, *(str if name == "limit_key" else int for name in _KEYS[wanted.grain.name])]


def _mark(wanted: Listed, after: str) -> list[Any]:
    at, *keys = decode_cursor(after, _kinds(wanted)) or []
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(msg("http.bad_cursor"), path="after")
    return [literal(moment, UTCDateTime), *keys]


def _token(wanted: Listed, row: Any) -> str:
    at, *keys = (getattr(row, f"order_{number}") for number in range(len(_kinds(wanted))))
    return encode_cursor(at.isoformat(), *keys)
