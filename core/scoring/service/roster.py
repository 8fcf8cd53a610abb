"""Who there is, kept in memory until the configuration changes: members, who holds which role, departments and teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, Department, Member, Post, RoleAssignment, Team, TeamMember
from core.db.base import User
from core.db.epoch import EpochCache
from core.lib.text import say
from core.scoring.types import Subject


@dataclass(frozen=True, slots=True)
class Holding:
    """One role held by one active member, from when until when."""

    user_id: int
    role: str
    valid_from: datetime | None
    valid_to: datetime | None

    def is_valid_at(self, at: datetime) -> bool:
        """Say whether the role was held at a moment; the end is not included."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True)
class Roster:
    """The people and bodies of an agency; ``kind_of_team`` by the team's id."""

    people: Mapping[int, Subject]
    departments: Mapping[int, Subject]
    teams: Mapping[int, Subject]
    posts: Mapping[int, Subject]
    department_of: Mapping[int, int]
    post_of: Mapping[int, int]
    teams_of: Mapping[int, tuple[int, ...]]
    holdings: tuple[Holding, ...]


_rosters: EpochCache[Roster] = EpochCache()


def roster_of(session: Session) -> Roster:
    """Give who there is in the session's agency, by what it is now."""
    return _rosters.get(session, getattr(session, "agency_id", None), lambda: _read(session))


def _read(session: Session) -> Roster:
    departments = _departments(session)
    members = session.execute(
        select(Member.user_id, User.first_name, Member.active, Member.department_id, Member.post_id)
        .join(User, User.id == Member.user_id)
        .order_by(Member.user_id)
    ).all()
    people = {}
    for row in members:
        home = departments.get(row.department_id)
        path = home.department_path if home is not None else None
        people[row.user_id] = Subject(
            "person", row.user_id, str(row.user_id), row.first_name, is_retired=not row.active, department_path=path
        )
    posts = session.scalars(select(Post).order_by(Post.key)).all()
    teams_of: dict[int, tuple[int, ...]] = {}
    for user_id, team_id in session.execute(select(TeamMember.user_id, TeamMember.team_id).order_by(TeamMember.team_id)):
        teams_of[user_id] = (*teams_of.get(user_id, ()), team_id)
    return Roster(
        people=people,
        departments=departments,
        teams=_teams(session),
        posts={post.id: Subject("post", post.id, post.key, say(post.title, "zh_CN"), is_retired=not post.active) for post in posts},
        department_of={row.user_id: row.department_id for row in members if row.department_id is not None},
        post_of={row.user_id: row.post_id for row in members if row.post_id is not None},
        teams_of=teams_of,
        holdings=_holdings(session),
    )


def _departments(session: Session) -> dict[int, Subject]:
    columns = (Department.id, Department.code, Department.name, Department.path, Department.parent_id, Department.kind, Department.active)
    return {
        row.id: Subject(
            "department", row.id, row.code, row.name, level=row.kind, path=row.path, parent=row.parent_id, is_retired=not row.active,
            department_path=row.path,
        )
        for row in session.execute(select(*columns).order_by(Department.code))
    }  # fmt: skip


def _teams(session: Session) -> dict[int, Subject]:
    query = select(Team.id, Team.key, Team.name, Team.kind, Team.active, Department.path).outerjoin(
        Department, and_(Department.agency_id == Team.agency_id, Department.id == Team.department_id)
    )
    return {
        row.id: Subject("team", row.id, row.key, row.name, level=row.kind, is_retired=not row.active, department_path=row.path)
        for row in session.execute(query.order_by(Team.key))
    }


def _holdings(session: Session) -> tuple[Holding, ...]:
    query = (
        select(RoleAssignment.user_id, AgencyRole.key, RoleAssignment.valid_from, RoleAssignment.valid_to)
        .join(AgencyRole, and_(AgencyRole.agency_id == RoleAssignment.agency_id, AgencyRole.id == RoleAssignment.role_id))
        .join(Member, and_(Member.agency_id == RoleAssignment.agency_id, Member.user_id == RoleAssignment.user_id))
        .where(Member.active)
    )
    return tuple(Holding(*row) for row in session.execute(query))
