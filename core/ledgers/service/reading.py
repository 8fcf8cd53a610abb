"""Finding a ledger, and what its records live among; both are kept until the configuration changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency, Department
from core.authz import Actor
from core.db.epoch import EpochCache
from core.definitions import store
from core.definitions.visibility import visible_current
from core.grid.models import Grid
from core.grid.service.locating import index_of
from core.grid.service.schemes import Scheme, plane_of, scheme_of
from core.ledgers.definition import Ledger
from core.ledgers.models import Record
from core.ledgers.surroundings import DepartmentName, Departments, GridName, Grids, Surroundings
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg

_around: EpochCache[Surroundings] = EpochCache()


def get_ledger(session: Session, key: str) -> Ledger:
    """Give the ledger of ``key``; raises NotFound, also when its plugin is off."""
    try:
        found = visible_current(session, "ledger", key)
    except NotFound:
        raise NotFound(msg("ledgers.unknown_ledger", ledger=key)) from None
    ledger: Ledger = store.compiled(found)
    return ledger


def surroundings(session: Session, actor: Actor, key: str) -> Surroundings:
    """Give everything that a record of ledger ``key`` is judged against; raises NotFound."""
    ledger = get_ledger(session, key)
    return _around.get(session, (actor.agency_id, key), lambda: _read(session, actor, ledger))


def data_of(session: Session, actor: Actor, uuid: UUID) -> Mapping[str, Any] | None:
    """Give what a record of the actor's agency says, personal fields apart; None when there is no such record."""
    return session.scalar(select(Record.data).where(Record.agency_id == actor.agency_id, Record.uuid == uuid))


def _read(session: Session, actor: Actor, ledger: Ledger) -> Surroundings:
    agency = session.get_one(Agency, actor.agency_id)
    form = store.current(session, "form", ledger.form)
    departments = session.execute(select(Department.id, Department.code, Department.name, Department.path).where(Department.active)).all()
    return Surroundings(
        agency_id=actor.agency_id,
        agency_settings=dict(agency.settings),
        plane=plane_of(session, actor),
        ledger=ledger,
        form=store.compiled(form),
        form_version_id=form.id,
        grids=_read_grids(session, _scheme(session, actor, ledger)),
        departments=Departments.of([DepartmentName(*row) for row in departments]),
    )


def _scheme(session: Session, actor: Actor, ledger: Ledger) -> Scheme | None:
    """Give the ledger's own scheme, or the agency's; an agency that has none, or has not chosen among several, keeps records outside."""
    try:
        return scheme_of(session, actor, ledger.scheme)
    except (NotFound, Invalid):
        return None


def _read_grids(session: Session, scheme: Scheme | None) -> Grids:
    if scheme is None:
        return Grids(None, {}, {})
    query = select(Grid.id, Grid.code, Grid.path, Grid.valid_to).where(Grid.scheme_id == scheme.id)
    rows = session.execute(query).all()
    names = {row.id: GridName(row.id, row.code, row.path) for row in rows}
    return Grids(index_of(session, scheme), names, {row.code: names[row.id] for row in rows if row.valid_to is None})
