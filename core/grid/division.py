"""Check a division of the land: every spot of it in one unit, and in one only.

Pure functions over shapely geometries in WGS84 degrees. Overlays are made in
a plane that is a mere stretching of degrees to metres, so that a line which
is straight in the data stays straight and a vertex set by a neighbour on a
long edge opens no sliver. Each fault is a `Finding` with the codes it
concerns, the spot on the map and its area in the local projection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.grid.types import Finding, FindingKind, Plot
from core.lib.geo import area_m2

__all__ = ["Tolerance", "check"]

Key = TypeVar("Key", bound=Hashable)

_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Tolerance:
    """What is let pass: slivers below an area or a width, and how unequal the units of a level may be.

    Two neighbours drawn apart by the accuracy of a file are no fault: the
    defaults let pass what is narrower than 5 cm or smaller than 1 m². The
    ratios compare with the median of the level, both ways.
    """

    area_m2: float = 1.0
    width_m: float = 0.05
    area_ratio: float = 4.0
    load_ratio: float = 4.0


def check(plots: Sequence[Plot], level_depths: Mapping[str, int], tolerance: Tolerance | None = None) -> list[Finding]:
    """Check a whole scheme and list its faults: the tree, then the land, then the balance.

    A plot without polygon, or with a broken one, is reported and left out of
    the comparisons that need its land.
    """
    limits = tolerance or Tolerance()
    findings = [*_orphans(plots, level_depths), *_unusable(plots)]
    sound = [plot for plot in plots if plot.polygon is not None and _fault_of(plot.polygon) is None]
    if sound:
        land = _Land(sound, limits)
        for _, level in _grouped(sound, lambda plot: level_depths.get(plot.level, 0)):
            findings += _overlaps(level, land)
        findings += _outside(sound, land)
        findings += _gaps(sound, land)
    return [*findings, *_unbalanced(sound, limits)]


class _Land:
    """The polygons by code in the stretched plane, the way back, and what counts as land at all."""

    def __init__(self, plots: Sequence[Plot], limits: Tolerance) -> None:
        degrees = np.array([plot.polygon for plot in plots], dtype=object)
        west, south, east, north = shapely.total_bounds(degrees)
        self._origin = np.array([(west + east) / 2, (south + north) / 2])
        self._scale = np.array([_METRES_PER_DEGREE * np.cos(np.radians(self._origin[1])), _METRES_PER_DEGREE])
        stretched = shapely.transform(degrees, lambda points: (points - self._origin) * self._scale)
        self.of = dict(zip((plot.code for plot in plots), stretched, strict=True))
        self._limits = limits

    def finding(self, kind: FindingKind, codes: tuple[str, ...], shape: BaseGeometry) -> Finding:
        degrees = shapely.transform(shape, lambda points: points / self._scale + self._origin)
        return Finding(kind, codes, degrees, area_m2(degrees))

    def substance(self, shape: BaseGeometry) -> list[Polygon]:
        """Give the parts of an overlay that are land: neither lines nor slivers."""
        parts = [part for part in shapely.get_parts(shape) if isinstance(part, Polygon) and part.area >= self._limits.area_m2]
        return [part for part in parts if not part.buffer(-self._limits.width_m / 2).is_empty]


def _grouped(plots: Iterable[Plot], key: Callable[[Plot], Key]) -> list[tuple[Key, list[Plot]]]:
    groups: dict[Key, list[Plot]] = defaultdict(list)
    for plot in plots:
        groups[key(plot)].append(plot)
    return list(groups.items())


def _orphans(plots: Sequence[Plot], depths: Mapping[str, int]) -> Iterator[Finding]:
    by_code = {plot.code: plot for plot in plots}
    for plot in plots:
        depth = depths.get(plot.level)
        above = by_code.get(plot.parent) if plot.parent is not None else None
        if depth is None:
            why = "unknown_level"
        elif above is None:
            why = "" if depth == 0 and plot.parent is None else "no_parent"
        else:
            why = "" if depths.get(above.level) == depth - 1 else "wrong_parent_level"
        if why:
            yield Finding(FindingKind.ORPHAN, (plot.code,), plot.polygon, detail={"reason": why, "parent": plot.parent})


def _unusable(plots: Sequence[Plot]) -> Iterator[Finding]:
    for plot in plots:
        if plot.polygon is None or plot.polygon.is_empty:
            yield Finding(FindingKind.MISSING_POLYGON, (plot.code,))
        elif (reason := _fault_of(plot.polygon)) is not None:
            yield Finding(FindingKind.BROKEN, (plot.code,), plot.polygon, detail={"reason": reason})


def _fault_of(polygon: BaseGeometry) -> str | None:
    if polygon.is_empty:
        return "empty"
    if not isinstance(polygon, Polygon | MultiPolygon):
        return f"a {polygon.geom_type} is no area"
    return None if polygon.is_valid else str(shapely.is_valid_reason(polygon))


def _overlaps(plots: Sequence[Plot], land: _Land) -> Iterator[Finding]:
    polygons = np.array([land.of[plot.code] for plot in plots], dtype=object)
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    # Neighbours in a sound coverage touch along equal edges; only the rest is worth an overlay.
    apart = ~shapely.touches(polygons[first], polygons[second])
    first, second = first[apart], second[apart]
    for one, other, shape in zip(first, second, shapely.intersection(polygons[first], polygons[second]), strict=True):
        if parts := land.substance(shape):
            yield land.finding(FindingKind.OVERLAP, tuple(sorted((plots[one].code, plots[other].code))), _joined(parts))


def _outside(plots: Sequence[Plot], land: _Land) -> Iterator[Finding]:
    pairs = [(plot.code, plot.parent) for plot in plots if plot.parent is not None and plot.parent in land.of]
    children = np.array([land.of[code] for code, _ in pairs], dtype=object)
    parents = np.array([land.of[parent] for _, parent in pairs], dtype=object)
    spill = np.flatnonzero(~shapely.covers(parents, children))
    for index, shape in zip(spill, shapely.difference(children[spill], parents[spill]), strict=True):
        if parts := land.substance(shape):
            yield land.finding(FindingKind.OUTSIDE_PARENT, pairs[index], _joined(parts))


def _gaps(plots: Sequence[Plot], land: _Land) -> Iterator[Finding]:
    """Land of a parent that no child has; where the parent's land is unknown, holes among the children."""
    for parent, children in _grouped(plots, lambda plot: plot.parent):
        union = shapely.union_all([land.of[plot.code] for plot in children])
        whole = land.of[parent] if parent in land.of else _filled(union)
        missing = whole.difference(union)
        for part in land.substance(missing):
            around = shapely.STRtree([land.of[plot.code] for plot in children]).query(part, predicate="dwithin", distance=1.0)
            beside = tuple(sorted(children[index].code for index in around))
            yield land.finding(FindingKind.GAP, ((parent,) if parent else ()) + beside, part)


