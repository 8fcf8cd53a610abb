"""Notices, the channels to the outside, and what became of each sending."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import UTCDateTime


class Notice(AgencyOwned, Base):
    """One sentence for one person."""

    __tablename__ = "notice"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        UniqueConstraint("agency_id", "source", "user_id"),
        Index("ix_notice_inbox", "agency_id", "user_id", text("id DESC")),
        Index("ix_notice_unread", "agency_id", "user_id", postgresql_where=text("read_at IS NULL")),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    topic: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(160))
    """What it is about, such as ``case:20260318-000017``."""
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(String(80))
    """Who said it, so that saying it again says nothing twice."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class NoticeChannel(AgencyOwned, Base):
    """One way to the outside: an Apprise URL, of one member or of the whole agency."""

    __tablename__ = "notice_channel"
    __config_scope__ = "config"

    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    sealed_url: Mapped[str] = mapped_column()
    """The URL holds secrets: it is kept sealed and never shown again."""
    topics: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    """The topics it carries; an empty list carries all."""
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    for_residents: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its URL has a place for a telephone number: it then carries what is said to people without an account, and nothing else."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class NoticeSending(AgencyOwned, Base):
    """One notice on its way through one channel."""

    __tablename__ = "notice_sending"
    __config_scope__ = "log"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("notice_id", "notice"),
        within_agency("channel_id", "notice_channel", ondelete="CASCADE"),
        UniqueConstraint("agency_id", "notice_id", "channel_id"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state"),
    )

    notice_id: Mapped[int] = mapped_column(BigInteger)
    channel_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8), server_default="waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_error: Mapped[str | None] = mapped_column()
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
