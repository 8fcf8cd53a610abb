"""The frame's own table: answers already given to idempotent requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime


class IdempotencyKey(Base):
    """One key that one user sent once, and what was answered; kept seven days."""

    __tablename__ = "idempotency_key"
    __config_scope__ = "runtime"
    __row_level_security__ = True

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column()
    body: Mapped[Any | None] = mapped_column(JSONB)
    etag: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
