"""Roles: bundles of rights of one agency."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, false, select, true
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, RoleAssignment
from core.accounts.permissions import AccountRight
from core.accounts.service.changes import Change, apply, lock_for, record_change
from core.accounts.types import SCOPES
from core.authz import Actor, known_rights, require
from core.db import epoch
from core.lib.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from core.lib.text import Title, msg

_KEY = re.compile(r"^[a-z][a-z0-9_.]{1,119}$")


def upsert_role(  # noqa: PLR0913  # what a role definition says, by name
    session: Session,
    agency_id: int,
    key: str,
    title: Title,
    rights: Sequence[str],
    excludes: Collection[str] = (),
    *,
    scope: str = "agency",
    requires_second_factor: bool = False,
    from_definition: bool = True,
) -> AgencyRole:
    """Write a role of an agency as its definition says; nobody is asked for a right.

    Raises Invalid for a right that is not registered and Conflict when
    somebody holds two roles that would now exclude each other.
    """
    values = _checked(
        {
            "title": dict(title),
            "rights": sorted(set(rights)),
            "excludes": sorted(set(excludes)),
            "scope": scope,
            "requires_second_factor": requires_second_factor,
            "from_definition": from_definition,
            "active": True,
        },
        key,
    )
    role = session.execute(select(AgencyRole).where(AgencyRole.agency_id == agency_id, AgencyRole.key == key)).scalar_one_or_none()
    if role is None:
        role = AgencyRole(agency_id=agency_id, key=key, **values)
        session.add(role)
    elif any(getattr(role, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(role, name, value)
        role.version += 1
    else:
        return role
    session.flush()
    _require_no_double_holder(session, role)
    epoch.bump(session)
    return role


def create_role(session: Session, actor: Actor, key: str, values: Mapping[str, Any]) -> AgencyRole:
    """Make a role of the agency's own; the actor must hold every right in it everywhere, or administer the agency."""
    require(actor, AccountRight.ROLE_MANAGE)
    if not _KEY.match(key):
        raise Invalid(msg("accounts.bad_key", name=key), path="key")
    require_held(actor, values["rights"])
    lock_for(session, actor, "roles")
    if session.scalar(select(AgencyRole.id).where(AgencyRole.key == key)) is not None:
        raise Conflict(msg("accounts.key_in_use", name=key))
    role = upsert_role(session, actor.agency_id, key, **values, from_definition=False)
    record_change(session, actor, "accounts:role:created", f"role:{key}", new=dict(values))
    return role


def update_role(session: Session, actor: Actor, role: AgencyRole, changes: Mapping[str, Any], *, version: int) -> AgencyRole:
    """Change a role of the agency's own; raises Conflict for one that a definition file keeps."""
    require(actor, AccountRight.ROLE_MANAGE)
    if role.from_definition:
        raise Conflict(msg("accounts.role_from_definition", name=role.key))
    values = _checked(dict(changes), role.key)
    # Changing a role gives or takes for all its holders: both what it had and what it gets must be the actor's to give.
    require_held(actor, {*role.rights, *values.get("rights", ())})
    saved = apply(session, actor, role, Change("accounts:role:updated", f"role:{role.key}", values, version))
    _require_no_double_holder(session, saved)
    return saved


def retire_role(session: Session, actor: Actor, role: AgencyRole, *, version: int) -> AgencyRole:
    """Take a role out of use; raise Conflict while somebody holds it."""
    require(actor, AccountRight.ROLE_MANAGE)
    if role.from_definition:
        raise Conflict(msg("accounts.role_from_definition", name=role.key))
    if session.scalar(select(RoleAssignment.id).where(RoleAssignment.role_id == role.id).limit(1)) is not None:
        raise Conflict(msg("accounts.role_in_use", name=role.key))
    return apply(session, actor, role, Change("accounts:role:retired", f"role:{role.key}", {"active": False}, version))


def visible_roles(actor: Actor) -> Select[AgencyRole]:
    """Select the agency's roles, for whoever may read roles anywhere in it."""
    may = actor.is_system or bool(actor.by_right.get(AccountRight.ROLE_READ))
    return select(AgencyRole).where(AgencyRole.active, true() if may else false())


def get_visible_role(session: Session, actor: Actor, key: str) -> AgencyRole:
    """Give a role by its key; raise NotFound."""
    role = session.execute(visible_roles(actor).where(AgencyRole.key == key)).scalar_one_or_none()
    if role is None:
        raise NotFound(msg("accounts.no_such_role", name=key))
    return role


def require_held(actor: Actor, rights: Collection[str], *, grid_path: str | None = None, department_path: str | None = None) -> None:
    """Raise Forbidden when one of ``rights`` is not the actor's own at this place: nobody gives what he has not.

    Who administers the agency may give anything in it.
    """
    if actor.may(AccountRight.AGENCY_ADMINISTER):
        return
    missing = sorted(right for right in rights if not actor.may(right, grid_path=grid_path, department_path=department_path))
    if missing:
        raise Forbidden(msg("accounts.right_not_held", rights=", ".join(missing)))


def _checked(values: dict[str, Any], key: str) -> dict[str, Any]:
    unknown = [right for right in values.get("rights", ()) if right not in known_rights()]
    if unknown:
        raise Invalid.many([FieldError("rights", msg("accounts.unknown_right", right=right)) for right in unknown])
    if values.get("scope", "agency") not in SCOPES:
        raise Invalid(msg("accounts.bad_scope"), path="scope")
    if key in values.get("excludes", ()):
        raise Invalid(msg("accounts.role_excludes_itself"), path="excludes")
    return values


def _require_no_double_holder(session: Session, role: AgencyRole) -> None:
    held = select(RoleAssignment.user_id).where(RoleAssignment.role_id == role.id)
    others = (
        select(AgencyRole.key, RoleAssignment.user_id)
        .join(RoleAssignment, RoleAssignment.role_id == AgencyRole.id)
        .where(AgencyRole.key.in_(role.excludes), RoleAssignment.user_id.in_(held))
    )
    clash = session.execute(others.limit(1)).one_or_none()
    if clash is not None:
        raise Conflict(msg("accounts.roles_held_together", role=role.key, other=clash.key), extra={"user_id": clash.user_id})
