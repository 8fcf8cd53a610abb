"""The plugin's own table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import AgencyOwned, Base, UTCDateTime, within_agency


class PlaygroundVisit(AgencyOwned, Base):
    """One visit of a mechanic to damaged equipment."""

    __tablename__ = "playground_visit"
    __config_scope__ = "business"
    __table_args__ = (within_agency("case_id", "cases"),)

    case_id: Mapped[int] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    lon: Mapped[float | None] = mapped_column()
    lat: Mapped[float | None] = mapped_column()
    what: Mapped[str] = mapped_column(String(200))
    visited_at: Mapped[datetime] = mapped_column(UTCDateTime)
