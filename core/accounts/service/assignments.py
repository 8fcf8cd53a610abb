"""Who holds which role where; roles that exclude each other never meet in one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, column, select, table
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, Member, RoleAssignment
from core.accounts.permissions import AccountRight
from core.accounts.service.changes import record_change
from core.accounts.service.people import path_of_department
from core.accounts.service.roles import require_held
from core.authz import Actor, require, scope
from core.db.types import LTree
from core.grid.service import succession
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg

_GRID = table("grid", column("id"), column("path", LTree()))


@dataclass(frozen=True)
class Place:
    """Where a role is held: at a grid, at a department, where both meet, or (neither) everywhere in the agency."""

    grid_id: int | None = None
    department_id: int | None = None


EVERYWHERE = Place()


def assign_role(
    session: Session,
    actor: Actor,
    *,
    user_id: int,
    role_key: str,
    place: Place = EVERYWHERE,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> RoleAssignment:
    """Give a member a role at a place; giving it again changes its period.

    Raises Forbidden when the actor does not hold every right of it there,
    Conflict when the member holds a role that excludes it, NotFound for a
    member, role or place that is not there.
    """
    if valid_from and valid_to and valid_to <= valid_from:
        raise Invalid(msg("accounts.bad_period"), path="valid_to")
    # Two assignments to one person wait for each other here, so that neither misses the other.
    member = session.execute(select(Member).where(Member.user_id == user_id, Member.active).with_for_update()).scalar_one_or_none()
    if member is None:
        raise NotFound(msg("accounts.no_such_user"))
    wanted = select(AgencyRole).where(AgencyRole.key == role_key, AgencyRole.active).with_for_update(read=True)
    role = session.execute(wanted.execution_options(populate_existing=True)).scalar_one_or_none()
    if role is None:
        raise NotFound(msg("accounts.no_such_role", name=role_key))
    grid_path, department_path = paths_of(session, place)
    require(actor, AccountRight.ASSIGNMENT_GRANT, grid_path=grid_path, department_path=department_path)
    require_held(actor, role.rights, grid_path=grid_path, department_path=department_path)
    _require_fit(role, place)
    _require_compatible(session, user_id, role, valid_from, valid_to)
    return _write(session, actor, user_id, role, place, (valid_from, valid_to))


def _write(
    session: Session, actor: Actor, user_id: int, role: AgencyRole, place: Place, period: tuple[datetime | None, datetime | None]
) -> RoleAssignment:
    same = (
        RoleAssignment.user_id == user_id,
        RoleAssignment.role_id == role.id,
        RoleAssignment.grid_id.is_not_distinct_from(place.grid_id),
        RoleAssignment.department_id.is_not_distinct_from(place.department_id),
    )
    given = session.execute(select(RoleAssignment).where(*same)).scalar_one_or_none()
    if given is None:
        given = RoleAssignment(
            agency_id=actor.agency_id,
            user_id=user_id,
            role_id=role.id,
            grid_id=place.grid_id,
            department_id=place.department_id,
            created_by_id=actor.user_id,
            created_at=actor.now,
        )
        session.add(given)
    given.valid_from, given.valid_to = period
    session.flush()
    if succession.is_retired(session, place.grid_id):
        succession.follow_soon(session, actor)
    new = {"role": role.key, "grid_id": place.grid_id, "department_id": place.department_id, "from": period[0], "to": period[1]}
    record_change(session, actor, "accounts:assignment:granted", f"user:{user_id}", new=new)
    return given


def revoke_assignment(session: Session, actor: Actor, assignment: RoleAssignment) -> None:
    """Take a role back."""
    place = Place(assignment.grid_id, assignment.department_id)
    grid_path, department_path = paths_of(session, place)
    require(actor, AccountRight.ASSIGNMENT_GRANT, grid_path=grid_path, department_path=department_path)
    role = session.execute(select(AgencyRole.key).where(AgencyRole.id == assignment.role_id)).scalar_one()
    old = {"role": role, "grid_id": place.grid_id, "department_id": place.department_id}
    session.delete(assignment)
    session.flush()
    record_change(session, actor, "accounts:assignment:revoked", f"user:{assignment.user_id}", old=old)


def visible_assignments(actor: Actor) -> Select[RoleAssignment, AgencyRole]:
    """Select the assignments, with their roles, that the actor may see."""
    inside = scope(actor, AccountRight.ASSIGNMENT_READ).filter(RoleAssignment.grid_id, RoleAssignment.department_id)
    return select(RoleAssignment, AgencyRole).join(AgencyRole, AgencyRole.id == RoleAssignment.role_id).where(inside)


def get_visible_assignment(session: Session, actor: Actor, assignment_id: int) -> RoleAssignment:
    """Give an assignment; raise NotFound outside the actor's scope."""
    found = session.execute(visible_assignments(actor).where(RoleAssignment.id == assignment_id)).one_or_none()
    if found is None:
        raise NotFound(msg("accounts.no_such_assignment"))
    given: RoleAssignment = found[0]
    return given


def paths_of(session: Session, place: Place) -> tuple[str | None, str | None]:
    """Give the paths of a place; raise NotFound when a part of it is not there, so that it never widens."""
    grid_path = None if place.grid_id is None else session.scalar(select(_GRID.c.path).where(_GRID.c.id == place.grid_id))
    department_path = path_of_department(session, place.department_id)
    if place.grid_id is not None and grid_path is None:
        raise NotFound(msg("accounts.no_such_grid"))
    if place.department_id is not None and department_path is None:
        raise NotFound(msg("accounts.no_such_department", code=place.department_id))
    return grid_path, department_path


def _require_fit(role: AgencyRole, place: Place) -> None:
    if role.scope == "grid" and place.grid_id is None:
        raise Invalid(msg("accounts.role_needs_grid", role=role.title), path="grid_id")
    if role.scope == "department" and place.department_id is None:
        raise Invalid(msg("accounts.role_needs_department", role=role.title), path="department")


def _require_compatible(session: Session, user_id: int, role: AgencyRole, valid_from: datetime | None, valid_to: datetime | None) -> None:
    # Held against a change of what they exclude, until this assignment is committed.
    query = (
        select(AgencyRole, RoleAssignment)
        .join(RoleAssignment, RoleAssignment.role_id == AgencyRole.id)
        .where(RoleAssignment.user_id == user_id)
        .with_for_update(read=True, of=AgencyRole)
        .execution_options(populate_existing=True)
    )
    held = session.execute(query).all()
    for other, given in held:
        excluded = other.key in role.excludes or role.key in other.excludes
        if excluded and _overlap((given.valid_from, given.valid_to), (valid_from, valid_to)):
            raise Conflict(
                msg("accounts.roles_exclude", role=role.title, other=other.title), extra={"role": role.key, "excludes": other.key}
            )


def _overlap(one: tuple[datetime | None, datetime | None], other: tuple[datetime | None, datetime | None]) -> bool:
    starts_before = one[0] is None or other[1] is None or one[0] < other[1]
    ends_after = one[1] is None or other[0] is None or other[0] < one[1]
    return starts_before and ends_after
