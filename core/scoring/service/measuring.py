"""What is counted, said once: the condition of each part of an indicator, for the number and for the list behind it alike.

A fact is *in* an indicator when its instant falls into the period and the
filter holds. Then it is ``exempted`` for a reason, or it is in the ``base``;
of the base some is ``counted``, the rest ``missed``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Label, Numeric, Select, and_, cast, false, func, not_, or_, select, true

from core.scoring.definition import Exemption, Indicator
from core.scoring.service.naming import AGENCY, FIRST_DAY, LAST_DAY, STARTS_AT, UNTIL, Grain, json_text
from core.scoring.types import PART, Value

MILLIONTHS = 1_000_000
"""What is added up is added up in whole millionths: the sum of the parts is then the sum of the whole, to the last digit."""


@dataclass(frozen=True)
class Measure:
    """One indicator over one grain's facts, compiled: its parts as conditions of a row."""

    indicator: Indicator
    inside: ColumnElement[bool]
    filter: ColumnElement[bool]
    silent: ColumnElement[bool]
    exempt: ColumnElement[bool]
    reasons: tuple[tuple[Exemption, ColumnElement[bool]], ...]
    holds: ColumnElement[bool]
    value: ColumnElement[Any] | None

    def predicate(self, part: PART) -> ColumnElement[bool]:
        """Give the condition of the facts that make up ``part``."""
        given = and_(self.inside, self.filter)
        if part == "exempted":
            return and_(given, self.exempt, not_(self.silent))
        base = and_(given, not_(self.exempt), not_(self.silent))
        if part == "base":
            return base
        return and_(base, self.holds) if part == "counted" else and_(base, not_(self.holds))

    @property
    def is_split(self) -> bool:
        """Whether what is counted is less than the base."""
        return self.indicator.of in {"rate", "mean"}


def measure(grain: Grain, indicator: Indicator) -> Measure:
    """Compile an indicator's rules over its grain."""
    reasons = tuple((one, _certain(grain.condition(one.when))) for one in indicator.exemptions)
    value = None if indicator.value is None else grain.value(indicator.value)
    holds: ColumnElement[bool] = true()
    if indicator.of == "rate":
        assert indicator.numerator is not None
        holds = _certain(grain.condition(indicator.numerator))
    elif value is not None:
        holds = value.is_not(None)
    return Measure(
        indicator,
        inside(grain, indicator),
        and_(true(), *_given(grain, indicator)),
        or_(false(), *(condition for one, condition in reasons if one.is_silent)),
        or_(false(), *(condition for one, condition in reasons if not one.is_silent)),
        tuple((one, condition) for one, condition in reasons if not one.is_silent),
        holds,
        value,
    )


def inside(grain: Grain, indicator: Indicator) -> ColumnElement[bool]:
    """Give the condition that puts a fact into the period; what lies behind the instant of the question is not yet in it."""
    if indicator.on is not None:
        day = json_text(grain.column(indicator.on))
        return and_(day.collate("C") >= FIRST_DAY, func.substr(day, 1, 10).collate("C") <= LAST_DAY)
    assert indicator.at is not None
    instant = grain.instant(indicator.at)
    return and_(instant >= STARTS_AT, instant < UNTIL)


def statement(grain: Grain, measures: Sequence[Measure], leaves: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Give the one statement that counts all measures, grouped by the leaves: ``leaf_<n>``, then ``c<n>``, ``b<n>``, ``e<n>``, ``t<n>``."""
    columns: list[Label[Any]] = [leaf.label(f"leaf_{number}") for number, leaf in enumerate(leaves)]
    for number, one in enumerate(measures):
        columns.append(_counted(one.predicate("base")).label(f"b{number}"))
        if one.is_split:
            columns.append(_counted(one.predicate("counted")).label(f"c{number}"))
        if one.reasons:
            columns.append(_counted(one.predicate("exempted")).label(f"e{number}"))
        if one.value is not None:
            total = func.sum(millionths(one.value)).filter(one.predicate("counted"))
            columns.append(cast(func.coalesce(total, 0), BigInteger).label(f"t{number}"))
    within = or_(*{(one.indicator.at, one.indicator.on): one.inside for one in measures}.values())
    query = select(*columns).select_from(grain.source).where(grain.facts.c.agency_id == AGENCY, within)
    return query.group_by(*leaves) if leaves else query


def millionths(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a number in whole millionths."""
    return cast(func.round(cast(value, Numeric) * MILLIONTHS), BigInteger)


def value_of(row: Iterable[int]) -> Value:
    """Make a value of counted, base, exempted and the total in millionths."""
    counted, base, exempted, total = (int(number) for number in row)
    return Value(counted, base, exempted, Fraction(total, MILLIONTHS) if total else _NOTHING)


_NOTHING = Fraction(0)


def _given(grain: Grain, indicator: Indicator) -> Iterable[ColumnElement[bool]]:
    if indicator.workflow is not None and grain.name in {"case", "holding", "task"}:
        yield grain.facts.c.workflow == indicator.workflow
    if indicator.limit is not None:
        yield grain.facts.c.limit_key == indicator.limit
    if indicator.ledger is not None:
        yield grain.facts.c.ledger_key == indicator.ledger
        yield grain.facts.c.retired_at.is_(None)
    if indicator.filter is not None:
        yield _certain(grain.condition(indicator.filter))


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _certain(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make what is not known false, so that it can be denied."""
    return func.coalesce(condition, false())
