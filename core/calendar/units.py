"""The four units in which the field states its time limits."""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """A unit of time; the urgent ones run day and night, the others in office hours."""

    URGENT_HOUR = "urgent_hour"
    """紧急工作时: an hour of the clock."""
    URGENT_DAY = "urgent_day"
    """紧急工作日: 24 hours of the clock."""
    WORK_HOUR = "work_hour"
    """工作时: an hour of office time."""
    WORK_DAY = "work_day"
    """工作日: as many office hours as the agency counts for a day, 8 unless it says otherwise."""

    @property
    def runs_always(self) -> bool:
        """Say whether nights, week-ends and holidays count."""
        return self in _RUNS_ALWAYS


_RUNS_ALWAYS = frozenset({Unit.URGENT_HOUR, Unit.URGENT_DAY})
