"""What a ledger's records live among: the agency's projection and settings, the grids, the departments.

Plain lookups made once and used for every row; who reads them from the database
is ``service.reading``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.forms.compile import CompiledForm
from core.grid.index import GridIndex
from core.ledgers.definition import Ledger
from core.ledgers.types import Location
from core.lib.geo import LocalProjection

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GridName:
    """One grid, as far as ledgers care."""

    id: int
    code: str
    path: str


@dataclass(frozen=True)
class Grids:
    """The grids of the ledger's scheme: those that positions are looked up in, those in force by code, and all by id.

    A retired record keeps the grid that it stood on, be that retired as well.
    """

    index: GridIndex | None
    by_id: Mapping[int, GridName]
    by_code: Mapping[str, GridName]


@dataclass(frozen=True, slots=True)
class DepartmentName:
    """One active department."""

    id: int
    code: str
    name: str
    path: str


@dataclass(frozen=True)
class Departments:
    """The agency's active departments by code and by name; a name that two of them have finds neither."""

    by_id: Mapping[int, DepartmentName]
    by_code: Mapping[str, DepartmentName]
    by_name: Mapping[str, DepartmentName]

    @classmethod
    def of(cls, departments: Sequence[DepartmentName]) -> Departments:
        """Make the lookups."""
        names: dict[str, DepartmentName] = {}
        twice: set[str] = set()
        for one in departments:
            if names.setdefault(one.name, one) is not one:
                twice.add(one.name)
        by_name = {name: one for name, one in names.items() if name not in twice}
        return cls({one.id: one for one in departments}, {one.code: one for one in departments}, by_name)

    def find(self, text: str) -> DepartmentName | None:
        """Find a department by code or name."""
        return self.by_code.get(text) or self.by_name.get(text)


@dataclass(frozen=True)
class Surroundings:
    """Everything that a row is judged against."""

    agency_id: int
    agency_settings: Mapping[str, Any]
    plane: LocalProjection
    ledger: Ledger
    form: CompiledForm
    form_version_id: int
    grids: Grids
    departments: Departments


@dataclass(frozen=True)
class Places:
    """Many positions at once, located: arrays of one length; grid id 0 stands for none."""

    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    grid_id: NDArray[np.int64]
    location: list[Location]


def locate_many(around: Surroundings, lon: Floats, lat: Floats) -> Places:
    """Find the unit of every position; NaN is no position.

    A position outside every unit is given to the nearest one when that is only
    metres away, and is otherwise kept as outside.
    """
    x, y = around.plane.to_xy_many(lon, lat)
    known = ~np.isnan(lon)
    grid_id = np.zeros(len(lon), dtype=np.int64)
    location = np.where(known, Location.OUTSIDE.value, Location.UNLOCATED.value).astype(object)
    index = around.grids.index
    if index is not None and known.any():
        found = np.full(len(lon), -1, dtype=np.int64)
        found[known] = index.locate_many(lon[known], lat[known])
        inside = found > 0
        grid_id[inside] = found[inside]
        location[inside] = Location.INSIDE.value
        for row in np.flatnonzero(known & ~inside & np.isfinite(x)).tolist():
            neighbours = index.locate(float(lon[row]), float(lat[row])).neighbours
            if neighbours:
                grid_id[row] = neighbours[0].id
                location[row] = Location.NEAR.value
    return Places(lon, lat, x, y, grid_id, [Location(one) for one in location.tolist()])
