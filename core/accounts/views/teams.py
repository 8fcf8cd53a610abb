"""Teams and responsibilities over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.accounts import service
from core.accounts.models import Responsibility, Team, TeamMember
from core.accounts.schemas import (
    NewResponsibilitySchema,
    NewTeamSchema,
    ResponsibilityPageSchema,
    ResponsibilityQuery,
    ResponsibilitySchema,
    TeamChangeSchema,
    TeamDetailSchema,
    TeamMembersSchema,
    TeamPageSchema,
)
from core.accounts.views.group import columns_of, read_page, routes
from core.http.paging import PageQuery
from core.http.routes import Answer
from core.http.work import Work

_COLUMNS = ("id", "uuid", "key", "name", "kind", "department_id", "active", "version")


@routes.get("/teams", answers={200: TeamPageSchema}, query=PageQuery)
def list_teams(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the teams that you may see, by name."""
    return read_page(work, service.visible_teams(work.actor), [Team.name_pinyin, Team.id], query, _write)


@routes.post("/teams", body=NewTeamSchema, answers={201: TeamDetailSchema}, errors=(409,))
def create_team(work: Work, body: dict[str, Any]) -> Answer:
    """Make a team."""
    team = service.create_team(work.session, work.actor, **body)
    return Answer(_write_whole(work, team), 201, etag=team.version)


@routes.get("/teams/<uuid:uuid>", answers={200: TeamDetailSchema})
def show_team(work: Work, uuid: UUID) -> Answer:
    """Show a team with its members."""
    return _answer(work, service.get_visible_team(work.session, work.actor, uuid))


@routes.patch("/teams/<uuid:uuid>", body=TeamChangeSchema, answers={200: TeamDetailSchema}, if_match=True)
def update_team(work: Work, uuid: UUID, body: dict[str, Any], version: int) -> Answer:
    """Change or retire a team."""
    team = service.get_visible_team(work.session, work.actor, uuid)
    return _answer(work, service.update_team(work.session, work.actor, team, body, version=version))


@routes.put("/teams/<uuid:uuid>/members", body=TeamMembersSchema, answers={200: TeamDetailSchema})
def set_team_members(work: Work, uuid: UUID, body: dict[str, Any]) -> Answer:
    """Say who makes up the whole team."""
    team = service.get_visible_team(work.session, work.actor, uuid)
    service.set_team_members(work.session, work.actor, team, {one["user_id"]: one["is_lead"] for one in body["members"]})
    return _answer(work, team)


@routes.get("/responsibilities", answers={200: ResponsibilityPageSchema}, query=ResponsibilityQuery)
def list_responsibilities(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List who is in charge of which grid."""
    wanted = service.visible_responsibilities(work.actor)
    for name in ("user_id", "grid_id"):
        if name in query:
            wanted = wanted.where(getattr(Responsibility, name) == query[name])
    return read_page(work, wanted, [Responsibility.id], query, _write_responsibility)


@routes.post("/responsibilities", body=NewResponsibilitySchema, answers={201: ResponsibilitySchema}, errors=(404, 409))
def take_charge(work: Work, body: dict[str, Any]) -> Answer:
    """Put a person or a team in charge of a grid."""
    return Answer(_write_responsibility(service.take_charge(work.session, work.actor, **body)), 201)


@routes.delete("/responsibilities/<int:number>", answers={204: None})
def give_up_charge(work: Work, number: int) -> None:
    """End a responsibility."""
    service.give_up_charge(work.session, work.actor, service.get_visible_responsibility(work.session, work.actor, number))


def _write(team: Team) -> dict[str, Any]:
    return columns_of(team, *_COLUMNS)


def _write_whole(work: Work, team: Team) -> dict[str, Any]:
    rows = work.session.execute(
        select(TeamMember.user_id, TeamMember.is_lead).where(TeamMember.team_id == team.id).order_by(TeamMember.user_id)
    )
    return {**_write(team), "members": [{"user_id": row.user_id, "is_lead": row.is_lead} for row in rows]}


def _write_responsibility(row: Responsibility) -> dict[str, Any]:
    return columns_of(row, "id", "grid_id", "kind", "user_id", "team_id", "valid_from", "valid_to")


def _answer(work: Work, team: Team) -> Answer:
    return Answer(_write_whole(work, team), etag=team.version)
