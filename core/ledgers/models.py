"""The tables of the ledgers: records, their history and relations, serials, and imports with their problems."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import PointXY, UTCDateTime
from core.grid.ddl import after_create
from core.ledgers import ddl
from core.lib.ids import uuid7

_NOW = text("now()")
_EMPTY = text("'{}'")
_ONE = text("1")
_PERSONAL = {
    "why": "the ledger's form marks these fields as personal, for the purpose it names",
    "kept": "as long as the ledger's retention says",
    "erased": "emptied record by record, with a reason; the record itself stays",
}
_BAD_ROW = {"why": "a row that could not be imported is given back to be mended", "kept": "30 days", "erased": "the rows are deleted"}


class Record(AgencyOwned, Base):
    """One lasting object of one ledger, as it is now.

    ``departments`` holds department ids by role key; a trigger refuses an id
    that is no department of the agency. ``personal`` holds the values of
    personal fields by path, which are not in ``data``.
    """

    __tablename__ = "record"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("department_id", "department"),
        UniqueConstraint("agency_id", "ledger_key", "code"),
        UniqueConstraint("agency_id", "uuid"),
        Index(
            "uq_record_source_key", "agency_id", "ledger_key", "source_key", unique=True, postgresql_where=text("source_key IS NOT NULL")
        ),
        Index("ix_record_grid_id", "agency_id", "grid_id"),
        Index("ix_record_department_id", "agency_id", "department_id"),
        Index("ix_record_departments", "departments", postgresql_using="gin", postgresql_ops={"departments": "jsonb_path_ops"}),
        Index("ix_record_position", "agency_id", "ledger_key", "position", postgresql_using="gist"),
        Index("ix_record_title_search", "title_search", postgresql_using="gin", postgresql_ops={"title_search": "gin_trgm_ops"}),
        CheckConstraint("(lon IS NULL) = (lat IS NULL) AND (position IS NULL OR lon IS NOT NULL)", name="whole_position"),
        CheckConstraint("location IN ('inside', 'near', 'outside', 'unlocated', 'assigned')", name="location"),
        CheckConstraint("(location IN ('inside', 'near', 'assigned')) = (grid_id IS NOT NULL)", name="located"),
    )

    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    ledger_key: Mapped[str] = mapped_column(String(100))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    code: Mapped[str] = mapped_column(String(64, collation="C"))
    source_key: Mapped[str | None] = mapped_column(String(80))
    """What names the row in the file it came from, when the code is given here; the same row is not taken twice."""
    title: Mapped[str] = mapped_column(String(300))
    title_search: Mapped[str] = mapped_column(Text)
    grid_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("grid.id"))
    location: Mapped[str] = mapped_column(String(10))
    lon: Mapped[float | None] = mapped_column()
    lat: Mapped[float | None] = mapped_column()
    position: Mapped[tuple[float, float] | None] = mapped_column(PointXY)
    polygon: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[str] = mapped_column(String(40))
    department_id: Mapped[int | None] = mapped_column()
    departments: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=_EMPTY)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    personal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info={"personal_data": _PERSONAL})
    version: Mapped[int] = mapped_column(server_default=_ONE, default=1)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    import_job_id: Mapped[int | None] = mapped_column()
    # Users are never deleted, only deactivated, and a check for every imported row would not be free.
    created_by_id: Mapped[int | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)
    updated_by_id: Mapped[int | None] = mapped_column()
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)


class RecordEvent(AgencyOwned, Base):
    """One change of one record, with old and new values of what changed; the creation is the record's own ``created_at``."""

    __tablename__ = "record_event"
    __config_scope__ = "log"
    __append_only__ = True
    __table_args__ = (within_agency("record_id", "record"), Index("ix_record_event_record_id", "agency_id", "record_id", "id"))

    record_id: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column()
    old: Mapped[dict[str, Any]] = mapped_column(JSONB)
    new: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(String(500))


