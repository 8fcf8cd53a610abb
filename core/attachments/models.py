"""What is known of a stored file; its bytes are in the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base
from core.db.types import UTCDateTime


class Attachment(AgencyOwned, Base):
    """One stored file of one agency."""

    __tablename__ = "attachment"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT"
    __table_args__ = (
        UniqueConstraint("agency_id", "uuid"),
        Index("ix_attachment_digest", "agency_id", "owner_id", "digest"),
    )

    uuid: Mapped[UUID] = mapped_column(UuidType)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    name: Mapped[str] = mapped_column(
        String(200),
        info={"personal_data": {"why": "people know a file by its name", "kept": "as long as the file", "erased": "with the file"}},
    )
    content_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str | None] = mapped_column(String(20))
    lon: Mapped[float | None] = mapped_column(Double)
    lat: Mapped[float | None] = mapped_column(Double)
    accuracy: Mapped[float | None] = mapped_column(Double)
    taken_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    has_thumbnail: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
