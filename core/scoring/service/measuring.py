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

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Label,
    Select,
    SmallInteger,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
)

from core.scoring.definition import Exemption, Indicator
from core.scoring.service.naming import AGENCY, FIRST_DAY, LAST_DAY, STARTS_AT, UNTIL, Grain, json_text
from core.scoring.types import PART, Value

MILLIONTHS = 1_000_000
"""What is added up is added up in whole millionths: the sum of the parts is then the sum of the whole, to the last digit."""


Words = tuple[Any, Any, Any, Any]
"""How a verdict is written: none of the indicator's, exempted, in the base alone, counted."""

_EXEMPTED, _BASE, _COUNTED = (literal_column(str(number), SmallInteger) for number in range(3))
NUMBERS: Words = (null(), _EXEMPTED, _BASE, _COUNTED)


@dataclass(frozen=True)
class Measure:
    """One indicator over one grain's facts, compiled: its parts as conditions of a row, in which NULL means that it does not hold."""

    indicator: Indicator
    scope: ColumnElement[bool]
    """Of which workflow, limit or ledger the facts are."""
    inside: ColumnElement[bool]
    filter: ColumnElement[bool]
    silent: ColumnElement[bool]
    exempt: ColumnElement[bool]
    reasons: tuple[tuple[Exemption, ColumnElement[bool]], ...]
    holds: ColumnElement[bool]
    value: ColumnElement[Any] | None

    def predicate(self, part: PART) -> ColumnElement[bool]:
        """Give the condition of the facts that make up ``part``."""
        given = and_(self.scope, self.inside, self.filter)
        if part == "exempted":
            return and_(given, self.exempt, _not(self.silent))
        base = and_(given, _not(self.exempt), _not(self.silent))
        if part == "base":
            return base
        return and_(base, self.holds) if part == "counted" else and_(base, _not(self.holds))

    def verdict(self, *, within_scope: bool, words: Words = NUMBERS) -> ColumnElement[Any]:
        """Give the word for what a fact is: exempted, in the base alone, counted, or none of the indicator's.

        ``within_scope`` when the statement looks at nothing else anyway.
        """
        none, exempted, base, counted = words
        whens: list[tuple[ColumnElement[bool], Any]] = []
        if any(one.is_silent for one in self.indicator.exemptions):
            whens.append((self.silent, none))
        if self.reasons:
            whens.append((self.exempt, exempted))
        found = case(*whens, (self.holds, counted), else_=base) if whens or self.is_split else counted
        # Most facts are of another kind and fail the filter, so it is asked first.
        member = and_(self.filter, self.inside) if within_scope else and_(self.filter, self.inside, self.scope)
        return case((member, found), else_=none)

    @property
    def is_split(self) -> bool:
        """Whether what is counted is less than the base."""
        return self.indicator.of in {"rate", "mean", "sum"}


def measure(grain: Grain, indicator: Indicator) -> Measure:
    """Compile an indicator's rules over its grain."""
    reasons = tuple((one, grain.condition(one.when)) for one in indicator.exemptions)
    value = None if indicator.value is None else grain.value(indicator.value)
    holds: ColumnElement[bool] = true()
    if indicator.of == "rate":
        assert indicator.numerator is not None
        holds = grain.condition(indicator.numerator)
    elif value is not None:
        holds = value.is_not(None)
    return Measure(
        indicator,
        and_(true(), *_scope(grain, indicator)),
        inside(grain, indicator),
        true() if indicator.filter is None else grain.condition(indicator.filter),
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


def statement(
    grain: Grain, measures: Sequence[Measure], leaves: Sequence[ColumnElement[Any]], *, among: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Give the one statement that counts all measures, grouped by the leaves: ``leaf_<n>``, then ``c<n>``, ``b<n>``, ``e<n>``, ``t<n>``.

    What a fact is to each measure is decided once, row by row; the groups only
    count it. ``among`` leaves facts out before anything is counted.
    """
    columns: list[Label[Any]] = [leaf.label(f"leaf_{number}") for number, leaf in enumerate(leaves)]
    for number, one in enumerate(measures):
        columns.append(one.verdict(within_scope=is_of_one_scope(measures)).label(f"v{number}"))
        columns += totals_of(number, one)
    rows = facts_of(grain, measures, columns, among=among)
    groups = [rows.c[f"leaf_{number}"] for number in range(len(leaves))]
    return select(*groups, *(column for number, one in enumerate(measures) for column in _counts(rows, number, one))).group_by(*groups)


def facts_of(grain: Grain, measures: Sequence[Measure], columns: Sequence[Any], *, among: ColumnElement[bool] | None = None) -> Any:
    """Select columns of every fact that any of the measures may be about, as rows for a statement around."""
    within = or_(*{(one.indicator.at, one.indicator.on): one.inside for one in measures}.values())
    facts = select(*columns).select_from(grain.source).where(grain.facts.c.agency_id == AGENCY, within)
    if is_of_one_scope(measures):
        facts = facts.where(measures[0].scope)
    if among is not None:
        facts = facts.where(among)
    # Nothing is left out by it: without an offset the server would put the conditions into every count again.
    return facts.offset(literal_column("0")).subquery()


def is_of_one_scope(measures: Sequence[Measure]) -> bool:
    """Say whether all measures are about the same workflow, limit and ledger."""
    return len({(one.indicator.workflow, one.indicator.limit, one.indicator.ledger) for one in measures}) == 1


def totals_of(number: int, one: Measure) -> list[Label[Any]]:
    """Give what a fact adds to a mean or sum, named ``t<n>``."""
    return [] if one.value is None else [case((one.inside, millionths(one.value))).label(f"t{number}")]


def _counts(rows: Any, number: int, one: Measure) -> Iterable[Label[Any]]:
    verdict = rows.c[f"v{number}"]
    yield func.count().filter(verdict >= _BASE).label(f"b{number}")
    if one.is_split:
        yield func.count().filter(verdict == _COUNTED).label(f"c{number}")
    if one.reasons:
        yield func.count().filter(verdict == _EXEMPTED).label(f"e{number}")
    if one.value is not None:
        total = func.sum(rows.c[f"t{number}"]).filter(verdict == _COUNTED)
        yield cast(func.coalesce(total, 0), BigInteger).label(f"t{number}")


def millionths(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a number in whole millionths."""
    return cast(func.round(cast(value, Double) * cast(literal(float(MILLIONTHS), Double), Double)), BigInteger)


def value_of(row: Sequence[int], per: int | None = None) -> Value:
    """Make a value of counted, base, exempted and the total in millionths."""
    counted, base, exempted, total = row
    return Value(counted, base, exempted, Fraction(total, MILLIONTHS) if total else _NOTHING, per)


_NOTHING = Fraction(0)


def _scope(grain: Grain, indicator: Indicator) -> Iterable[ColumnElement[bool]]:
    if indicator.workflow is not None and grain.name in {"case", "holding", "task"}:
        yield grain.facts.c.workflow == indicator.workflow
    if indicator.limit is not None:
        yield grain.facts.c.limit_key == indicator.limit
    if indicator.ledger is not None:
        yield grain.facts.c.ledger_key == indicator.ledger
        yield grain.facts.c.retired_at.is_(None)


def _not(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Deny a condition; what is not known does not hold, and so its contrary does."""
    return not_(func.coalesce(condition, false()))
