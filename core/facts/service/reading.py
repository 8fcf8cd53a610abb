"""What is told of the facts themselves: up to when they know everything, and how following them goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core.db.engine import Database
from core.facts.models import FactProgress
from core.workflow.models import CaseEvent

_AGENCIES = text("SELECT id, key FROM agency ORDER BY key")

# When it began is shown for one's own role alone; whose it is, for all.
OLDEST_WRITER = text(
    "SELECT pid, usename, coalesce(datname, '') AS datname, coalesce(xact_start::text, '?') AS xact_start FROM pg_stat_activity"
    " WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xid) DESC, pid LIMIT 1"
)


@dataclass(frozen=True)
class Status:
    """How the facts of one agency stand."""

    known_at: datetime
    lag_seconds: float
    steps_behind: int
    steps_untold: int
    """After a rebuild: steps that are in the facts and of which who listens is still being told."""
    last_error: str | None
    rebuilt_at: datetime | None
    checked_at: datetime | None
    differences: int | None
    """How many the last rebuild or check found."""


def known_until(session: Session) -> datetime:
    """Give the instant up to which the facts of the session's agency know every step."""
    return session.execute(select(FactProgress.known_at)).scalar_one()


def status(session: Session, *, now: datetime) -> Status:
    """Say how the facts of the session's agency stand."""
    found = session.scalars(select(FactProgress)).one()
    behind = CaseEvent.id > found.event_id
    steps = select(func.count().filter(behind), func.count().filter(~behind)).where(
        CaseEvent.agency_id == found.agency_id, CaseEvent.id > found.told_event_id
    )
    steps_behind, steps_untold = session.execute(steps).one()
    return Status(
        known_at=found.known_at,
        lag_seconds=round((now - found.known_at).total_seconds(), 1),
        steps_behind=steps_behind,
        steps_untold=steps_untold,
        last_error=found.last_error,
        rebuilt_at=found.rebuilt_at,
        checked_at=found.checked_at,
        differences=found.differences,
    )


def trouble(database: Database) -> list[str]:
    """Say what may keep facts from following: the last error of each agency, and the writing transaction that has been open longest."""
    found = []
    with database.session(None) as session:
        agencies = session.execute(_AGENCIES).all()
        oldest = session.execute(OLDEST_WRITER).first()
    for agency_id, key in agencies:
        with database.session(agency_id) as session:
            reason = session.scalar(select(FactProgress.last_error))
        if reason:
            found.append(f"{key}: {reason}")
    if oldest is not None:
        found.append(
            f"process {oldest.pid} ({oldest.usename}) has had a writing transaction open in {oldest.datname} since {oldest.xact_start}"
        )
    return found


def longest_lag(database: Database, *, now: datetime) -> float:
    """Give the seconds by which the facts of the slowest agency are behind, as the role that may see only when things are due."""
    with database.scan_engine.connect() as connection:
        oldest = connection.scalar(select(func.min(FactProgress.known_at)))
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
