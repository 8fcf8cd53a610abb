"""Holidays, published years and office hours."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime


class Holiday(Base):
    """One day that is free or worked against its weekday; without an agency it holds for the whole installation."""

    __tablename__ = "holiday"
    __config_scope__ = "config"
    __row_level_security__ = "nullable"
    __table_args__ = (
        UniqueConstraint("agency_id", "day", postgresql_nulls_not_distinct=True),
        CheckConstraint("kind IN ('day_off', 'working_day')", name="kind"),
        Index("ix_holiday_day", "day"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    day: Mapped[date] = mapped_column()
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(String(60))


class HolidayYear(Base):
    """One year whose holidays are decided; deadlines in other years are provisional."""

    __tablename__ = "holiday_year"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT"
    __row_level_security__ = "nullable"
    __table_args__ = (
        UniqueConstraint("agency_id", "year", postgresql_nulls_not_distinct=True),
        CheckConstraint("year BETWEEN 1970 AND 2199", name="year"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    year: Mapped[int] = mapped_column()
    source: Mapped[str] = mapped_column(String(60))


class AgencyOfficeHours(Base):
    """The office hours of one agency; without a row the field's usual 08:00–12:00 and 14:00–18:00 hold."""

    __tablename__ = "agency_office_hours"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __row_level_security__ = True

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    spans: Mapped[list[list[str]]] = mapped_column(JSONB)
    work_day_hours: Mapped[float] = mapped_column()
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
