"""Roles, rights and assignments over HTTP."""

from __future__ import annotations

from typing import Any

from core.accounts import service
from core.accounts.models import AgencyRole, RoleAssignment
from core.accounts.permissions import AccountRight
from core.accounts.schemas import (
    AssignmentPageSchema,
    AssignmentQuery,
    AssignmentSchema,
    NewAssignmentSchema,
    NewRoleSchema,
    RightListSchema,
    RoleChangeSchema,
    RolePageSchema,
    RoleSchema,
)
from core.accounts.views.group import columns_of, read_page, routes
from core.authz import known_rights, require_anywhere
from core.http.paging import PageQuery
from core.http.routes import Answer
from core.http.work import Work
from core.lib.text import say

_COLUMNS = ("key", "title", "rights", "excludes", "scope", "requires_second_factor", "from_definition", "active", "version")


@routes.get("/rights", answers={200: RightListSchema})
def list_rights(work: Work) -> dict[str, Any]:
    """List every right that a role may bundle."""
    require_anywhere(work.actor, AccountRight.ROLE_READ)
    return {
        "items": [
            {"key": key, "title": say(right.title, work.locale), "reads_personal_data": right.reads_personal_data}
            for key, right in sorted(known_rights().items())
        ]
    }


@routes.get("/roles", answers={200: RolePageSchema}, query=PageQuery)
def list_roles(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the agency's roles."""
    require_anywhere(work.actor, AccountRight.ROLE_READ)
    return read_page(work, service.visible_roles(work.actor), [AgencyRole.key], query, _write_role)


@routes.post("/roles", body=NewRoleSchema, answers={201: RoleSchema}, errors=(409,))
def create_role(work: Work, body: dict[str, Any]) -> Answer:
    """Make a role of the agency's own."""
    role = service.create_role(work.session, work.actor, body.pop("key"), body)
    return Answer(_write_role(role), 201, etag=role.version)


@routes.get("/roles/<key>", answers={200: RoleSchema})
def show_role(work: Work, key: str) -> Answer:
    """Show a role."""
    return _answer(service.get_visible_role(work.session, work.actor, key))


@routes.patch("/roles/<key>", body=RoleChangeSchema, answers={200: RoleSchema}, if_match=True)
def update_role(work: Work, key: str, body: dict[str, Any], version: int) -> Answer:
    """Change a role of the agency's own."""
    role = service.get_visible_role(work.session, work.actor, key)
    return _answer(service.update_role(work.session, work.actor, role, body, version=version))


@routes.delete("/roles/<key>", answers={200: RoleSchema}, if_match=True)
def retire_role(work: Work, key: str, version: int) -> Answer:
    """Take a role that nobody holds out of use."""
    role = service.get_visible_role(work.session, work.actor, key)
    return _answer(service.retire_role(work.session, work.actor, role, version=version))


@routes.get("/assignments", answers={200: AssignmentPageSchema}, query=AssignmentQuery)
def list_assignments(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List who holds which role where, as far as you may see it."""
    wanted = service.visible_assignments(work.actor)
    if "user_id" in query:
        wanted = wanted.where(RoleAssignment.user_id == query["user_id"])
    if "role" in query:
        wanted = wanted.where(AgencyRole.key == query["role"])
    return read_page(work, wanted, [RoleAssignment.id], query, _write_assignment)


@routes.post("/assignments", body=NewAssignmentSchema, answers={201: AssignmentSchema}, errors=(404, 409))
def assign_role(work: Work, body: dict[str, Any]) -> Answer:
    """Give a person a role at a place."""
    place = service.Place(body.pop("grid_id"), body.pop("department_id"))
    given = service.assign_role(work.session, work.actor, role_key=body["role"], user_id=body["user_id"], place=place,
                                valid_from=body["valid_from"], valid_to=body["valid_to"])  # fmt: skip
    return Answer(_write_assignment(given, work.session.get_one(AgencyRole, (given.agency_id, given.role_id))), 201)


@routes.delete("/assignments/<int:assignment_id>", answers={204: None})
def revoke_assignment(work: Work, assignment_id: int) -> None:
    """Take a role back."""
    service.revoke_assignment(work.session, work.actor, service.get_visible_assignment(work.session, work.actor, assignment_id))


def _write_role(role: AgencyRole) -> dict[str, Any]:
    return columns_of(role, *_COLUMNS)


def _write_assignment(given: RoleAssignment, role: AgencyRole) -> dict[str, Any]:
    return {**columns_of(given, "id", "user_id", "grid_id", "department_id", "valid_from", "valid_to"), "role": role.key}


def _answer(role: AgencyRole) -> Answer:
    return Answer(_write_role(role), etag=role.version)
