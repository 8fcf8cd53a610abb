"""Giving a grid by hand to a case whose point lies outside every grid."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.authz import Actor, require
from core.authz.actor import covers
from core.grid import service as grids
from core.grid.service import succession
from core.lib.errors import Conflict, PreconditionFailed
from core.lib.text import msg
from core.workflow.models import Case
from core.workflow.permissions import CaseRight
from core.workflow.service import history, reading
from core.workflow.service.store import Beside, update_case
from core.workflow.types import ActorView, EventFacts

VERB = "assign_grid"


@dataclass(frozen=True)
class _Outside:
    """A reporter outside every grid: the right that he holds in some grid reaches there too."""

    actor: Actor

    @property
    def user_id(self) -> int | None:
        return self.actor.user_id

    @property
    def is_system(self) -> bool:
        return self.actor.is_system

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:
        """Say whether the right is held in any grid."""
        held = self.actor.by_right.get(right, ())
        return any(covers((grant,), grid_path or grant.grid_path, department_path) for grant in held) or self.actor.is_system


def reporter_at(actor: Actor, grid_path: str | None) -> ActorView:
    """Give whoever reports at a place; what an inspector saw outside every grid must not be lost, so he may report it."""
    return _Outside(actor) if grid_path is None else actor


def assign_grid(session: Session, actor: Actor, number: str, *, grid: str, version: int) -> Case:
    """Give a grid to a case that has none of its own, or one that is retired, as a step of its history.

    Raises Conflict for a case that lies inside a grid in force, PreconditionFailed for a
    stale version.
    """
    case = reading.lock_visible(session, actor, number)
    require(actor, CaseRight.ASSIGN_GRID, grid_path=grids.path_of(session, case.grid_id))
    if case.version != version:
        raise PreconditionFailed(msg("http.stale", current=case.version), extra={"version": case.version})
    if case.located not in {"outside", "none", "assigned"} and not succession.is_retired(session, case.grid_id):
        raise Conflict(msg("workflow.has_grid", number=number))
    found = grids.get(session, actor, grid)
    step = EventFacts(verb=VERB, from_state=case.state, to_state=case.state, at=actor.now, actor_id=actor.user_id)
    link = history.link(
        case.uuid, sequence=case.chain_length + 1, previous=case.chain_head, event=step, form_id=None, data={"grid": grid}, personal={}
    )
    columns = {
        "grid_id": found.id,
        "located": "assigned",
        "version": case.version + 1,
        "chain_length": case.chain_length + 1,
        "chain_head": link.hash,
    }
    update_case(
        session,
        case,
        columns,
        link,
        Beside(audit={"action": "core:case:grid_assigned", "new": {"grid": grid}, "request_id": actor.request_id}),
    )
    return reading.get_visible(session, actor, number)
