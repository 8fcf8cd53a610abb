"""Who can be reached for a right at a place: the permission rule read the other way round."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, column, false, or_, select, table
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, Department, Member, RoleAssignment
from core.db.epoch import EpochCache
from core.db.types import LTree

_GRID = table("grid", column("id"), column("path", LTree()))
_paths: EpochCache[str | None] = EpochCache()


def department_path(session: Session, department_id: int | None) -> str | None:
    """Give the path of a department of the session's agency; None for None or one that is not there."""
    if department_id is None:
        return None
    place = (getattr(session, "agency_id", None), department_id)
    return _paths.get(session, place, lambda: session.scalar(select(Department.path).where(Department.id == department_id)))


def who_holds(session: Session, right: str, *, grid_path: str | None, department_path: str | None, now: datetime) -> list[int]:
    """List the active members whose assignments give them ``right`` for a thing at this place."""
    query = (
        _holders(right, now)
        .outerjoin(_GRID, _GRID.c.id == RoleAssignment.grid_id)
        .outerjoin(Department, and_(Department.agency_id == RoleAssignment.agency_id, Department.id == RoleAssignment.department_id))
        .where(or_(RoleAssignment.grid_id.is_(None), _above(_GRID.c.path, grid_path)))
        .where(or_(RoleAssignment.department_id.is_(None), _above(Department.path, department_path)))
    )
    return sorted(session.scalars(query))


def who_holds_anywhere(session: Session, right: str, *, now: datetime) -> list[int]:
    """List the active members whose assignments give them ``right`` at any place."""
    return sorted(session.scalars(_holders(right, now)))


def _holders(right: str, now: datetime) -> Select[int]:
    in_time = and_(
        or_(RoleAssignment.valid_from.is_(None), RoleAssignment.valid_from <= now),
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > now),
    )
    return (
        select(RoleAssignment.user_id)
        .join(AgencyRole, and_(AgencyRole.agency_id == RoleAssignment.agency_id, AgencyRole.id == RoleAssignment.role_id))
        .join(Member, and_(Member.agency_id == RoleAssignment.agency_id, Member.user_id == RoleAssignment.user_id))
        .where(AgencyRole.active, Member.active, AgencyRole.rights.contains([right]), in_time)
        .distinct()
    )


def _above(path: SQLColumnExpression[str], place: str | None) -> ColumnElement[bool]:
    return false() if place is None else path.op("@>")(place)
