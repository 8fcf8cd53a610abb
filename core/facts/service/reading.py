"""What is told of the facts themselves: up to when they know everything, and how following them goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.engine import Database
from core.facts.models import FactProgress
from core.workflow.models import CaseEvent


@dataclass(frozen=True)
class Status:
    """How the facts of one agency stand."""

    known_at: datetime
    lag_seconds: float
    steps_behind: int
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
    behind = select(func.count()).where(CaseEvent.agency_id == found.agency_id, CaseEvent.id > found.event_id)
    return Status(
        known_at=found.known_at,
        lag_seconds=round((now - found.known_at).total_seconds(), 1),
        steps_behind=session.execute(behind).scalar_one(),
        last_error=found.last_error,
        rebuilt_at=found.rebuilt_at,
        checked_at=found.checked_at,
        differences=found.differences,
    )


def longest_lag(database: Database, *, now: datetime) -> float:
    """Give the seconds by which the facts of the slowest agency are behind, as the role that may see only when things are due."""
    with database.scan_engine.connect() as connection:
        oldest = connection.scalar(select(func.min(FactProgress.known_at)))
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
