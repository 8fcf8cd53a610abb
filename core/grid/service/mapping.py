"""Grids for the map: the polygons of one level in a box, with fewer vertices the farther one looks from.

Neighbours are simplified together, so no gap opens between them on the screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor, require_anywhere
from core.grid.models import Grid, GridScheme
from core.grid.permissions import GridRight
from core.grid.service.indexing import LandCache
from core.grid.service.reading import level_id
from core.grid.service.schemes import LAND, Scheme, scheme_of
from core.lib.errors import Invalid
from core.lib.text import msg

__all__ = ["MOST_ON_MAP", "geojson"]

MOST_ON_MAP = 10_000

Box = tuple[float, float, float, float]

# A screen is about this many pixels wide; half a pixel may be lost.
_SCREEN = 2_000


@dataclass(frozen=True)
class _Layer:
    """One level of a scheme at one coarseness: a feature's text and its box, row by row."""

    features: list[bytes]
    boxes: NDArray[np.float64]


_layers: LandCache[_Layer] = LandCache()


def geojson(session: Session, actor: Actor, *, level: str, box: Box | None = None, scheme: str | None = None) -> bytes:
    """Write the FeatureCollection of a level's grids in force that touch a box, or of all; one without polygon is left out.

    Raises Invalid for an unknown level, an impossible box, and more than
    `MOST_ON_MAP` features: a map must ask for a smaller box or a higher level.
    """
    require_anywhere(actor, GridRight.READ)
    chosen = scheme_of(session, actor, scheme)
    number = level_id(chosen, level)
    if box is not None and not (-180 <= box[0] <= box[2] <= 180 and -90 <= box[1] <= box[3] <= 90):
        raise Invalid(msg("grid.bad_box"), path="bbox")
    step = _coarseness(box)
    layer = _layer(session, chosen, number, step)
    west, south, east, north = box if box is not None else (-180.0, -90.0, 180.0, 90.0)
    boxes = layer.boxes
    touched = np.flatnonzero((boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south))
    if len(touched) > MOST_ON_MAP:
        raise Invalid(msg("grid.too_many_on_map", count=len(touched), most=MOST_ON_MAP), path="bbox")
    return b'{"type":"FeatureCollection","features":[' + b",".join(layer.features[row] for row in touched.tolist()) + b"]}"


def _coarseness(box: Box | None) -> int | None:
    """Give the power of two of 1e-7 degrees that is half a pixel for this box; None while every vertex is worth its place."""
    if box is None:
        return None
    half_a_pixel = max(box[2] - box[0], box[3] - box[1]) / _SCREEN / 2
    # Half a pixel under two metres: nothing to gain.
    return None if half_a_pixel < 2e-5 else int(math.log2(half_a_pixel / 1e-7))


def _layer(session: Session, scheme: Scheme, level: int, step: int | None) -> _Layer:
    kept = _layers.find(scheme, (level, step))
    if kept is None:
        land, kept = _read(session, scheme, level, step)
        _layers.keep(scheme, land, kept, (level, step))
    return kept


def _read(session: Session, scheme: Scheme, level: int, step: int | None) -> tuple[int | None, _Layer]:
    rows = session.execute(
        select(LAND, Grid.code, Grid.name, Grid.area_m2, Grid.lon, Grid.lat, Grid.polygon)
        .join(GridScheme, GridScheme.id == Grid.scheme_id)
        .where(Grid.scheme_id == scheme.id, Grid.level_id == level, Grid.valid_to.is_(None), Grid.polygon.is_not(None))
        .order_by(Grid.code)
    ).all()
    polygons = np.array([shape(row.polygon) for row in rows], dtype=object)
    if step is not None and len(polygons):
        polygons = shapely.coverage_simplify(polygons, 1e-7 * 2.0**step)
    features = [
        b'{"type":"Feature","properties":%b,"geometry":%b}'
        % (
            orjson.dumps({"code": row.code, "name": row.name, "area_m2": row.area_m2, "lon": row.lon, "lat": row.lat}),
            shapely.to_geojson(polygon).encode(),
        )
        for row, polygon in zip(rows, polygons, strict=True)
    ]
    # A level without polygons is read again each time, which costs nothing.
    return rows[0].land if rows else None, _Layer(features, shapely.bounds(polygons).reshape(-1, 4))
