"""The configuration epoch: one number that every process compares before it trusts a cache.

Whatever changes configuration (an assignment, a grid, a definition, a plugin
switch) bumps it in the same transaction; a process that meets a newer number
drops what it had derived from the older one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from sqlalchemy import BigInteger, event, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db.base import Base

Value = TypeVar("Value")


class ConfigurationEpoch(Base):
    """The single row that counts changes of configuration."""

    __tablename__ = "configuration_epoch"
    __config_scope__ = "runtime"
    __grants__ = "SELECT, UPDATE"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


def epoch(session: Session) -> int:
    """Read the present epoch, once a transaction (the request reads it with its sign-in)."""
    known: int | None = session.info.get("epoch")
    if known is None:
        known = session.info["epoch"] = session.scalar(select(ConfigurationEpoch.value)) or 0
    return known


def bump(session: Session) -> None:
    """Count a change of configuration; it becomes visible with the commit.

    The one row is written as the last thing before the commit, so that a long
    transaction does not keep every other change of configuration waiting.
    """
    session.connection()  # the count is made by the session's own commit, which needs a transaction that the session knows of
    session.info.pop("epoch", None)
    session.info["epoch_bumped"] = True


def is_moving(session: Session) -> bool:
    """Say whether the session has changed configuration in a transaction that it has not committed yet."""
    return "epoch_bumped" in session.info


@event.listens_for(Session, "before_commit")
def _count(session: Session) -> None:
    if session.info.get("epoch_bumped") and not session.in_nested_transaction():
        session.flush()
        session.execute(update(ConfigurationEpoch).values(value=ConfigurationEpoch.value + 1))
        _forget(session)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("epoch_bumped", None)
    session.info.pop("epoch", None)


_caches: WeakSet[EpochCache[Any]] = WeakSet()


def forget_all() -> None:
    """Drop what every cache holds: for tests, whose rolled-back transactions give one epoch to many configurations."""
    for cache in list(_caches):
        cache.forget()


class EpochCache(Generic[Value]):
    """A process-wide cache whose entries live until the epoch moves."""

    def __init__(self) -> None:
        # Both at once, so that whoever reads without the lock never pairs one's number with another's entries.
        self._state: tuple[int, dict[Hashable, Value]] = (-1, {})
        self._lock = Lock()
        _caches.add(self)

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._state = (-1, {})

    def get(self, session: Session, key: Hashable, make: Callable[[], Value]) -> Value:
        """Give the entry of ``key``, made anew when the configuration has changed."""
        if "epoch_bumped" in session.info:
            return make()  # its number may be rolled back and given to another change: nothing made here may be kept
        present = epoch(session)
        of, entries = self._state
        if of != present:
            entries = self._turn(present)
        elif key in entries:
            return entries[key]
        value = make()
        entries[key] = value  # of an epoch that has passed meanwhile, nobody reads it
        return value

    def _turn(self, present: int) -> dict[Hashable, Value]:
        """Begin with nothing at another epoch."""
        with self._lock:
            if self._state[0] != present:
                self._state = (present, {})
            return self._state[1]
