"""Nearby and duplicate hints: suggested to a person, never decided for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Float, Row, and_, cast, func, literal, select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.types import PointXY, UTCDateTime
from core.grid import service as grids
from core.workflow.models import Case
from core.workflow.service import known, reading

NEARBY_METRES = 50.0
MOST = 20


def nearby(session: Session, actor: Actor, *, workflow: str, lon: float, lat: float, class_code: str | None) -> Sequence[Row[Any]]:
    """List visible open cases near a place, and recent ones of the same class, nearest first and newest first at one spot (at most 20).

    The workflow says what makes a likely duplicate: same class within so many
    metres and hours.
    """
    duplicate = known.current_workflow(session, workflow).workflow.duplicate
    radius = float(duplicate.get("within_metres", NEARBY_METRES))
    since = actor.now - timedelta(hours=float(duplicate.get("within_hours", 24)))
    x, y = grids.to_metres(session, actor, lon, lat)
    here = literal((x, y), PointXY)
    metres = cast(Case.xy.op("<->")(here), Float).label("metres")
    near = Case.id.in_(select(func.case_ids_near(here, radius, literal(since, UTCDateTime))))
    likely = (
        and_(Case.class_code == class_code, Case.reported_at >= since).label("is_likely")
        if class_code
        else literal(value=False).label("is_likely")
    )
    shown = (Case.number, Case.title, Case.workflow, Case.class_code, Case.state, Case.definition_id, Case.reported_at)
    return session.execute(
        select(*shown, metres, likely).where(near, reading.visible(actor)).order_by(metres, Case.id.desc()).limit(MOST)
    ).all()


def count_open_of_record(session: Session, record_id: int, *, milestone: str) -> int:
    """Count the open cases of the agency that name a ledger record and have reached ``milestone``."""
    of_record = (Case.record_id == record_id, Case.category == "open", Case.milestones.has_key(milestone))
    return session.scalar(select(func.count()).select_from(Case).where(*of_record)) or 0
