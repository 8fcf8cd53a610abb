"""Firing what is due: escalations in batches, steps one by one; nothing twice, nothing lost.

A due timer row is claimed with ``SKIP LOCKED``, acted on and deleted (or set
to the next escalation) in one transaction: a worker killed in the middle leaves the row for the next. An
escalation only tells people, so a batch needs no case lock. A timer that takes
a step locks its case first, as every step does, and looks again whether the
timer still stands. The timers of a plugin that the agency has switched off
rest until it is on again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, column, delete, select, table, update
from sqlalchemy.orm import Session

from core.authz import Actor
from core.calendar import Calendar
from core.db.json import dumps
from core.db.prepared import Prepared
from core.holidays import service as holidays
from core.pluginmanager import plugins
from core.workflow import clockwork, engine
from core.workflow.definition import Workflow
from core.workflow.models import Case, CaseTimer
from core.workflow.service import known, moving, step
from core.workflow.service.snapshot import clock_of
from core.workflow.types import CaseSnapshot, Outcome

BATCH = 1_000
REST = timedelta(minutes=10)
MAX_ATTEMPTS = 8
_AGENCY = table("agency", column("id"), column("key"))


def system_actor(session: Session, agency_id: int, now: datetime) -> Actor:
    """Make the actor that timers and seeding act as inside one agency."""
    key = session.scalar(select(_AGENCY.c.key).where(_AGENCY.c.id == agency_id)) or ""
    return Actor(None, agency_id, key, "system", (), now, is_system=True)


def fire_escalations(session: Session, agency_id: int, *, now: datetime, limit: int = BATCH) -> int:
    """Fire up to ``limit`` due escalations of the agency; give how many were not left to rest."""
    claimed = _CLAIM.all(session, {"agency": agency_id, "now": now, "most": limit})
    if not claimed:
        return 0
    calendar = holidays.calendar_for(session, agency_id)
    messages: list[dict[str, Any]] = []
    following: list[dict[str, Any]] = []
    over: list[int] = []
    on = plugins().enabled(session)
    awake = [row for row in claimed if known.plugin_of(row.workflow) in on]
    following += [{"id": row.timer_id, "key": row.key, "due_at": now + REST} for row in claimed if known.plugin_of(row.workflow) not in on]
    for row in awake:
        outcome = _escalate(known.workflow(session, row.definition_id), row, calendar, now=now)
        if outcome is None:
            over.append(row.timer_id)
            continue
        for notice in outcome.notices:
            message = step.notice_message(outcome, notice)
            message["payload"] |= {"case_id": row.id, "number": row.number}
            messages.append(message)
        # Each escalation sets the one after it, if there is one: the row goes on as that.
        following += [{"id": row.timer_id, "key": one.key, "due_at": one.due_at} for one in outcome.timers]
        if not outcome.timers:
            over.append(row.timer_id)
    _SETTLE.all(session, {"agency": agency_id, "now": now, "messages": dumps(messages), "following": dumps(following), "over": over})
    return len(awake)


def _escalate(workflow: Workflow, row: Any, calendar: Calendar, *, now: datetime) -> Outcome | None:
    # As much of the case as an escalation looks at: it only tells people.
    snapshot = CaseSnapshot(
        id=row.id,
        state=row.state,
        version=row.version,
        assignee_id=row.assignee_id,
        reporter_id=row.reporter_id,
        clock=clock_of(row.clock) if row.clock else None,
    )
    if not _is_reached(workflow, snapshot, row.key, calendar, now=now):
        return None
    return engine.fire(workflow, snapshot, row.key, now=now, calendar=calendar)


_CLAIM = Prepared("""
SELECT timer.id AS timer_id, timer.key, cases.id, cases.number, cases.workflow, cases.definition_id, cases.state, cases.version,
       cases.assignee_id, cases.reporter_id, cases.clock
