"""Open cases on a grid that was split or merged go on at the grid that has their place now, as a step of their history.

Closed cases stay where they were: the record says what the land was then. One
that is opened again follows, like the others.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.grid.service import succession
from core.grid.service.succession import Followed, Follower
from core.workflow.models import Case
from core.workflow.service import history, reading
from core.workflow.service.store import Beside, update_case
from core.workflow.types import EventFacts

VERB = "follow_grid"
BATCH = 500

_STANDING: tuple[ColumnElement[bool], ...] = (Case.grid_id.in_(succession.predecessors()), Case.category == "open")


def count_waiting(session: Session, _now: datetime) -> int:
    """Count the open cases on retired grids."""
    return session.scalar(select(func.count()).select_from(Case).where(*_STANDING)) or 0


def follow_land(session: Session, actor: Actor, after: int, limit: int) -> Followed:
    """Move a batch; a case whose place is in none of several heirs stays, and is given a grid by hand."""
    cases = reading.next_batch(session, *_STANDING, after=after, limit=limit)
    # Read before the first step: writing one makes the row be read again.
    places = [(case.id, case.grid_id or 0, case.lon, case.lat) for case in cases]
    retired = succession.retired_grids(session, {grid_id for _, grid_id, _, _ in places})
    moved = 0
    for case, (_, grid_id, lon, lat) in zip(cases, places, strict=True):
        old = retired.get(grid_id)
        heir = int(old.heir_at([_number(lon)], [_number(lat)])[0]) if old else 0
        if old and heir:
            _move(session, actor, case, old.code, next(unit.code for unit in old.heirs if unit.id == heir), heir)
            moved += 1
    return Followed(places[-1][0] if len(places) == limit else None, moved)


def _number(degrees: float | None) -> float:
    return float("nan") if degrees is None else degrees


def _move(session: Session, actor: Actor, case: Case, old_code: str, code: str, grid_id: int) -> None:
    step = EventFacts(verb=VERB, from_state=case.state, to_state=case.state, at=actor.now, actor_id=actor.user_id)
    data = {"from": old_code, "to": code}
    link = history.link(
        case.uuid, sequence=case.chain_length + 1, previous=case.chain_head, event=step, form_id=None, data=data, personal={}
    )
    columns = {"grid_id": grid_id, "version": case.version + 1, "chain_length": case.chain_length + 1, "chain_head": link.hash}
    update_case(session, case, columns, link, Beside(audit={"action": "core:case:grid_followed", "new": data}))


succession.follow(Follower("cases", count_waiting, follow_land, BATCH))
