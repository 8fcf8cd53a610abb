"""The tables of who there is: agencies, departments, teams, members, roles and what they are in charge of.

Signing in has tables of its own in ``core.accounts.signin.models``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import LTree, UTCDateTime
from core.lib.ids import uuid7

_NOW = text("now()")
_PHONE = {"why": "colleagues and dispatchers must reach the person", "kept": "while the person is a member", "erased": "emptied"}
_NUMBER = {"why": "payroll and inspection cards name the person", "kept": "while the person is a member", "erased": "emptied"}


class Agency(Base):
    """One tenant: it owns its data, its plugins, its settings and its roles."""

    __tablename__ = "agency"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    scheme_key: Mapped[str | None] = mapped_column(String(60))
    """Key of the grid scheme that its map and its lists open with."""
    origin_lon: Mapped[float] = mapped_column()
    origin_lat: Mapped[float] = mapped_column()
    time_zone: Mapped[str] = mapped_column(String(60), server_default="Asia/Shanghai")
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)


class Department(AgencyOwned, Base):
    """One node of an agency's organisation tree; ``path`` is made of the ids from the root down."""

    __tablename__ = "department"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("parent_id", "department"),
        UniqueConstraint("agency_id", "code"),
        UniqueConstraint("agency_id", "uuid"),
        Index("ix_department_path", "path", postgresql_using="gist"),
        Index("ix_department_parent_id", "agency_id", "parent_id"),
    )

    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    name_pinyin: Mapped[str] = mapped_column(String(400), server_default="")
    path: Mapped[str] = mapped_column(LTree)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(40), server_default="department")
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    version: Mapped[int] = mapped_column(server_default="1", default=1)


class Post(AgencyOwned, Base):
    """One post of an agency, such as the head of a street office; members hold it."""

    __tablename__ = "post"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (UniqueConstraint("agency_id", "key"),)

    key: Mapped[str] = mapped_column(String(60))
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)


class Member(AgencyOwned, Base):
    """One person's belonging to one agency, with what only that agency may know of the person."""

    __tablename__ = "member"
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (
        within_agency("department_id", "department"),
        within_agency("post_id", "post"),
        UniqueConstraint("agency_id", "user_id"),
        UniqueConstraint("agency_id", "employee_number"),
        Index("ix_member_department_id", "agency_id", "department_id"),
        Index("ix_member_name_pinyin", "agency_id", "name_pinyin", "user_id"),
        Index("ix_member_user_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    post_id: Mapped[int | None] = mapped_column(BigInteger)
    name_pinyin: Mapped[str] = mapped_column(
        String(400),
        server_default="",
        info={"personal_data": {"why": "lists are sorted by it", "kept": "while the person is a member", "erased": "emptied"}},
    )
    employee_number: Mapped[str | None] = mapped_column(String(60), info={"personal_data": _NUMBER})
    phone: Mapped[str | None] = mapped_column(String(40), info={"personal_data": _PHONE})
    id_number: Mapped[str | None] = mapped_column(String(40), info={"personal_data": _NUMBER})
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    left_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    version: Mapped[int] = mapped_column(server_default="1", default=1)


def of_member(column: str = "user_id") -> ForeignKeyConstraint:
    """Refer to a member of the same agency by (agency_id, ``column``): nobody else's people can be named."""
    return ForeignKeyConstraint(["agency_id", column], ["member.agency_id", "member.user_id"])


class Team(AgencyOwned, Base):
    """One group of members, across departments if it must be."""

    __tablename__ = "team"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (within_agency("department_id", "department"), UniqueConstraint("agency_id", "key"))

    uuid: Mapped[UUID] = mapped_column(default=uuid7)
    key: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    name_pinyin: Mapped[str] = mapped_column(String(400), server_default="")
    kind: Mapped[str] = mapped_column(String(40), server_default="team")
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    version: Mapped[int] = mapped_column(server_default="1", default=1)


class TeamMember(AgencyOwned, Base):
    """One member in one team; ``is_lead`` leads it."""

    __tablename__ = "team_member"
    __config_scope__ = "config"
    __table_args__ = (
        within_agency("team_id", "team"),
        of_member(),
        UniqueConstraint("agency_id", "team_id", "user_id"),
        Index("ix_team_member_user_id", "agency_id", "user_id"),
    )

    team_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column()
    is_lead: Mapped[bool] = mapped_column(server_default=text("false"), default=False)


class AgencyRole(AgencyOwned, Base):
    """One bundle of rights of one agency; FAB's own class ``Role`` serves its admin pages alone."""

    __tablename__ = "role"
    __config_scope__ = "config"
    __grants__ = "SELECT, INSERT, UPDATE"
    __table_args__ = (UniqueConstraint("agency_id", "key"),)

    key: Mapped[str] = mapped_column(String(120))
    title: Mapped[dict[str, str]] = mapped_column(JSONB)
    rights: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    excludes: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    """Keys of the roles that nobody may hold beside this one; it counts both ways."""
    scope: Mapped[str] = mapped_column(String(20), server_default="agency", default="agency")
    requires_second_factor: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    from_definition: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Kept by a definition file: not to be edited by hand."""
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    version: Mapped[int] = mapped_column(server_default="1", default=1)


class RoleAssignment(AgencyOwned, Base):
    """One role held by one member, at a grid and/or a department, or everywhere in the agency."""

    __tablename__ = "role_assignment"
    __config_scope__ = "config"
    __table_args__ = (
        within_agency("role_id", "role"),
        within_agency("department_id", "department"),
        of_member(),
        UniqueConstraint("agency_id", "user_id", "role_id", "grid_id", "department_id", postgresql_nulls_not_distinct=True),
        Index("ix_role_assignment_role_id", "agency_id", "role_id"),
        Index("ix_role_assignment_department_id", "agency_id", "department_id"),
        Index("ix_role_assignment_grid_id", "grid_id"),
        CheckConstraint("valid_to > valid_from", name="valid_period"),
    )

    user_id: Mapped[int] = mapped_column()
    role_id: Mapped[int] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=_NOW)


class Responsibility(AgencyOwned, Base):
    """One grid that a member or a team is in charge of, in one capacity (``kind``, such as ``inspector``)."""

    __tablename__ = "responsibility"
    __config_scope__ = "config"
    __table_args__ = (
        within_agency("team_id", "team"),
        of_member(),
        CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name="one_holder"),
        UniqueConstraint("agency_id", "grid_id", "kind", "user_id", "team_id", postgresql_nulls_not_distinct=True),
        Index("ix_responsibility_user_id", "agency_id", "user_id"),
        Index("ix_responsibility_team_id", "agency_id", "team_id"),
        Index("ix_responsibility_grid_id", "grid_id"),
    )

    user_id: Mapped[int | None] = mapped_column()
    team_id: Mapped[int | None] = mapped_column(BigInteger)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    kind: Mapped[str] = mapped_column(String(60))
    valid_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UTCDateTime)
