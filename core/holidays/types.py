"""The words of this package: what a day can be, and what a publication did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DayKind(StrEnum):
    """What is special about a day."""

    DAY_OFF = "day_off"
    """A public holiday, or the free day beside one."""
    WORKING_DAY = "working_day"
    """A week-end day that is worked to make up for a free one."""


@dataclass(frozen=True)
class SpecialDay:
    """One day as an agency sees it; ``own`` when the agency set it itself."""

    day: date
    kind: DayKind
    title: Mapping[str, str]
    own: bool = True


@dataclass(frozen=True)
class Published:
    """What publishing a year did; ``to_rework`` counts the deadlines that will be worked out again."""

    year: int
    days: int
    to_rework: int


@dataclass(frozen=True)
class Seeded:
    """What seeding did: days known now, and the years that were not published before."""

    days: int
    new_years: tuple[int, ...]
