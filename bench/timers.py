"""Firing 10,000 due timers, beside as many row updates in batches."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from bench.world import World, report_many
from core.db.uow import unit_of_work
from core.holidays import service as holidays
from core.workflow import tasks
from core.workflow.service import known

TIMERS = 10_000
BATCH = 500
ROUNDS = 3


def fire(world: World) -> dict[str, Any]:
    """Report 10,000 cases, and fire the warning that each gets when four fifths of its half hour are over: each tells, and sets the next."""
    with world.database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM case_timer"))
    report_many(world, TIMERS)
    _warm(world)
    rounds = [_round(world) for _ in range(ROUNDS)]
    seconds, floor = min(one[0] for one in rounds), min(one[1] for one in rounds)
    return {
        "timers": TIMERS,
        "rate": round(TIMERS / seconds),
        "floor": round(TIMERS / floor),
        "seconds": round(seconds, 3),
        "floor_seconds": round(floor, 3),
        "ratio": round(seconds / floor, 2),
        "rounds": [[round(one, 3) for one in pair] for pair in rounds],
    }


def _warm(world: World) -> None:
    # A worker has its definitions and its calendar in memory; a floor has none.
    with unit_of_work(world.database, world.agency_id) as session:
        for version in known.all_workflows(session):
            known.workflow(session, version.id)
        holidays.calendar_for(session, world.agency_id)


def _round(world: World) -> tuple[float, float]:
    """Make the warnings due again, and give the seconds of firing them and of the floor; everything must have happened."""
    with world.database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM case_timer"))
        connection.execute(text("DELETE FROM outbox"))
        connection.execute(text(_DUE), {"agency": world.agency_id, "count": TIMERS})
        now = connection.execute(text("SELECT max(due_at) FROM case_timer")).scalar_one() + timedelta(seconds=1)
        connection.execute(text("DROP TABLE IF EXISTS floor_timer"))
        connection.execute(text("CREATE TABLE floor_timer (LIKE case_timer INCLUDING ALL)"))
        connection.execute(text("INSERT INTO floor_timer OVERRIDING SYSTEM VALUE SELECT * FROM case_timer"))
    with world.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("case_timer", "floor_timer", "outbox"):
            connection.execute(text(f"VACUUM (ANALYZE) {table}"))
    floor = _floor(world, now)
    started = time.perf_counter()
    fired = tasks.fire_due(world.database, world.agency_id, now=now)
    seconds = time.perf_counter() - started
    with world.database.owner_engine.connect() as connection:
        told = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
        left = connection.execute(text("SELECT count(*) FROM case_timer WHERE due_at <= :now"), {"now": now}).scalar_one()
        following = connection.execute(text("SELECT count(*) FROM case_timer WHERE key = 'escalate.1'")).scalar_one()
    if (fired, told, left, following) != (TIMERS, TIMERS, 0, TIMERS):
        raise SystemExit(f"of {TIMERS} timers {fired} fired, {told} told, {left} are left, {following} go on")
    return seconds, floor


def _floor(world: World, now: datetime) -> float:
    """Update as many rows of a table with the same columns and indexes, without policies and keys, 500 a transaction."""
    started = time.perf_counter()
    with world.database.owner_engine.connect() as connection:
        for _ in range(0, TIMERS, BATCH):
            connection.execute(text(_UPDATE_BATCH), {"count": BATCH, "now": now})
            connection.commit()
    return time.perf_counter() - started


_UPDATE_BATCH = """
UPDATE floor_timer SET due_at = due_at + interval '1 day', attempts = attempts + 1
WHERE id IN (SELECT id FROM floor_timer WHERE due_at <= :now ORDER BY due_at LIMIT :count FOR UPDATE SKIP LOCKED)
"""

_DUE = """
INSERT INTO case_timer (agency_id, case_id, key, due_at)
SELECT agency_id, id, 'escalate.0', warn_at FROM cases
WHERE agency_id = :agency AND category = 'open' AND state = 'reported' AND version = 1 ORDER BY id DESC LIMIT :count
"""
