"""Deadlines that were provisional are worked out again once the holidays of their year are published."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from core.authz import Actor
from core.calendar import Calendar, Unit, deadline
from core.holidays import service as holidays
from core.workflow import clockwork
from core.workflow.models import Case
from core.workflow.service import amending, known, moving, reading
from core.workflow.service.amending import Amendment
from core.workflow.types import Clock

VERB = "rework_deadline"
BATCH = 500


@holidays.follow_year
def rework_deadlines(session: Session, actor: Actor, year: int) -> int:
    """Work out again every open provisional deadline of the actor's agency that reaches into ``year``; say how many.

    A deadline that reaches into a further year whose holidays are not known
    stays provisional. Runs inside the publication's transaction: all or none.
    """
    calendar = holidays.calendar_for(session, actor.agency_id)
    reworked, last = 0, 0
    while batch := reading.next_batch(session, Case.is_provisional, Case.category == "open", after=last, limit=BATCH):
        last = batch[-1].id
        waiting = amending.waiting_timers(session, [case.id for case in batch])
        for case in batch:
            reworked += _rework(session, actor, case, list(waiting.get(case.id, ())), calendar, year)
            session.expunge(case)
    return reworked


def _rework(session: Session, actor: Actor, case: Case, waiting: list[str], calendar: Calendar, year: int) -> bool:
    snapshot = moving.snapshot_for(session, case)
    clock = snapshot.clock
    if clock is None or calendar.local_day(clock.due_at).year < year:
        return False
    found = counted_again(clock, calendar)
    if found == clock:
        return False
    definition = known.workflow(session, case.definition_id)
    spec = definition.limits.get(clock.key)
    timers = amending.escalations_again(spec, found, waiting, actor, calendar) if spec and found.paused_at is None else ()
    told = {"year": year, "old_due_at": clock.due_at.isoformat(), "new_due_at": found.due_at.isoformat()}
    what = Amendment(VERB, {"clock": found}, told, timers, [key for key in waiting if key.startswith(clockwork.ESCALATE)])
    amending.amend(session, actor, case, definition, snapshot, what)
    return True


def counted_again(clock: Clock, calendar: Calendar) -> Clock:
    """Work out a clock's deadline and yellow light from its beginning, with every pause that has ended."""
    unit = Unit(clock.unit)
    pauses = tuple(pause for pause in clock.pauses if pause.end is not None)
    due = deadline(clock.started_at, clock.total, unit, calendar, pauses)
    warn = deadline(clock.started_at, clock.total * clockwork.YELLOW, unit, calendar, pauses)
    return replace(clock, due_at=due.due_at, warn_at=warn.due_at, provisional=due.provisional)
