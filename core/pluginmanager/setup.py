"""Switching a plugin on where nobody is asked for a right: seeding and ``wangge init``."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.authz import Actor
from core.pluginmanager import service
from core.pluginmanager.manager import plugins


def switch_on(session: Session, actor: Actor, plugin: str) -> None:
    """Switch ``plugin`` on for the actor's agency, its roles included."""
    service.switch(session, actor, plugins(), plugin, enabled=True)
