"""Writing notices, and sending them out with a state and retries for each receiver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db import outbox
from core.lib.errors import NotFound
from core.lib.text import msg, say
from core.notices.models import Notice, NoticeChannel, NoticeSending
from core.notices.sender import Outside, SendingFailed, send
from core.settings import Settings

SEND = "notices.send"


def tell(
    session: Session,
    *,
    agency_id: int,
    users: Iterable[int],
    topic: str,
    subject: str,
    title: Mapping[str, str],
    source: str,
    now: datetime,
) -> int:
    """Tell ``users`` something; the same ``source`` tells nobody twice. Give how many were newly told."""
    rows = [
        {
            "agency_id": agency_id,
            "user_id": user,
            "topic": topic,
            "subject": subject,
            "title": dict(title),
            "source": source,
            "created_at": now,
        }
        for user in sorted(set(users))
    ]
    if not rows:
        return 0
    told = session.execute(insert(Notice).values(rows).on_conflict_do_nothing().returning(Notice.id, Notice.user_id)).all()
    _queue(session, agency_id, {row.id: row.user_id for row in told}, topic, now)
    return len(told)


def _queue(session: Session, agency_id: int, told: Mapping[int, int], topic: str, now: datetime) -> None:
    """Queue one sending for each notice and channel that carries it."""
    if not told:
        return
    wanted = or_(NoticeChannel.topics == [], NoticeChannel.topics.contains([topic]))
    channels = session.scalars(
        select(NoticeChannel).where(
            NoticeChannel.active,
            NoticeChannel.for_residents.is_(False),
            wanted,
            or_(NoticeChannel.user_id.is_(None), NoticeChannel.user_id.in_(told.values())),
        )
    ).all()
    sendings = [
        {"agency_id": agency_id, "notice_id": notice, "channel_id": channel.id}
        for notice, user in told.items()
        for channel in channels
        if channel.user_id in (None, user)
    ]
    if not sendings:
        return
    queued = session.scalars(insert(NoticeSending).values(sendings).on_conflict_do_nothing().returning(NoticeSending.id)).all()
    for sending in queued:
        outbox.add(session, SEND, {"sending_id": sending}, agency_id=agency_id, due_at=now)


@outbox.handler(SEND)
def deliver(session: Session, delivery: outbox.Delivery) -> None:
    """Send one notice through one channel; a failure is kept on the sending and tried again later."""
    row = session.execute(
        select(NoticeSending, Notice, NoticeChannel)
        .join(Notice, (Notice.agency_id == NoticeSending.agency_id) & (Notice.id == NoticeSending.notice_id))
        .join(NoticeChannel, (NoticeChannel.agency_id == NoticeSending.agency_id) & (NoticeChannel.id == NoticeSending.channel_id))
        .where(NoticeSending.id == delivery.payload["sending_id"], NoticeSending.state != "sent")
    ).one_or_none()
    if row is None:
        return
    sending, notice, channel = row
    outside = Outside.of(Settings.from_env())
    url = outside.sealer.unseal(channel.sealed_url)
    send(url, title=say(notice.title, "zh_CN"), body=notice.subject.partition(":")[2], inside=outside.inside)
    session.execute(
        update(NoticeSending)
        .where(NoticeSending.agency_id == sending.agency_id, NoticeSending.id == sending.id)
        .values(state="sent", attempts=sending.attempts + 1, sent_at=delivery.now, last_error=None)
    )


@outbox.failure_handler(SEND)
def note_failure(session: Session, delivery: outbox.Delivery, error: Exception, *, is_final: bool) -> None:
    """Keep on the sending why it did not go out."""
    reason = str(error) if isinstance(error, SendingFailed) else type(error).__name__
    session.execute(
        update(NoticeSending)
        .where(NoticeSending.id == delivery.payload["sending_id"])
        .values(state="failed" if is_final else "waiting", attempts=NoticeSending.attempts + 1, last_error=reason[:500])
    )


def inbox(session: Session, actor: Actor, *, before: int | None, limit: int, unread: bool) -> Sequence[Notice]:
    """List the actor's own notices, newest first."""
    query = select(Notice).where(Notice.user_id == actor.user_id).order_by(Notice.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Notice.id < before)
    if unread:
        query = query.where(Notice.read_at.is_(None))
    return session.scalars(query).all()


def count_unread(session: Session, actor: Actor) -> int:
    """Count the actor's unread notices."""
    return session.scalar(select(func.count()).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None))) or 0


def mark_read(session: Session, actor: Actor, notice_id: int) -> None:
    """Mark one of the actor's notices as read; raise NotFound for anybody else's."""
    done: Any = session.execute(
        update(Notice)
        .where(Notice.agency_id == actor.agency_id, Notice.id == notice_id, Notice.user_id == actor.user_id)
        .values(read_at=func.coalesce(Notice.read_at, actor.now))
    )
    if done.rowcount == 0:
        raise NotFound(msg("notices.unknown"))


def mark_all_read(session: Session, actor: Actor) -> None:
    """Mark everything in the actor's inbox as read."""
    session.execute(update(Notice).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None)).values(read_at=actor.now))
