"""Taking grids in: from GeoJSON, and from the nested lists that division codes are published in.

All or nothing: a tree with holes in it helps nobody, so a single fault stores
nothing, and every fault of the file is reported at once. The same file again
changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from shapely.geometry.base import BaseGeometry
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require, require_anywhere
from core.db.epoch import bump
from core.grid import tree
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service import shapes
from core.grid.service.naming import names_of
from core.grid.service.schemes import Scheme, owned_scheme
from core.grid.types import KnownNode, Node, PlacedNode, Problem, ProblemKind
from core.lib.crs import Crs, parse_crs
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg

__all__ = ["MOST_FEATURES", "ImportReport", "import_divisions", "import_geojson", "known_nodes"]

MOST_FEATURES = 100_000
_LONGEST = 120
_NESTING = (("district", "streets"), ("street", "communities"), ("community", ""))

_OWN_PROPERTIES = frozenset({"code", "name", "level", "parent"})


@dataclass
class ImportReport:
    """What an import did, or with `dry_run` would do; codes in the order of storing."""

    dry_run: bool
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    """Each with its place in the input, such as `features[3]`."""


@dataclass(frozen=True)
class _Entry:
    node: Node
    polygon: BaseGeometry | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    mended: bool = False


@dataclass
class _Input:
    """What was read: entries by their number, where each number stands in the input, and what could not be read."""

    places: list[str]
    entries: dict[int, _Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def import_geojson(
    session: Session,
    actor: Actor,
    collection: Mapping[str, Any],
    *,
    scheme: str | None = None,
    crs: str = Crs.WGS84,
    make_valid: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Import a FeatureCollection whose features have `code, name, level, parent` and a polygon or none.

    Other properties are kept as attributes. With `make_valid` a broken polygon
    is mended and named in the report. Raises Invalid with every fault by its
    feature, unless it is a dry run, whose report has them.
    """
    require_anywhere(actor, GridRight.IMPORT)
    system = parse_crs(crs)
    features = _features_of(collection)
    given = _Input([f"features[{index}]" for index in range(len(features))])
    for index, feature in enumerate(features):
        try:
            given.entries[index] = _entry(feature, system, mend=make_valid)
        except shapes.BadShape as bad:
            given.problems.append(Problem(bad.kind, _code_of(feature), bad.message, index))
    return _store(session, actor, owned_scheme(session, actor, scheme), given, ImportReport(dry_run))


def import_divisions(
    session: Session, actor: Actor, divisions: Mapping[str, Any], *, scheme: str | None = None, dry_run: bool = False
) -> ImportReport:
    """Import nested divisions without polygons: a district with `streets`, each with `communities`.

    The scheme needs the levels district, street and community. A grid that is
    there already keeps its polygon. Raises Invalid as `import_geojson` does.
    """
    require_anywhere(actor, GridRight.IMPORT)
    given = _Input([])
    for place, node in _nested(divisions, "", None, _NESTING):
        given.entries[len(given.places)] = _Entry(node)
        given.places.append(place)
    return _store(session, actor, owned_scheme(session, actor, scheme), given, ImportReport(dry_run))


def known_nodes(session: Session, scheme: Scheme) -> dict[str, KnownNode]:
    """Give every grid that the scheme ever had, by code, as the tree's rules see it."""
    rows = session.execute(select(Grid.code, Grid.level_id, Grid.path, Grid.valid_to).where(Grid.scheme_id == scheme.id))
    levels = scheme.level_keys
    return {row.code: KnownNode(row.code, levels[row.level_id], row.path, retired=row.valid_to is not None) for row in rows}


def _store(session: Session, actor: Actor, scheme: Scheme, given: _Input, report: ImportReport) -> ImportReport:
    numbers = list(given.entries)
    arrangement = tree.arrange(scheme.key, scheme.levels, [entry.node for entry in given.entries.values()], known_nodes(session, scheme))
    # The tree counts the entries it was given; what could not be read was not among them.
    misfits = [replace(problem, index=numbers[problem.index or 0]) for problem in arrangement.problems]
    faults = sorted([*given.problems, *misfits], key=lambda problem: problem.index or 0)
    report.problems = [(given.places[problem.index or 0], problem) for problem in faults]
    for placed in arrangement.placed:
        require(actor, GridRight.IMPORT, grid_path=placed.path)
    if report.problems and not report.dry_run:
        raise Invalid.many([FieldError(place, problem.message) for place, problem in report.problems])
    by_code = {entry.node.code: entry for entry in given.entries.values()}
    fresh = [(placed, by_code[placed.node.code]) for placed in arrangement.placed if not placed.known]
    report.created = [placed.node.code for placed, _ in fresh]
    report.mended = [entry.node.code for entry in given.entries.values() if entry.mended]
    changes = _changes(session, scheme, [by_code[placed.node.code] for placed in arrangement.placed if placed.known], report)
    if not report.dry_run and (fresh or changes):
        _insert(session, actor, scheme, fresh)
        if changes:
            session.execute(update(Grid), changes)
        bump(session)
        counts = {"created": len(report.created), "updated": len(report.updated)}
        audit.record(session, actor, "grid:grid:imported", subject=f"grid_scheme:{scheme.key}", new=counts)
    return report


