"""The one table of definitions, and the trigger that keeps what is published as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint, event, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime
from core.definitions.guard import guard_references


class Definition(Base):
    """One version of one definition: the installation's (no agency), or an agency's own on top of it.

    ``content`` is ``json``, not ``jsonb``: the order of states and fields is
    the author's, and ``jsonb`` would lose it.
    """

    __tablename__ = "definition"
    __config_scope__ = "config"
    __row_level_security__ = "nullable"
    __table_args__ = (
        UniqueConstraint("agency_id", "kind", "key", "version", postgresql_nulls_not_distinct=True),
        CheckConstraint("status IN ('draft', 'published', 'retired')", name="status"),
        CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published_at"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "ix_definition_one_draft",
            "agency_id",
            "kind",
            "key",
            unique=True,
            postgresql_where=text("status = 'draft'"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    checksum: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(200))
    """``plugin:urban_mgmt@0.1.0``, ``library@0.1.0`` or ``agency``."""
    base_version: Mapped[int | None] = mapped_column()
    """Version of the installation's definition that an agency's version was made from."""
    conflicts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """Where an upgrade and the agency's edit changed the same place; on drafts only."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=text("now()"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


_GUARD = DDL(  # type: ignore[no-untyped-call]
    """
CREATE OR REPLACE FUNCTION definition_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'definition %% is published and cannot be deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF (OLD.id, OLD.kind, OLD.key, OLD.version) IS DISTINCT FROM (NEW.id, NEW.kind, NEW.key, NEW.version)
     OR OLD.agency_id IS DISTINCT FROM NEW.agency_id THEN
    RAISE EXCEPTION 'the identity of definition %% cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.status <> 'draft' THEN
    IF OLD.content::text IS DISTINCT FROM NEW.content::text
       OR (OLD.checksum, OLD.origin, OLD.base_version, OLD.conflicts, OLD.created_at, OLD.created_by_id, OLD.published_at)
          IS DISTINCT FROM
          (NEW.checksum, NEW.origin, NEW.base_version, NEW.conflicts, NEW.created_at, NEW.created_by_id, NEW.published_at) THEN
      RAISE EXCEPTION 'definition %% is published and cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status AND NOT (OLD.status = 'published' AND NEW.status = 'retired') THEN
      RAISE EXCEPTION 'definition %% cannot go from %% to %%', OLD.id, OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$
"""
)
_TRIGGER = DDL(  # type: ignore[no-untyped-call]
    "CREATE OR REPLACE TRIGGER definition_guard BEFORE UPDATE OR DELETE ON definition FOR EACH ROW EXECUTE FUNCTION definition_guard()"
)

event.listen(Definition.__table__, "after_create", _GUARD)
event.listen(Definition.__table__, "after_create", _TRIGGER)
event.listen(Base.metadata, "after_create", guard_references)
