"""Metres on the ground: a local projection, areas and distances.

Positions are stored as WGS84 degrees, but a degree of longitude is a quarter
shorter than one of latitude at 40 degrees north, so whatever is measured is
measured here, in the metres of a transverse Mercator projection around an
origin of the agency's or the grid scheme's own. Within 100 km of the origin
its scale is right to 0.02 percent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import shapely
from pyproj import Geod, Transformer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    Floats = NDArray[np.float64]

__all__ = ["LocalProjection", "area_m2", "distance_m", "local_projection"]

G = TypeVar("G", bound="BaseGeometry")

_ELLIPSOID = Geod(ellps="WGS84")


@dataclass(frozen=True)
class LocalProjection:
    """A plane in metres that touches the earth at (lon, lat); x points east, y north.

    Make it with `local_projection`, which keeps one per origin.
    """

    lon: float
    lat: float
    _transformer: Any = field(repr=False, compare=False)

    def to_xy(self, lon: float, lat: float) -> tuple[float, float]:
        """Give one position in metres east and north of the origin."""
        x, y = self._transformer.transform(lon, lat)
        return float(x), float(y)

    def to_xy_many(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Give many positions in metres; not-a-number where a position is none."""
        x, y = self._transformer.transform(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
        return np.where(np.isfinite(x), x, np.nan), np.where(np.isfinite(y), y, np.nan)

    def to_lonlat(self, x: float, y: float) -> tuple[float, float]:
        """Give the position that lies x metres east and y metres north of the origin."""
        lon, lat = self._transformer.transform(x, y, direction="INVERSE")
        return float(lon), float(lat)

    def to_lonlat_many(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Give many positions in degrees."""
        lon, lat = self._transformer.transform(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), direction="INVERSE")
        return np.asarray(lon), np.asarray(lat)

    def project(self, geometry: G) -> G:
        """Give a geometry in degrees as one in metres, vertex by vertex; heights are dropped."""
        return shapely.transform(geometry, lambda points: np.column_stack(self.to_xy_many(points[:, 0], points[:, 1])))

    def project_all(self, geometries: ArrayLike) -> NDArray[np.object_]:
        """Project many geometries at once; equal vertices stay equal."""
        array = np.asarray(geometries, dtype=object)
        return np.asarray(shapely.transform(array, lambda points: np.column_stack(self.to_xy_many(points[:, 0], points[:, 1]))))


@lru_cache(maxsize=256)
def local_projection(lon: float, lat: float) -> LocalProjection:
    """Make the plane around an origin in WGS84 degrees.

    Raises ValueError when the origin is not on the earth.
    """
    if not (math.isfinite(lon) and math.isfinite(lat) and -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise ValueError(f"no such origin: longitude {lon}, latitude {lat}")
    steps = f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=tmerc +lat_0={lat!r} +lon_0={lon!r} +ellps=WGS84"
    return LocalProjection(lon, lat, Transformer.from_pipeline(steps))


def area_m2(geometry: BaseGeometry) -> float:
    """Measure a polygon given in WGS84 degrees, in square metres, around its own middle."""
    if geometry.is_empty:
        return 0.0
    west, south, east, north = geometry.bounds
    # Rounding the origin lets neighbours share one projection; 0.1 degrees away the scale is still exact to 1e-6.
    origin = local_projection(round((west + east) / 2, 1), round((south + north) / 2, 1))
    return float(origin.project(geometry).area)


def distance_m(lon_1: float, lat_1: float, lon_2: float, lat_2: float) -> float:
    """Measure the distance between two WGS84 positions, in metres, along the ellipsoid."""
    _, _, metres = _ELLIPSOID.inv(lon_1, lat_1, lon_2, lat_2)
    return float(metres)
