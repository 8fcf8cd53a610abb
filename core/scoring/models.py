"""What was published: the scores, and the facts that they were made of, frozen with them.

A publication is one card's scores for one period. All cards published in one
act share a snapshot, which holds the facts of the period as they were; a
revision has a snapshot of its own, with only the cases that had changed, on top
of the one before. Nothing here is ever changed once it is published: the
triggers of ``ddl`` see to it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import LTree, UTCDateTime
from core.facts.models import CaseColumns, HoldingColumns, TaskColumns
from core.grid.ddl import after_create
from core.lib.ids import uuid7
from core.scoring import ddl

_NAME = {"why": "a published ranking names whom it ranks", "kept": "as long as the publication", "erased": "wangge person erase"}


class Snapshot(AgencyOwned, Base):
    """The facts of one period as they were at one moment, by their digest; the rows are in the frozen tables."""

    __tablename__ = "snapshot"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, DELETE"
    __table_args__ = (within_agency("base_id", "snapshot"),)

    base_id: Mapped[int | None] = mapped_column(BigInteger)
    """The snapshot that this one is on top of: its cases are this one's too, but for those that have rows here."""
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    as_of: Mapped[datetime] = mapped_column(UTCDateTime)
    event_id: Mapped[int] = mapped_column(BigInteger)
    cases: Mapped[int] = mapped_column()
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the number, the length of the history and its last hash of each case, in the order of the numbers."""


class Publication(AgencyOwned, Base):
    """One card's scores for one period, proposed or published, with every version that made them."""

    __tablename__ = "publication"
    __config_scope__ = "business"
    __table_args__ = (
        within_agency("snapshot_id", "snapshot"),
        UniqueConstraint("agency_id", "scorecard_key", "starts_on", "ends_on", "revision"),
        UniqueConstraint("agency_id", "uuid"),
        Index("ix_publication_snapshot_id", "agency_id", "snapshot_id"),
        CheckConstraint("state IN ('proposed', 'published')", name="state"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_at"),
        CheckConstraint("starts_on <= ends_on AND revision > 0", name="period"),
    )

    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    snapshot_id: Mapped[int] = mapped_column(BigInteger)
    scorecard_key: Mapped[str] = mapped_column(String(100))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    period_kind: Mapped[str] = mapped_column(String(12))
    starts_on: Mapped[date] = mapped_column()
    ends_on: Mapped[date] = mapped_column()
    """The last day of the period."""
    revision: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(500), server_default="")
    formula: Mapped[dict[str, Any]] = mapped_column(JSONB)
    formula_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    as_of: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Users are never deleted; a foreign key would lock the person's own row with every act.
    created_by_id: Mapped[int | None] = mapped_column()
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_by_id: Mapped[int | None] = mapped_column()


class PublicationResult(AgencyOwned, Base):
    """One subject's row of a publication, as it was: names, places and numbers."""

    __tablename__ = "publication_result"
    __config_scope__ = "business"
    __table_args__ = (
        within_agency("publication_id", "publication", ondelete="CASCADE"),
        UniqueConstraint("agency_id", "publication_id", "subject"),
        UniqueConstraint("agency_id", "publication_id", "position"),
        Index("ix_publication_result_subject", "agency_id", "subject_kind", "subject_id"),
    )

    publication_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column()
    """Where it stands among the rows of the publication, from 0."""
    subject: Mapped[str] = mapped_column(String(120))
    """How addresses name it, such as ``grid:110101010``."""
    subject_kind: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    subject_code: Mapped[str] = mapped_column(String(120))
    subject_name: Mapped[str | None] = mapped_column(String(300), info={"personal_data": _NAME})
    """Empty for a person who was erased."""
    special: Mapped[str | None] = mapped_column(String(20))
    level: Mapped[str | None] = mapped_column(String(60))
    path: Mapped[str | None] = mapped_column(LTree)
    department_path: Mapped[str | None] = mapped_column(LTree)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    compared_within: Mapped[str | None] = mapped_column(String(60))
    heirs: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    """Codes of what came after a grid that is no longer in force; None while it is."""
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Numbers that are no whole ones are fractions in text, so that nothing is rounded."""
    also: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What a deduction sheet took, and the adjustments decided."""
    score: Mapped[Decimal | None] = mapped_column(Numeric)
    grade: Mapped[str | None] = mapped_column(String(40))
    rank: Mapped[int | None] = mapped_column()
    is_ranked: Mapped[bool] = mapped_column()
    volume: Mapped[int | None] = mapped_column(BigInteger)


class OfSnapshot:
    """Mixin of frozen facts: the same columns as the facts, and the snapshot that they belong to."""

    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, DELETE"

    snapshot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-6)


class FrozenCase(OfSnapshot, CaseColumns, Base):
    """One case as it was when scores were frozen; each case of a frozen holding, task or answer is here too."""

    __tablename__ = "frozen_case"
    __table_args__ = (Index("ix_frozen_case_case", "agency_id", "case_id"),)


class FrozenHolding(OfSnapshot, HoldingColumns, Base):
    """One case in one department's hands as it was when scores were frozen."""

    __tablename__ = "frozen_holding"


class FrozenTask(OfSnapshot, TaskColumns, Base):
    """One running of one limit as it was when scores were frozen."""

    __tablename__ = "frozen_task"


class FrozenAnswer(OfSnapshot, Base):
    """One answer of a survey that had been given when scores were frozen."""

    __tablename__ = "frozen_answer"
    __row_level_security__ = True

    agency_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-5)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-4)
    survey_key: Mapped[str] = mapped_column(String(120))
    case_id: Mapped[int | None] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    points: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class FrozenRecord(OfSnapshot, Base):
    """One record of a ledger that a card counts or takes a target from, as it was when scores were frozen; nothing personal of it."""

    __tablename__ = "frozen_record"
    __row_level_security__ = True

    agency_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-5)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-4)
    ledger_key: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(64, collation="C"))
    title: Mapped[str] = mapped_column(String(300))
    version: Mapped[int] = mapped_column()
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    department_id: Mapped[int | None] = mapped_column()
    departments: Mapped[dict[str, int]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by_id: Mapped[int | None] = mapped_column()
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


after_create(Base.metadata.tables[Snapshot.__tablename__], *ddl.SNAPSHOT)
after_create(Base.metadata.tables[Publication.__tablename__], *ddl.PUBLICATION)
after_create(Base.metadata.tables[PublicationResult.__tablename__], *ddl.RESULT)
for _frozen in (FrozenCase, FrozenHolding, FrozenTask, FrozenAnswer, FrozenRecord):
    _table = Base.metadata.tables[_frozen.__tablename__]
    _table.add_is_dependent_on(Base.metadata.tables[Snapshot.__tablename__])  # which brings the function of their triggers
    after_create(_table, *ddl.frozen(_frozen.__tablename__))
