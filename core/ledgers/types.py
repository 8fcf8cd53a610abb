"""What passes between the parts of the ledgers package: plain data, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Geometry(StrEnum):
    """What a ledger's records look like on the map."""

    POINT = "point"
    POLYGON = "polygon"
    NONE = "none"


class Location(StrEnum):
    """How a record's position relates to the grids."""

    INSIDE = "inside"
    NEAR = "near"
    """Outside every unit, but so close to one that it was given to it."""
    OUTSIDE = "outside"
    """Outside every grid: kept, and to be assigned by hand."""
    UNLOCATED = "unlocated"
    """It has no position."""
    ASSIGNED = "assigned"
    """Its unit was set by hand; its position does not say which."""


class ImportMode(StrEnum):
    """What an import may do with records that are already there."""

    INSERT = "insert"
    UPSERT = "upsert"


class ImportState(StrEnum):
    """Where an import is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class FileFormat(StrEnum):
    """The kinds of file that come in and go out."""

    CSV = "csv"
    XLSX = "xlsx"
    GEOJSON = "geojson"


@dataclass(frozen=True, slots=True)
class Place:
    """A position and the unit it was found to be in; x and y are metres of the agency's projection."""

    location: Location
    lon: float | None = None
    lat: float | None = None
    x: float | None = None
    y: float | None = None
    grid_id: int | None = None
    grid_path: str | None = None
    distance_m: float | None = None


@dataclass(frozen=True)
class Draft:
    """A record as somebody wants it to be; what is None was not said."""

    data: Mapping[str, Any]
    code: str | None = None
    title: str | None = None
    state: str | None = None
    lon: float | None = None
    lat: float | None = None
    crs: str = "wgs84"
    polygon: Mapping[str, Any] | None = None
    grid_code: str | None = None
    departments: Mapping[str, str] = field(default_factory=dict)
    """Department code by role key."""
    source_key: str | None = None
