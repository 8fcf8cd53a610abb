"""Polygons on their way in and out: GeoJSON to columns, with every fault named; columns to GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry

from core.grid.types import ProblemKind
from core.lib.crs import Crs, convert_many
from core.lib.geo import area_m2
from core.lib.text import Message, msg

__all__ = ["COLUMNS", "BadShape", "columns_of", "read_polygon", "to_geojson"]

COLUMNS = ("polygon", "west", "south", "east", "north", "area_m2", "lon", "lat")
"""The columns of a grid that stand or fall with its polygon."""

_KINDS = ("Polygon", "MultiPolygon")
_DIGITS = 7
"""Coordinates are kept to about a centimetre."""
_SMALLEST_M2 = 1.0


class BadShape(Exception):  # noqa: N818  # caught where the feature is known
    """A polygon that cannot be taken, and why."""

    def __init__(self, kind: ProblemKind, message: Message) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


def read_polygon(code: str, geometry: Any, *, crs: Crs = Crs.WGS84, mend: bool = False) -> tuple[BaseGeometry, bool]:
    """Read a GeoJSON Polygon or MultiPolygon into WGS84, rounded to seven decimals, and say whether it was mended.

    With `mend`, a self-crossing or doubled outline is repaired the way shapely
    does it by structure. Raises BadShape with the reason and the spot.
    """
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _KINDS:
        raise BadShape(ProblemKind.BROKEN_POLYGON, msg("grid.not_a_polygon", code=code, found=_kind_of(geometry)))
    try:
        polygon = shape(dict(geometry))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, shapely.errors.ShapelyError) as error:
        raise BadShape(ProblemKind.BROKEN_POLYGON, msg("grid.bad_coordinates", code=code, reason=str(error)[:200])) from None
    polygon = shapely.transform(shapely.force_2d(polygon), lambda points: _to_wgs84(code, points, crs))
    mended = mend and not polygon.is_valid
    if mended:
        polygon = _areas_of(shapely.make_valid(polygon, method="structure", keep_collapsed=False))
    if not polygon.is_valid:
        raise BadShape(ProblemKind.BROKEN_POLYGON, msg("grid.broken_polygon", code=code, reason=str(shapely.is_valid_reason(polygon))))
    if polygon.is_empty or area_m2(polygon) < _SMALLEST_M2:
        raise BadShape(ProblemKind.BROKEN_POLYGON, msg("grid.no_area", code=code))
    return polygon, mended


def columns_of(polygon: BaseGeometry) -> dict[str, Any]:
    """Give the columns of a grid that are worked out from its polygon."""
    west, south, east, north = polygon.bounds
    middle = polygon.centroid if polygon.covers(polygon.centroid) else polygon.point_on_surface()
    return {
        "polygon": to_geojson(polygon),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "area_m2": round(area_m2(polygon), 2),
        "lon": round(middle.x, _DIGITS),
        "lat": round(middle.y, _DIGITS),
    }


def to_geojson(polygon: BaseGeometry) -> dict[str, Any]:
    """Write a geometry as a GeoJSON object."""
    written: dict[str, Any] = json.loads(shapely.to_geojson(polygon))
    return written


def _to_wgs84(code: str, points: NDArray[np.float64], crs: Crs) -> NDArray[np.float64]:
    if not np.isfinite(points).all() or (np.abs(points) > (180.0, 90.0)).any():
        raise BadShape(ProblemKind.BROKEN_POLYGON, msg("grid.coordinates_off_earth", code=code))
    # Adding zero turns -0.0 into 0.0.
    return np.asarray(np.round(np.column_stack(convert_many(points[:, 0], points[:, 1], crs)), _DIGITS) + 0.0, dtype=np.float64)


def _areas_of(geometry: BaseGeometry) -> BaseGeometry:
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _kind_of(geometry: Any) -> str:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else geometry
    return str(kind)[:60]
