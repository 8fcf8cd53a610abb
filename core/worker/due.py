"""Finding what is due, for all agencies, and running it, for one.

The scan role sees (agency, id, due) of outbox and timers, and when facts are due,
and nothing else; the work itself runs as the application with that agency set, in short transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from time import monotonic

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from core import parts
from core.db import outbox
from core.db.engine import Database
from core.db.outbox import OutboxMessage
from core.db.schema import import_models
from core.db.uow import unit_of_work
from core.health import metrics
from core.health.models import Heartbeat
from core.settings import Settings

# A transaction holds the rows it claimed until it ends: few, so that a slow one delays few others.
_BATCH = 10
_FAIR_SECONDS = 30.0
_HEARTBEAT_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Source:
    """A table of things that become due: whose they are, when they are due, and how one agency's are run.

    `run(database, agency_id, now=…)` claims with SKIP LOCKED, in transactions of its own, and returns how many it ran.
    """

    agency_id: InstrumentedAttribute[int]
    is_due: Callable[[datetime], ColumnElement[bool]]
    run: Callable[..., int]


@cache
def sources() -> dict[str, Source]:
    """Give what can become due, by name."""
    # Not at the top: the cases' tasks bring the whole workflow with them, and metrics need only the names.
    from core.facts.models import FactProgress  # noqa: PLC0415
    from core.facts.tasks import follow  # noqa: PLC0415
    from core.workflow.models import CaseTimer  # noqa: PLC0415
    from core.workflow.tasks import fire_due  # noqa: PLC0415

    return {
        "outbox": Source(
            OutboxMessage.agency_id, lambda now: (OutboxMessage.state == "waiting") & (OutboxMessage.due_at <= now), deliver_outbox
        ),
        "facts": Source(FactProgress.agency_id, lambda now: FactProgress.due_at <= now, follow),
        "timers": Source(CaseTimer.agency_id, lambda now: CaseTimer.due_at <= now, fire_due),
    }


def deliver_outbox(found: Database, agency_id: int, *, now: datetime, seconds: float = _FAIR_SECONDS) -> int:
    """Deliver the due messages of one agency, a few a transaction, then its due jobs, until none is left or a fair time is over."""
    deadline, claimed = monotonic() + seconds, 0
    while monotonic() < deadline:
        with unit_of_work(found, agency_id) as session:
            batch = outbox.deliver_due(session, now=now, limit=_BATCH)
        claimed += batch
        if batch < _BATCH:
            break
    # While a job runs here, other workers deliver the messages that come in meanwhile.
    while monotonic() < deadline and outbox.run_next_job(found, agency_id, now=now):
        claimed += 1
    return claimed


def load() -> None:
    """Load what the packages and plugins register, so that every handler is known, and every model."""
    import_models()
    parts.load()
    sources()


@cache
def database(settings: Settings) -> Database:
    """Give this process's connections; called in pool processes only, never before the fork."""
    return Database.of(settings)


def find(found: Database, *, now: datetime) -> Iterator[tuple[str, int]]:
    """Yield (source, agency) for each agency that has something due, as the scan role."""
    with found.scan_engine.connect() as connection:
        for name, source in sources().items():
            for agency_id in connection.scalars(select(source.agency_id).where(source.is_due(now)).distinct()):
                yield name, agency_id


def work_off(found: Database, name: str, agency_id: int, *, now: datetime) -> int:
    """Run what is due in `agency_id` from one source; return how many things were run."""
    done = sources()[name].run(found, agency_id, now=now)
    metrics.CLAIMED.labels(name).inc(done)
    return done


def report_alive(found: Database, *, name: str, now: datetime) -> None:
    """Note that the worker `name` lives; not more often than its readers need."""
    statement = insert(Heartbeat).values(name=name, seen_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"seen_at": now}, where=Heartbeat.seen_at < now - _HEARTBEAT_EVERY
    )
    with unit_of_work(found, None) as session:
        session.execute(statement)
