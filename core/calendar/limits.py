"""Deadlines, elapsed and remaining time, with the clock stopped in pauses.

Two work hours from 11:00 end at 15:00 when the office is closed from 12:00 to
14:00. A limit used up exactly when the office closes is due at that moment,
not when it opens again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from core.calendar.office import DAY, HOUR, Calendar, clock, clock_moment
from core.calendar.units import Unit
from core.lib.errors import Invalid
from core.lib.text import msg


class Pause(NamedTuple):
    """A stretch in which the clock stands still; ``end`` None means it lasts."""

    start: datetime
    end: datetime | None = None


class Basis(NamedTuple):
    """What a deadline was worked out from, to be stored beside it."""

    start: datetime
    amount: float
    unit: Unit
    pauses: tuple[Pause, ...]
    unpublished_years: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the basis as plain JSON values."""
        return {
            "start": self.start.isoformat(),
            "amount": self.amount,
            "unit": str(self.unit),
            "pauses": [[pause.start.isoformat(), pause.end.isoformat() if pause.end else None] for pause in self.pauses],
            "unpublished_years": list(self.unpublished_years),
        }


class Deadline(NamedTuple):
    """When something is due (UTC); provisional while holidays in between are not decided."""

    due_at: datetime
    provisional: bool
    basis: Basis


@dataclass(frozen=True)
class _Measure:
    """One way to measure time: moment → running total, and back."""

    total: Callable[[datetime], int]
    moment: Callable[[int], datetime]


_CLOCK = _Measure(clock, clock_moment)


def deadline(start: datetime, amount: float, unit: Unit, calendar: Calendar, pauses: Sequence[Pause] = ()) -> Deadline:
    """Work out when ``amount`` of ``unit`` after ``start`` is used up.

    Pauses may overlap and may lie outside the limit. Raises Invalid for a
    negative amount or one beyond the calendar, ValueError for a naive start
    or a pause that still lasts: while the clock stands there is no deadline.
    """
    _aware(start)
    measure = _measure(unit, calendar)
    total = measure.total(start) + _size(amount, unit, calendar)
    due = start if amount == 0 else measure.moment(total)
    for begin, end in _merged(start, pauses):
        if end is None:
            raise ValueError("a pause that still lasts leaves no deadline; close it first")
        if begin >= due:
            break
        total += measure.total(end) - measure.total(begin)
        due = measure.moment(total)
    years = () if unit.runs_always else calendar.holidays.unpublished(calendar.local_day(start), calendar.local_day(due))
    return Deadline(due, bool(years), Basis(start, amount, unit, tuple(pauses), years))


def elapsed(start: datetime, end: datetime, unit: Unit, calendar: Calendar, pauses: Sequence[Pause] = ()) -> timedelta:
    """Measure the time that ran from ``start`` to ``end``, pauses left out.

    The kind of time is the unit's: the clock's or the office's. A pause that
    still lasts is taken to last until ``end``. Raises ValueError when ``end``
    is before ``start``.
    """
    _aware(start, end)
    if end < start:
        raise ValueError("elapsed time runs forward: end is before start")
    measure = _measure(unit, calendar)
    ran = measure.total(end) - measure.total(start)
    for begin, finish in _merged(start, pauses):
        if begin >= end:
            break
        ran -= measure.total(end if finish is None else min(finish, end)) - measure.total(begin)
    return timedelta(microseconds=ran)


def remaining(due_at: datetime, at: datetime, unit: Unit, calendar: Calendar) -> timedelta:
    """Measure the time left at ``at``, in the unit's kind of time; negative when overdue."""
    _aware(due_at, at)
    measure = _measure(unit, calendar)
    return timedelta(microseconds=measure.total(due_at) - measure.total(at))


def shifted(due_at: datetime, pause: Pause, unit: Unit, calendar: Calendar) -> datetime:
    """Move a deadline later by what a closed pause before it took.

    Gives the same as ``deadline`` with that pause among its pauses.
    """
    if pause.end is None:
        raise ValueError("a pause that still lasts shifts nothing yet; close it first")
    _aware(due_at, pause.start, pause.end)
    if pause.start >= due_at or pause.end <= pause.start:
        return due_at
    measure = _measure(unit, calendar)
    lost = measure.total(pause.end) - measure.total(pause.start)
    return measure.moment(measure.total(due_at) + lost) if lost else due_at


def _measure(unit: Unit, calendar: Calendar) -> _Measure:
    return _CLOCK if unit.runs_always else _Measure(calendar.worked, calendar.moment)


def _size(amount: float, unit: Unit, calendar: Calendar) -> int:
    if not math.isfinite(amount) or amount < 0:
        raise Invalid(msg("calendar.bad_amount", amount=amount))
    if unit is Unit.URGENT_DAY:
        return round(amount * DAY)
    if unit is Unit.WORK_DAY:
        return round(amount * calendar.hours.work_day_hours * HOUR)
    return round(amount * HOUR)


def _merged(start: datetime, pauses: Sequence[Pause]) -> list[Pause]:
    """Put pauses in order, cut at ``start``, overlapping ones made one."""
    found: list[Pause] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        _aware(*(moment for moment in pause if moment is not None))
        begin, end = max(pause.start, start), pause.end
        if end is not None and end <= begin:
            continue
        if found and (found[-1].end is None or begin <= found[-1].end):
            last = found.pop()
            begin = last.start
            end = None if end is None or last.end is None else max(end, last.end)
        found.append(Pause(begin, end))
    return found


def _aware(*moments: datetime) -> None:
    for moment in moments:
        if moment.tzinfo is None:
            raise ValueError("a moment needs its time zone")
