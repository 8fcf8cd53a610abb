"""When each background process was last seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime


class Heartbeat(Base):
    """One background worker, and when it last said that it lives."""

    __tablename__ = "heartbeat"
    __config_scope__ = "runtime"
    __grants__ = "SELECT, INSERT, UPDATE"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
