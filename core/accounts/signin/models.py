"""The tables of signing in: sessions, failures, the log of sign-ins, second factors.

They are the installation's, not an agency's: who somebody is must be known
before the agency is. No secret is stored here in a form that could be used.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime

_ADDRESS = {"why": "misuse of a sign-in must be traceable", "kept": "six months", "erased": "emptied"}


class AuthSession(Base):
    """One signed-in browser (``cookie``) or program (``token``); whatever it holds ends with this row."""

    __tablename__ = "auth_session"
    __config_scope__ = "runtime"
    __table_args__ = (CheckConstraint("kind IN ('cookie', 'token')", name="kind"), Index("ix_auth_session_expires_at", "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    second_factor: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Whether the person proved more than a password."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_why: Mapped[str | None] = mapped_column(String(40))
    refresh_number: Mapped[int] = mapped_column(server_default="0", default=0)
    """Which refresh token is the valid one; an older one proves theft and ends the session."""
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary, info={"personal_data": _ADDRESS})


class SignInCount(Base):
    """The tries of one user name, one address, or one address at a link for people without an account, within the running window."""

    __tablename__ = "sign_in_count"
    __config_scope__ = "runtime"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    """``user:``, ``address:`` or what the link is for, and a keyed digest, so that the table names nobody."""
    tries: Mapped[int] = mapped_column()
    window_started_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SignInRecord(Base):
    """One finished try to sign in, kept six months."""

    __tablename__ = "sign_in_record"
    __config_scope__ = "log"
    __grants__ = "SELECT, INSERT, UPDATE (address), DELETE"
    __table_args__ = (Index("ix_sign_in_record_user_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    """None when the name is nobody's; the name itself is not kept, for people type passwords there."""
    outcome: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(String(60), server_default="", info={"personal_data": _ADDRESS})


class SecondFactor(Base):
    """One person's time-based codes: the secret is derived from ``salt`` and the installation's key, never stored."""

    __tablename__ = "second_factor"
    __config_scope__ = "runtime"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    """The newest time step whose code was used; no code works twice."""


class RecoveryCode(Base):
    """One code that stands in once for a lost second factor, known by its digest alone; it goes with the second factor."""

    __tablename__ = "recovery_code"
    __config_scope__ = "runtime"

    user_id: Mapped[int] = mapped_column(ForeignKey("second_factor.user_id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
