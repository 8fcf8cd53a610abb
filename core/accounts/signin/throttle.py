"""How often somebody may try: counted in PostgreSQL, so that every process and machine sees the same.

A try is counted, and committed, *before* the password is looked at: tries sent
side by side cannot slip past the count. An unknown user name is counted like a
known one, so a lockout tells nothing about who exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.signin.models import SignInCount
from core.accounts.signin.seals import Seals
from core.lib.errors import TooMany
from core.lib.text import msg

WINDOW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)
TRIES_OF_USER = 5
TRIES_OF_ADDRESS = 60
"""Generous, for a whole office may sit behind one address."""


@dataclass(frozen=True)
class Count:
    """The tries of one name or address within its window."""

    tries: int
    window_started_at: datetime
    locked_until: datetime | None


def counted(before: Count | None, *, limit: int, now: datetime) -> Count:
    """Count one more try; the first one beyond ``limit`` locks, and while the lock lasts nothing is counted."""
    if before is not None and before.locked_until is not None:
        if before.locked_until > now:
            return before
        before = None
    if before is None or now - before.window_started_at >= WINDOW:
        before = Count(0, now, None)
    tries = before.tries + 1
    return Count(tries, before.window_started_at, now + LOCKED_FOR if tries > limit else None)


def begin_try(session: Session, seals: Seals, *, username: str, address: str, now: datetime) -> TooMany | None:
    """Count a try of this name from this address; give the refusal when either is locked.

    The caller commits before it looks at the password.
    """
    # Addresses first, always: two tries that share an address can then not wait for each other in a ring.
    waits = [
        _count(session, key, limit, now)
        for key, limit in ((_address_key(seals, address), TRIES_OF_ADDRESS), (_user_key(seals, username), TRIES_OF_USER))
    ]
    wait = max(waits)
    return _refusal(wait) if wait > timedelta() else None


def _refusal(wait: timedelta) -> TooMany:
    seconds = ceil(wait.total_seconds())
    refusal = TooMany(msg("accounts.too_many_tries", minutes=ceil(seconds / 60)), extra={"retry_after": seconds})
    refusal.headers["Retry-After"] = str(seconds)
    return refusal


def begin_visit(session: Session, seals: Seals, *, purpose: str, address: str, now: datetime) -> TooMany | None:
    """Count somebody without an account who tries a link of this ``purpose``; give the refusal when the address is locked.

    The caller commits before it looks at the link, and takes the visit back when the link is a good one.
    """
    wait = _count(session, _visit_key(seals, purpose, address), TRIES_OF_ADDRESS, now)
    return _refusal(wait) if wait > timedelta() else None


def take_back_visit(session: Session, seals: Seals, *, purpose: str, address: str) -> None:
    """Take one visit off its address."""
    key = _visit_key(seals, purpose, address)
    session.execute(update(SignInCount).where(SignInCount.key == key, SignInCount.tries > 0).values(tries=SignInCount.tries - 1))


def forgive(session: Session, seals: Seals, *, username: str, address: str) -> None:
    """Forget the tries of a name that signed in, and take this one off its address."""
    key = _address_key(seals, address)
    session.execute(update(SignInCount).where(SignInCount.key == key, SignInCount.tries > 0).values(tries=SignInCount.tries - 1))
    unlock(session, seals, username=username)


def unlock(session: Session, seals: Seals, *, username: str) -> None:
    """Forget the tries of a user name, and with them its lock."""
    session.execute(delete(SignInCount).where(SignInCount.key == _user_key(seals, username)))


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete counts whose window and lock are over."""
    session.execute(delete(SignInCount).where(SignInCount.window_started_at < now - WINDOW - LOCKED_FOR))


def _count(session: Session, key: str, limit: int, now: datetime) -> timedelta:
    """Count under the row's lock; give how long the key stays locked, zero when this try may go on."""
    empty = {"tries": 0, "window_started_at": now, "locked_until": None}
    row = session.execute(
        # An update that changes nothing locks the row; a new one is made in the same breath.
        insert(SignInCount)
        .values(key=key, **empty)
        .on_conflict_do_update(index_elements=["key"], set_={"key": key})
        .returning(SignInCount.tries, SignInCount.window_started_at, SignInCount.locked_until)
    ).one()
    after = counted(Count(*row), limit=limit, now=now)
    values = {"tries": after.tries, "window_started_at": after.window_started_at, "locked_until": after.locked_until}
    session.execute(update(SignInCount).where(SignInCount.key == key).values(values))
    return timedelta() if after.locked_until is None else after.locked_until - now


def _visit_key(seals: Seals, purpose: str, address: str) -> str:
    return f"{purpose}:{seals.digest(f'{purpose}:{address}').hex()}"


def _user_key(seals: Seals, username: str) -> str:
    return "user:" + seals.digest("user:" + username.strip().casefold()).hex()


def _address_key(seals: Seals, address: str) -> str:
    return "address:" + seals.digest("address:" + address).hex()
