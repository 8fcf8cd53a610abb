"""Role definitions become the roles of an agency: when a plugin is switched on, and when its files change."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.accounts.service.roles import upsert_role
from core.authz import Actor
from core.definitions import store
from core.pluginmanager.service import follow_switching_on


@follow_switching_on
def bring_roles(session: Session, actor: Actor, plugin: str) -> int:
    """Write every current role definition of ``plugin`` into the actor's agency; give how many there are."""
    found = [version for version in store.list_current(session, "role") if version.key.partition(".")[0] == plugin]
    for version in found:
        content = version.content
        upsert_role(
            session,
            actor.agency_id,
            version.key,
            content["title"],
            content["rights"],
            content.get("excludes", ()),
            scope=content.get("scope", "agency"),
            requires_second_factor=bool(content.get("requires_second_factor")),
        )
    return len(found)
