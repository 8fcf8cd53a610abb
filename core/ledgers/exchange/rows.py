"""The record's own columns: code, title, state, position, grid, departments; and what they come to with the form's data.

Everything is worked out for a whole chunk at once; nothing here writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from core.authz import Scope
from core.forms.fields.base import refuse, shown
from core.forms.types import Refused
from core.ledgers.codes import is_code
from core.ledgers.exchange.checking import CellReader, CheckedData, Problems
from core.ledgers.exchange.mapping import Target
from core.ledgers.exchange.tables import Chunk
from core.ledgers.surroundings import Places, Surroundings, locate_many
from core.ledgers.types import Geometry, Location
from core.lib.crs import convert_many
from core.lib.text import msg

_DEGREES = re.compile(r"[-+]?[0-9]{1,3}(?:\.[0-9]{1,17})?(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_MAX_TITLE = 300
_MAX_SOURCE_KEY = 80


@dataclass
class OwnColumns:
    """The record's own values of a chunk, one a row; None is an empty or unmapped cell."""

    code: list[str | None]
    source_key: list[str | None]
    title: list[str | None]
    state: list[str | None]
    departments: list[dict[str, int]]
    places: Places
    mapped: frozenset[str]


class OwnReader:
    """Reads and judges the record's own columns of every chunk of one import."""

    def __init__(self, around: Surroundings, targets: Mapping[str, Target], *, crs: str) -> None:
        self._around, self._crs = around, crs
        self._heading = {target.name: heading for heading, target in targets.items() if target.field is None}
        self.mapped = frozenset(self._heading)
        judges = {
            "code": self._code,
            "source_key": _source_key,
            "title": _title,
            "state": self._state,
            "lon": _degrees,
            "lat": _degrees,
            "grid": self._grid,
        }
        self._readers = {name: CellReader(judges.get(name, self._department)) for name in self._heading}

    def keys(self, chunk: Chunk) -> tuple[list[str | None], list[str | None], Problems]:
        """Read only what names the rows: code and source key."""
        problems: Problems = {}
        return self._column(chunk, "code", problems), self._column(chunk, "source_key", problems), problems

    def read(self, chunk: Chunk, problems: Problems) -> OwnColumns:
        """Read a chunk; what is wrong is added to ``problems``."""
        count = len(chunk)
        for index, message in chunk.spoilt.items():
            problems.setdefault(index, []).append(("", message))
        departments: list[dict[str, int]] = [{} for _ in range(count)]
        for role in self._around.ledger.departments.values():
            name = f"department.{role.key}"
            for index, value in enumerate(self._column(chunk, name, problems)):
                if value is not None:
                    departments[index][role.key] = value
        return OwnColumns(
            code=self._column(chunk, "code", problems),
            source_key=self._column(chunk, "source_key", problems),
            title=self._column(chunk, "title", problems),
            state=self._column(chunk, "state", problems),
            departments=departments,
            places=self._places(chunk, problems),
            mapped=self.mapped,
        )

    def _column(self, chunk: Chunk, name: str, problems: Problems) -> list[Any]:
        heading = self._heading.get(name)
        if heading is None:
            return [None] * len(chunk)
        values, bad = self._readers[name].column(chunk.columns[heading])
        for index, message in bad.items():
            problems.setdefault(index, []).append((name, message))
        return values

    def _places(self, chunk: Chunk, problems: Problems) -> Places:
        lons, lats = self._column(chunk, "lon", problems), self._column(chunk, "lat", problems)
        for index, (lon, lat) in enumerate(zip(lons, lats, strict=True)):
            message = None if lon is None and lat is None else _position_problem(lon, lat)
            if message is not None:
                if index not in problems:
                    problems[index] = [("lon" if lon is None else "lat", message)]
                lons[index] = lats[index] = None
        lon, lat = (np.array([np.nan if one is None else one for one in column], dtype=np.float64) for column in (lons, lats))
        places = locate_many(self._around, *convert_many(lon, lat, self._crs))
        for index, grid in enumerate(self._column(chunk, "grid", problems)):
            if grid is not None and places.grid_id[index] == 0:
                places.grid_id[index] = grid
                places.location[index] = Location.ASSIGNED
        return places

    def _code(self, text: str) -> str:
        code = text.strip()
        layout = self._around.ledger.layout
        if not is_code(code):
            raise Refused(msg("ledgers.not_a_code", found=shown(code)))
        if layout is not None and not layout.fits(code):
            raise Refused(msg("ledgers.code_without_layout", length=layout.length, found=shown(code)))
        return code

    def _state(self, text: str) -> str:
        word = text.strip()
        for state in self._around.ledger.states.values():
            if word == state.key or word in state.title.values():
                return state.key
        raise Refused(msg("ledgers.unknown_state", found=shown(word), known=", ".join(self._around.ledger.states)))

    def _grid(self, text: str) -> int:
        grid = self._around.grids.by_code.get(text.strip())
        if grid is None:
            raise Refused(msg("ledgers.unknown_grid", found=shown(text)))
        return grid.id

    def _department(self, text: str) -> int:
        department = self._around.departments.find(text.strip())
        if department is None:
            raise Refused(msg("ledgers.unknown_department", found=shown(text)))
        return department.id


