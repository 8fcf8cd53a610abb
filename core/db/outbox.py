"""The outbox: what must happen after a commit, written in the same transaction.

The row is the truth; a Celery message is only a nudge, and the beat finds
again what a lost message forgot. A handler is registered by topic and may run
more than once: it must be idempotent.

A handler works inside the transaction that claims its message, so what it
writes and the message's end are one. Work that takes minutes is registered as
a job instead: it commits as it goes, no transaction waits for it, and a lock
that dies with its worker's connection keeps any other worker from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Index, SmallInteger, String, and_, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db.base import AgencyOwned, Base
from core.db.engine import Database
from core.db.types import UTCDateTime
from core.db.uow import unit_of_work

Handler = Callable[[Session, "Delivery"], None]
Unit = Callable[[], AbstractContextManager[Session]]
"""Opens a unit of work for the agency of a job; it commits at its end."""
Job = Callable[[Unit, "Delivery"], None]


class FailureHandler(Protocol):
    """Notes that a delivery failed, in the transaction that puts it off or gives it up."""

    def __call__(self, session: Session, delivery: Delivery, error: Exception, *, is_final: bool) -> None:
        """Keep the reason where people look for it."""


MAX_ATTEMPTS = 8
_BACK_OFF = timedelta(seconds=15)

_handlers: dict[str, Handler] = {}
_jobs: dict[str, Job] = {}
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
        if topic in _jobs or _handlers.get(topic, function) is not function:
            raise ValueError(f"outbox topic {topic!r} already has a handler")
        _handlers[topic] = function
        return function

    return register


def job(topic: str) -> Callable[[Job], Job]:
    """Register the decorated function as the job of ``topic``: it runs in units of work of its own, one job of an agency at a time.

    It must be able to go on where an earlier run of the same message stopped.
    """

    def register(function: Job) -> Job:
        if topic in _handlers or _jobs.get(topic, function) is not function:
            raise ValueError(f"outbox topic {topic!r} already has a handler")
        _jobs[topic] = function
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
    waiting = select(OutboxMessage).where(_is_due(now), OutboxMessage.topic.not_in(_jobs)).order_by(OutboxMessage.due_at)
    messages = session.scalars(waiting.limit(limit).with_for_update(skip_locked=True)).all()
    for message in messages:
        _deliver(session, _delivery(message, now))
    return len(messages)


def run_next_job(database: Database, agency_id: int, *, now: datetime) -> bool:
    """Run the agency's next due job to its end; False when none is due or another worker is at one."""
    if _next_job(database, agency_id, now) is None:
        return False
    with _alone(database, agency_id) as is_ours:
        # Looked up again: the worker before may have ended it between the two looks.
        delivery = _next_job(database, agency_id, now) if is_ours else None
        if delivery is None:
            return False
        raised: Exception | None = None
        try:
            _jobs[delivery.topic](partial(unit_of_work, database, agency_id), delivery)
        except Exception as error:  # noqa: BLE001  # whatever a job does, the message keeps the reason
            raised = error
        with unit_of_work(database, agency_id) as session:
            _note(session, delivery, raised)
    return True


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(OutboxMessage.state == "waiting", OutboxMessage.due_at <= now)


def _next_job(database: Database, agency_id: int, now: datetime) -> Delivery | None:
    with unit_of_work(database, agency_id) as session:
        waiting = select(OutboxMessage).where(_is_due(now), OutboxMessage.topic.in_(_jobs)).order_by(OutboxMessage.due_at, OutboxMessage.id)
        message = session.scalars(waiting.limit(1)).one_or_none()
        return None if message is None else _delivery(message, now)


@contextmanager
def _alone(database: Database, agency_id: int) -> Iterator[bool]:
    """Hold the agency's lock for jobs, outside of any transaction; yield whether it was free.

    It belongs to a connection of its own: when the worker is killed the server lets go of it at once.
    """
    with database.app_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = {"agency": agency_id}
        is_ours = connection.execute(text("SELECT pg_try_advisory_lock(:agency, hashtext('outbox.jobs'))"), name).scalar_one()
        try:
            yield is_ours
        finally:
            if is_ours:
                connection.execute(text("SELECT pg_advisory_unlock(:agency, hashtext('outbox.jobs'))"), name)


def _delivery(message: OutboxMessage, now: datetime) -> Delivery:
    return Delivery(message.id, message.agency_id, message.topic, message.payload, message.attempts, now)


def _deliver(session: Session, delivery: Delivery) -> None:
    raised: Exception | None = None
    try:
        with session.begin_nested():
            _handlers[delivery.topic](session, delivery)
    except Exception as error:  # noqa: BLE001  # whatever a handler does, the message keeps the reason and the rest goes on
        raised = error
    _note(session, delivery, raised)


def _note(session: Session, delivery: Delivery, error: Exception | None) -> None:
    """Write down how a delivery ended: done, to be tried again later, or given up."""
    outcome: dict[str, Any] = {"attempts": delivery.attempts + 1}
    if error is None:
        outcome |= {"state": "done", "done_at": delivery.now, "last_error": None}
    else:
        dead = delivery.attempts + 1 >= MAX_ATTEMPTS
        wait = _BACK_OFF * 2**delivery.attempts
        reason = f"{type(error).__name__}: {error}"[:2000]
        outcome |= {"state": "dead" if dead else "waiting", "due_at": delivery.now + wait, "last_error": reason}
        if delivery.topic in _failure_handlers:
            _failure_handlers[delivery.topic](session, delivery, error, is_final=dead)
    session.execute(
        update(OutboxMessage).where(OutboxMessage.agency_id == delivery.agency_id, OutboxMessage.id == delivery.id).values(outcome)
    )
