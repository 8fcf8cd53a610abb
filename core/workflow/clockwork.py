"""The arithmetic of one running limit: begin, pause, resume, extend, end, and its timers.

A limit is counted in its own unit, so a pause or an extension never turns work
hours into clock hours. Pure; the calendar comes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from core.calendar import Calendar, Pause, Unit, deadline, remaining, shifted
from core.workflow.definition import LimitSpec, StateTimer
from core.workflow.types import Clock, Limit, SpanEnd, Timer

ESCALATE = "escalate"
YELLOW = 0.8
"""The share of a limit after which the field shows yellow (GB practice: 80 %)."""


def begin(key: str, limit: Limit, now: datetime, calendar: Calendar) -> Clock:
    """Start a limit at ``now``."""
    unit = Unit(limit.unit)
    due = deadline(now, limit.amount, unit, calendar)
    warn_at = deadline(now, limit.amount * YELLOW, unit, calendar).due_at
    return Clock(key, now, limit.amount, unit, due.due_at, warn_at, provisional=due.provisional)


def end(clock: Clock, now: datetime) -> SpanEnd:
    """Close the account of a limit: in time when it was not used up."""
    return SpanEnd(clock.key, clock.started_at, clock.due_at, not clock.is_overdue(now))


def pause(clock: Clock, now: datetime) -> Clock:
    """Stop the clock; what is left stays left. A limit already used up stays so."""
    return replace(clock, paused_at=now, pauses=(*clock.pauses, Pause(now)))


def resume(clock: Clock, now: datetime, calendar: Calendar) -> Clock:
    """Let the clock go on: the deadline moves later by the pause."""
    closed = clock.pauses[-1]._replace(end=now)
    due_at = shifted(clock.due_at, closed, Unit(clock.unit), calendar)
    years = calendar.holidays.unpublished(calendar.local_day(now), calendar.local_day(due_at))
    provisional = not Unit(clock.unit).runs_always and bool(years)
    warn_at = shifted(clock.warn_at, closed, Unit(clock.unit), calendar)
    return replace(
        clock,
        paused_at=None,
        pauses=(*clock.pauses[:-1], closed),
        due_at=due_at,
        warn_at=warn_at,
        provisional=clock.provisional or provisional,
    )


def left(clock: Clock, calendar: Calendar) -> float:
    """Say what is left of a stopped limit, in its own unit; below zero when it was used up before it stopped."""
    assert clock.paused_at is not None
    unit = Unit(clock.unit)
    return _amount(remaining(clock.due_at, clock.paused_at, unit, calendar), unit, calendar)


def extend(clock: Clock, amount: float, calendar: Calendar) -> Clock:
    """Add ``amount`` to the present deadline; the yellow light moves by its share of it."""
    unit = Unit(clock.unit)
    due = deadline(clock.due_at, amount, unit, calendar)
    warn_at = deadline(clock.warn_at, amount * YELLOW, unit, calendar).due_at
    provisional = clock.provisional or due.provisional
    return replace(clock, total=clock.total + amount, due_at=due.due_at, warn_at=warn_at, provisional=provisional)


def escalations(spec: LimitSpec, clock: Clock, now: datetime, calendar: Calendar, *, after: int | None = None) -> tuple[Timer, ...]:
    """Set the one next escalation timer; each sets the following when it fires.

    A clock that begins, goes on or is extended passes over what lies behind
    it. ``after`` names the escalation that just fired: its follower is never
    passed over, however late the timers run.
    """
    for index in range(0 if after is None else after + 1, len(spec.escalations)):
        due_at = _reached(spec.escalations[index].at, clock, now, calendar)
        if after is not None or due_at > now:
            return (Timer(f"{ESCALATE}.{index}", due_at),)
    return ()


def _reached(share: float, clock: Clock, now: datetime, calendar: Calendar) -> datetime:
    """Say when ``share`` of the limit is used up; of a share below the yellow light ``now`` when that is past."""
    unit = Unit(clock.unit)
    for known, moment in ((1.0, clock.due_at), (YELLOW, clock.warn_at)):
        if share == known:
            return moment
        if share > known:
            return deadline(moment, (share - known) * clock.total, unit, calendar).due_at
    ahead = _amount(remaining(clock.due_at, now, unit, calendar), unit, calendar) - (1 - share) * clock.total
    return deadline(now, ahead, unit, calendar).due_at if ahead > 0 else now


def _amount(ran: timedelta, unit: Unit, calendar: Calendar) -> float:
    hours = ran / timedelta(hours=1)
    if unit is Unit.URGENT_DAY:
        return hours / 24
    return hours / calendar.hours.work_day_hours if unit is Unit.WORK_DAY else hours


def state_timer(timer: StateTimer, facts: Mapping[str, Any], now: datetime, calendar: Calendar) -> Timer | None:
    """Set a state's own timer: on the day a fact names, but never later than its limit; None when neither is there."""
    times = []
    if timer.at is not None and facts.get(timer.at):
        times.append(moment_of(facts[timer.at], calendar))
    if timer.at_most is not None:
        times.append(deadline(now, timer.at_most.amount, Unit(timer.at_most.unit), calendar).due_at)
    return Timer(timer.verb, max(now, min(times))) if times else None


def moment_of(value: str | date, calendar: Calendar) -> datetime:
    """Read a date or time of a form; a date means its first moment where the agency is."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=calendar.zone)
    return datetime.combine(value, time.min, tzinfo=calendar.zone)
