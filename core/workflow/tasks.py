"""What the worker runs for cases: due timers, and the messages that steps leave in the outbox."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy.orm import Session

from core.db import outbox
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.notices import service as notices
from core.pluginmanager import plugins
from core.workflow.models import Case
from core.workflow.service import migration_notice, step, timers
from core.workflow.service.recipients import recipients, spoken

log = logging.getLogger(__name__)


def fire_due(database: Database, agency_id: int, *, now: datetime) -> int:
    """Fire every due timer of one agency, a transaction a batch; give how many acted.

    An escalation sets the next one, which may be due as well: they are fired until none is.
    """
    fired = _fire_batch(database, agency_id, now)
    if fired == timers.BATCH:
        # There are many: one batch is worked out here while the server settles another.
        with ThreadPoolExecutor(2, "timers") as pool:
            fired += sum(pool.map(lambda _: _fire_all(database, agency_id, now), range(2)))
    elif fired:
        fired += _fire_all(database, agency_id, now)
    return fired + _fire_steps(database, agency_id, now=now)


def _fire_all(database: Database, agency_id: int, now: datetime) -> int:
    fired = 0
    while claimed := _fire_batch(database, agency_id, now):
        fired += claimed
    return fired


def _fire_batch(database: Database, agency_id: int, now: datetime) -> int:
    with unit_of_work(database, agency_id) as session:
        return timers.fire_escalations(session, agency_id, now=now)


def _fire_steps(database: Database, agency_id: int, *, now: datetime) -> int:
    with unit_of_work(database, agency_id) as session:
        due = timers.due_steps(session, now=now)
    fired = 0
    for timer in due:
        try:
            with unit_of_work(database, agency_id) as session:
                fired += timers.fire_step(session, agency_id, timer.id, timer.case_id, timer.key, now=now)
        except Exception as error:  # one case's trouble must not hold up the others; the reason is kept on its timer
            log.exception("timer %s of case %s failed", timer.key, timer.case_id)
            with unit_of_work(database, agency_id) as session:
                timers.put_off(session, agency_id, timer.id, error, now=now)
    return fired


@outbox.handler(step.NOTICE)
def deliver_notice(session: Session, delivery: outbox.Delivery) -> None:
    """Turn a notice of a step into one entry for each of its receivers."""
    people = recipients(session, delivery.agency_id, delivery.payload, now=delivery.now)
    said = delivery.payload
    notices.tell(
        session,
        agency_id=delivery.agency_id,
        users=people,
        topic=said["notice"],
        subject=f"case:{said['number']}",
        title=spoken(session, said),
        source=f"outbox:{delivery.id}",
        now=delivery.now,
    )


@outbox.handler(migration_notice.MIGRATED)
def tell_of_migration(session: Session, delivery: outbox.Delivery) -> None:
    """Tell everybody once how many of his cases were moved to another version of their workflow."""
    counts = migration_notice.cases_by_person(session, delivery.payload, now=delivery.now)
    for count in sorted(set(counts.values())):
        notices.tell(
            session,
            agency_id=delivery.agency_id,
            users=[person for person, own in counts.items() if own == count],
            topic=migration_notice.TOPIC,
            subject=f"workflow:{delivery.payload['key']}",
            title=migration_notice.spoken(delivery.payload, count),
            source=f"outbox:{delivery.id}",
            now=delivery.now,
        )


@outbox.handler(step.MOVED)
def tell_plugin(session: Session, delivery: outbox.Delivery) -> None:
    """Tell one plugin that a case has moved."""
    told = delivery.payload
    step_taken = {name: told[name] for name in ("transition", "from_state", "to_state")}
    case = session.get_one(Case, (delivery.agency_id, told["case_id"]))
    actor = timers.system_actor(session, delivery.agency_id, delivery.now)
    plugins().tell(session, told["plugin"], "case_moved", actor=actor, case=case, **step_taken)