FROM (
    SELECT id, case_id, key, due_at FROM case_timer
    WHERE agency_id = %(agency)s::integer AND due_at <= %(now)s::timestamptz AND starts_with(key, 'escalate.')
    ORDER BY due_at LIMIT %(most)s::integer FOR UPDATE SKIP LOCKED
) AS timer JOIN cases ON cases.agency_id = %(agency)s::integer AND cases.id = timer.case_id
ORDER BY timer.due_at
""")

_SETTLE = Prepared("""
WITH told AS (
    INSERT INTO outbox (agency_id, topic, payload, due_at)
    SELECT %(agency)s::integer, one.topic, one.payload, %(now)s::timestamptz
    FROM jsonb_to_recordset(%(messages)s::jsonb) AS one(topic text, payload jsonb)
), gone AS (
    DELETE FROM case_timer WHERE agency_id = %(agency)s::integer AND id = ANY (%(over)s::bigint[])
)
UPDATE case_timer SET key = one.key, due_at = one.due_at, attempts = 0, last_error = NULL
FROM jsonb_to_recordset(%(following)s::jsonb) AS one(id bigint, key text, due_at timestamptz)
WHERE case_timer.agency_id = %(agency)s::integer AND case_timer.id = one.id
RETURNING case_timer.id
""")


def _is_reached(workflow: Workflow, snapshot: CaseSnapshot, key: str, calendar: Calendar, *, now: datetime) -> bool:
    """Say whether the running limit has come as far as the escalation says.

    A step that was stored while its case's timer was just firing leaves the
    follower of the former limit behind; of the new limit it says nothing true.
    """
    clock = snapshot.clock
    spec = workflow.limits.get(clock.key) if clock else None
    if clock is None or spec is None:
        return False
    ahead = clockwork.escalations(spec, clock, now, calendar, after=int(key.partition(".")[2]) - 1)
    return bool(ahead) and ahead[0].due_at <= now


def due_steps(session: Session, *, now: datetime, limit: int = BATCH) -> Sequence[Row[int, int, str]]:
    """Name the timers (id, case_id, key) that are due and take a step of their case."""
    return session.execute(
        select(CaseTimer.id, CaseTimer.case_id, CaseTimer.key)
        .where(CaseTimer.due_at <= now, ~CaseTimer.key.startswith(f"{clockwork.ESCALATE}."))
        .order_by(CaseTimer.due_at)
        .limit(limit)
    ).all()


def fire_step(session: Session, agency_id: int, timer_id: int, case_id: int, key: str, *, now: datetime) -> bool:
    """Take the step of one due timer; False when another worker has it or the case has moved on."""
    case = session.scalars(select(Case).where(Case.id == case_id).with_for_update(skip_locked=True)).one_or_none()
    if case is None:
        return False
    still_there = session.scalar(select(CaseTimer.id).where(CaseTimer.id == timer_id, CaseTimer.case_id == case_id).with_for_update())
    if still_there is None:
        return False
    if not plugins().is_enabled(session, known.plugin_of(case.workflow)):
        _let_rest(session, agency_id, [timer_id], now=now)
        return False
    workflow = known.workflow(session, case.definition_id)
    outcome = engine.fire(workflow, moving.snapshot_for(session, case), key, now=now, calendar=holidays.calendar_for(session, agency_id))
    if outcome is not None and outcome.event is not None:
        moving.write(session, system_actor(session, agency_id, now), case, outcome, step.Submitted())
    session.execute(delete(CaseTimer).where(CaseTimer.agency_id == agency_id, CaseTimer.id == timer_id))
    return outcome is not None


def _let_rest(session: Session, agency_id: int, timer_ids: Collection[int], *, now: datetime) -> None:
    these = (CaseTimer.agency_id == agency_id, CaseTimer.id.in_(timer_ids))
    session.execute(update(CaseTimer).where(*these).values(due_at=now + REST))


def put_off(session: Session, agency_id: int, timer_id: int, error: Exception, *, now: datetime) -> None:
    """Keep a timer whose step failed, with the reason and a growing delay."""
    timer = session.scalars(select(CaseTimer).where(CaseTimer.id == timer_id)).one_or_none()
    if timer is None:
        return
    wait = timedelta(seconds=30) * 2 ** min(timer.attempts, MAX_ATTEMPTS)
    session.execute(
        update(CaseTimer)
        .where(CaseTimer.agency_id == agency_id, CaseTimer.id == timer_id)
        .values(due_at=now + wait, attempts=timer.attempts + 1, last_error=f"{type(error).__name__}: {error}"[:2000])
    )
