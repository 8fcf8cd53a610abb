"""The second agency's land: one street of Changning with three communities, on a plain lattice; every polygon is made up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from plugins.urban_mgmt.demo.land import SCHEME as DISTRICT_SCHEME

ORIGIN = (121.42, 31.22)
SCHEME: Mapping[str, Any] = {
    "key": "small",
    "title": {"zh_CN": "示例网格体系", "en": "Sample grids"},
    "origin": ORIGIN,
    "levels": DISTRICT_SCHEME["levels"],
}
COMMUNITIES = 3
_STEP = (0.00105, 0.0009)


def feature_collection() -> dict[str, Any]:
    """Make the land: a district, a street, three communities of two grids of four unit grids each."""
    source = json.loads((files("plugins.urban_mgmt.demo") / "data" / "changning-divisions.json").read_text("utf-8"))
    street = source["streets"][0]
    return {"type": "FeatureCollection", "features": list(_features(source, street))}


def _features(district: Mapping[str, Any], street: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    communities = street["communities"][:COMMUNITIES]
    yield _feature(district["code"], district["name"], "district", None, (0, 0, 8, 3))
    yield _feature(street["code"], street["name"], "street", district["code"], (0, 0, 8, 3))
    for row, community in enumerate(communities):
        yield _feature(community["code"], community["name"], "community", street["code"], (0, row, 8, row + 1))
        for half in range(2):
            grid = f"{community['code']}{half + 1:02d}"
            yield _feature(grid, f"第{half + 1}网格", "grid", community["code"], (half * 4, row, half * 4 + 4, row + 1))
            for cell in range(4):
                number = half * 4 + cell + 1
                yield _feature(
                    f"{community['code']}{number:03d}", f"单元网格{number:03d}", "unit_grid", grid, (number - 1, row, number, row + 1)
                )


def _feature(code: str, name: str, level: str, parent: str | None, box: tuple[int, int, int, int]) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    coordinates = [[[round(ORIGIN[0] + x * _STEP[0], 7), round(ORIGIN[1] + y * _STEP[1], 7)] for x, y in ring]]
    return {
        "type": "Feature",
        "properties": {"code": code, "name": name, "level": level, "parent": parent},
        "geometry": {"type": "Polygon", "coordinates": coordinates},
    }
