"""The outbox: what must happen after a commit, written in the same transaction.

The row is the truth; a Celery message is only a nudge, and the beat finds
again what a lost message forgot. A handler is registered by topic and may run
more than once: it must be idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Index, SmallInteger, String, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db.base import AgencyOwned, Base
from core.db.types import UTCDateTime

Handler = Callable[[Session, "Delivery"], None]


class FailureHandler(Protocol):
    """Notes that a delivery failed, in the transaction that puts it off or gives it up."""

    def __call__(self, session: Session, delivery: Delivery, error: Exception, *, is_final: bool) -> None:
        """Keep the reason where people look for it."""


MAX_ATTEMPTS = 8
_BACK_OFF = timedelta(seconds=15)

_handlers: dict[str, Handler] = {}
_failure_handlers: dict[str, FailureHandler] = {}


class OutboxMessage(AgencyOwned, Base):
    """One thing to be done after the commit that wrote it."""

    __tablename__ = "outbox"
    __config_scope__ = "runtime"
    __scan_columns__ = ("agency_id", "id", "due_at", "state")
    __table_args__ = (Index("ix_outbox_waiting", "due_at", postgresql_where=text("state = 'waiting'")),)

    topic: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(12), server_default="waiting")  # waiting, done, dead
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_error: Mapped[str | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=text("now()"))
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Delivery:
    """A message as its handler sees it."""

    id: int
    agency_id: int
    topic: str
    payload: Mapping[str, Any]
    attempts: int
    now: datetime


def handler(topic: str) -> Callable[[Handler], Handler]:
    """Register the decorated function for ``topic``; two handlers of one topic are a mistake."""

    def register(function: Handler) -> Handler:
        if topic in _handlers and _handlers[topic] is not function:
            raise ValueError(f"outbox topic {topic!r} already has a handler")
        _handlers[topic] = function
        return function

    return register


def failure_handler(topic: str) -> Callable[[FailureHandler], FailureHandler]:
    """Register the decorated function to be told of each failed delivery of ``topic``."""

    def register(function: FailureHandler) -> FailureHandler:
        _failure_handlers[topic] = function
        return function

    return register


def add(session: Session, topic: str, payload: Mapping[str, Any], *, agency_id: int, due_at: datetime) -> None:
    """Write a message into the transaction of ``session``; it is delivered at or after ``due_at``."""
    session.execute(insert(OutboxMessage).values(agency_id=agency_id, topic=topic, payload=dict(payload), due_at=due_at))


def deliver_due(session: Session, *, now: datetime, limit: int = 50) -> int:
    """Claim and handle up to ``limit`` due messages of the session's agency, each in a savepoint.

    Claims skip rows that another worker holds. A handler that raises leaves
    its message waiting with a growing delay, and after ``MAX_ATTEMPTS`` dead,
    with the error kept for ``wangge task list``. Returns how many were claimed.
    """
    waiting = (
        select(OutboxMessage)
        .where(OutboxMessage.state == "waiting", OutboxMessage.due_at <= now)
        .order_by(OutboxMessage.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    messages = session.scalars(waiting).all()
    for message in messages:
        _deliver(session, message, now)
    return len(messages)


def _deliver(session: Session, message: OutboxMessage, now: datetime) -> None:
    delivery = Delivery(message.id, message.agency_id, message.topic, message.payload, message.attempts, now)
    try:
        with session.begin_nested():
            _handlers[message.topic](session, delivery)
        outcome: dict[str, Any] = {"state": "done", "done_at": now, "last_error": None}
    except Exception as error:  # noqa: BLE001  # whatever a handler does, the message keeps the reason and the rest goes on
        dead = message.attempts + 1 >= MAX_ATTEMPTS
        wait = _BACK_OFF * 2**message.attempts
        outcome = {"state": "dead" if dead else "waiting", "due_at": now + wait, "last_error": f"{type(error).__name__}: {error}"[:2000]}
        if message.topic in _failure_handlers:
            _failure_handlers[message.topic](session, delivery, error, is_final=dead)
    outcome["attempts"] = message.attempts + 1
    session.execute(
        update(OutboxMessage).where(OutboxMessage.agency_id == message.agency_id, OutboxMessage.id == message.id).values(outcome)
    )
