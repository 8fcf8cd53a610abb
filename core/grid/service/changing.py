"""Splitting and merging: old grids are retired, new ones follow them, and everything below goes along.

A code is never used again. What lies below keeps its code unless that begins
with a retired one; then it is retired as well and followed by a grid with a
new code, so every old code stays readable in old records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require
from core.db.epoch import bump
from core.grid import tree
from core.grid.division import Tolerance, check
from core.grid.models import Grid, GridChange, GridSuccession
from core.grid.permissions import GridRight
from core.grid.service import shapes
from core.grid.service.importing import known_nodes
from core.grid.service.naming import names_of
from core.grid.service.reading import find_by_codes
from core.grid.service.schemes import Scheme, owned_scheme
from core.grid.types import FindingKind, KnownNode, Node, Part, Plot, Succession
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg

__all__ = ["merge", "read_parts", "split"]

_FAULTS = {FindingKind.GAP, FindingKind.OVERLAP, FindingKind.OUTSIDE_PARENT, FindingKind.BROKEN}


def split(session: Session, actor: Actor, code: str, parts: Sequence[Part], *, reason: str, scheme: str | None = None) -> list[Grid]:
    """Retire a grid in favour of parts that tile it exactly; give the new grids.

    A part without a code is given the next one. Raises NotFound, Conflict for a
    retired grid, and Invalid when the parts leave a gap, overlap or stick out,
    or when a child lies in no single part.
    """
    chosen = owned_scheme(session, actor, scheme)
    whole = _current(session, chosen, [code])[0]
    require(actor, GridRight.CHANGE, grid_path=whole.path)
    if whole.polygon is None:
        raise Conflict(msg("grid.no_land", code=code))
    known = known_nodes(session, chosen)
    level = known[code].level
    nodes = _coded(chosen, known, code, [(part.code, part.name) for part in parts])
    polygons = {node.code: part.polygon for node, part in zip(nodes, parts, strict=True)}
    if len(parts) > 1:  # the tree refuses a single part with its own reason
        _check_tiling(shape(whole.polygon), level, polygons)
    below = _below(known, [whole.path])
    children = session.scalars(select(Grid).where(Grid.parent_id == whole.id, Grid.valid_to.is_(None))).all()
    homes = {child.code: _home(child, polygons) for child in children}
    plan = tree.split(chosen.levels, known[code], nodes, children=homes, below=below, taken=known, at=actor.now)
    return _carry_out(session, actor, chosen, "split", plan, polygons=polygons, reason=reason)


def merge(
    session: Session,
    actor: Actor,
    codes: Sequence[str],
    *,
    name: str,
    reason: str,
    code: str | None = None,
    scheme: str | None = None,
) -> Grid:
    """Retire adjoining siblings in favour of one grid that has all their land; give the new grid.

    Without `code` the next one is drawn. Raises NotFound, Conflict for a
    retired grid, and Invalid when they are not siblings or do not adjoin.
    """
    chosen = owned_scheme(session, actor, scheme)
    wholes = _current(session, chosen, codes)
    for whole in wholes:
        require(actor, GridRight.CHANGE, grid_path=whole.path)
    known = known_nodes(session, chosen)
    (into,) = _coded(chosen, known, codes[0], [(code, name)])
    below = _below(known, [whole.path for whole in wholes])
    plan = tree.merge(chosen.levels, [known[one] for one in codes], into, below=below, taken=known, at=actor.now)
    polygon = _united(wholes)
    return _carry_out(session, actor, chosen, "merge", plan, polygons={into.code: polygon}, reason=reason)[0]


def read_parts(given: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Read the parts of a split as they come in: `name, code?, polygon`. Raises Invalid for a broken polygon."""
    parts = []
    for number, part in enumerate(given):
        try:
            polygon, _ = shapes.read_polygon(part.get("code") or part["name"], part["polygon"])
        except shapes.BadShape as bad:
            raise Invalid(bad.message, path=f"parts[{number}].polygon") from None
        parts.append(Part(part["name"], polygon, part.get("code")))
    return parts


def _current(session: Session, scheme: Scheme, codes: Sequence[str]) -> list[Grid]:
    found = find_by_codes(session, scheme, codes)
    for code in codes:
        if code not in found:
            raise NotFound(msg("grid.no_grid", code=code))
        if found[code].valid_to is not None:
            raise Conflict(msg("grid.already_retired", code=code))
    if not codes:
        raise Invalid(msg("grid.merge_needs_two"), path="codes")
    return [found[code] for code in codes]


def _coded(scheme: Scheme, known: Mapping[str, KnownNode], sibling: str, wanted: Sequence[tuple[str | None, str]]) -> list[Node]:
    """Give each new sibling of a grid its code, drawing the missing ones."""
    level, above = scheme.levels[known[sibling].level], known[sibling].path.split(".")[:-1]
    missing = [name for code, name in wanted if code is None]
    if missing and level.code_digits is None:
        raise Invalid(msg("grid.code_needed", level=level.title), path="code")
    prefix = tree.code_prefix(scheme.levels, level.key, ".".join(above))
    taken = [*known, *(code for code, _ in wanted if code is not None)]
    drawn = iter(tree.next_codes(prefix, level.code_digits or 0, taken, len(missing)) if missing else ())
    parent = above[-1] if len(above) > 1 else None
    return [Node(code if code is not None else next(drawn), level.key, name, parent) for code, name in wanted]


def _below(known: Mapping[str, KnownNode], paths: Sequence[str]) -> list[KnownNode]:
    return [
        node
        for node in known.values()
        if not node.retired and node.path not in paths and any(tree.is_within(node.path, path) for path in paths)
    ]