def _filled(shape: BaseGeometry) -> BaseGeometry:
    return shapely.union_all([Polygon(part.exterior) for part in shapely.get_parts(shape) if isinstance(part, Polygon)])


def _joined(parts: list[Polygon]) -> BaseGeometry:
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _unbalanced(plots: Sequence[Plot], limits: Tolerance) -> Iterator[Finding]:
    for _, level in _grouped(plots, lambda plot: plot.level):
        areas = {plot.code: area_m2(plot.polygon) for plot in level if plot.polygon is not None}
        loads = {plot.code: plot.load for plot in level if plot.load is not None}
        yield from _far_from_median(FindingKind.UNBALANCED_AREA, areas, limits.area_ratio, level)
        yield from _far_from_median(FindingKind.UNBALANCED_LOAD, loads, limits.load_ratio, level)


def _far_from_median(kind: FindingKind, values: Mapping[str, float], ratio: float, level: Sequence[Plot]) -> Iterator[Finding]:
    if len(values) < 2:
        return
    middle = median(values.values())
    for plot in level:
        value = values.get(plot.code)
        if value is not None and not middle / ratio <= value <= middle * ratio:
            area = value if kind is FindingKind.UNBALANCED_AREA else None
            yield Finding(kind, (plot.code,), plot.polygon, area, {"value": value, "median": middle, "ratio": ratio})
