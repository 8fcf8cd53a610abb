"""The inbox and the channels over HTTP."""

from __future__ import annotations

from typing import Any

from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.lib.text import say
from core.notices import channels, service
from core.notices.schemas import ChannelBodySchema, ChannelListSchema, ChannelSchema, InboxQuery, InboxSchema
from core.notices.sender import Outside

routes = Routes("notices")


@routes.get("/me/notices", query=InboxQuery, answers={200: InboxSchema})
def my_notices(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List my notices, newest first."""
    mark = decode_cursor(query["after"], (int,))
    found = service.inbox(work.session, work.actor, before=mark[0] if mark else None, limit=query["limit"] + 1, unread=query["unread"])
    shown = found[: query["limit"]]
    return {
        "items": [
            {
                "id": one.id,
                "topic": one.topic,
                "subject": one.subject,
                "title": say(one.title, work.locale),
                "created_at": one.created_at,
                "read_at": one.read_at,
            }
            for one in shown
        ],
        "next": encode_cursor(shown[-1].id) if len(found) > len(shown) else None,
        "unread": service.count_unread(work.session, work.actor),
    }


@routes.put("/me/notices/<int:notice_id>/read", answers={204: None}, errors=(404,))
def read_notice(work: Work, notice_id: int) -> None:
    """Mark one of my notices as read."""
    service.mark_read(work.session, work.actor, notice_id)


@routes.put("/me/notices/read", answers={204: None})
def read_all_notices(work: Work) -> None:
    """Mark all my notices as read."""
    service.mark_all_read(work.session, work.actor)


@routes.get("/notice-channels", answers={200: ChannelListSchema})
def list_channels(work: Work) -> dict[str, Any]:
    """List the agency's ways to the outside; their addresses are not shown."""
    return {"items": [channels.shown(one) for one in channels.list_channels(work.session, work.actor)]}


@routes.post("/notice-channels", body=ChannelBodySchema, answers={201: ChannelSchema})
def add_channel(work: Work, body: dict[str, Any]) -> Answer:
    """Add a way to the outside: an Apprise URL of WeCom, DingTalk, Feishu, e-mail or a web hook, encrypted and to a public host."""
    return Answer(channels.shown(channels.add(work.session, work.actor, Outside.of(work.settings), **body)), 201)


@routes.delete("/notice-channels/<int:channel_id>", answers={204: None}, errors=(404,))
def remove_channel(work: Work, channel_id: int) -> None:
    """Remove a way to the outside."""
    channels.remove(work.session, work.actor, channel_id)
