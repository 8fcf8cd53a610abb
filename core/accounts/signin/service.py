"""The rules of signing in, of one's own password and of one's own second factor.

A refused sign-in must leave its traces, so these functions return the refusal
instead of raising it: the caller commits, then raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.accounts.signin import passwords, recovery_codes, second_factor, sessions, throttle
from core.accounts.signin.models import AuthSession
from core.accounts.signin.seals import Claims, Seals
from core.db.base import User
from core.lib.errors import Invalid, Unauthenticated
from core.lib.text import msg


@dataclass(frozen=True)
class Attempt:
    """What somebody sent to sign in. ``repr`` shows no secret."""

    username: str
    password: str
    code: str | None
    kind: str
    """``cookie`` or ``token``."""
    address: str
    renewable: bool = False

    def __repr__(self) -> str:
        return f"Attempt(kind={self.kind!r})"


@dataclass(frozen=True)
class SignedIn:
    """A sign-in that held."""

    user_id: int
    username: str
    name: str
    locale: str | None
    must_change_password: bool
    claims: Claims
    opened: AuthSession


def sign_in(session: Session, seals: Seals, attempt: Attempt, *, now: datetime) -> SignedIn | Unauthenticated:
    """Check a counted try; the answer to a wrong name, a wrong password and a closed account is the same, and takes as long."""
    user = session.execute(select(User).where(User.username == attempt.username.strip())).scalar_one_or_none()
    known = passwords.is_password(user.password if user else None, attempt.password)
    if user is None or not known or not user.active:
        outcome = "unknown_user" if user is None else "wrong_password" if not known else "closed_account"
        _record(session, attempt, user, outcome, now)
        return Unauthenticated(msg("accounts.wrong_sign_in"))
    proven = second_factor.is_enrolled(session, user.id)
    if proven and not attempt.code:
        _record(session, attempt, user, "code_missing", now)
        return Unauthenticated(msg("accounts.code_needed"), extra={"second_factor": True})
    if proven and not second_factor.is_code(session, seals, user_id=user.id, code=attempt.code or "", now=now):
        _record(session, attempt, user, "wrong_code", now)
        return Unauthenticated(msg("accounts.wrong_code"), extra={"second_factor": True})
    if proven and recovery_codes.is_recovery_code(attempt.code or ""):
        _record(session, attempt, user, "recovery_code_used", now)
    return _admit(session, seals, attempt, user, proven=proven, now=now)


def _admit(session: Session, seals: Seals, attempt: Attempt, user: User, *, proven: bool, now: datetime) -> SignedIn | Unauthenticated:
    changes = {"last_login": now.astimezone(UTC).replace(tzinfo=None), "login_count": func.coalesce(User.login_count, 0) + 1}
    if passwords.is_outdated(user.password):
        changes["password"] = passwords.hash_password(attempt.password)
    # Locks the row, and holds only if nobody changed the password or closed the account while it was being checked.
    same = (User.id == user.id, User.password == user.password, User.active)
    held = session.execute(update(User).where(*same).values(changes).returning(User.id).execution_options(synchronize_session=False))
    if held.scalar() is None:
        return Unauthenticated(msg("accounts.wrong_sign_in"))
    throttle.forgive(session, seals, username=attempt.username, address=attempt.address)
    how = sessions.Opening(attempt.kind, renewable=attempt.renewable, second_factor=proven, address=attempt.address)
    opened = sessions.open_session(session, seals, user.id, how, now=now)
    _record(session, attempt, user, "signed_in", now)
    claims = Claims(user.id, opened.id, user.home_agency_id)
    return SignedIn(user.id, user.username, user.name, user.locale, user.must_change_password, claims, opened)


def _record(session: Session, attempt: Attempt, user: User | None, outcome: str, now: datetime) -> None:
    user_id = None if user is None else user.id
    sessions.record_try(session, user_id=user_id, outcome=outcome, kind=attempt.kind, address=attempt.address, now=now)


def renew(session: Session, claims: Claims, *, now: datetime) -> Claims | Unauthenticated:
    """Trade a refresh token for the next one; one that was used before ends the session."""
    row = sessions.renew(session, claims, now=now)
    user = None if row is None else session.execute(select(User).where(User.id == row.user_id, User.active)).scalar_one_or_none()
    if row is None or user is None:
        return Unauthenticated(msg("accounts.not_signed_in"))
    return Claims(user.id, row.id, user.home_agency_id, row.refresh_number)


def find_user_by_password(session: Session, username: str, password: str) -> int | None:
    """Give the id of the active user with this name and password and without a second factor; None in the same time otherwise."""
    user = session.execute(select(User).where(User.username == username.strip())).scalar_one_or_none()
    known = passwords.is_password(user.password if user else None, password)
    if user is None or not known or not user.active or second_factor.is_enrolled(session, user.id):
        return None
    return int(user.id)


def is_own_password(session: Session, user_id: int, password: str) -> bool:
    """Check the password of somebody who is signed in already."""
    return passwords.is_password(session.scalar(select(User.password).where(User.id == user_id)), password)


def change_own_password(session: Session, user_id: int, *, new: str, current: str, but: UUID, now: datetime) -> None:
    """Set one's own password after the current one was checked; every other session ends.

    Raises Invalid when the new one breaks the policy or is the current one.
    """
    if new == current:
        raise Invalid(msg("accounts.password_same"), path="password")
    set_password(session, user_id, new, must_change=False, why="password_changed", but=but, now=now)


def set_password(
    session: Session, user_id: int, password: str, *, must_change: bool, why: str, now: datetime, but: UUID | None = None
) -> None:
    """Set a password that obeys the policy, whoever asks: the command line too. Ends the user's sessions but ``but``."""
    user = session.execute(select(User).where(User.id == user_id).with_for_update()).scalar_one()
    passwords.check_policy(password, username=user.username)
    user.password, user.password_changed_at, user.must_change_password = passwords.hash_password(password), now, must_change
    session.flush()
    sessions.end_sessions_of(session, user_id, why, now=now, but=but)


def disable_second_factor(session: Session, user_id: int, *, now: datetime, but: UUID | None = None) -> None:
    """Forget a second factor, and end the sessions that it had opened but ``but``, which counts as unproven from now on."""
    second_factor.disable(session, user_id)
    sessions.end_sessions_of(session, user_id, "second_factor_disabled", now=now, but=but)
    session.execute(update(AuthSession).where(AuthSession.user_id == user_id).values(second_factor=False))


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete what signing in no longer needs: counts and sessions that are over, records past their six months."""
    throttle.forget_old(session, now=now)
    sessions.forget_old(session, now=now)
