"""Which grid is a place in? Answered from an index in memory, which each process keeps until the land changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.epoch import EpochCache
from core.grid.models import Grid
from core.grid.service.indexing import index_around, index_of
from core.grid.service.schemes import Scheme, plane_of, scheme_of
from core.grid.types import Neighbour
from core.lib.crs import Crs, convert
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg

__all__ = ["Place", "code_of", "index_of", "locate", "locate_for_agency", "path_of"]


@dataclass(frozen=True)
class Place:
    """A position and the unit it was given.

    `located` says how: `inside` a unit; `near`: outside every unit but within
    metres of the one given; `outside`: no unit; `none`: no position at all.
    """

    located: str
    grid_id: int | None = None
    code: str | None = None
    path: str | None = None
    border_m: float | None = None
    neighbours: tuple[Neighbour, ...] = ()
    lon: float | None = None
    lat: float | None = None
    xy: tuple[float, float] | None = None


_paths: EpochCache[str] = EpochCache()


def locate(session: Session, actor: Actor, scheme: Scheme, point: Mapping[str, Any] | None) -> Place:
    """Find the unit of a point `{lon, lat, crs?}` in a scheme, and give the point in WGS84 and in metres.

    Raises Invalid for a point that is not on the earth or in an unknown
    system; a point outside every grid is an answer, not an error.
    """
    if point is None:
        return Place("none")
    lon, lat = _checked(point)
    found = index_around(session, scheme, lon, lat).locate(lon, lat)
    xy = plane_of(session, actor).to_xy(lon, lat)
    if not found.inside and found.neighbours:
        near = found.neighbours[0]
        return Place("near", near.id, near.code, near.path, found.border_m, found.neighbours, lon, lat, xy)
    located = "inside" if found.inside else "outside"
    return Place(located, found.id, found.code, found.path, found.border_m, found.neighbours, lon, lat, xy)


def locate_for_agency(session: Session, actor: Actor, point: Mapping[str, Any] | None) -> Place:
    """Find the unit of a point in the agency's own choice of scheme.

    An agency that has no scheme, or several and has chosen none, has no units:
    the point is outside, and what was seen there is not lost. How far the
    border is from a point inside is not measured.
    """
    try:
        scheme = scheme_of(session, actor)
    except (NotFound, Invalid):
        if point is None:
            return Place("none")
        lon, lat = _checked(point)
        return Place("outside", lon=lon, lat=lat, xy=plane_of(session, actor).to_xy(lon, lat))
    if point is None:
        return Place("none")
    lon, lat = _checked(point)
    unit = index_around(session, scheme, lon, lat).unit_at(lon, lat)
    if unit is None:
        return locate(session, actor, scheme, {"lon": lon, "lat": lat})
    return Place("inside", unit.id, unit.code, unit.path, lon=lon, lat=lat, xy=plane_of(session, actor).to_xy(lon, lat))


def path_of(session: Session, grid_id: int | None) -> str | None:
    """Give the path of a grid by its id, None for None."""
    if grid_id is None:
        return None

    def read() -> str:
        path = session.scalar(select(Grid.path).where(Grid.id == grid_id))
        if path is None:
            raise NotFound(msg("grid.no_grid", code=str(grid_id)))
        return path

    return _paths.get(session, grid_id, read)


def code_of(session: Session, grid_id: int | None) -> str | None:
    """Give the code of a grid by its id, None for None."""
    path = path_of(session, grid_id)
    return None if path is None else path.rpartition(".")[2]


def _checked(point: Mapping[str, Any]) -> tuple[float, float]:
    lon, lat = float(point["lon"]), float(point["lat"])
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):  # false for what is not a number, too
        raise Invalid(msg("grid.not_on_earth"), path="point")
    return convert(lon, lat, point.get("crs") or Crs.WGS84)
