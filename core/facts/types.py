"""The words of the facts: what a round of following saw, and what a comparison found. Plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

GRAINS = ("case", "holding", "task")
"""One row a case, one a case in one department's hands, one a running of one limit."""


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
class Written:
    """How many rows a derivation wrote or took away, by grain."""

    case: int = 0
    holding: int = 0
    task: int = 0

    @property
    def total(self) -> int:
        """Count them together."""
        return self.case + self.holding + self.task


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
    """What a comparison of facts and record found, and which cases to look at."""

    grains: dict[str, GrainDifference] = field(default_factory=lambda: dict.fromkeys(GRAINS, GrainDifference()))
    cases: Sequence[str] = ()
    """Numbers of the first cases that differ; of a fact without a case, ``case <id>``."""
    unsettled: int = 0
    """Cases that moved again each time they were looked at: nothing is said of them."""

    @property
    def differences(self) -> int:
        """Count what is not as it should be, in all tables."""
        return sum(grain.total for grain in self.grains.values())