class RecordRelation(AgencyOwned, Base):
    """One record naming another in one of its fields."""

    __tablename__ = "record_relation"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, DELETE"
    __table_args__ = (
        within_agency("record_id", "record", ondelete="CASCADE"),
        within_agency("target_id", "record"),
        UniqueConstraint("agency_id", "record_id", "field_id", "target_id"),
        Index("ix_record_relation_target_id", "agency_id", "target_id"),
    )

    record_id: Mapped[int] = mapped_column()
    field_id: Mapped[str] = mapped_column(String(100))
    target_id: Mapped[int] = mapped_column()


class RecordAttachment(AgencyOwned, Base):
    """One stored file named by one record: who may see the record may see the file."""

    __tablename__ = "record_attachment"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, DELETE"
    __table_args__ = (
        within_agency("record_id", "record", ondelete="CASCADE"),
        UniqueConstraint("agency_id", "record_id", "attachment_uuid"),
        Index("ix_record_attachment_uuid", "agency_id", "attachment_uuid"),
    )

    record_id: Mapped[int] = mapped_column()
    attachment_uuid: Mapped[UUID] = mapped_column()


class RecordSerial(AgencyOwned, Base):
    """The last serial drawn for one prefix of one ledger's codes."""

    __tablename__ = "record_serial"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (UniqueConstraint("agency_id", "ledger_key", "prefix"),)

    ledger_key: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(64))
    last: Mapped[int] = mapped_column(BigInteger)


class ImportJob(AgencyOwned, Base):
    """One file to be taken into one ledger, and how far that has come.

    ``rows_taken`` moves in the same transaction as the rows themselves, so an
    import that was killed goes on where it stopped.
    """

    __tablename__ = "import_job"
    __config_scope__ = "runtime"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        UniqueConstraint("agency_id", "uuid"),
        Index("ix_import_job_ledger_key", "agency_id", "ledger_key", "id"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    )

    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    ledger_key: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(12), server_default="waiting", default="waiting")
    file_name: Mapped[str] = mapped_column(String(255))
    file_format: Mapped[str] = mapped_column(String(12))
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    source_url: Mapped[str] = mapped_column(String(1000))
    source_digest: Mapped[str] = mapped_column(String(64))
    encoding: Mapped[str | None] = mapped_column(String(20))
    crs: Mapped[str] = mapped_column(String(10))
    mode: Mapped[str] = mapped_column(String(12))
    dry_run: Mapped[bool] = mapped_column()
    mapping: Mapped[dict[str, str]] = mapped_column(JSON)
    """Target by column heading, in the order of the file."""
    grants: Mapped[list[list[str | None]]] = mapped_column(JSONB)
    """Grid and department paths that its maker could import to when it was made."""
    form_version_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    rows_total: Mapped[int | None] = mapped_column()
    rows_taken: Mapped[int] = mapped_column(server_default="0", default=0)
    created_count: Mapped[int] = mapped_column(server_default="0", default=0)
    updated_count: Mapped[int] = mapped_column(server_default="0", default=0)
    unchanged_count: Mapped[int] = mapped_column(server_default="0", default=0)
    failed_count: Mapped[int] = mapped_column(server_default="0", default=0)
    outside_count: Mapped[int] = mapped_column(server_default="0", default=0)
    unlocated_count: Mapped[int] = mapped_column(server_default="0", default=0)
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Key and parameters of the message that says why the whole import failed."""
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ImportProblem(AgencyOwned, Base):
    """One row of a file that stayed out, as it stood there, and what to do about each wrong column."""

    __tablename__ = "import_problem"
    __config_scope__ = "runtime"
    __table_args__ = (
        within_agency("import_job_id", "import_job", ondelete="CASCADE"),
        UniqueConstraint("agency_id", "import_job_id", "row"),
    )

    import_job_id: Mapped[int] = mapped_column()
    row: Mapped[int] = mapped_column()
    cells: Mapped[dict[str, Any]] = mapped_column(JSONB, info={"personal_data": _BAD_ROW})
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


after_create(Base.metadata.tables[Record.__tablename__], *ddl.SQL)
