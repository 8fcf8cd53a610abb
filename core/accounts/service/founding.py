"""Founding an agency so that somebody can act for it: tenant, administrator's role, first administrator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.accounts.models import Agency, Member
from core.accounts.pinyin import sort_key
from core.accounts.service.agencies import acting_for, create_agency, require_installation_admin
from core.accounts.service.assignments import assign_role
from core.accounts.service.people import NewUser, create_user
from core.accounts.service.roles import upsert_role
from core.audit import service as audit
from core.authz import Actor, known_rights
from core.db.base import User
from core.lib.errors import Invalid
from core.lib.text import msg
from core.pluginmanager import plugins

ADMIN_ROLE = "administrator"
ADMIN_TITLE = {"zh_CN": "系统管理员", "en": "Administrator"}


def base_rights() -> list[str]:
    """List the rights of the base; a plugin's come with its own roles."""
    return sorted(key for key in known_rights() if key.partition(":")[0] not in plugins().manifests)


def found_installation(session: Session, values: Mapping[str, Any], administrator: NewUser, *, now: datetime) -> Agency:
    """Make the first agency with a person who administers it and the installation, in a transaction that acts for no agency.

    Raises Invalid as :func:`create_agency` and :func:`create_user` do.
    """
    agency = _create(session, values)
    with acting_for(session, agency, back_to=None):
        inside = Actor(None, agency.id, agency.key, "system", (), now, is_system=True)
        member = create_user(session, inside, administrator)
        appoint_administrator(session, inside, member.user_id)
        session.execute(update(User).where(User.id == member.user_id).values(is_installation_admin=True))
    return agency


def found_agency(session: Session, actor: Actor, values: Mapping[str, Any]) -> Agency:
    """Make a tenant as an administrator of the installation, who becomes its first administrator.

    Raises Invalid and Conflict as :func:`create_agency` does.
    """
    require_installation_admin(session, actor)
    if actor.user_id is None:
        raise Invalid(msg("accounts.founder_missing"))
    agency = _create(session, values)
    audit.record(session, actor, "accounts:agency:created", subject=f"agency:{agency.key}", new={"key": agency.key})
    with acting_for(session, agency, back_to=actor.agency_id):
        inside = Actor(actor.user_id, agency.id, agency.key, actor.username, (), actor.now, request_id=actor.request_id, is_system=True)
        founder = session.execute(select(User).where(User.id == actor.user_id)).scalar_one()
        session.add(Member(agency_id=agency.id, user_id=founder.id, name_pinyin=sort_key(founder.name)))
        session.flush()
        appoint_administrator(session, inside, founder.id)
    return agency


def _create(session: Session, values: Mapping[str, Any]) -> Agency:
    chosen = {name: values[name] for name in ("time_zone", "settings") if name in values}
    return create_agency(session, values["key"], values["title"], origin=(values["origin_lon"], values["origin_lat"]), **chosen)


def appoint_administrator(session: Session, actor: Actor, user_id: int) -> None:
    """Give a member of the actor's agency the administrator's role, with every right of the base."""
    upsert_role(session, actor.agency_id, ADMIN_ROLE, ADMIN_TITLE, base_rights(), from_definition=False)
    assign_role(session, actor, user_id=user_id, role_key=ADMIN_ROLE)
