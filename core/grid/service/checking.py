"""The division check on what is stored: the grids in force of one scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapely.geometry import shape
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core.authz import Actor, require_anywhere
from core.grid import division
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service.schemes import scheme_of
from core.grid.service.shapes import to_geojson
from core.grid.types import Finding, Plot

__all__ = ["check_division", "written"]


def check_division(
    session: Session,
    actor: Actor,
    *,
    scheme: str | None = None,
    tolerance: division.Tolerance | None = None,
    loads: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Check the grids in force of a scheme: tree, gaps, overlaps, what sticks out, and balance of areas and loads.

    `loads` gives by code how much a grid has to carry (cases, components,
    households); without it only areas are compared. Grids that were imported
    without polygons are findings too.
    """
    require_anywhere(actor, GridRight.CHECK)
    chosen = scheme_of(session, actor, scheme)
    above, weights = aliased(Grid), loads or {}
    rows = session.execute(
        select(Grid.code, Grid.level_id, above.code.label("parent"), Grid.polygon)
        .outerjoin(above, above.id == Grid.parent_id)
        .where(Grid.scheme_id == chosen.id, Grid.valid_to.is_(None))
        .order_by(Grid.code)
    )
    levels = chosen.level_keys
    plots = [
        Plot(row.code, levels[row.level_id], row.parent, None if row.polygon is None else shape(row.polygon), weights.get(row.code))
        for row in rows
    ]
    return division.check(plots, {level.key: level.depth for level in chosen.levels.values()}, tolerance)


def written(finding: Finding) -> dict[str, Any]:
    """Write a finding as plain values, its spot as GeoJSON."""
    return {
        "kind": finding.kind.value,
        "codes": list(finding.codes),
        "area_m2": None if finding.area_m2 is None else round(finding.area_m2, 2),
        "detail": dict(finding.detail),
        "geometry": None if finding.geometry is None else to_geojson(finding.geometry),
    }
