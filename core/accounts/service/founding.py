"""Founding an agency so that somebody can act for it: tenant, administrator's role, first administrator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency, Member
from core.accounts.pinyin import sort_key
from core.accounts.service.agencies import create_agency, require_installation_admin
from core.accounts.service.assignments import assign_role
from core.accounts.service.roles import upsert_role
from core.audit import service as audit
from core.authz import Actor, known_rights
from core.db.base import User
from core.db.engine import set_agency
from core.lib.errors import Invalid
from core.lib.text import msg
from core.pluginmanager import plugins

ADMIN_ROLE = "administrator"
ADMIN_TITLE = {"zh_CN": "系统管理员", "en": "Administrator"}


def base_rights() -> list[str]:
    """List the rights of the base; a plugin's come with its own roles."""
    return sorted(key for key in known_rights() if key.partition(":")[0] not in plugins().manifests)


def found_agency(session: Session, actor: Actor, values: Mapping[str, Any]) -> Agency:
    """Make a tenant as an administrator of the installation, who becomes its first administrator.

    Raises Invalid and Conflict as :func:`create_agency` does.
    """
    require_installation_admin(session, actor)
    if actor.user_id is None:
        raise Invalid(msg("accounts.founder_missing"))
    origin = (values["origin_lon"], values["origin_lat"])
    chosen = {name: values[name] for name in ("time_zone", "scheme_key", "settings") if name in values}
    agency = create_agency(session, values["key"], values["title"], origin=origin, **chosen)
    audit.record(session, actor, "accounts:agency:created", subject=f"agency:{agency.key}", new={"key": agency.key})
    session.flush()
    connection = session.connection()
    # The rows of the new agency can only be written while the transaction acts for it; afterwards it acts for its own again.
    set_agency(connection, agency.id)
    _appoint(session, agency, actor)
    set_agency(connection, actor.agency_id)
    return agency


def _appoint(session: Session, agency: Agency, actor: Actor) -> None:
    founder = session.execute(select(User).where(User.id == actor.user_id)).scalar_one()
    inside = Actor(actor.user_id, agency.id, agency.key, actor.username, (), actor.now, request_id=actor.request_id, is_system=True)
    upsert_role(session, agency.id, ADMIN_ROLE, ADMIN_TITLE, base_rights(), from_definition=False)
    session.add(Member(agency_id=agency.id, user_id=founder.id, name_pinyin=sort_key(founder.name)))
    session.flush()
    assign_role(session, inside, user_id=founder.id, role_key=ADMIN_ROLE)


def appoint_administrator(session: Session, actor: Actor, user_id: int) -> None:
    """Give a member of the actor's agency the administrator's role, with every right of the base."""
    upsert_role(session, actor.agency_id, ADMIN_ROLE, ADMIN_TITLE, base_rights(), from_definition=False)
    assign_role(session, actor, user_id=user_id, role_key=ADMIN_ROLE)
