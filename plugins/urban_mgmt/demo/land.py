"""The demo's land: Dongcheng's district, streets, communities, grids and unit grids.

Codes and names of the streets and of 169 communities are real; 36 communities
are made up and say so (示例); every polygon below the district is made up. A
jittered lattice is laid over the real outline, cut by it once, and its cells
are grouped from the bottom up, so neighbours share their vertices exactly and
every parent is the union of its children. The same seed gives the same land.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, mapping, shape

__all__ = ["SCHEME", "feature_collection"]

SCHEME: Mapping[str, Any] = {
    "key": "district",
    "title": {"zh_CN": "东城区网格体系（区以下边界为示意）", "en": "Grids of Dongcheng District (borders below the district are made up)"},
    "origin": (116.41, 39.91),
    "levels": [
        {"key": "district", "title": {"zh_CN": "区", "en": "District"}, "code_digits": 6},
        {"key": "street", "title": {"zh_CN": "街道", "en": "Street"}, "code_digits": 9, "code_within": "district"},
        {"key": "community", "title": {"zh_CN": "社区", "en": "Community"}, "code_digits": 12, "code_within": "street"},
        {"key": "grid", "title": {"zh_CN": "网格", "en": "Grid"}, "code_digits": 14, "code_within": "community"},
        {"key": "unit_grid", "title": {"zh_CN": "单元网格", "en": "Unit grid"}, "code_digits": 15, "code_within": "community"},
    ],
}

COMMUNITIES = 205
GRIDS = 589
GRIDS_A_COMMUNITY = (2, 5)

# Streets as they lie, row by row from north to south, each row from west to east (the last three digits of their codes).
_LAYOUT = (
    ("010",),
    ("004", "005", "009"),
    ("003", "006"),
    ("002", "007"),
    ("001", "008"),
    ("011", "012", "013"),
    ("016", "015", "014"),
    ("017",),
)

# Degrees: a lattice of about 100 m, of which about 4,200 cells of 10,000 m² remain once slivers at the outline are joined.
_PITCH = (99.5 / 85_390.0, 99.5 / 111_035.0)
_JITTER = 0.13
_SLIVER = 0.45
_SNAP = 1e-7
_NUMERALS = "一二三四五六七八九十"


def feature_collection(seed: int = 110101) -> dict[str, Any]:
    """Make the whole district as GeoJSON, parents before children, ready for the import of grids."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible demo, no secret
    district = json.loads((files("plugins.urban_mgmt.demo") / "data" / "dongcheng-divisions.json").read_text("utf-8"))
    cells = _Cells(_units(_outline(), chance))
    return {
        "type": "FeatureCollection",
        "note": "The outline is real and coarse; every division below it is made up for this demo.",
        "features": list(_features(district, cells, chance)),
    }


def _outline() -> Polygon:
    source = files("plugins.urban_mgmt.demo") / "data" / "dongcheng-outline.geojson"
    outline = shape(json.loads(source.read_text("utf-8"))["geometry"])
    assert isinstance(outline, Polygon)
    return outline


def _units(outline: Polygon, chance: random.Random) -> list[Polygon]:
    """Cut the outline by a jittered lattice and join what is too small to a neighbour."""
    lines = [*_lattice(outline, chance), LineString(outline.exterior.coords)]
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(lines, grid_size=_SNAP))))
    # Rounding takes the noise of 1e-15 away, so that equal vertices are equal texts as well.
    pieces = shapely.transform(pieces, lambda points: np.round(points, 7))
    inside = shapely.contains(outline, shapely.point_on_surface(pieces))
    return _without_slivers([piece for piece, keep in zip(pieces, inside, strict=True) if keep])


def _lattice(outline: Polygon, chance: random.Random) -> Iterator[LineString]:
    west, south, east, north = outline.bounds
    columns = int((east - west) / _PITCH[0]) + 3
    rows = int((north - south) / _PITCH[1]) + 3
    vertices = [
        [
            (
                west + (column - 1 + chance.uniform(-_JITTER, _JITTER)) * _PITCH[0],
                north - (row - 1 + chance.uniform(-_JITTER, _JITTER)) * _PITCH[1],
            )
            for column in range(columns)
        ]
        for row in range(rows)
    ]
    yield from (LineString(row) for row in vertices)
    yield from (LineString(column) for column in zip(*vertices, strict=True))


