"""Records on a grid that was split or merged go by their position to the grid that has it now, many at a time."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import ARRAY, BigInteger, ColumnElement, bindparam, func, select, text
from sqlalchemy.orm import Session

from core.authz import Actor
from core.grid.service import succession
from core.grid.service.succession import Followed, Follower
from core.ledgers.models import Record

BATCH = 10_000

# A retired record is history and keeps the grid that it stood on.
_STANDING: tuple[ColumnElement[bool], ...] = (Record.grid_id.in_(succession.predecessors()), Record.retired_at.is_(None))

_MOVE = text("""
    WITH given AS (SELECT * FROM unnest(:ids, :grids) AS given (id, grid_id)),
    moved AS (
        UPDATE record SET grid_id = given.grid_id, version = record.version + 1, updated_by_id = NULL, updated_at = :now
        FROM given WHERE record.agency_id = :agency AND record.id = given.id
        RETURNING record.id, record.version, record.grid_id
    ),
    old AS (SELECT record.id, record.grid_id FROM record JOIN given ON record.agency_id = :agency AND record.id = given.id)
    INSERT INTO record_event (agency_id, record_id, kind, version, at, user_id, old, new)
    SELECT CAST(:agency AS integer), moved.id, 'changed', moved.version, CAST(:now AS timestamptz), NULL,
        jsonb_build_object('grid_id', old.grid_id), jsonb_build_object('grid_id', moved.grid_id)
    FROM moved JOIN old ON old.id = moved.id
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("grids", type_=ARRAY(BigInteger)))


def count_waiting(session: Session, _now: datetime) -> int:
    """Count the records in use on retired grids."""
    return session.scalar(select(func.count()).select_from(Record).where(*_STANDING)) or 0


def follow_land(session: Session, actor: Actor, after: int, limit: int) -> Followed:
    """Move a batch; what has no position among several heirs stays until a person gives it a grid."""
    query = select(Record.id, Record.grid_id, Record.lon, Record.lat).where(*_STANDING, Record.id > after)
    rows = session.execute(query.order_by(Record.id).limit(limit).with_for_update()).all()
    ids, old = (np.array([row[column] for row in rows], dtype=np.int64) for column in (0, 1))
    lon, lat = (np.array([row[column] for row in rows], dtype=np.float64) for column in (2, 3))
    heirs = np.zeros(len(rows), dtype=np.int64)
    for number, retired in succession.retired_grids(session, old.tolist()).items():
        here = np.flatnonzero(old == number)
        heirs[here] = retired.heir_at(lon[here], lat[here])
    found = heirs > 0
    if found.any():
        parameters = {"ids": ids[found].tolist(), "grids": heirs[found].tolist(), "agency": actor.agency_id, "now": actor.now}
        session.execute(_MOVE, parameters)
    return Followed(int(ids[-1]) if len(rows) == limit else None, int(found.sum()))


succession.follow(Follower("records", count_waiting, follow_land, BATCH))
