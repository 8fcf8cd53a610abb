"""Plugins whose definition files the last sync left out, kept where every process can read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.lib.text import Message, Title, msg
from core.pluginmanager.models import UnsoundPlugin

SHOWN = 20
"""So many problems of one plugin are kept word for word; of more the number is told, and ``wangge plugin check`` names all."""


def keep(session: Session, found: Mapping[str, Sequence[Title]], *, now: datetime) -> None:
    """Keep what a sync found wrong, by plugin; whatever was wrong before and is not in ``found`` is over."""
    session.execute(delete(UnsoundPlugin).where(UnsoundPlugin.plugin.not_in(found)))
    for plugin, problems in sorted(found.items()):
        values = {"problems": [dict(one) for one in problems[:SHOWN]], "count": len(problems)}
        session.execute(
            insert(UnsoundPlugin).values(plugin=plugin, since=now, **values).on_conflict_do_update(index_elements=["plugin"], set_=values)
        )


def list_unsound(session: Session) -> dict[str, UnsoundPlugin]:
    """Give what the last sync left out, by plugin."""
    return {one.plugin: one for one in session.scalars(select(UnsoundPlugin).order_by(UnsoundPlugin.plugin))}


def reason(found: UnsoundPlugin) -> Message:
    """Say in one sentence what is wrong: the first problem, with file, line and field, and how many there are in all."""
    return msg("pluginmanager.unsound", first=found.problems[0], count=found.count, plugin=found.plugin)