def _check_tiling(whole: BaseGeometry, level: str, polygons: Mapping[str, BaseGeometry]) -> None:
    plots = [Plot("whole", "whole", None, whole), *(Plot(code, level, "whole", polygon) for code, polygon in polygons.items())]
    for finding in check(plots, {"whole": 0, level: 1}, Tolerance()):
        if finding.kind in _FAULTS:
            codes = ", ".join(code for code in finding.codes if code != "whole")
            raise Invalid(msg(f"grid.parts_{finding.kind}", codes=codes, area=round(finding.area_m2 or 0.0, 1)), path="parts")


def _home(child: Grid, polygons: Mapping[str, BaseGeometry]) -> str | None:
    """Find the one part that has the child's land, but for slivers."""
    if child.polygon is None:
        return None
    land = shape(child.polygon)
    for code, polygon in polygons.items():
        spill = check([Plot("part", "part", None, polygon), Plot("child", "child", "part", land)], {"part": 0, "child": 1})
        if not any(finding.kind is FindingKind.OUTSIDE_PARENT for finding in spill):
            return code
    return None


def _united(wholes: Sequence[Grid]) -> BaseGeometry | None:
    lands = [shape(whole.polygon) for whole in wholes if whole.polygon is not None]
    if not lands:
        return None
    if len(lands) < len(wholes):
        raise Conflict(msg("grid.no_land", code=next(whole.code for whole in wholes if whole.polygon is None)))
    # Rounding to the stored precision closes what the file's own rounding left open between neighbours.
    union = shapely.union_all(lands, grid_size=1e-7)
    if union.geom_type != "Polygon" and all(land.geom_type == "Polygon" for land in lands):
        raise Invalid(msg("grid.merge_apart", codes=", ".join(whole.code for whole in wholes)), path="codes")
    return shapely.transform(union, lambda points: points.round(7) + 0.0)


def _carry_out(
    session: Session, actor: Actor, scheme: Scheme, kind: str, plan: Succession, *, polygons: Mapping[str, BaseGeometry | None], reason: str
) -> list[Grid]:
    change = GridChange(scheme_id=scheme.id, kind=kind, at=actor.now, user_id=actor.user_id, reason=reason)
    session.add(change)
    session.flush()
    old = find_by_codes(session, scheme, [*plan.retired, *(transfer.old.code for transfer in plan.transfers)])
    first = old[plan.retired[0]]
    above = first.path.rpartition(".")[0]
    ids = _insert(
        session,
        [
            {**_new_row(node.code, node.name, first, polygons[node.code]), "path": tree.child_path(above, node.code), "valid_from": plan.at}
            for node in plan.created
        ],
    )
    pairs = [(code, node.code) for code in plan.retired for node in plan.created]
    pairs += _transfer(session, plan, old, ids)
    retired = [old[code].id for code in dict.fromkeys(code for code, _ in pairs)]
    session.execute(update(Grid).where(Grid.id.in_(retired)).values(valid_to=plan.at, retired_reason=reason))
    _link(session, scheme, change, pairs)
    bump(session)
    codes = [node.code for node in plan.created]
    verb = {"split": "split", "merge": "merged"}[kind]
    audit.record(session, actor, f"grid:grid:{verb}", subject=f"grid:{first.code}", old={"codes": list(plan.retired)}, new={"codes": codes})
    found = find_by_codes(session, scheme, codes)
    return [found[code] for code in codes]


def _transfer(session: Session, plan: Succession, old: Mapping[str, Grid], ids: dict[str, int]) -> list[tuple[str, str]]:
    """Take everything below to its new place, parents first; give (old code, new code) of what had to be recoded."""
    recoded = []
    for transfer in plan.transfers:
        grid, parent = old[transfer.old.code], ids[transfer.path.rpartition(".")[0]]
        if transfer.replaced:
            land = None if grid.polygon is None else shape(grid.polygon)
            row = {**_new_row(transfer.code, grid.name, grid, land), "path": transfer.path, "parent_id": parent, "valid_from": plan.at}
            ids |= _insert(session, [row])
            recoded.append((grid.code, transfer.code))
        else:
            session.execute(update(Grid).where(Grid.id == grid.id).values(path=transfer.path, parent_id=parent))
            ids[transfer.path] = grid.id
    return recoded


def _new_row(code: str, name: str, like: Grid, polygon: BaseGeometry | None) -> dict[str, Any]:
    columns = dict.fromkeys(shapes.COLUMNS) if polygon is None else shapes.columns_of(polygon)
    return {
        "scheme_id": like.scheme_id,
        "level_id": like.level_id,
        "parent_id": like.parent_id,
        "code": code,
        "name": name,
        "attributes": dict(like.attributes),
        **names_of([(code, name)])[0],
        **columns,
    }


def _insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    made = session.scalars(insert(Grid).returning(Grid.id, sort_by_parameter_order=True), [dict(row) for row in rows])
    return dict(zip((row["path"] for row in rows), made, strict=True))


def _link(session: Session, scheme: Scheme, change: GridChange, pairs: Sequence[tuple[str, str]]) -> None:
    codes = {code for pair in pairs for code in pair}
    ids = {grid.code: grid.id for grid in find_by_codes(session, scheme, list(codes)).values()}
    rows = [{"predecessor_id": ids[old], "successor_id": ids[new], "change_id": change.id, "scheme_id": scheme.id} for old, new in pairs]
    session.execute(insert(GridSuccession), rows)
