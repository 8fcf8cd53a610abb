"""Visits: kept in the plugin's own table, on the grid where they were made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core.api import Actor
from core.api.cases import CaseView
from core.api.grids import Followed, Follower, follow, predecessors, retired_grids
from core.api.setup import Database, Settings
from playground.models import PlaygroundVisit

workshop_is_closed = False


def note(session: Session, actor: Actor, case_id: int, what: str, place: CaseView | None = None) -> None:
    """Keep a visit, once, where the case lies."""
    known = session.scalar(select(PlaygroundVisit.id).where(PlaygroundVisit.case_id == case_id, PlaygroundVisit.what == what))
    if known is None:
        values = {"agency_id": actor.agency_id, "case_id": case_id, "what": what, "visited_at": actor.now}
        where = {"grid_id": place.grid_id, "lon": place.lon, "lat": place.lat} if place else {}
        session.execute(insert(PlaygroundVisit).values({**values, **where}))


def count(session: Session, case_id: int) -> int:
    """Count the visits of a case."""
    return session.scalar(select(func.count()).select_from(PlaygroundVisit).where(PlaygroundVisit.case_id == case_id)) or 0


def seed(database: Database, *, settings: Settings, progress: Any) -> list[dict[str, str]]:
    """Seed nothing: the demo has its own land."""
    progress("playground", 0, 0)
    return []


def _count_on_old_land(session: Session, _now: datetime) -> int:
    standing = PlaygroundVisit.grid_id.in_(predecessors())
    return session.scalar(select(func.count()).select_from(PlaygroundVisit).where(standing)) or 0


def _follow_land(session: Session, _actor: Actor, after: int, limit: int) -> Followed:
    """Move a batch to the grids that have the land now; a visit without a position among several stays."""
    standing = (PlaygroundVisit.grid_id.in_(predecessors()), PlaygroundVisit.id > after)
    rows = session.scalars(select(PlaygroundVisit).where(*standing).order_by(PlaygroundVisit.id).limit(limit).with_for_update()).all()
    retired = retired_grids(session, {row.grid_id for row in rows if row.grid_id is not None})
    moved = 0
    for row in rows:
        old = retired.get(row.grid_id or 0)
        heir = int(old.heir_at([row.lon], [row.lat])[0]) if old else 0
        if heir:
            row.grid_id = heir
            moved += 1
    session.flush()
    return Followed(rows[-1].id if len(rows) == limit else None, moved)


follow(Follower("playground.visits", _count_on_old_land, _follow_land, 500))
