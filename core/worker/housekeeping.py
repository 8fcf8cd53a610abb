"""Throwing away what has had its time: each package says for how long it keeps what, here it is only called."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from core.accounts.signin import service as sign_in
from core.db.engine import Database
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.health import access
from core.http import idempotency
from core.ledgers.exchange import jobs

log = logging.getLogger(__name__)

DELIVERED_KEPT = timedelta(days=30)
"""Delivered messages are kept this long, to answer what was done when; given-up ones until somebody looks."""


def forget_delivered(session: Session, *, now: datetime) -> None:
    """Delete the messages that were delivered long ago."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.state == "done", OutboxMessage.done_at < now - DELIVERED_KEPT))


OF_THE_INSTALLATION: list[Callable[..., object]] = [sign_in.forget_old]
OF_AN_AGENCY: list[Callable[..., object]] = [idempotency.forget_old, jobs.forget_old, forget_delivered]


def housekeep(database: Database, *, logs: Path, now: datetime) -> int:
    """Run every chore, each in its own transaction; one that fails is logged and stops no other. Returns how many failed."""
    access.forget_old(logs, now=now)
    with database.session(None) as session:
        agencies = list(session.scalars(text("SELECT id FROM agency ORDER BY id")))
    chores = [(None, chore) for chore in OF_THE_INSTALLATION]
    chores += [(agency_id, chore) for agency_id in agencies for chore in OF_AN_AGENCY]
    return sum(not _did(database, agency_id, chore, now) for agency_id, chore in chores)


def _did(database: Database, agency_id: int | None, chore: Callable[..., object], now: datetime) -> bool:
    try:
        with unit_of_work(database, agency_id) as session:
            chore(session, now=now)
    except Exception:  # whatever is wrong with one chore, the others are due too
        log.exception("housekeeping: %s of agency %s failed", chore.__qualname__, agency_id)
        return False
    return True
