"""Which unit is this point in? An index in memory over the polygons in force.

Inside or outside is decided in degrees, on the edges as they are stored;
distances are measured in metres of a local projection. A point on a border,
or in land drawn twice, belongs to the unit with the lowest code: always the
same one, and only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from core.grid.raster import BORDER, NOWHERE, Raster
from core.grid.types import Located, Neighbour
from core.lib.geo import local_projection

__all__ = ["NEAR_M", "GridIndex", "Unit"]

NEAR_M = 10.0

# Below this many points an exact query is quicker than making the raster; a raster once made is used for any number.
_RASTER_PAYS = 20_000


@dataclass(frozen=True, slots=True)
class Unit:
    """One polygon of the index, in WGS84 degrees."""

    id: int
    code: str
    path: str
    polygon: BaseGeometry


class GridIndex:
    """The units of one scheme by place; what it answers never changes, so threads may share it."""

    def __init__(self, units: Iterable[Unit], *, origin: tuple[float, float], near_m: float = NEAR_M) -> None:
        self._units = sorted(units, key=lambda unit: unit.code)
        self._near_m = near_m
        self._plane = local_projection(*origin)
        self._polygons = np.array([unit.polygon for unit in self._units], dtype=object)
        self._ids = np.array([*(unit.id for unit in self._units), NOWHERE], dtype=np.int64)
        self._tree = shapely.STRtree(self._polygons)
        metric = self._plane.project_all(self._polygons)
        self._borders = shapely.boundary(metric)
        self._metric_tree = shapely.STRtree(metric)
        shapely.prepare(self._polygons)
        self._raster: Raster | None = None
        self._drawing = Lock()

    def __len__(self) -> int:
        return len(self._units)

    def locate(self, lon: float, lat: float) -> Located:
        """Find the unit of one point, and who is near when its border is."""
        own = self._own(lon, lat)
        point = Point(self._plane.to_xy(lon, lat))
        near = self._near(point, own)
        if own == NOWHERE:
            return Located(inside=False, border_m=near[0].distance_m if near else None, neighbours=near)
        unit = self._units[own]
        border = float(self._borders[own].distance(point))
        return Located(True, unit.id, unit.code, unit.path, border if border < self._near_m else None, near)

    def unit_at(self, lon: float, lat: float) -> Unit | None:
        """Find the unit of one point and look no further; with the raster that is ten times as quick as without."""
        raster = self._raster
        own = BORDER if raster is None else raster.at(lon, lat)
        if own == BORDER:
            own = self._own(lon, lat)
        return None if own == NOWHERE else self._units[own]

    def make_raster(self) -> None:
        """Make the raster unless there is one; it takes longer than all else here, and whoever asks meanwhile is answered without it."""
        if self._raster is None and self._units:
            with self._drawing:
                self._raster = self._raster or Raster(self._polygons, self._tree)

    @property
    def has_raster(self) -> bool:
        """Say whether the raster is there, or none is needed."""
        return self._raster is not None or not self._units

    def _own(self, lon: float, lat: float) -> int:
        hits = self._tree.query(Point(lon, lat), predicate="intersects")
        return int(hits.min()) if len(hits) else NOWHERE

    def locate_many(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Give the id of each point's unit, -1 where it is in none or is not a number."""
        lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        if not self._units:
            return np.full(len(lons), NOWHERE, dtype=np.int64)
        if len(lons) >= _RASTER_PAYS:
            self.make_raster()
        if self._raster is None:
            return self._ids[self._exact(lons, lats)]
        found = self._raster.look_up(lons, lats)
        open_ones = np.flatnonzero(found == BORDER)
        found[open_ones] = self._exact(lons[open_ones], lats[open_ones])
        return self._ids[found]

    def _exact(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """Test each point against the polygons around it; NOWHERE, which is -1, picks the last id, which is -1."""
        point, polygon = self._tree.query(shapely.points(lon, lat), predicate="intersects")
        lowest = np.full(len(lon), len(self._units), dtype=np.int32)
        np.minimum.at(lowest, point, polygon.astype(np.int32))
        lowest[lowest == len(self._units)] = NOWHERE
        return lowest

    def _near(self, point: Point, own: int) -> tuple[Neighbour, ...]:
        around: Sequence[int] = self._metric_tree.query(point, predicate="dwithin", distance=self._near_m).tolist()
        metric = self._metric_tree.geometries
        near = sorted((float(metric[index].distance(point)), index) for index in around if index != own)
        return tuple(Neighbour(unit.id, unit.code, unit.path, distance) for distance, index in near for unit in [self._units[index]])