def _without_slivers(pieces: list[Polygon]) -> list[Polygon]:
    smallest = _SLIVER * _PITCH[0] * _PITCH[1]
    shared = _shared_borders(pieces)
    members = {index: [index] for index in range(len(pieces))}
    areas = [piece.area for piece in pieces]
    for index in sorted(members, key=lambda index: areas[index]):
        if areas[index] >= smallest or not shared[index]:
            continue
        host = max(shared[index], key=lambda other: (shared[index][other], other))
        members[host] += members.pop(index)
        areas[host] += areas[index]
        for other, length in shared.pop(index).items():
            del shared[other][index]
            if other != host:
                shared[host][other] = shared[other][host] = shared[host].get(other, 0.0) + length
    return [_union(pieces[member] for member in group) for group in members.values()]


def _shared_borders(polygons: Sequence[Polygon]) -> dict[int, dict[int, float]]:
    """Measure the border that each polygon shares with each neighbour, edge by equal edge."""
    owners: dict[frozenset[tuple[float, ...]], list[int]] = defaultdict(list)
    for index, polygon in enumerate(polygons):
        for ring in (polygon.exterior, *polygon.interiors):
            points = list(ring.coords)
            for start, end in pairwise(points):
                owners[frozenset((start, end))].append(index)
    shared: dict[int, dict[int, float]] = {index: {} for index in range(len(polygons))}
    for edge, pair in owners.items():
        if len(pair) == 2:
            one, other = pair
            length = float(np.hypot(*np.subtract(*(np.array(point) / _PITCH for point in edge))))
            shared[one][other] = shared[other][one] = shared[one].get(other, 0.0) + length
    return shared


def _union(polygons: Iterable[Polygon]) -> Polygon:
    joined = shapely.coverage_union_all(list(polygons))
    parts = shapely.get_parts(joined)
    if len(parts) != 1:
        raise ValueError("the demo's land fell apart: a division is not in one piece")
    part = parts[0]
    assert isinstance(part, Polygon)
    return shapely.normalize(part)


@dataclass
class _Cells:
    """The unit grids, with who borders on whom and where each one lies."""

    polygons: list[Polygon]

    @cached_property
    def neighbours(self) -> list[set[int]]:
        shared = _shared_borders(self.polygons)
        return [set(shared[index]) for index in range(len(self.polygons))]

    @cached_property
    def middles(self) -> list[tuple[float, float]]:
        """East and south of the origin, in pitches."""
        centres = shapely.get_coordinates(shapely.centroid(self.polygons))
        return [(float(lon) / _PITCH[0], -float(lat) / _PITCH[1]) for lon, lat in centres]

    def reading_order(self, cells: Iterable[int]) -> list[int]:
        """Sort cells band by band from north to south, within a band from west to east."""
        return sorted(cells, key=lambda cell: (round(self.middles[cell][1]), self.middles[cell][0]))

    def union(self, cells: Iterable[int]) -> Polygon:
        return _union(self.polygons[cell] for cell in cells)

    def cut(self, cells: Sequence[int], weights: Sequence[int], axis: int | None = None) -> list[list[int]]:
        """Cut cells into connected pieces sized by `weights`, along one axis or always along the longer one."""
        if len(weights) == 1:
            return [list(cells)]
        along = self._longer_axis(cells) if axis is None else axis
        half = len(weights) // 2
        order = sorted(cells, key=lambda cell: (self.middles[cell][along], cell))
        count = round(len(order) * sum(weights[:half]) / sum(weights))
        first, second = self._connected(set(order[:count]), set(order[count:]))
        return [*self.cut(sorted(first), weights[:half], axis), *self.cut(sorted(second), weights[half:], axis)]

    def _longer_axis(self, cells: Sequence[int]) -> int:
        spans = np.ptp([self.middles[cell] for cell in cells], axis=0)
        return int(spans[1] > spans[0])

    def _connected(self, first: set[int], second: set[int]) -> tuple[set[int], set[int]]:
        """Hand islands over to the other side until both sides are in one piece."""
        for _ in range(8):
            islands = [self._islands(first), self._islands(second)]
            if not any(islands):
                return first, second
            for island in islands[0]:
                first, second = first - island, second | island
            for island in islands[1]:
                first, second = first | island, second - island
        raise ValueError("the demo's land cannot be cut into connected pieces")

    def _islands(self, cells: set[int]) -> list[set[int]]:
        pieces = []
        rest = set(cells)
        while rest:
            piece, border = set(), [min(rest)]
            while border:
                cell = border.pop()
                if cell in rest:
                    rest.remove(cell)
                    piece.add(cell)
                    border += self.neighbours[cell] & rest
            pieces.append(piece)
        return sorted(pieces, key=len)[:-1]


