"""The demo's 168,339 components: kinds, names, positions and departments, as the CSV file that a survey would deliver."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml
from shapely.geometry import shape

COUNT = 168_339
HEADINGS = ("kind", "name", "place", "accuracy_class", "quantity", "surveyed_on", "lon", "lat", "in_charge", "owner", "maintainer")
_WEIGHTS = {
    "井盖": 9.0,
    "雨水箅子": 8.0,
    "路灯": 7.0,
    "行道树": 14.0,
    "垃圾箱": 5.0,
    "立杆": 5.0,
    "标志牌": 5.0,
    "护栏": 4.0,
    "广告": 4.0,
    "绿地": 2.0,
}


@dataclass(frozen=True)
class Kind:
    """One of the 56 kinds: its code, name, how often it stands in the street, and the keys of its departments."""

    code: str
    name: str
    weight: float
    departments: Sequence[str]


def kinds() -> list[Kind]:
    """Read the 56 kinds of the demo from the mapping between the numberings."""
    text = (files("plugins.urban_mgmt") / "catalogues" / "mapping.yaml").read_text("utf-8")
    found = [item for item in yaml.safe_load(text)["items"] if item["data"].get("in_demo")]
    return [Kind(item["code"], item["title"]["zh_CN"], _weight(item["title"]["zh_CN"]), item["data"]["departments"]) for item in found]


def _weight(name: str) -> float:
    return next((weight for part, weight in _WEIGHTS.items() if part in name), 1.0)


def write_survey(path: Path, land: Mapping[str, Any], answering: Any, *, seed: int = 110101, count: int = COUNT) -> None:
    """Write the survey file: ``count`` components spread over the unit grids of ``land``.

    ``answering(keys, street_code)`` names the departments that answer for a kind at a place.
    """
    units = [feature for feature in land["features"] if feature["properties"]["level"] == "unit_grid"]
    names = {feature["properties"]["code"]: feature["properties"]["name"] for feature in land["features"]}
    random = np.random.default_rng(seed)
    known = kinds()
    chosen = _chosen_kinds(random, known, count)
    homes = random.choice(len(units), size=count, p=_density(random, len(units)))
    lon, lat = _positions(random, units, homes)
    days = random.integers(0, 700, size=count)
    start = np.datetime64("2024-01-01")
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        for number in range(count):
            kind = known[chosen[number]]
            code = units[homes[number]]["properties"]["code"]
            street, community = code[:9], code[:12]
            bodies = answering(kind.departments, street)
            place = f"{names[street]}{names[community]}"
            writer.writerow(
                (
                    kind.code, f"{names[community].removesuffix('社区居委会')}{kind.name}", place, "abc"[number % 3], 1, str(start + days[number]),
                    f"{lon[number]:.7f}", f"{lat[number]:.7f}", bodies[0], bodies[-1], bodies[min(1, len(bodies) - 1)],
                )
            )  # fmt: skip


def _chosen_kinds(random: Any, known: Sequence[Kind], count: int) -> Any:
    """Draw a kind for each component, every kind at least once."""
    weights = np.array([kind.weight for kind in known])
    drawn = random.choice(len(known), size=count, p=weights / weights.sum())
    drawn[: len(known)] = np.arange(len(known))[:count]
    return drawn


def _density(random: Any, count: int) -> Any:
    """Say how much stands in each unit grid: streets are fuller than courtyards."""
    density = random.gamma(3.0, size=count)
    return density / density.sum()


def _positions(random: Any, units: Sequence[Mapping[str, Any]], homes: Any) -> tuple[Any, Any]:
    """Draw a position inside the home unit of each component; what falls outside its polygon is drawn again nearer its middle."""
    polygons = np.array([shape(unit["geometry"]) for unit in units], dtype=object)
    boxes = shapely.bounds(polygons)[homes]
    middles = shapely.point_on_surface(polygons)
    mx, my = shapely.get_x(middles)[homes], shapely.get_y(middles)[homes]
    share = random.random((2, len(homes)))
    lon = boxes[:, 0] + share[0] * (boxes[:, 2] - boxes[:, 0])
    lat = boxes[:, 1] + share[1] * (boxes[:, 3] - boxes[:, 1])
    shapely.prepare(polygons)
    for _ in range(12):
        outside = ~shapely.contains_xy(polygons[homes], lon, lat)
        if not outside.any():
            break
        lon[outside] = (lon[outside] + mx[outside]) / 2
        lat[outside] = (lat[outside] + my[outside]) / 2
    return lon, lat
