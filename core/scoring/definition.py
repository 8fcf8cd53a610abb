"""Indicators and scorecards, compiled: what the engine scores with and the statements are built from.

``core.scoring.compiler`` makes these of definition files. Rules stay trees:
the database computes them. Numbers are exact fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from core.lib.text import Title
from core.rules import CompiledRule, Tree
from core.scoring.types import EMPTY

HUNDRED = Fraction(100)

INSTANTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "case": {"reported": "reported_at", "filed": "filed_at", "closed": "closed_at", "owed": "owed_at"},
        "holding": {"given": "given_at", "owed": "owed_at"},
        "task": {"started": "started_at", "ended": "ended_at", "owed": "owed_at"},
        "answer": {"answered": "answered_at"},
        "record": {"recorded": "created_at"},
    }
)
"""Of each grain, the instants that can put a fact into a period, and their columns."""

PERSONS: Mapping[str, tuple[str, ...]] = MappingProxyType({"case": ("reporter",), "task": ("person",)})
"""Whose a fact of a grain is unless the indicator says otherwise."""

SUBJECT_GRAINS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "agency": frozenset(INSTANTS),
        "grid": frozenset(INSTANTS),
        "department": frozenset(INSTANTS),
        "team": frozenset({"case", "task", "record"}),
        "post": frozenset({"case", "task"}),
        "person": frozenset({"case", "task", "record"}),
        "record": frozenset({"case", "record"}),
    }
)
"""What can be counted for each kind of subject."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why a fact is left out of an indicator; a silent one is none of the indicator's facts at all."""

    key: str
    title: Title
    when: Tree
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is counted over the facts of one grain; a ``ratio`` is two counts of its own file."""

    key: str
    grain: str
    title: Title
    of: str
    at: str | None
    help: Title | None = None
    is_better_lower: bool = False
    filter: Tree | None = None
    numerator: Tree | None = None
    value: Tree | None = None
    unit: str | None = None
    persons: tuple[str, ...] = ()
    on: str | None = None
    exemptions: tuple[Exemption, ...] = ()
    workflow: str | None = None
    ledger: str | None = None
    limit: str | None = None
    above: str | None = None
    """Of a ratio: the key of the count that is divided."""
    below: str | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """What is counted for it, by key: itself, or the two counts that a ratio divides."""
        return (str(self.above), str(self.below)) if self.of == "ratio" else (self.key,)


@dataclass(frozen=True, slots=True)
class IndicatorFile:
    """The indicators of one file."""

    key: str
    title: Title
    grain: str
    indicators: Mapping[str, Indicator]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a table: up to and including ``bound`` (or, counted from below, from it on); the open one has none."""

    bound: Fraction | None
    points: Fraction


@dataclass(frozen=True, slots=True)
class Steps:
    """A table of points without hole or overlap: bounds rise strictly and one end is open."""

    steps: tuple[Step, ...]
    is_from_below: bool = False

    def points_at(self, value: Fraction) -> Fraction:
        """Give the points of ``value``; there is a step for every number."""
        if self.is_from_below:
            return next(step.points for step in reversed(self.steps) if step.bound is None or value >= step.bound)
        return next(step.points for step in self.steps if step.bound is None or value <= step.bound)


