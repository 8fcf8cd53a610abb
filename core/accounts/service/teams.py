"""Teams, their members, and who is in charge of which grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.models import Member, Responsibility, Team, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.pinyin import sort_key
from core.accounts.service.assignments import Place, paths_of
from core.accounts.service.changes import Change, apply, record_change
from core.accounts.service.people import path_of_department
from core.authz import Actor, require, scope
from core.grid.service import succession
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg


def create_team(
    session: Session,
    actor: Actor,
    *,
    key: str,
    name: str,
    kind: str = "team",
    department_id: int | None = None,
    members: Collection[int] = (),
) -> Team:
    """Make a team of ``members`` (user ids); raise Conflict for a key in use and Invalid for somebody who is no member."""
    require(actor, AccountRight.TEAM_MANAGE, department_path=path_of_department(session, department_id))
    if session.scalar(select(Team.id).where(Team.key == key)) is not None:
        raise Conflict(msg("accounts.key_in_use", name=key))
    if department_id is not None and path_of_department(session, department_id) is None:
        raise Invalid(msg("accounts.no_such_department", code=department_id), path="department")
    team = Team(agency_id=actor.agency_id, key=key, name=name, name_pinyin=sort_key(name), kind=kind, department_id=department_id)
    session.add(team)
    session.flush()
    record_change(session, actor, "accounts:team:created", f"team:{key}", new={"name": name, "kind": kind})
    set_team_members(session, actor, team, dict.fromkeys(members, False))
    return team


def visible_teams(actor: Actor) -> Select[Team]:
    """Select the teams that the actor may see."""
    return select(Team).where(scope(actor, AccountRight.TEAM_READ).filter(None, Team.department_id))


def get_visible_team(session: Session, actor: Actor, uuid: UUID) -> Team:
    """Give a team; raise NotFound outside the actor's scope."""
    team = session.execute(visible_teams(actor).where(Team.uuid == uuid)).scalar_one_or_none()
    if team is None:
        raise NotFound(msg("accounts.no_such_team"))
    return team


def update_team(session: Session, actor: Actor, team: Team, changes: Mapping[str, Any], *, version: int) -> Team:
    """Change a team's name, kind or department, or retire it (``active``)."""
    require(actor, AccountRight.TEAM_MANAGE, department_path=path_of_department(session, team.department_id))
    values = dict(changes)
    if "department_id" in values:
        paths_of(session, Place(department_id=values["department_id"]))
        require(actor, AccountRight.TEAM_MANAGE, department_path=path_of_department(session, values["department_id"]))
    if "name" in values:
        values["name_pinyin"] = sort_key(values["name"])
    return apply(session, actor, team, Change("accounts:team:updated", f"team:{team.key}", values, version))


def set_team_members(session: Session, actor: Actor, team: Team, members: Mapping[int, bool]) -> None:
    """Make ``members`` (user id → leads it) the whole team; raise Invalid for somebody who is no active member of the agency."""
    require(actor, AccountRight.TEAM_MANAGE, department_path=path_of_department(session, team.department_id))
    known = set(session.scalars(select(Member.user_id).where(Member.user_id.in_(members), Member.active)))
    strangers = sorted(set(members) - known)
    if strangers:
        raise Invalid(msg("accounts.not_members", users=", ".join(map(str, strangers))), path="members")
    session.execute(delete(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id.not_in(members)))
    if members:
        rows = [
            {"agency_id": actor.agency_id, "team_id": team.id, "user_id": user_id, "is_lead": is_lead}
            for user_id, is_lead in members.items()
        ]
        query = insert(TeamMember).values(rows)
        changed = {"is_lead": query.excluded.is_lead}
        session.execute(query.on_conflict_do_update(index_elements=["agency_id", "team_id", "user_id"], set_=changed))
    record_change(session, actor, "accounts:team:members_set", f"team:{team.key}", new={"users": sorted(members)})


def take_charge(
    session: Session,
    actor: Actor,
    *,
    grid_id: int,
    kind: str,
    user_id: int | None = None,
    team_id: int | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Responsibility:
    """Put a member or a team in charge of a grid; doing it again changes the period.

    Raises Invalid unless exactly one of the two is named and is there.
    """
    grid_path, _ = paths_of(session, Place(grid_id=grid_id))
    require(actor, AccountRight.RESPONSIBILITY_MANAGE, grid_path=grid_path)
    _require_one_holder(session, user_id, team_id)
    same = (
        Responsibility.grid_id == grid_id,
        Responsibility.kind == kind,
        Responsibility.user_id.is_not_distinct_from(user_id),
        Responsibility.team_id.is_not_distinct_from(team_id),
    )
    row = session.execute(select(Responsibility).where(*same)).scalar_one_or_none()
    if row is None:
        row = Responsibility(agency_id=actor.agency_id, grid_id=grid_id, kind=kind, user_id=user_id, team_id=team_id)
        session.add(row)
    row.valid_from, row.valid_to = valid_from, valid_to
    session.flush()
    if succession.is_retired(session, grid_id):
        succession.follow_soon(session, actor)
    new = {"kind": kind, "user_id": user_id, "team_id": team_id}
    record_change(session, actor, "accounts:responsibility:taken", f"grid:{grid_id}", new=new)
    return row


def take_charges(session: Session, actor: Actor, *, kind: str, charges: Collection[tuple[int, int]]) -> int:
    """Put many members in charge of many grids at once, ``charges`` being (user id, grid id); give how many are new."""
    require(actor, AccountRight.RESPONSIBILITY_MANAGE)
    rows = [{"agency_id": actor.agency_id, "user_id": user_id, "grid_id": grid_id, "kind": kind} for user_id, grid_id in charges]
    if not rows:
        return 0
    made = session.execute(insert(Responsibility).on_conflict_do_nothing().returning(Responsibility.id), rows).all()
    record_change(session, actor, "accounts:responsibility:taken", f"kind:{kind}", new={"count": len(made)})
    return len(made)


def give_up_charge(session: Session, actor: Actor, row: Responsibility) -> None:
    """End a responsibility."""
    grid_path, _ = paths_of(session, Place(grid_id=row.grid_id))
    require(actor, AccountRight.RESPONSIBILITY_MANAGE, grid_path=grid_path)
    session.delete(row)
    session.flush()
    old = {"kind": row.kind, "user_id": row.user_id, "team_id": row.team_id}
    record_change(session, actor, "accounts:responsibility:given_up", f"grid:{row.grid_id}", old=old)


def visible_responsibilities(actor: Actor) -> Select[Responsibility]:
    """Select who is in charge of what, where the actor may see people."""
    return select(Responsibility).where(scope(actor, AccountRight.MEMBER_READ).filter(Responsibility.grid_id, None))


def get_visible_responsibility(session: Session, actor: Actor, number: int) -> Responsibility:
    """Give a responsibility; raise NotFound outside the actor's scope."""
    row = session.execute(visible_responsibilities(actor).where(Responsibility.id == number)).scalar_one_or_none()
    if row is None:
        raise NotFound(msg("accounts.no_such_responsibility"))
    return row


def _require_one_holder(session: Session, user_id: int | None, team_id: int | None) -> None:
    if (user_id is None) == (team_id is None):
        raise Invalid(msg("accounts.one_holder"), path="user_id")
    found = (
        session.scalar(select(Member.id).where(Member.user_id == user_id, Member.active))
        if user_id is not None
        else session.scalar(select(Team.id).where(Team.id == team_id, Team.active))
    )
    if found is None:
        raise Invalid(msg("accounts.one_holder"), path="user_id" if user_id is not None else "team_id")
