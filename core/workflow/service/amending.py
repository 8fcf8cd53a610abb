"""Steps that no workflow names: a case is handed over, its deadline worked out again, or moved to another version.

Each is an event of the case's chain like any other step, so that the record is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.calendar import Calendar
from core.workflow import clockwork
from core.workflow.definition import LimitSpec, Workflow
from core.workflow.models import Case, CaseTimer
from core.workflow.service import moving, step
from core.workflow.types import CaseSnapshot, Clock, EventFacts, Notice, Outcome, Timer


@dataclass(frozen=True)
class Amendment:
    """What changes beside the snapshot's own values in ``changes``."""

    verb: str
    changes: Mapping[str, Any]
    data: Mapping[str, Any]
    timers: Sequence[Timer] = ()
    cancelled: Sequence[str] = ()
    notices: Sequence[Notice] = ()


def amend(session: Session, actor: Actor, case: Case, definition: Workflow, snapshot: CaseSnapshot, what: Amendment) -> None:
    """Write an amendment of a locked case as the next step of its history."""
    after = replace(snapshot, version=snapshot.version + 1, **what.changes)
    event = EventFacts(
        verb=what.verb,
        from_state=snapshot.state,
        to_state=after.state,
        at=actor.now,
        actor_id=actor.user_id,
        seconds_in_state=(actor.now - snapshot.state_entered_at).total_seconds() if snapshot.state_entered_at else None,
        department_id=after.department_id,
        assignee_id=after.assignee_id,
    )
    state = definition.states[after.state]
    outcome = Outcome(
        case=after,
        category=state.category,
        event=event,
        owner=state.owner,
        timers=tuple(what.timers),
        cancelled=tuple(what.cancelled),
        notices=tuple(what.notices),
    )
    moving.write(session, actor, case, outcome, step.Submitted(data=what.data))


def waiting_timers(session: Session, case_ids: Iterable[int]) -> dict[int, dict[str, Timer]]:
    """Give the timers that wait for each case, by key."""
    found: dict[int, dict[str, Timer]] = {}
    for row in session.scalars(select(CaseTimer).where(CaseTimer.case_id.in_(list(case_ids)))):
        found.setdefault(row.case_id, {})[row.key] = Timer(row.key, row.due_at)
    return found


def escalations_again(spec: LimitSpec, clock: Clock, waiting: Iterable[str], actor: Actor, calendar: Calendar) -> tuple[Timer, ...]:
    """Set the escalation anew that was waiting, wherever its time is now; none was waiting: none is set.

    What was told already is not told again, and what has become due fires at once.
    """
    for key in waiting:
        kind, _, index = key.partition(".")
        if kind == clockwork.ESCALATE:
            return clockwork.escalations(spec, clock, actor.now, calendar, after=int(index) - 1)
    return ()
