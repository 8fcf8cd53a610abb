"""Finding a ledger, and what its records live among; both are kept until the configuration changes."""

from __future__ import annotations

from typing import Any

from shapely.geometry import shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency, Department
from core.db.epoch import EpochCache
from core.definitions import store
from core.grid.index import GridIndex, Unit
from core.grid.models import Grid, GridLevel, GridScheme
from core.ledgers.definition import Ledger
from core.ledgers.surroundings import DepartmentName, Departments, GridName, Grids, Surroundings
from core.lib.errors import NotFound
from core.lib.geo import local_projection
from core.lib.text import msg

_around: EpochCache[Surroundings] = EpochCache()


def get_ledger(session: Session, key: str) -> Ledger:
    """Give the ledger of ``key``; raises NotFound."""
    found = store.find_current(session, "ledger", key)
    if found is None:
        raise NotFound(msg("ledgers.unknown_ledger", ledger=key))
    ledger: Ledger = store.compiled(found)
    return ledger


def surroundings(session: Session, key: str) -> Surroundings:
    """Give everything that a record of ledger ``key`` is judged against; raises NotFound."""
    agency_id = agency_of(session)
    return _around.get(session, (agency_id, key), lambda: _read(session, agency_id, get_ledger(session, key)))


def agency_of(session: Session) -> int:
    """Give the agency that the session acts for."""
    found = getattr(session, "agency_id", None)
    if found is None:
        raise ValueError("records are read for an agency; this session has none")
    return int(found)


def _read(session: Session, agency_id: int, ledger: Ledger) -> Surroundings:
    agency = session.get_one(Agency, agency_id)
    form = store.current(session, "form", ledger.form)
    departments = session.execute(select(Department.id, Department.code, Department.name, Department.path).where(Department.active)).all()
    return Surroundings(
        agency_id=agency_id,
        agency_settings=dict(agency.settings),
        plane=local_projection(agency.origin_lon, agency.origin_lat),
        ledger=ledger,
        form=store.compiled(form),
        form_version_id=form.id,
        grids=_read_grids(session, ledger.scheme or agency.scheme_key),
        departments=Departments.of([DepartmentName(*row) for row in departments]),
    )


def _read_grids(session: Session, scheme_key: str | None) -> Grids:
    scheme = session.scalar(select(GridScheme).where(GridScheme.key == scheme_key)) if scheme_key else None
    if scheme is None:
        return Grids(None, {}, {})
    in_force = (Grid.scheme_id == scheme.id, Grid.valid_to.is_(None))
    names = [GridName(*row) for row in session.execute(select(Grid.id, Grid.code, Grid.path).where(*in_force))]
    index = _read_index(session, scheme, in_force)
    return Grids(index, {one.id: one for one in names}, {one.code: one for one in names})


def _read_index(session: Session, scheme: GridScheme, in_force: Any) -> GridIndex | None:
    lowest = select(GridLevel.id).where(GridLevel.scheme_id == scheme.id).order_by(GridLevel.depth.desc()).limit(1).scalar_subquery()
    query = select(Grid.id, Grid.code, Grid.path, Grid.polygon).where(*in_force, Grid.level_id == lowest, Grid.polygon.is_not(None))
    units = [Unit(id_, code, path, shape(polygon)) for id_, code, path, polygon in session.execute(query)]
    return GridIndex(units, origin=(scheme.origin_lon, scheme.origin_lat)) if units else None
