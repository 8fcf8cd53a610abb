"""Roles and responsibilities at a grid that was split or merged go on at the grids that have its land now.

The old row ends with the old grid and stays as history; the new one begins
there. After a merge a role reaches over land that it did not reach before:
that is what the merger decided, for everybody but himself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.models import Responsibility, RoleAssignment
from core.accounts.service.changes import record_change
from core.authz import Actor
from core.grid.service import succession
from core.grid.service.succession import Followed, Follower, RetiredGrid

BATCH = 500

Held = RoleAssignment | Responsibility
Row = TypeVar("Row", RoleAssignment, Responsibility)


def _standing(model: type[Row], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Give the condition of the rows on retired grids that have not ended."""
    return model.grid_id.in_(succession.predecessors()), or_(model.valid_to.is_(None), model.valid_to > now)


def _waiting(model: type[Row], session: Session, now: datetime) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*_standing(model, now))) or 0


def _batch(model: type[Row], session: Session, now: datetime, after: int, limit: int) -> tuple[Sequence[Row], Mapping[int, RetiredGrid]]:
    query = select(model).where(*_standing(model, now), model.id > after).order_by(model.id).limit(limit).with_for_update()
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return rows, succession.retired_grids(session, {row.grid_id for row in rows if row.grid_id is not None})


def _follow_assignments(session: Session, actor: Actor, after: int, limit: int) -> Followed:
    rows, retired = _batch(RoleAssignment, session, actor.now, after, limit)
    moved = 0
    for row in rows:
        old = retired.get(row.grid_id or 0)
        # Nobody widens his own reach: whoever merged grids asks somebody else for the role on the rest of the land.
        if old is None or row.user_id in old.merged_by:
            continue
        columns = ("agency_id", "user_id", "role_id", "department_id", "created_by_id")
        kept = {name: getattr(row, name) for name in columns} | {"created_at": actor.now}
        _replace(session, row, old, kept)
        new = {"role_id": row.role_id, "grid_ids": [heir.id for heir in old.heirs]}
        record_change(session, actor, "accounts:assignment:followed", f"user:{row.user_id}", old={"grid_id": old.id}, new=new)
        moved += 1
    return Followed(rows[-1].id if len(rows) == limit else None, moved)


def _follow_responsibilities(session: Session, actor: Actor, after: int, limit: int) -> Followed:
    rows, retired = _batch(Responsibility, session, actor.now, after, limit)
    moved = 0
    for row in rows:
        old = retired.get(row.grid_id)
        if old is None:
            continue
        _replace(session, row, old, {name: getattr(row, name) for name in ("agency_id", "kind", "user_id", "team_id")})
        new = {"kind": row.kind, "user_id": row.user_id, "team_id": row.team_id, "grid_ids": [heir.id for heir in old.heirs]}
        record_change(session, actor, "accounts:responsibility:followed", f"grid:{old.id}", new=new)
        moved += 1
    return Followed(rows[-1].id if len(rows) == limit else None, moved)


def _replace(session: Session, row: Held, old: RetiredGrid, kept: Mapping[str, Any]) -> None:
    """End a row with its grid, and begin one at each heir; where the same is held at an heir already, the periods become one."""
    began_before = row.valid_from is None or row.valid_from < old.at
    since = old.at if began_before else row.valid_from
    model = type(row)
    query = insert(model).values([{**kept, "grid_id": heir.id, "valid_from": since, "valid_to": row.valid_to} for heir in old.heirs])
    fresh = query.excluded
    session.execute(
        query.on_conflict_do_update(
            index_elements=_KEYS[model.__tablename__],
            set_={
                "valid_from": func.least(model.valid_from, fresh.valid_from),
                "valid_to": case(
                    (model.valid_to.is_(None) | fresh.valid_to.is_(None), None), else_=func.greatest(model.valid_to, fresh.valid_to)
                ),
            },
        )
    )
    if began_before:
        row.valid_to = old.at
    else:  # it was to begin later, at a grid that is no more: nothing of it has happened
        session.delete(row)
    session.flush()


_KEYS = {
    RoleAssignment.__tablename__: ["agency_id", "user_id", "role_id", "grid_id", "department_id"],
    Responsibility.__tablename__: ["agency_id", "grid_id", "kind", "user_id", "team_id"],
}


def _count_assignments(session: Session, now: datetime) -> int:
    return _waiting(RoleAssignment, session, now)


def _count_responsibilities(session: Session, now: datetime) -> int:
    return _waiting(Responsibility, session, now)


succession.follow(Follower("responsibilities", _count_responsibilities, _follow_responsibilities, BATCH))
succession.follow(Follower("assignments", _count_assignments, _follow_assignments, BATCH))
