"""An agency's ways to the outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere
from core.lib.errors import NotFound
from core.lib.text import msg
from core.notices.models import NoticeChannel
from core.notices.outside import has_place_for_number, with_number
from core.notices.permissions import NoticeRight
from core.notices.sender import Outside, kind_of


def list_channels(session: Session, actor: Actor) -> Sequence[NoticeChannel]:
    """List the agency's channels."""
    require_anywhere(actor, NoticeRight.MANAGE_CHANNELS)
    return session.scalars(select(NoticeChannel).order_by(NoticeChannel.id)).all()


def add(session: Session, actor: Actor, outside: Outside, *, title: str, url: str, topics: list[str]) -> NoticeChannel:
    """Add a channel for the whole agency; raise Invalid for a URL that Apprise does not know, or where no notice may go.

    One with ``{phone}`` in its URL reaches people without an account.
    """
    require_anywhere(actor, NoticeRight.MANAGE_CHANNELS)
    channel = NoticeChannel(
        agency_id=actor.agency_id,
        title=title,
        kind=kind_of(with_number(url, "13800000000"), outside.inside),
        sealed_url=outside.sealer.seal(url),
        topics=topics,
        active=True,
        for_residents=has_place_for_number(url),
        created_at=actor.now,
    )
    session.add(channel)
    session.flush()
    audit.record(
        session, actor, "notices:channel:added", subject=f"notice_channel:{channel.id}", new={"title": title, "kind": channel.kind}
    )
    return channel


def remove(session: Session, actor: Actor, channel_id: int) -> None:
    """Remove a channel; notices on their way through it are not sent."""
    require_anywhere(actor, NoticeRight.MANAGE_CHANNELS)
    done: Any = session.execute(delete(NoticeChannel).where(NoticeChannel.agency_id == actor.agency_id, NoticeChannel.id == channel_id))
    if done.rowcount == 0:
        raise NotFound(msg("notices.unknown_channel"))
    audit.record(session, actor, "notices:channel:removed", subject=f"notice_channel:{channel_id}")


def shown(channel: NoticeChannel) -> dict[str, Any]:
    """Show a channel without its address."""
    return {
        "id": channel.id,
        "title": channel.title,
        "kind": channel.kind,
        "topics": channel.topics,
        "active": channel.active,
        "for_residents": channel.for_residents,
    }
