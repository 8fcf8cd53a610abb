"""Locating a million points in 4,200 unit grids, beside shapely's own bulk query."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from sqlalchemy import func, select

from bench.world import World
from core.authz import Actor
from core.db.uow import unit_of_work
from core.grid.models import Grid
from core.grid.service.locating import index_of
from core.grid.service.schemes import scheme_of
from core.lib import clock

POINTS = 1_000_000


def locate(world: World) -> dict[str, Any]:
    """Locate the same points twice each way and keep the better times."""
    actor = Actor(None, world.agency_id, "dongcheng", "system", (), clock.now(), is_system=True)
    with unit_of_work(world.database, world.agency_id) as session:
        scheme = scheme_of(session, actor)
        index = index_of(session, scheme)
        rows = session.scalars(select(Grid.polygon).where(Grid.scheme_id == scheme.id, func.length(Grid.code) == 15)).all()
    polygons = [shape(polygon) for polygon in rows]
    tree = shapely.STRtree(polygons)
    random = np.random.default_rng(3)
    west, south, east, north = tree.geometries.tolist() and shapely.total_bounds(np.array(polygons, dtype=object))
    lon, lat = random.uniform(west, east, POINTS), random.uniform(south, north, POINTS)
    points = shapely.points(lon, lat)
    ours, floor = [], []
    for _ in range(2):
        started = time.perf_counter()
        tree.query(points, predicate="within")
        floor.append(time.perf_counter() - started)
        started = time.perf_counter()
        found = index.locate_many(lon, lat)
        ours.append(time.perf_counter() - started)
    return {
        "units": len(polygons),
        "points": POINTS,
        "found": int((np.asarray(found) > 0).sum()),
        "seconds": round(min(ours), 3),
        "floor_seconds": round(min(floor), 3),
        "ratio": round(min(ours) / min(floor), 3),
    }
