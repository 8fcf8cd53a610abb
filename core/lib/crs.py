"""Coordinate reference systems in use in China, and the way from one to another.

WGS84 (and CGCS2000, which differs from it by centimetres) is what is stored.
GCJ-02 is what most Chinese base maps and phones give, BD-09 is Baidu's. The
two shifts have no closed inverse: the way back is iterated until the forward
way returns to within 1e-9 degrees. Everything here is numpy arithmetic and
knows neither databases nor requests.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from core.lib.errors import Invalid
from core.lib.text import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

__all__ = ["Crs", "convert", "convert_many", "parse_crs"]

# The ellipsoid of Krassowsky 1940, on which the GCJ-02 shift is defined.
_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323

# The shift is applied inside this box only (degrees: west, east, south, north).
_CHINA = (72.004, 137.8347, 0.8293, 55.8271)

_TOLERANCE = 1e-9
# Iterate past the promised accuracy: the map contracts a thousandfold a step, so this costs one step more.
_STOP = 1e-12
_MAX_STEPS = 30


class Crs(StrEnum):
    """The systems that input may be in; `cgcs2000` is taken as `wgs84`."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"


def parse_crs(name: str) -> Crs:
    """Read the name of a coordinate system, in any case and with or without a hyphen.

    Raises Invalid for a name that is not known: a guess would put everything
    half a kilometre away from where it is.
    """
    if isinstance(name, Crs):
        return name
    try:
        return Crs(name.strip().lower().replace("-", ""))
    except (AttributeError, ValueError):
        raise Invalid(msg("lib.unknown_crs", crs=str(name), known=", ".join(Crs)), path="crs") from None


def convert(lon: float, lat: float, source: str, target: str = Crs.WGS84) -> tuple[float, float]:
    """Convert one position, longitude before latitude; see `convert_many`."""
    if _family(parse_crs(source)) is _family(parse_crs(target)):
        return float(lon), float(lat)
    lons, lats = convert_many([lon], [lat], source, target)
    return float(lons[0]), float(lats[0])


def convert_many(lon: ArrayLike, lat: ArrayLike, source: str, target: str = Crs.WGS84) -> tuple[Floats, Floats]:
    """Convert many positions at once from one system to another.

    Positions outside China's box are the same in every system. Not-a-number
    stays not-a-number. Raises Invalid for an unknown system.
    """
    come, go = parse_crs(source), parse_crs(target)
    lons, lats = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    if _family(come) is _family(go):
        return lons, lats
    if come is Crs.BD09:
        lons, lats = _inside_china(_invert(_gcj02_to_bd09), lons, lats)
    elif come is not Crs.GCJ02:
        lons, lats = _inside_china(_wgs84_to_gcj02, lons, lats)
    if go is Crs.BD09:
        return _inside_china(_gcj02_to_bd09, lons, lats)
    if go is not Crs.GCJ02:
        return _inside_china(_invert(_wgs84_to_gcj02), lons, lats)
    return lons, lats


def _family(crs: Crs) -> Crs:
    return Crs.WGS84 if crs is Crs.CGCS2000 else crs


def _inside_china(shift: Shift, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    west, east, south, north = _CHINA
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    lon, lat = lon.copy(), lat.copy()
    lon[inside], lat[inside] = shift(lon[inside], lat[inside])
    return lon, lat


def _wgs84_to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = np.radians(lat)
    bulge = 1.0 - _ECCENTRICITY * np.sin(radians) ** 2
    north_degrees = np.degrees(north / (_AXIS * (1.0 - _ECCENTRICITY) / (bulge * np.sqrt(bulge))))
    east_degrees = np.degrees(east / (_AXIS / np.sqrt(bulge) * np.cos(radians)))
    return lon + east_degrees, lat + north_degrees


def _gcj02_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    turn = np.pi * 3000.0 / 180.0
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * turn)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * turn)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _invert(forward: Shift) -> Shift:
    """Turn a shift around by fixed-point iteration; each step is the miss of the last."""

    def backward(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        x, y = lon.copy(), lat.copy()
        for _ in range(_MAX_STEPS):
            shifted_x, shifted_y = forward(x, y)
            miss_x, miss_y = shifted_x - lon, shifted_y - lat
            x, y = x - miss_x, y - miss_y
            worst = max(np.nanmax(np.abs(miss_x), initial=0.0), np.nanmax(np.abs(miss_y), initial=0.0))
            if worst < _STOP:
                return x, y
        if worst < _TOLERANCE:
            return x, y
        raise ArithmeticError(f"the coordinate shift did not settle: still {worst} degrees off after {_MAX_STEPS} steps")

    return backward
