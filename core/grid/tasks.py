"""What runs in the background after a split or merge: everything that stood on the old land follows it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor
from core.db import outbox
from core.grid.ddl import CHANGED
from core.grid.service import succession
from core.grid.service.succession import Progress

LATE = timedelta(hours=1)
"""So much later it is all gone through once more: an import or a request under way at the change may have used the old grids."""

_AGENCY = table("agency", column("id"), column("key"))


@outbox.handler(CHANGED)
def follow_land(session: Session, delivery: outbox.Delivery) -> None:
    """Do one batch, and leave a message for the next one; a killed worker has then lost one batch at most."""
    told = delivery.payload
    key = session.scalar(select(_AGENCY.c.key).where(_AGENCY.c.id == delivery.agency_id)) or ""
    actor = Actor(None, delivery.agency_id, key, "system", (), delivery.now, is_system=True)
    progress = succession.follow_batch(session, actor, Progress(told.get("name"), told.get("after", 0), told.get("moved", {})))
    kept = {"change": told["change"], "late": told.get("late", False)}
    if not progress.is_done:
        onward = {**kept, "name": progress.name, "after": progress.after, "moved": dict(progress.moved)}
        outbox.add(session, CHANGED, onward, agency_id=delivery.agency_id, due_at=delivery.now)
        return
    if any(progress.moved.values()):
        new = {"moved": dict(progress.moved), "waiting": succession.waiting(session, delivery.now)}
        audit.record(session, actor, "grid:grid:followed", subject=f"grid_change:{told['change'] or '-'}", new=new)
    if not kept["late"]:
        outbox.add(session, CHANGED, {**kept, "late": True}, agency_id=delivery.agency_id, due_at=delivery.now + LATE)
