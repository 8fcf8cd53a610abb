"""Cases, their history, their clockwork and what hangs on them.

``cases`` holds the present; ``case_event`` is append-only and chained by hash;
personal values stand beside the chain in ``case_personal``, so that they can
be erased while the chain still proves itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import PointXY, UTCDateTime
from core.grid.ddl import after_create
from core.lib.spacing import spaced_sql
from core.workflow import ddl

_OPEN = text("category = 'open'")

CASE_NUMBER = Sequence("case_number", maxvalue=899_999, cycle=True, metadata=Base.metadata)
"""The second half of a case number; the first is the day, so 899,999 cases a day stay unique; imported histories may use 9xxxxx."""


class Case(AgencyOwned, Base):
    """One reported matter, as it stands now."""

    __tablename__ = "cases"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("parent_id", "cases"),
        within_agency("department_id", "department"),
        within_agency("record_id", "record"),
        within_agency("duplicate_of_id", "cases"),
        ForeignKeyConstraint(["agency_id", "assignee_id"], ["member.agency_id", "member.user_id"]),
        UniqueConstraint("agency_id", "number"),
        UniqueConstraint("agency_id", "uuid"),
        # Each is read and compiled by every statement that writes a case, so one says two things.
        CheckConstraint("category = CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END", name="category"),
        CheckConstraint(
            "CASE WHEN grid_id IS NULL THEN located IN ('outside', 'none') ELSE located IN ('inside', 'near', 'assigned') END",
            name="located",
        ),
        Index("ix_cases_newest_open", "agency_id", text("reported_at DESC"), text("id DESC"), postgresql_where=_OPEN),
        Index("ix_cases_in_grid", "agency_id", "grid_id", text("reported_at DESC"), text("id DESC")),
        Index("ix_cases_in_department", "agency_id", "department_id", text("reported_at DESC"), text("id DESC")),
        Index("ix_cases_newest", "agency_id", text("reported_at DESC"), text("id DESC")),
        Index("ix_cases_same_class", "agency_id", "class_code", text("reported_at DESC")),
        Index("ix_cases_open_position", "xy", postgresql_using="gist", postgresql_where=_OPEN),
        Index("ix_cases_asked", "agency_id", postgresql_where=text("requests <> '{}'::jsonb")),
        Index("ix_cases_parent", "agency_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_cases_record", "agency_id", "record_id", postgresql_where=text("record_id IS NOT NULL")),
        Index("ix_cases_title_search", "title_search", postgresql_using="gin", postgresql_ops={"title_search": "gin_trgm_ops"}),
        Index("ix_cases_assignee", "agency_id", "assignee_id", postgresql_where=text("category = 'open' AND assignee_id IS NOT NULL")),
        # Room on each page for the next version of its rows: a step then touches none of the indexes, unless what they hold changed.
        {"postgresql_with": {"fillfactor": 80}},
    )

    uuid: Mapped[UUID] = mapped_column(UuidType)
    # Compared by bytes, so that an index finds all numbers that begin alike.
    number: Mapped[str] = mapped_column(String(40, collation="C"))
    workflow: Mapped[str] = mapped_column(String(120))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str | None] = mapped_column(String(20))
    class_code: Mapped[str | None] = mapped_column(String(40))
    condition: Mapped[str | None] = mapped_column(String(60))
    source: Mapped[str | None] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200), server_default="")
    title_search: Mapped[str] = mapped_column(Text, Computed(spaced_sql("title"), persisted=True), deferred=True)
    state: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(6))
    version: Mapped[int] = mapped_column(server_default="1")
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    located: Mapped[str] = mapped_column(String(8))
    lon: Mapped[float | None] = mapped_column(Double)
    lat: Mapped[float | None] = mapped_column(Double)
    xy: Mapped[Any | None] = mapped_column(PointXY)
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    assignee_id: Mapped[int | None] = mapped_column()
    # Users are never deleted; a foreign key would lock the reporter's own row with every case and step.
    reporter_id: Mapped[int | None] = mapped_column()
    record_id: Mapped[int | None] = mapped_column(BigInteger)
    duplicate_of_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    limit: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    state_entered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    clock: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    requests: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    milestones: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    warn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    is_provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    reported_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    chain_length: Mapped[int] = mapped_column(server_default="0")
    chain_head: Mapped[bytes | None] = mapped_column(LargeBinary)


class OfCase(AgencyOwned):
    """Mixin of the tables whose rows hang on a case: it proves their agency, so that they need not refer to the agency as well."""

    agency_id: Mapped[int] = mapped_column(primary_key=True)


class CaseEvent(OfCase, Base):
    """One step of one case, for good: who did what when, and the link to the step before."""

    __tablename__ = "case_event"
    __config_scope__ = "business"
    __append_only__ = True
    __table_args__ = (within_agency("case_id", "cases"), UniqueConstraint("agency_id", "case_id", "sequence"))

    case_id: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None] = mapped_column()
    verb: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[str] = mapped_column(String(60))
    to_state: Mapped[str] = mapped_column(String(60))
    form_id: Mapped[int | None] = mapped_column(ForeignKey("definition.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digests: Mapped[dict[str, str]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class CasePersonal(OfCase, Base):
    """One personal value that a step brought, kept beside the chain so that it can be erased."""

    __tablename__ = "case_personal"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (within_agency("case_id", "cases"), UniqueConstraint("agency_id", "case_id", "sequence", "field"))

    case_id: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column()
    field: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str | None] = mapped_column(String(120))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[Any | None] = mapped_column(
        JSONB,
        info={"personal_data": {"why": "to reach the person who reported", "kept": "as long as the case", "erased": "wangge person erase"}},
    )


class CaseAttachment(OfCase, Base):
    """One photo or file that a step brought."""

    __tablename__ = "case_attachment"
    __config_scope__ = "business"
    __append_only__ = True
    __table_args__ = (
        within_agency("case_id", "cases"),
        within_agency("attachment_id", "attachment"),
        UniqueConstraint("agency_id", "case_id", "attachment_id", "sequence", "field"),
        Index("ix_case_attachment_file", "agency_id", "attachment_id"),  # who may see a file is asked from the file's side
    )

    case_id: Mapped[int] = mapped_column(BigInteger)
    attachment_id: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column()
    field: Mapped[str] = mapped_column(String(120))


class CaseTimer(OfCase, Base):
    """Something that will happen to a case by itself; the row goes when it has happened."""

    __tablename__ = "case_timer"
    __config_scope__ = "runtime"
    __scan_columns__ = ("agency_id", "id", "due_at")
    __table_args__ = (
        within_agency("case_id", "cases"),
        Index("ix_case_timer_case", "agency_id", "case_id"),
        Index("ix_case_timer_due", "due_at"),
    )

    case_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(120))
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_error: Mapped[str | None] = mapped_column()


after_create(Base.metadata.tables[Case.__tablename__], *ddl.SQL)
