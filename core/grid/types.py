"""What the grid package speaks of: levels, nodes, problems, findings, places.

Plain data. Errors are those of `core.lib.errors`; a `Problem` is one sentence
of an import report, a `Finding` one of the division check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shapely.geometry.base import BaseGeometry

from core.lib.text import Message, Title


@dataclass(frozen=True)
class Level:
    """One rank of a scheme: depth 0 is the root's; codes may be of fixed length and begin with an ancestor's."""

    key: str
    title: Title
    depth: int
    code_digits: int | None = None
    code_within: str | None = None


@dataclass(frozen=True)
class Node:
    """One grid as the tree rules see it; `parent` is a code."""

    code: str
    level: str
    name: str
    parent: str | None = None


@dataclass(frozen=True)
class KnownNode:
    """A grid that the scheme already has, retired ones included."""

    code: str
    level: str
    path: str
    retired: bool = False


class ProblemKind(StrEnum):
    """Why a grid cannot enter the tree."""

    BAD_CODE = "bad_code"
    CODE_OUTSIDE_PREFIX = "code_outside_prefix"
    CODE_RETIRED = "code_retired"
    DUPLICATE_CODE = "duplicate_code"
    MOVED = "moved"
    NO_NAME = "no_name"
    UNKNOWN_LEVEL = "unknown_level"
    UNKNOWN_PARENT = "unknown_parent"
    WRONG_PARENT_LEVEL = "wrong_parent_level"
    BROKEN_POLYGON = "broken_polygon"
    NO_POLYGON = "no_polygon"
    OVER_LIMIT = "over_limit"


@dataclass(frozen=True)
class Problem:
    """One thing that keeps one grid out: which feature (from 0), which code, why."""

    kind: ProblemKind
    code: str
    message: Message
    index: int | None = None


@dataclass(frozen=True)
class PlacedNode:
    """A node with its place: the path from the scheme's key down to its code."""

    node: Node
    path: str
    index: int
    known: bool


@dataclass(frozen=True)
class Arrangement:
    """Nodes in the order in which they can be stored, parents first, and what stays out."""

    placed: Sequence[PlacedNode]
    problems: Sequence[Problem]


class FindingKind(StrEnum):
    """What can be wrong with a division of the land."""

    BROKEN = "broken"
    GAP = "gap"
    MISSING_POLYGON = "missing_polygon"
    ORPHAN = "orphan"
    OUTSIDE_PARENT = "outside_parent"
    OVERLAP = "overlap"
    UNBALANCED_AREA = "unbalanced_area"
    UNBALANCED_LOAD = "unbalanced_load"


@dataclass(frozen=True)
class Finding:
    """One fault of a division; the geometry is in the coordinates of the input, the area in m²."""

    kind: FindingKind
    codes: tuple[str, ...]
    geometry: BaseGeometry | None = None
    area_m2: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """One grid as the division check sees it: place in the tree, polygon in WGS84 degrees, load."""

    code: str
    level: str
    parent: str | None
    polygon: BaseGeometry | None
    load: float | None = None


@dataclass(frozen=True)
class Neighbour:
    """Another unit close to a place, and how far its land is."""

    id: int
    code: str
    path: str
    distance_m: float


@dataclass(frozen=True)
class Located:
    """Where a place is: the unit that has it, or none (`inside` is false, and id, code and path are None).

    `border_m` is the distance to the border of that unit, or from outside to
    the nearest one, and is given only when it is less than the index's
    `near_m`; `neighbours` are the other units within that distance, nearest
    first. A place outside every unit is not an error: a person assigns it.
    """

    inside: bool
    id: int | None = None
    code: str | None = None
    path: str | None = None
    border_m: float | None = None
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True)
class Part:
    """One piece of a split: its code (given or to be drawn), name and polygon in WGS84."""

    name: str
    polygon: BaseGeometry
    code: str | None = None


@dataclass(frozen=True)
class Transfer:
    """What becomes of one grid below a retired one: it moves and keeps its code, or is retired for a new code."""

    old: KnownNode
    code: str
    path: str
    replaced: bool


@dataclass(frozen=True)
class Succession:
    """Who follows whom when grids are retired, and what becomes of everything below them, parents first."""

    retired: tuple[str, ...]
    created: tuple[Node, ...]
    transfers: tuple[Transfer, ...]
    at: datetime
