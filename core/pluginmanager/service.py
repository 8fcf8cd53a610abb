"""Switching plugins on and off for an agency."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere
from core.db import epoch
from core.lib.errors import NotFound
from core.lib.text import msg
from core.pluginmanager.manager import Plugins
from core.pluginmanager.models import AgencyPlugin
from core.pluginmanager.permissions import PluginRight

Follower = Callable[[Session, Actor, str], object]
_followers: list[Follower] = []


def follow_switching_on(follower: Follower) -> Follower:
    """Register (as a decorator) what must be made ready when an agency switches a plugin on, such as its roles."""
    if follower not in _followers:
        _followers.append(follower)
    return follower


def switch(session: Session, actor: Actor, found: Plugins, plugin: str, *, enabled: bool) -> None:
    """Switch ``plugin`` on or off for the actor's agency, at once in every process; off loses no data."""
    require_anywhere(actor, PluginRight.SWITCH)
    if plugin not in found.manifests:
        raise NotFound(msg("pluginmanager.unknown", plugin=plugin))
    values = {"enabled": enabled, "changed_at": actor.now, "changed_by_id": actor.user_id}
    session.execute(
        insert(AgencyPlugin)
        .values(agency_id=actor.agency_id, plugin=plugin, **values)
        .on_conflict_do_update(index_elements=["agency_id", "plugin"], set_=values)
    )
    epoch.bump(session)
    if enabled:
        for follower in _followers:
            follower(session, actor, plugin)
    audit.record(session, actor, f"core:plugin:switched_{'on' if enabled else 'off'}", subject=f"plugin:{plugin}")
