"""Which plugins an agency has switched on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime


class AgencyPlugin(Base):
    """One plugin that one agency has switched on or off; no row means off."""

    __tablename__ = "agency_plugin"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __row_level_security__ = True

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    enabled: Mapped[bool] = mapped_column()
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