def _source_key(text: str) -> str:
    key = text.strip()
    if len(key) > _MAX_SOURCE_KEY or not key.isprintable() or key.startswith("row:"):
        raise Refused(msg("ledgers.bad_source_key", limit=_MAX_SOURCE_KEY))
    return key


def _title(text: str) -> str:
    title = " ".join(text.split())
    if len(title) > _MAX_TITLE:
        raise refuse("text_too_long", limit=_MAX_TITLE)
    if not title.isprintable():
        raise refuse("unwanted_characters")
    return title


def _degrees(text: str) -> float:
    plain = text.strip().rstrip("°")
    if not _DEGREES.fullmatch(plain):
        raise Refused(msg("ledgers.not_degrees", found=shown(text)))
    return float(plain)


def _position_problem(lon: float | None, lat: float | None) -> Any:
    if lon is None or lat is None:
        return msg("ledgers.half_position")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        swapped = -90 <= lon <= 90 and -180 <= lat <= 180
        return msg("ledgers.swapped_position" if swapped else "ledgers.position_range", lon=lon, lat=lat)
    return msg("ledgers.zero_position") if lon == 0 == lat else None


def missing_problems(around: Surroundings, own: OwnColumns, has_code: Sequence[bool], problems: Problems) -> None:
    """Add what a whole record lacks: a code that nobody assigns, a required department."""
    if around.ledger.layout is None:
        for index, known in enumerate(has_code):
            if not known and index not in problems:
                problems[index] = [("code", msg("ledgers.code_required"))]
    for role in around.ledger.departments.values():
        if role.is_required:
            for index, departments in enumerate(own.departments):
                if role.key not in departments and index not in problems:
                    problems[index] = [(f"department.{role.key}", msg("ledgers.department_required"))]


def geometry_problems(around: Surroundings, chunk: Chunk, problems: Problems) -> None:
    """Refuse polygons in a ledger of points."""
    if chunk.polygons is not None and around.ledger.geometry is not Geometry.POLYGON:
        for index, polygon in enumerate(chunk.polygons):
            if polygon is not None:
                problems.setdefault(index, []).append(("lon", msg("ledgers.polygon_not_wanted")))


def scope_problems(around: Surroundings, own: OwnColumns, scope: Scope, problems: Problems) -> None:
    """Refuse rows that lie where their importer has no right; each pair of grid and department is judged once."""
    if any(grant.grid_path is None and grant.department_path is None for grant in scope.grants):
        return
    first = next(iter(around.ledger.departments), "")
    allowed: dict[tuple[int, int], bool] = {}
    for index, grid_id in enumerate(own.places.grid_id.tolist()):
        pair = (grid_id, own.departments[index].get(first, 0))
        if pair not in allowed:
            grid, department = around.grids.by_id.get(pair[0]), around.departments.by_id.get(pair[1])
            allowed[pair] = scope.allows(grid_path=grid.path if grid else None, department_path=department.path if department else None)
        if not allowed[pair]:
            problems.setdefault(index, []).append(("", msg("ledgers.outside_your_area")))


def digest_key(checked: CheckedData, own: OwnColumns, index: int) -> str:
    """Name a row that has neither code nor source key by what stands in it: the same row is not taken twice."""
    places = own.places
    content = [
        checked.data[index],
        checked.personal[index],
        own.title[index],
        own.state[index],
        own.departments[index],
        float(places.lon[index]),
        float(places.lat[index]),
    ]
    return "row:" + hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
