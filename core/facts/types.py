"""The words of the facts: what a round of following saw, and what a comparison found. Plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

GRAINS = ("case", "holding", "task")
"""One row a case, one a case in one department's hands, one a running of one limit."""

NAMED = 20
"""So many of the cases that differ are named; all are counted."""


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One step that the facts have taken in."""

    id: int
    case_id: int
    sequence: int
    at: datetime
    actor_id: int | None
    verb: str
    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of following took in, for those who listen: the steps in their order, each once."""

    agency_id: int
    now: datetime
    events: Sequence[SeenEvent]

    @property
    def case_ids(self) -> list[int]:
        """Give the cases that moved, each once."""
        return sorted({event.case_id for event in self.events})


@dataclass(frozen=True, slots=True)
class GrainDifference:
    """How one table of facts compares with what the record says: rows held, and those that differ, lack or are too many."""

    rows: int = 0
    differing: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def total(self) -> int:
        """Count what is not as it should be."""
        return self.differing + self.missing + self.surplus

    def __add__(self, other: GrainDifference) -> GrainDifference:
        """Put the counts of two ranges together."""
        return GrainDifference(
            self.rows + other.rows, self.differing + other.differing, self.missing + other.missing, self.surplus + other.surplus
        )


@dataclass(frozen=True)
class Comparison:
    """How facts compare with the record: table by table, and which cases to look at."""

    grains: Mapping[str, GrainDifference] = field(default_factory=lambda: dict.fromkeys(GRAINS, GrainDifference()))
    case_ids: tuple[int, ...] = ()
    """Some of the cases that differ, the first by their ids."""
    moving: tuple[int, ...] = ()
    """Cases with a step that the facts need not know yet: nothing is said of them."""

    @property
    def differences(self) -> int:
        """Count what is not as it should be, in all tables."""
        return sum(grain.total for grain in self.grains.values())

    def __add__(self, other: Comparison) -> Comparison:
        """Put what was found in two sets of cases together."""
        grains = {name: self.grains[name] + other.grains[name] for name in GRAINS}
        named = tuple(sorted({*self.case_ids, *other.case_ids})[:NAMED])
        return Comparison(grains, named, (*self.moving, *other.moving))
