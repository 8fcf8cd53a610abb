"""Handing over: when a person leaves or a department ends, everything in hand goes to one successor in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, Department, Member, Responsibility, RoleAssignment, Team, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.service.assignments import Place, assign_role, revoke_assignment
from core.accounts.service.changes import record_change
from core.accounts.service.holders import Holder, OpenItem, move_work, open_work, register_hand_over
from core.accounts.service.people import path_of_department
from core.authz import Actor, require
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg


def list_open_work(session: Session, actor: Actor, holder: Holder) -> Mapping[str, Sequence[OpenItem]]:
    """List what a member or a department has in hand, by kind."""
    require(actor, AccountRight.MEMBER_HAND_OVER, department_path=_path_of(session, holder))
    return open_work(session, holder, now=actor.now)


def hand_over(session: Session, actor: Actor, source: Holder, target: Holder) -> Mapping[str, int]:
    """Move everything from ``source`` to ``target``, all or nothing; give the counts by kind.

    Raises Invalid when the two are the same or of different sorts, Conflict
    when the target is not active or would hold roles that exclude each other.
    """
    require(actor, AccountRight.MEMBER_HAND_OVER, department_path=_path_of(session, source))
    if source.kind != target.kind or source.id == target.id:
        raise Invalid(msg("accounts.hand_over_to_other"), path="to")
    require(actor, AccountRight.MEMBER_HAND_OVER, department_path=_path_of(session, target))
    _require_active(session, target)
    counts = move_work(session, actor, source, target)
    new = {"to": target.id, "counts": dict(counts)}
    record_change(
        session, actor, f"accounts:{'member' if source.kind == 'user' else 'department'}:handed_over", f"{source.kind}:{source.id}", new=new
    )
    return counts


def _path_of(session: Session, holder: Holder) -> str | None:
    if holder.kind == "department":
        path = path_of_department(session, holder.id)
        if path is None:
            raise NotFound(msg("accounts.no_such_department", code=holder.id))
        return path
    member = session.execute(select(Member).where(Member.user_id == holder.id)).scalar_one_or_none()
    if member is None:
        raise NotFound(msg("accounts.no_such_user"))
    return path_of_department(session, member.department_id)


def _require_active(session: Session, holder: Holder) -> None:
    if holder.kind == "department":
        active = session.scalar(select(Department.active).where(Department.id == holder.id))
    else:
        active = session.scalar(select(Member.active).where(Member.user_id == holder.id))
    if not active:
        raise Conflict(msg("accounts.hand_over_to_inactive"))


def _list_assignments(session: Session, holder: Holder, now: datetime) -> list[OpenItem]:
    held = RoleAssignment.user_id == holder.id if holder.kind == "user" else RoleAssignment.department_id == holder.id
    live = or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > now)
    query = select(RoleAssignment.id, AgencyRole.key).join(AgencyRole, AgencyRole.id == RoleAssignment.role_id).where(held, live)
    return [OpenItem(f"assignment:{row.id}", row.key) for row in session.execute(query.order_by(RoleAssignment.id))]


def _move_assignments(session: Session, actor: Actor, source: Holder, target: Holder) -> int:
    held = RoleAssignment.user_id == source.id if source.kind == "user" else RoleAssignment.department_id == source.id
    rows = session.execute(
        select(RoleAssignment, AgencyRole.key)
        .join(AgencyRole, AgencyRole.id == RoleAssignment.role_id)
        .where(held, or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > actor.now))
        .order_by(RoleAssignment.id)
    ).all()
    for given, role_key in rows:
        user_id = target.id if source.kind == "user" else given.user_id
        department_id = given.department_id if source.kind == "user" else target.id
        # Taken first: a person must not hold the same role twice, nor the successor meet his own predecessor.
        revoke_assignment(session, actor, given)
        place = Place(given.grid_id, department_id)
        if _has_already(session, actor, user_id, given.role_id, place):
            continue  # the successor's own period stays as it is
        period = {"valid_from": given.valid_from, "valid_to": given.valid_to}
        assign_role(session, actor, user_id=user_id, role_key=role_key, place=place, **period)
    return len(rows)


def _has_already(session: Session, actor: Actor, user_id: int, role_id: int, place: Place) -> bool:
    same = select(RoleAssignment.id).where(
        RoleAssignment.user_id == user_id,
        RoleAssignment.role_id == role_id,
        RoleAssignment.grid_id.is_not_distinct_from(place.grid_id),
        RoleAssignment.department_id.is_not_distinct_from(place.department_id),
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > actor.now),
    )
    return session.scalar(same) is not None


def _list_responsibilities(session: Session, holder: Holder, now: datetime) -> list[OpenItem]:
    if holder.kind != "user":
        return []
    live = or_(Responsibility.valid_to.is_(None), Responsibility.valid_to > now)
    query = select(Responsibility).where(Responsibility.user_id == holder.id, live).order_by(Responsibility.id)
    return [OpenItem(f"grid:{row.grid_id}", row.kind) for row in session.scalars(query)]


def _move_responsibilities(session: Session, actor: Actor, source: Holder, target: Holder) -> int:
    if source.kind != "user":
        return 0
    # What has ended is history: it says who was in charge then.
    live = or_(Responsibility.valid_to.is_(None), Responsibility.valid_to > actor.now)
    rows = session.scalars(select(Responsibility).where(Responsibility.user_id == source.id, live)).all()
    if rows:
        columns = ("agency_id", "grid_id", "kind", "team_id", "valid_from", "valid_to")
        values = [{**{name: getattr(row, name) for name in columns}, "user_id": target.id} for row in rows]
        query = insert(Responsibility)
        # One that the successor had long ago begins again; his own, still running, stays as it is.
        ended = Responsibility.valid_to <= actor.now
        period = {name: query.excluded[name] for name in ("valid_from", "valid_to")}
        key = ("agency_id", "grid_id", "kind", "user_id", "team_id")
        session.execute(query.on_conflict_do_update(index_elements=key, set_=period, where=ended), values)
        session.execute(delete(Responsibility).where(Responsibility.user_id == source.id, live))
    return len(rows)


def _list_teams(session: Session, holder: Holder, now: datetime) -> list[OpenItem]:  # noqa: ARG001  # a team has no period
    if holder.kind == "user":
        query = (
            select(Team.key, Team.name).join(TeamMember, TeamMember.team_id == Team.id).where(TeamMember.user_id == holder.id, Team.active)
        )
    else:
        query = select(Team.key, Team.name).where(Team.department_id == holder.id, Team.active)
    return [OpenItem(f"team:{row.key}", row.name) for row in session.execute(query.order_by(Team.key))]


def _move_teams(session: Session, actor: Actor, source: Holder, target: Holder) -> int:
    if source.kind == "department":
        moved = session.execute(update(Team).where(Team.department_id == source.id).values(department_id=target.id).returning(Team.id))
        return len(moved.all())
    rows = session.scalars(select(TeamMember).where(TeamMember.user_id == source.id)).all()
    if rows:
        values = [{"agency_id": actor.agency_id, "team_id": row.team_id, "user_id": target.id, "is_lead": row.is_lead} for row in rows]
        session.execute(insert(TeamMember).on_conflict_do_nothing(), values)
        session.execute(delete(TeamMember).where(TeamMember.user_id == source.id))
    return len(rows)


register_hand_over("assignments", _list_assignments, _move_assignments)
register_hand_over("responsibilities", _list_responsibilities, _move_responsibilities)
register_hand_over("teams", _list_teams, _move_teams)
