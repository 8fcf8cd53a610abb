"""Visits: kept in the plugin's own table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core.api import Actor
from core.api.setup import Database, Settings
from playground.models import PlaygroundVisit

workshop_is_closed = False


def note(session: Session, actor: Actor, case_id: int, what: str) -> None:
    """Keep a visit, once."""
    known = session.scalar(select(PlaygroundVisit.id).where(PlaygroundVisit.case_id == case_id, PlaygroundVisit.what == what))
    if known is None:
        values = {"agency_id": actor.agency_id, "case_id": case_id, "what": what, "visited_at": actor.now}
        session.execute(insert(PlaygroundVisit).values(values))


def count(session: Session, case_id: int) -> int:
    """Count the visits of a case."""
    return session.scalar(select(func.count()).select_from(PlaygroundVisit).where(PlaygroundVisit.case_id == case_id)) or 0


def seed(database: Database, *, settings: Settings, progress: Any) -> list[dict[str, str]]:
    """Seed nothing: the demo has its own land."""
    progress("playground", 0, 0)
    return []
