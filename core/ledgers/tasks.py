"""What runs in the background: imports, when their outbox message is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import outbox, uow
from core.db.engine import AgencySession
from core.ledgers.exchange.jobs import TOPIC
from core.ledgers.exchange.running import run_import


@outbox.handler(TOPIC)
def deliver_import(session: Session, delivery: outbox.Delivery) -> None:
    """Run the import of a message, in transactions of its own.

    The message's own transaction holds it meanwhile: a worker that is killed
    lets go of it, and the next one goes on where the import had come to.
    """
    run_import(unit_of(session, delivery.agency_id), int(delivery.payload["import_job_id"]), now=delivery.now)


def unit_of(session: Session, agency_id: int) -> Any:
    """Give a way to open units of work beside ``session``, on other connections of its engine."""
    bind = session.get_bind()
    engine = bind if isinstance(bind, Engine) else bind.engine

    @contextmanager
    def unit() -> Iterator[Session]:
        with AgencySession(engine, agency_id=agency_id) as opened:
            yield opened
            uow.commit(opened)

    def opened_unit() -> AbstractContextManager[Session]:
        return unit()

    return opened_unit