def _features(district: Mapping[str, Any], cells: _Cells, chance: random.Random) -> Iterator[dict[str, Any]]:
    streets = {street["code"][6:]: {**street, "communities": list(street["communities"])} for street in district["streets"]}
    _make_up_communities(list(streets.values()))
    yield _feature(district["code"], district["name"], "district", None, cells.union(range(len(cells.polygons))))
    rows = cells.cut(range(len(cells.polygons)), [_weight(streets, row) for row in _LAYOUT], axis=1)
    below: list[tuple[Mapping[str, Any], list[int]]] = []
    for row, land in zip(_LAYOUT, rows, strict=True):
        for serial, part in zip(row, cells.cut(land, [_weight(streets, (serial,)) for serial in row], axis=0), strict=True):
            street = streets[serial]
            yield _feature(street["code"], street["name"], "street", district["code"], cells.union(part))
            pieces = cells.cut(part, [1] * len(street["communities"]))
            below += zip(street["communities"], _in_reading_order(cells, pieces), strict=True)
    counts = _grid_counts([len(land) for _, land in below], chance)
    for (community, land), count in zip(below, counts, strict=True):
        yield from _community_features(community, land, count, cells)


def _community_features(community: Mapping[str, Any], land: list[int], count: int, cells: _Cells) -> Iterator[dict[str, Any]]:
    code, example = community["code"], community.get("example", False)
    short = community["name"].removesuffix("居委会")
    yield _feature(code, community["name"], "community", code[:9], cells.union(land), example=example)
    parent_of: dict[int, str] = {}
    for number, part in enumerate(_in_reading_order(cells, cells.cut(land, [1] * count)), start=1):
        grid = f"{code}{number:02d}"
        parent_of |= dict.fromkeys(part, grid)
        yield _feature(grid, f"{short}第{_NUMERALS[number - 1]}网格", "grid", code, cells.union(part), example=example)
    for serial, cell in enumerate(cells.reading_order(land), start=1):
        name = f"{short}{serial:03d}号单元网格"
        yield _feature(f"{code}{serial:03d}", name, "unit_grid", parent_of[cell], cells.polygons[cell], example=example)


def _weight(streets: Mapping[str, Mapping[str, Any]], serials: Iterable[str]) -> int:
    return sum(len(streets[serial]["communities"]) for serial in serials)


def _in_reading_order(cells: _Cells, pieces: list[list[int]]) -> list[list[int]]:
    def place(piece: list[int]) -> tuple[int, float]:
        east, south = np.mean([cells.middles[cell] for cell in piece], axis=0)
        # Pieces of one row of a street begin within a few cells of each other.
        return round(south / 4), float(east)

    return sorted(pieces, key=place)


def _make_up_communities(streets: list[dict[str, Any]]) -> None:
    """Give made-up communities to the streets that have the fewest, until the published total is reached."""
    made_up: dict[str, int] = defaultdict(int)
    for _ in range(COMMUNITIES - sum(len(street["communities"]) for street in streets)):
        street = min(streets, key=lambda street: (len(street["communities"]), street["code"]))
        number = made_up[street["code"]] = made_up[street["code"]] + 1
        name = f"{street['name'].removesuffix('街道')}示例{_NUMERALS[number - 1]}社区居委会"
        # Serials of real residents' committees end below 100 here; 001 to 199 are theirs by the standard.
        street["communities"].append({"code": f"{street['code']}{100 + number}", "name": name, "example": True})


def _grid_counts(sizes: Sequence[int], chance: random.Random) -> list[int]:
    """Choose how many grids each community has: 2 to 5, more for the larger, 589 in all."""
    low, high = GRIDS_A_COMMUNITY
    counts = [low] * len(sizes)
    for _ in range(GRIDS - low * len(sizes)):
        open_ones = [index for index, count in enumerate(counts) if count < high]
        counts[chance.choices(open_ones, [sizes[index] for index in open_ones])[0]] += 1
    return counts


def _feature(code: str, name: str, level: str, parent: str | None, polygon: Polygon, *, example: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": code, "name": name, "level": level, "parent": parent}
    if example:
        properties["example"] = True
    return {"type": "Feature", "properties": properties, "geometry": mapping(polygon)}