@dataclass(frozen=True, slots=True)
class Points:
    """How a value becomes points: by a factor, by attainment of a target, or by steps (of the subject's group, if it has its own)."""

    kind: str
    factor: Fraction = HUNDRED
    at_most: Fraction = HUNDRED
    steps: Steps | None = None
    groups: Mapping[str, Steps] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the target of a line stands: in which field of which rows of a ledger."""

    ledger: str
    value: str
    where: Tree | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a weighted card. ``empty``: what it does with nothing to judge, ``shared`` gives its weight to the others."""

    key: str
    title: Title | None
    indicator: str
    weight: Fraction
    points: Points
    of: str = "rate"
    is_better_lower: bool = False
    per_grid: str | None = None
    target: Target | None = None
    empty: str = "shared"
    nature: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown beside the lines and not scored."""

    key: str
    indicator: str


@dataclass(frozen=True, slots=True)
class CardPart:
    """One part of a composite card: the score of another card, of the same subject or of the body it belongs to."""

    key: str
    title: Title | None
    scorecard: str
    weight: Fraction | None
    of: str | None = None
    by_team_role: Mapping[str, Fraction] = field(default_factory=lambda: EMPTY)
    takes_rest: bool = False


@dataclass(frozen=True, slots=True)
class Veto:
    """What sets the result, or keeps it from rising above ``at_most``, whatever else was found."""

    key: str
    title: Title
    when: Tree
    rule: CompiledRule
    result: Fraction | None
    at_most: Fraction | None


@dataclass(frozen=True, slots=True)
class Multiplier:
    """What makes a finding take more: a rule over it, or that it is the ``from_number``-th of the same."""

    key: str
    title: Title
    by: Fraction
    when: Tree | None
    same: tuple[str, ...] = ()
    from_number: int = 2


@dataclass(frozen=True, slots=True)
class Deduction:
    """A sheet that starts full and from which each finding takes its points."""

    start: Fraction
    floor: Fraction
    findings: str
    points: Tree
    multipliers: tuple[Multiplier, ...]
    combine: str
    most_per: str | None
    most_points: Fraction | None
    vetoes: tuple[Veto, ...]
    larger_level: str | None
    larger_take: str


@dataclass(frozen=True, slots=True)
class InspectionItem:
    """One thing looked at: its points are given whole by a rule, or by the share of them that was found."""

    key: str
    title: Title
    points: Fraction
    when: CompiledRule | None
    share: CompiledRule | None


@dataclass(frozen=True, slots=True)
class InspectionGroup:
    """Items that belong together; their points add up to the group's."""

    key: str
    title: Title
    points: Fraction
    items: tuple[InspectionItem, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A score read off the form of the newest step of a kind about a record."""

    workflow: str
    verb: str
    only_in: tuple[str, ...]
    groups: tuple[InspectionGroup, ...]
    vetoes: tuple[Veto, ...]


@dataclass(frozen=True, slots=True)
class Adjustments:
    """Decided points, in a ledger, added within bounds."""

    ledger: str
    points: str
    at: str
    least: Fraction | None
    most: Fraction | None


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom a card scores."""

    kind: str
    scheme: str | None = None
    levels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    group_by: str | None = None
    role: str | None = None
    team_kind: str | None = None
    teams: str | None = None
    ledger: str | None = None
    with_whole: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A compiled card; ``lines`` of a composite one are made of its parts when it is scored."""

    key: str
    title: Title
    subjects: Subjects
    periods: tuple[str, ...]
    grades: str
    method: str
    decimals: int = 2
    lines: tuple[Line, ...] = ()
    also: tuple[Beside, ...] = ()
    parts: tuple[CardPart, ...] = ()
    deduction: Deduction | None = None
    inspection: Inspection | None = None
    adjustments: Adjustments | None = None
    volume_line: str | None = None
    least_volume: int = 0

    @property
    def measured(self) -> dict[str, str]:
        """Give the indicator of each line, and of what is shown beside, by the line's key."""
        return {**{line.key: line.indicator for line in self.lines}, **{one.key: one.indicator for one in self.also}}


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade: from ``least`` points on, up to where the next better one begins."""

    code: str
    title: Title
    least: Decimal
    colour: str | None


@dataclass(frozen=True, slots=True)
class Scale:
    """Grades from the best to the worst, which begins at 0: every score from 0 to 100 has exactly one."""

    grades: tuple[Grade, ...]

    def grade_of(self, score: Decimal) -> Grade:
        """Give the grade of a score as it is shown."""
        return next(grade for grade in self.grades if score >= grade.least)


def exact(number: Any) -> Fraction:
    """Read a number of a file as it is written: 0.1 is a tenth."""
    return Fraction(str(number))


def bound(card: Scorecard, indicators: Mapping[str, Indicator]) -> Scorecard:
    """Give the card with what each of its lines counts, and whether less of it is better, as the indicators in force say."""
    lines = tuple(
        replace(line, of=indicators[line.indicator].of, is_better_lower=indicators[line.indicator].is_better_lower) for line in card.lines
    )
    return replace(card, lines=lines)


def split_key(key: str) -> tuple[str, str]:
    """Split an indicator's key into its file's and its own name."""
    file, _, name = key.rpartition(".")
    return file, name
