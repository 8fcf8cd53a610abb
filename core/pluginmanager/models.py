"""Which plugins an agency has switched on, and whose definition files are unsound."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
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


class UnsoundPlugin(Base):
    """One plugin whose definition files the last sync left out; what was in force of it before still is."""

    __tablename__ = "unsound_plugin"
    __config_scope__ = "runtime"
    __grants__ = "SELECT"

    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    problems: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    """The first of them, each as one sentence with file, line and field, in every language."""
    count: Mapped[int] = mapped_column()
    """How many there are in all."""
    since: Mapped[datetime] = mapped_column(UTCDateTime)
