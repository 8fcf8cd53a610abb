"""Sessions on the server's side: opened, seen, renewed and ended here, and nowhere else.

A cookie or a token is worth nothing without its row, so ending the row ends
both in every process at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.accounts.signin.models import AuthSession, SignInRecord
from core.accounts.signin.seals import ACCESS_LIFE, Claims, Seals

COOKIE_IDLE = timedelta(hours=12)
COOKIE_LIFE = timedelta(days=7)
REFRESH_LIFE = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=1)
RECORDS_KEPT = timedelta(days=184)
_ENDED_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Opening:
    """How a session begins."""

    kind: str
    """``cookie`` or ``token``."""
    renewable: bool = False
    second_factor: bool = False
    address: str = ""


def open_session(session: Session, seals: Seals, user_id: int, how: Opening, *, now: datetime) -> AuthSession:
    """Write a new session; a cookie lives while it is used, a token until it is out of date."""
    life = COOKIE_IDLE if how.kind == "cookie" else REFRESH_LIFE if how.renewable else ACCESS_LIFE
    opened = AuthSession(
        id=uuid4(),
        user_id=user_id,
        kind=how.kind,
        second_factor=how.second_factor,
        created_at=now,
        last_seen_at=now,
        expires_at=now + life,
        refresh_number=0,
        address_digest=seals.digest("address:" + how.address) if how.address else None,
    )
    session.add(opened)
    session.flush()
    return opened


def mark_seen(session: Session, session_id: UUID, *, now: datetime) -> None:
    """Write that the session is in use, and let a cookie live on; skipped when another request is just doing it."""
    free = select(AuthSession.id).where(AuthSession.id == session_id).with_for_update(skip_locked=True).scalar_subquery()
    session.execute(update(AuthSession).where(AuthSession.id == free, AuthSession.kind == "token").values(last_seen_at=now))
    session.execute(
        update(AuthSession)
        .where(AuthSession.id == free, AuthSession.kind == "cookie", AuthSession.created_at > now - COOKIE_LIFE)
        .values(last_seen_at=now, expires_at=now + COOKIE_IDLE)
    )


def end_session(session: Session, session_id: UUID, why: str, *, now: datetime) -> None:
    """End one session."""
    session.execute(
        update(AuthSession).where(AuthSession.id == session_id, AuthSession.revoked_at.is_(None)).values(revoked_at=now, revoked_why=why)
    )


def end_sessions_of(session: Session, user_id: int, why: str, *, now: datetime, but: UUID | None = None) -> int:
    """End every session of a user, all but ``but``; return how many."""
    query = update(AuthSession).where(AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None))
    if but is not None:
        query = query.where(AuthSession.id != but)
    ended = session.execute(query.values(revoked_at=now, revoked_why=why).returning(AuthSession.id))
    return len(ended.all())


def renew(session: Session, claims: Claims, *, now: datetime) -> AuthSession | None:
    """Count the refresh number up and give the session; a number already used ends it, for one of its two holders stole it.

    None means that the token is worth nothing; the caller commits all the same.
    """
    row = session.execute(select(AuthSession).where(AuthSession.id == claims.session_id).with_for_update()).scalar_one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= now or row.user_id != claims.user_id:
        return None
    if row.refresh_number != claims.refresh_number:
        end_session(session, row.id, "refresh_token_reused", now=now)
        return None
    row.refresh_number += 1
    row.last_seen_at = now
    row.expires_at = now + REFRESH_LIFE
    session.flush()
    return row


def record_try(session: Session, *, user_id: int | None, outcome: str, kind: str, address: str, now: datetime) -> None:
    """Write a finished try into the log of sign-ins."""
    session.add(SignInRecord(at=now, user_id=user_id, outcome=outcome, kind=kind, address=address[:60]))
    session.flush()


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete sessions long over, and records past their six months."""
    session.execute(delete(AuthSession).where(AuthSession.expires_at < now - _ENDED_KEPT))
    session.execute(delete(SignInRecord).where(SignInRecord.at < now - RECORDS_KEPT))
