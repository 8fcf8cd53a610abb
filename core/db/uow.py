"""The unit of work: one transaction, committed once, side effects after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from core.db.engine import Database


@contextmanager
def unit_of_work(database: Database, agency_id: int | None) -> Iterator[Session]:
    """Yield a session for ``agency_id``; commit once at the end, or roll everything back."""
    with database.session(agency_id) as session:
        yield session
        commit(session)


def after_commit(session: Session, effect: Callable[[], None]) -> None:
    """Remember ``effect`` to be run once the transaction has been committed."""
    session.info.setdefault("after_commit", []).append(effect)


def commit(session: Session) -> None:
    """Commit ``session`` and run what was waiting for it."""
    session.commit()
    for effect in session.info.pop("after_commit", []):
        effect()
