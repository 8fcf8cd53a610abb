"""Firing 10,000 due timers, beside as many row updates in batches."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from bench.world import World
from core.workflow import tasks

TIMERS = 10_000
BATCH = 500


def fire(world: World) -> dict[str, Any]:
    """Make 10,000 escalations due on as many open cases, and fire them."""
    now = datetime.now(UTC)
    with world.database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM case_timer"))
        connection.execute(text(_MAKE_DUE), {"agency": world.agency_id, "due": now - timedelta(minutes=1), "count": TIMERS})
        made = connection.execute(text("SELECT count(*) FROM case_timer")).scalar_one()
        connection.execute(text("TRUNCATE floor_row"))
        connection.execute(text("INSERT INTO floor_row (due_at) SELECT now() FROM generate_series(1, :count)"), {"count": made})
        before = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
    floor = _floor(world, made)
    started = time.perf_counter()
    fired = tasks.fire_due(world.database, world.agency_id, now=now)
    seconds = time.perf_counter() - started
    with world.database.owner_engine.connect() as connection:
        told = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() - before
        left = connection.execute(text("SELECT count(*) FROM case_timer WHERE due_at <= :now"), {"now": now}).scalar_one()
    return {
        "timers": made,
        "fired": fired,
        "left": left,
        "messages": told,
        "seconds": round(seconds, 3),
        "floor_seconds": round(floor, 3),
        "ratio": round(seconds / floor, 2),
    }


def _floor(world: World, count: int) -> float:
    """Update as many rows, 500 a transaction, over one connection of the application's kind."""
    started = time.perf_counter()
    with world.database.owner_engine.connect() as connection:
        for first in range(0, count, BATCH):
            connection.execute(text(_UPDATE_BATCH), {"count": BATCH})
            connection.commit()
            assert first >= 0
    return time.perf_counter() - started


_UPDATE_BATCH = """
UPDATE floor_row SET fired = true WHERE id IN (SELECT id FROM floor_row WHERE NOT fired ORDER BY id LIMIT :count FOR UPDATE SKIP LOCKED)
"""

_MAKE_DUE = """
INSERT INTO case_timer (agency_id, case_id, key, due_at)
SELECT agency_id, id, 'escalate.0', :due FROM cases
WHERE agency_id = :agency AND category = 'open' AND clock IS NOT NULL AND NOT clock ? 'paused_at'
ORDER BY reported_at DESC LIMIT :count
"""
