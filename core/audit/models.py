"""The audit log's one table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base
from core.db.types import UTCDateTime


class AuditEntry(AgencyOwned, Base):
    """One act of one person on one subject."""

    __tablename__ = "audit_entry"
    __config_scope__ = "log"
    __append_only__ = True
    __table_args__ = (Index("ix_audit_entry_subject", "agency_id", "subject", "id"), Index("ix_audit_entry_at", "agency_id", "at"))

    at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Users are never deleted; a foreign key would lock the person's own row with every act.
    user_id: Mapped[int | None] = mapped_column()
    action: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(160))
    old: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    new: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(String(64), server_default="")
