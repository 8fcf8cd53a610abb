"""Invitations to say something, the rounds they are drawn in, the answers, and what a bad answer led to.

An answer is never changed: the ``answer`` grain of the scores counts it. What
people wrote in their own words stands beside it, so that it can be erased.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import UTCDateTime

_WORDS = {
    "why": "to put right what a resident complains of",
    "kept": "as long as the case or the round",
    "erased": "wangge person erase, or the case's",
}


class SurveyRound(AgencyOwned, Base):
    """One asking round of a survey: who is drawn follows from its seed."""

    __tablename__ = "survey_round"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        UniqueConstraint("agency_id", "uuid"),
        UniqueConstraint("agency_id", "survey_key", "opens_on"),
        CheckConstraint("opens_on <= closes_on", name="days"),
    )

    uuid: Mapped[UUID] = mapped_column(UuidType)
    survey_key: Mapped[str] = mapped_column(String(120))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    opens_on: Mapped[date] = mapped_column(Date)
    closes_on: Mapped[date] = mapped_column(Date)
    """The last day on which an answer is taken."""
    seed: Mapped[str] = mapped_column(String(40))
    """Drawn once and kept, so that the sample can be drawn again and be the same."""
    wanted: Mapped[int] = mapped_column(Integer)
    """Answers wanted of each grid of the survey's level."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by_id: Mapped[int | None] = mapped_column()
    codes_issued_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the codes left, once; only their digests are kept."""


class FeedbackInvitation(AgencyOwned, Base):
    """One person asked once: after one closing of one case, or in one round."""

    __tablename__ = "feedback_invitation"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("case_id", "cases"),
        within_agency("round_id", "survey_round"),
        within_agency("department_id", "department"),
        within_agency("record_id", "record"),
        UniqueConstraint("agency_id", "uuid"),
        UniqueConstraint("token_sha256"),
        UniqueConstraint("agency_id", "survey_key", "case_id", "closing_sequence"),
        CheckConstraint("(case_id IS NULL) <> (round_id IS NULL)", name="occasion"),
        CheckConstraint("(case_id IS NULL) = (closing_sequence IS NULL)", name="closing"),
        Index("ix_feedback_invitation_round", "agency_id", "round_id", "grid_id", postgresql_where=text("round_id IS NOT NULL")),
        Index("ix_feedback_invitation_case", "agency_id", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        Index("ix_feedback_invitation_open", "agency_id", "expires_at", postgresql_where=text("used_at IS NULL AND case_id IS NOT NULL")),
    )

    uuid: Mapped[UUID] = mapped_column(UuidType)
    survey_key: Mapped[str] = mapped_column(String(120))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger)
    closing_sequence: Mapped[int | None] = mapped_column(Integer)
    """Which step of the case closed it: a case closed again is asked about again."""
    round_id: Mapped[int | None] = mapped_column(BigInteger)
    record_id: Mapped[int | None] = mapped_column(BigInteger)
    """Whom a round has drawn, where residents are on record."""
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    token_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Digest of the link's secret, which stands nowhere but in the one message; None until there is a link."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_via: Mapped[str | None] = mapped_column(String(12))
    """``inbox``, ``channel``, ``sheet`` (printed codes) or ``desk`` (read out by the intake desk)."""
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class FeedbackAnswer(AgencyOwned, Base):
    """What one person answered, for good; a fact of the ``answer`` grain."""

    __tablename__ = "feedback_answer"
    __config_scope__ = "business"
    __append_only__ = True
    __table_args__ = (
        within_agency("invitation_id", "feedback_invitation"),
        within_agency("case_id", "cases"),
        within_agency("department_id", "department"),
        UniqueConstraint("agency_id", "invitation_id"),
        Index("ix_feedback_answer_answered_at", "agency_id", "answered_at"),
        Index("ix_feedback_answer_case", "agency_id", "case_id", postgresql_where=text("case_id IS NOT NULL")),
    )

    invitation_id: Mapped[int] = mapped_column(BigInteger)
    survey_key: Mapped[str] = mapped_column(String(120))
    case_id: Mapped[int | None] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    """Which department had the case when it was closed."""
    form_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    answered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    points: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    """What the survey gives for the option that was chosen."""
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The options chosen; no personal value."""
    taken_by_id: Mapped[int | None] = mapped_column()
    """Who wrote it down for somebody on the telephone; None when the person answered through the link."""


class FeedbackWords(AgencyOwned, Base):
    """What somebody wrote in their own words with an answer; it can be erased."""

    __tablename__ = "feedback_words"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (within_agency("answer_id", "feedback_answer"), UniqueConstraint("agency_id", "answer_id", "field"))

    answer_id: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str] = mapped_column(String(120))
    value: Mapped[Any | None] = mapped_column(JSONB, info={"personal_data": _WORDS})


class FeedbackReopening(AgencyOwned, Base):
    """What became of an answer that calls for its case to be opened again."""

    __tablename__ = "feedback_reopening"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("answer_id", "feedback_answer"),
        within_agency("case_id", "cases"),
        UniqueConstraint("agency_id", "answer_id"),
        CheckConstraint("state IN ('waiting', 'taken', 'refused')", name="state"),
        Index("ix_feedback_reopening_undone", "agency_id", postgresql_where=text("state <> 'taken'")),
    )

    answer_id: Mapped[int] = mapped_column(BigInteger)
    case_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8))
    """``waiting`` for a person's decision, ``taken`` by the system, or ``refused``."""
    reason: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    """Why the case stayed closed, in each language."""
    sequence: Mapped[int | None] = mapped_column(Integer)
    """The step of the case that opened it again."""
    at: Mapped[datetime] = mapped_column(UTCDateTime)
