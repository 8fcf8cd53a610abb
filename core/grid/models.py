"""The tables of the land: schemes and who shares them, levels, grids, and the history of splits and merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import LTree, UTCDateTime
from core.grid import ddl
from core.lib.ids import uuid7

_NOW = text("now()")


class GridScheme(Base):
    """One way of dividing the land, owned by an agency or, without owner, by the installation."""

    __tablename__ = "grid_scheme"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (UniqueConstraint("id", "owner_agency_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    owner_agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"), index=True)
    origin_lon: Mapped[float] = mapped_column()
    origin_lat: Mapped[float] = mapped_column()
    land: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Number of the transaction that last changed a grid of the scheme; a trigger writes it."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)


class GridSchemeShare(Base):
    """One agency's leave to use a scheme of another owner; only the owner can give it."""

    __tablename__ = "grid_scheme_share"
    __config_scope__ = "config"
    __table_args__ = (
        ForeignKeyConstraint(["scheme_id", "shared_by_id"], ["grid_scheme.id", "grid_scheme.owner_agency_id"], ondelete="CASCADE"),
    )

    scheme_id: Mapped[int] = mapped_column(ForeignKey("grid_scheme.id", ondelete="CASCADE"), primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    shared_by_id: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)


class GridLevel(Base):
    """One rank of a scheme, such as street; its codes may be of fixed length and begin with an ancestor's."""

    __tablename__ = "grid_level"
    __config_scope__ = "config"
    __table_args__ = (UniqueConstraint("scheme_id", "key"), UniqueConstraint("scheme_id", "depth"), UniqueConstraint("scheme_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("grid_scheme.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40))
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    depth: Mapped[int] = mapped_column(SmallInteger)
    code_digits: Mapped[int | None] = mapped_column(SmallInteger)
    code_within: Mapped[str | None] = mapped_column(String(40))


class Grid(Base):
    """One unit of land at one level, in force from `valid_from` until `valid_to`; its code is never given again."""

    __tablename__ = "grid"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        UniqueConstraint("scheme_id", "code"),
        UniqueConstraint("scheme_id", "id"),
        # By both columns, so that a grid's level and parent are of its own scheme.
        ForeignKeyConstraint(["scheme_id", "level_id"], ["grid_level.scheme_id", "grid_level.id"]),
        ForeignKeyConstraint(["scheme_id", "parent_id"], ["grid.scheme_id", "grid.id"]),
        Index("ix_grid_path", "path", postgresql_using="gist"),
        Index("ix_grid_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
        Index("ix_grid_scheme_id_level_id_code", "scheme_id", "level_id", "code"),
        Index("ix_grid_parent_id_code", "parent_id", "code"),
        CheckConstraint("valid_to >= valid_from", name="valid_period"),
        CheckConstraint("(valid_to IS NULL) = (retired_reason IS NULL)", name="retired_with_reason"),
        CheckConstraint("num_nulls(polygon, west, south, east, north, area_m2, lon, lat) IN (0, 8)", name="whole_polygon"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("grid_scheme.id"))
    level_id: Mapped[int] = mapped_column()
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    name_pinyin: Mapped[str] = mapped_column(String(400))
    search: Mapped[str] = mapped_column(Text)
    """What a search looks in: code, name, pinyin in full and its initials, in lower case."""
    path: Mapped[str] = mapped_column(LTree)
    parent_id: Mapped[int | None] = mapped_column()
    polygon: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    west: Mapped[float | None] = mapped_column()
    south: Mapped[float | None] = mapped_column()
    east: Mapped[float | None] = mapped_column()
    north: Mapped[float | None] = mapped_column()
    area_m2: Mapped[float | None] = mapped_column()
    lon: Mapped[float | None] = mapped_column()
    lat: Mapped[float | None] = mapped_column()
    """With `lon` a point inside the polygon, near its middle."""
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UTCDateTime)
    retired_reason: Mapped[str | None] = mapped_column(String(500))


class GridChange(Base):
    """One split or merge: when, by whom and why."""

    __tablename__ = "grid_change"
    __config_scope__ = "log"
    __append_only__ = True
    __table_args__ = (CheckConstraint("kind IN ('split', 'merge')", name="kind"), Index("ix_grid_change_scheme_id", "scheme_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("grid_scheme.id"))
    kind: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(String(500))


class GridSuccession(Base):
    """One retired grid and one grid that has land of it now."""

    __tablename__ = "grid_succession"
    __config_scope__ = "log"
    __append_only__ = True
    __table_args__ = (Index("ix_grid_succession_successor_id", "successor_id"), Index("ix_grid_succession_change_id", "change_id"))

    predecessor_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    change_id: Mapped[int] = mapped_column(ForeignKey("grid_change.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("grid_scheme.id"))


# The policies look at each other's tables, so they wait for the last of them.
ddl.after_create(Base.metadata.tables[GridSuccession.__tablename__], *ddl.policies(), *ddl.FINDERS, ddl.TELLING, ddl.COUNTING)
event.listen(Base.metadata, "after_create", ddl.guard_references)