def _insert(session: Session, actor: Actor, scheme: Scheme, fresh: Sequence[tuple[PlacedNode, _Entry]]) -> None:
    """Store new grids level by level, since each needs its parent's id."""
    ids: dict[str, int] = {path: number for number, path in session.execute(select(Grid.id, Grid.path).where(Grid.scheme_id == scheme.id))}
    by_depth: dict[int, list[tuple[PlacedNode, _Entry]]] = defaultdict(list)
    for placed, entry in fresh:
        by_depth[placed.path.count(".")].append((placed, entry))
    for _, same in sorted(by_depth.items()):
        names = names_of([(placed.node.code, placed.node.name) for placed, _ in same])
        rows = [
            {
                **dict.fromkeys(shapes.COLUMNS),
                "scheme_id": scheme.id,
                "level_id": scheme.level_ids[placed.node.level],
                "code": placed.node.code,
                "name": placed.node.name,
                "path": placed.path,
                "parent_id": ids.get(placed.path.rpartition(".")[0]),
                "attributes": dict(entry.attributes),
                "valid_from": actor.now,
                **name,
                **(shapes.columns_of(entry.polygon) if entry.polygon is not None else {}),
            }
            for (placed, entry), name in zip(same, names, strict=True)
        ]
        made = session.scalars(insert(Grid).returning(Grid.id, sort_by_parameter_order=True), rows)
        ids.update(zip((placed.path for placed, _ in same), made, strict=True))


def _changes(session: Session, scheme: Scheme, entries: Sequence[_Entry], report: ImportReport) -> list[dict[str, Any]]:
    """List the updates of grids that are there already; an import without polygon takes none away."""
    codes = [entry.node.code for entry in entries]
    rows = {grid.code: grid for grid in session.scalars(select(Grid).where(Grid.scheme_id == scheme.id, Grid.code.in_(codes)))}
    changes = []
    for entry in entries:
        grid = rows[entry.node.code]
        change: dict[str, Any] = {}
        if grid.name != entry.node.name:
            change |= {"name": entry.node.name, **names_of([(grid.code, entry.node.name)])[0]}
        if entry.attributes and grid.attributes != entry.attributes:
            change["attributes"] = dict(entry.attributes)
        if entry.polygon is not None and grid.polygon != shapes.to_geojson(entry.polygon):
            change |= shapes.columns_of(entry.polygon)
        (report.updated if change else report.unchanged).append(grid.code)
        if change:
            changes.append({"id": grid.id, **change})
    return changes


def _features_of(collection: Mapping[str, Any]) -> Sequence[Any]:
    features = collection.get("features") if isinstance(collection, Mapping) else None
    if not isinstance(features, list) or collection.get("type") != "FeatureCollection":
        raise Invalid(msg("grid.not_a_collection"), path="features")
    if len(features) > MOST_FEATURES:
        raise Invalid(msg("grid.too_many_features", count=len(features), most=MOST_FEATURES), path="features")
    return features


def _entry(feature: Any, crs: Crs, *, mend: bool) -> _Entry:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(properties, Mapping):
        raise shapes.BadShape(ProblemKind.BAD_CODE, msg("grid.no_properties"))
    node = _node(properties, properties.get("level"), properties.get("parent"))
    attributes = {key: value for key, value in properties.items() if key not in _OWN_PROPERTIES}
    _check_storable(node.code, attributes)
    if feature.get("geometry") is None:
        return _Entry(node, None, attributes)
    polygon, mended = shapes.read_polygon(node.code, feature["geometry"], crs=crs, mend=mend)
    return _Entry(node, polygon, attributes, mended)


def _check_storable(code: str, attributes: Mapping[str, Any]) -> None:
    """Refuse what JSONB cannot hold: a zero character, or nesting without end."""
    try:
        storable = b"\\u0000" not in orjson.dumps(attributes)
    except TypeError:
        storable = False
    if not storable:
        raise shapes.BadShape(ProblemKind.BAD_CODE, msg("grid.bad_attributes", code=code))


def _node(given: Mapping[str, Any], level: Any, parent: Any) -> Node:
    for name, value in (("code", given.get("code")), ("name", given.get("name")), ("level", level), ("parent", parent or "")):
        if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST:
            raise shapes.BadShape(ProblemKind.BAD_CODE, msg("grid.property_missing", property=name, most=_LONGEST))
    return Node(given["code"], level, given["name"], parent or None)


def _nested(given: Any, place: str, parent: str | None, nesting: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Node]]:
    (level, below), *deeper = nesting
    try:
        node = _node(given if isinstance(given, Mapping) else {}, level, parent)
    except shapes.BadShape as bad:
        raise Invalid(bad.message, path=place) from None
    yield place, node
    if not deeper:
        return
    inner = given.get(below, [])
    if not isinstance(inner, list):
        raise Invalid(msg("grid.not_a_list", property=below), path=f"{place}.{below}".lstrip("."))
    for index, child in enumerate(inner):
        yield from _nested(child, f"{place}.{below}[{index}]".lstrip("."), node.code, deeper)


def _code_of(feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    return str(properties.get("code", ""))[:_LONGEST] if isinstance(properties, Mapping) else ""
