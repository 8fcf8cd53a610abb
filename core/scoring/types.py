"""What passes between counting, scoring and showing: plain data, with numbers kept exact until they are shown.

A ``Value`` is what was counted of one line for one subject, a ``Score`` what a
card makes of its values, a ``Row`` a subject with its score, a ``Sheet`` one
card's rows, a ``Board`` the sheets that were asked for together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

from core.lib.text import Title
from core.scoring.periods import Period

PART = Literal["counted", "base", "exempted", "missed"]
PARTS: tuple[PART, ...] = ("counted", "base", "exempted", "missed")
"""Of a number: what is counted, all of it, what was left out with its reason, and all but what is counted."""

EMPTY: Mapping[str, Any] = MappingProxyType({})

OUTSIDE = "outside"
"""The row of what lies in no grid of the card."""

OWN = "own"
"""The row of what lies on a grid itself and in none of those below it."""

NOBODY = "nobody"
"""The row of what is no person's, department's or team's."""

WHOLE = "whole"
"""The row of a post as a whole."""

UNSCORED = frozenset({NOBODY, OUTSIDE, OWN})
"""Rows that are there so that the parts add up: they have numbers and no score."""

FINDINGS = "findings"
"""The one line of a deduction sheet."""


@dataclass(frozen=True, slots=True)
class Value:
    """What was counted of one indicator for one subject; values of parts add up to that of the whole.

    ``counted`` of ``base``; ``exempted`` is in neither. ``total`` is the sum of
    what a mean or sum is made of. A ``per`` divides a count, a ``target``
    is what a result is held against.
    """

    counted: int = 0
    base: int = 0
    exempted: int = 0
    total: Fraction = Fraction(0)
    per: int | None = None
    target: Fraction | None = None

    def __add__(self, other: Value) -> Value:
        return Value(self.counted + other.counted, self.base + other.base, self.exempted + other.exempted, self.total + other.total)


NOTHING = Value()


@dataclass(frozen=True, slots=True)
class LineScore:
    """One line of a card for one subject: what was counted, what it is worth, and how much it weighs for this subject."""

    key: str
    counted: int
    base: int
    exempted: int
    value: Fraction | None
    points: Fraction | None
    weight: Fraction
    effective: Fraction
    per: int | None = None
    target: Fraction | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to judge; its weight is then the others'."""
        return self.points is None


@dataclass(frozen=True, slots=True)
class Taking:
    """What a deduction sheet takes for one kind of finding: how many, how much together, and how much after the limit on it."""

    key: str
    findings: int
    points: Fraction
    taken: Fraction


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One decided addition or deduction, by name."""

    title: str
    points: Fraction
    record_id: int | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What a card makes of one subject's values; without anything to judge there is no ``score`` and no ``grade``."""

    score: Decimal | None
    grade: str | None
    lines: tuple[LineScore, ...] = ()
    is_ranked: bool = True
    volume: int | None = None
    takings: tuple[Taking, ...] = ()
    vetoes: tuple[str, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    small: tuple[str, ...] = ()
    """The parts of a composite that had too little to be ranked; neither is the whole then."""

    def line(self, key: str) -> LineScore:
        """Give one line; raises KeyError."""
        for line in self.lines:
            if line.key == key:
                return line
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what a row is about. ``special`` marks a row that is no subject of its own, so that the parts add up.

    ``path`` is that of its grid or department, ``parent`` the id above it, ``group``
    what it is compared within. ``heirs`` are the codes of what came after a retired grid.
    """

    kind: str
    id: int | None
    code: str
    name: str
    level: str | None = None
    path: str | None = None
    parent: int | None = None
    group: str | None = None
    special: str | None = None
    is_retired: bool = False
    heirs: tuple[str, ...] = ()
    department_path: str | None = None

    @property
    def ref(self) -> str:
        """Name it as addresses do: ``grid:110101010``, ``own:110101010``, ``person:17``, ``nobody``."""
        if self.special in {OUTSIDE, NOBODY, WHOLE}:
            return str(self.special)
        return f"{self.special or self.kind}:{self.code}"


@dataclass(frozen=True, slots=True)
class Row:
    """One subject's row: its score, its place among its like, and the values of each line and of what is shown beside."""

    subject: Subject
    score: Score
    values: Mapping[str, Value]
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class LineHead:
    """What a line is called and how it is made, for the head of a table."""

    key: str
    title: Title
    indicator: str
    weight: Fraction | None
    of: str
    better: str
    unit: str | None
    help: Title | None = None
    nature: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One card's rows for a period, with the versions of every definition that made them."""

    scorecard: str
    title: Title
    heads: tuple[LineHead, ...]
    also: tuple[LineHead, ...]
    rows: tuple[Row, ...]
    formula: Mapping[str, int]
    """The id of each definition that the numbers were made with, by ``kind:key``."""


@dataclass(frozen=True, slots=True)
class Board:
    """The sheets that were asked for together: counted in one transaction, as of one moment."""

    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    sheets: tuple[Sheet, ...]

    def sheet(self, scorecard: str) -> Sheet:
        """Give one card's sheet; raises KeyError."""
        for sheet in self.sheets:
            if sheet.scorecard == scorecard:
                return sheet
        raise KeyError(scorecard)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the list behind a number: what was counted, when, and why it counts as it does. Nothing of it is personal.

    ``verdict`` is ``counted``, ``missed`` or ``exempted``, then by ``exemptions``.
    ``value`` is what it adds to a mean or sum, or the points it takes.
    """

    case_id: int | None
    record_id: int | None
    verdict: PART
    exemptions: tuple[str, ...]
    grid_id: int | None
    department_id: int | None
    person_id: int | None
    class_code: str | None
    state: str | None
    limit: str | None
    verb: str | None
    began_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    closed_at: datetime | None
    is_late: bool | None
    value: Fraction | None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """One number on a board, to be opened: which card, period, subject (by ``ref``), line, and which part of it."""

    scorecard: str
    period: Period
    subject: str
    line: str
    part: PART = "counted"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which boards are asked for: which cards, for which period; of areas, of which level and below which area (by code)."""

    scorecards: tuple[str, ...]
    period: Period
    level: str | None = None
    below: str | None = None


@dataclass(frozen=True, slots=True)
class FactPage:
    """One page of the list behind a number, how long the list is, and where the next page begins."""

    total: int
    facts: Sequence[Fact]
    after: str | None
