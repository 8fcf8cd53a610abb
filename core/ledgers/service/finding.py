"""Finding records: one by code, a page by code, name, place, department or rule, and the nearest ones.

Everything goes through ``visible``: what lies outside the actor's area is not
there. A record is read as a plain row, not as an object: a list of two hundred
costs one statement and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, String, Text, bindparam, cast, func, literal, select, type_coerce, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.authz import Actor, require_anywhere, scope
from core.db.base import Base
from core.db.prepared import Prepared
from core.db.rules_sql import filter_sql
from core.db.types import LTree, PointXY
from core.ledgers.codes import is_code
from core.ledgers.models import Record, RecordEvent
from core.ledgers.permissions import LedgerRight
from core.ledgers.surroundings import Surroundings
from core.lib.errors import Invalid, NotFound
from core.lib.spacing import spaced_pattern
from core.lib.text import msg
from core.rules import equalities, parse

_TABLE = Base.metadata.tables[Record.__tablename__]

# Columns of the table and not of the class: a plain row needs none of what the ORM does for objects.
_COLUMNS = tuple(
    _TABLE.c[name]
    for name in (
        "id", "uuid", "code", "title", "state", "grid_id", "location", "lon", "lat", "polygon", "department_id", "departments", "data",
        "personal", "form_version_id", "version", "source_key", "retired_at", "created_at", "updated_at",
    )
)  # fmt: skip

_ANYWHERE = 1e9
"""Metres: farther than anything on earth."""

Found = Row[Any]
"""One record as a row of the columns that are shown."""

# The most frequent question, put together once: one record by its code, for who may see the whole ledger.
_ONE = Prepared(
    select(*_COLUMNS).where(
        _TABLE.c.agency_id == bindparam("agency"), _TABLE.c.ledger_key == bindparam("ledger"), _TABLE.c.code == bindparam("wanted")
    )
)


@dataclass(frozen=True)
class Wanted:
    """What a list of records is asked for; everything given must hold."""

    query: str | None = None
    code: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    state: str | None = None
    location: str | None = None
    grid: str | None = None
    department: str | None = None
    role: str | None = None
    filter: str | None = None
    retired: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for what an index finds."""
        return any((self.query, self.bbox, self.grid, self.department, self.filter))


def visible(actor: Actor, around: Surroundings, right: str = LedgerRight.READ, *extra: ColumnElement[Any]) -> Select[Any]:
    """Give the query of the records of a ledger that ``actor`` may see by ``right``."""
    allowed = scope(actor, right).filter(_TABLE.c.grid_id, _TABLE.c.department_id)
    return select(*_COLUMNS, *extra).where(_TABLE.c.agency_id == actor.agency_id, _TABLE.c.ledger_key == around.ledger.key, allowed)


def get_visible_record(session: Session, actor: Actor, around: Surroundings, code: str) -> Found:
    """Give one record by its code; raises NotFound, and Forbidden for who may see no record at all."""
    require_anywhere(actor, LedgerRight.READ)
    if not is_code(code):
        raise NotFound(msg("ledgers.unknown_record"))
    if actor.may(LedgerRight.READ):
        given = {"agency": actor.agency_id, "ledger": around.ledger.key, "wanted": code}
        found = _ONE.first(session, given)
    else:
        found = session.execute(visible(actor, around).where(_TABLE.c.code == code)).one_or_none()
    if found is None:
        raise NotFound(msg("ledgers.unknown_record"))
    row: Found = found
    return row


def list_records(
    session: Session, actor: Actor, around: Surroundings, wanted: Wanted, *, limit: int, after: str | None = None
) -> Sequence[Found]:
    """List records by code, behind the code ``after``; one more than ``limit`` when there are more."""
    require_anywhere(actor, LedgerRight.READ)
    query = narrowed(visible(actor, around), around, wanted)
    if after is not None:
        query = query.where(_TABLE.c.code > after)
    # Whoever asks by name or place wants few of many: walking the codes in order would read them all, so the few are found first and sorted.
    order = _TABLE.c.code.concat("") if wanted.is_narrow else _TABLE.c.code
    return session.execute(query.order_by(order).limit(limit + 1)).all()


def stream_records(
    session: Session, actor: Actor, around: Surroundings, wanted: Wanted, *, right: str, also: str | None = None
) -> Iterator[Found]:
    """Yield by code every record that the actor may see by ``right`` (and by the right ``also``), without holding them all."""
    query = narrowed(visible(actor, around, right), around, wanted).order_by(_TABLE.c.code)
    if also is not None:
        query = query.where(scope(actor, also).filter(_TABLE.c.grid_id, _TABLE.c.department_id))
    yield from session.execute(query.execution_options(yield_per=2000))


def nearest_records(
    session: Session, actor: Actor, around: Surroundings, lon: float, lat: float, *, limit: int, within_m: float | None = None
) -> Sequence[Found]:
    """Give the records closest to a WGS84 position, with ``distance_m`` on the ground, nearest first; retired ones are left out."""
    require_anywhere(actor, LedgerRight.READ)
    x, y = around.plane.to_xy(lon, lat)
    if not np.isfinite([x, y]).all():
        raise Invalid(msg("ledgers.too_far_to_measure"), path="lon")
    distance = _TABLE.c.position.op("<->", return_type=_TABLE.c.lon.type)(type_coerce((x, y), PointXY()))
    query = visible(actor, around, LedgerRight.READ, distance.label("distance_m"))
    query = query.where(_TABLE.c.position.is_not(None), _TABLE.c.retired_at.is_(None)).order_by(distance).limit(limit)
    found = session.execute(query).all()
    return found if within_m is None else [row for row in found if row.distance_m <= within_m]


def history_of(session: Session, record_id: int) -> Sequence[RecordEvent]:
    """Give the changes of one record that was found visible, oldest first."""
    return session.scalars(select(RecordEvent).where(RecordEvent.record_id == record_id).order_by(RecordEvent.id)).all()


def narrowed(query: Select[Any], around: Surroundings, wanted: Wanted) -> Select[Any]:
    """Add the conditions of ``wanted``; raises Invalid for an unknown grid, department or name, and for a broken rule."""
    ledger = literal(around.ledger.key, Text)
    query = query.where(*_plain(wanted))
    if wanted.query and wanted.query.strip():
        text = wanted.query.strip()
        titled = select(func.record_ids_titled(ledger, literal(spaced_pattern(text), Text)))
        coded = select(_TABLE.c.id).where(_TABLE.c.agency_id == around.agency_id, _TABLE.c.ledger_key == around.ledger.key, _begins(text))
        query = query.where(_TABLE.c.id.in_(union_all(titled, coded)))
    if wanted.bbox is not None:
        query = query.where(*_in_box(around, ledger, wanted.bbox))
    if wanted.grid is not None:
        grid = around.grids.by_code.get(wanted.grid)
        if grid is None:
            raise Invalid(msg("ledgers.unknown_grid", found=wanted.grid[:40]), path="grid")
        query = query.where(_TABLE.c.grid_id.in_(select(func.grid_ids_within(cast(literal(grid.path, String), LTree)))))
    if wanted.department is not None:
        query = query.where(_of_department(around, wanted.department, wanted.role))
    elif wanted.role is not None:
        raise Invalid(msg("ledgers.role_without_department"), path="role")
    if wanted.filter:
        query = query.where(*_by_rule(around, wanted.filter))
    return query


def _plain(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if not wanted.retired:
        yield _TABLE.c.retired_at.is_(None)
    if wanted.state is not None:
        yield _TABLE.c.state == wanted.state
    if wanted.location is not None:
        yield _TABLE.c.location == wanted.location
    if wanted.code:
        yield _begins(wanted.code)


def _begins(text: str) -> ColumnElement[bool]:
    # Codes are compared by their bytes, so everything that begins with the text lies between it and it with the last character behind.
    return _TABLE.c.code.between(text, text + "\U0010ffff")


def _in_box(around: Surroundings, ledger: ColumnElement[Any], bbox: tuple[float, float, float, float]) -> Iterator[ColumnElement[bool]]:
    west, south, east, north = bbox
    # The box in degrees is not straight in metres: its sides are followed, and the degrees have the last word.
    lons = [west + (east - west) * step / 8 for step in range(9)]
    lats = [south + (north - south) * step / 8 for step in range(9)]
    edge = [*((lon, lat) for lon in lons for lat in (south, north)), *((lon, lat) for lat in lats for lon in (west, east))]
    x, y = around.plane.to_xy_many([lon for lon, _ in edge], [lat for _, lat in edge])
    if not np.isfinite([x, y]).all():
        # Half a world around the agency there are no metres, and no records to look for by them.
        x, y = np.array([-_ANYWHERE, _ANYWHERE]), np.array([-_ANYWHERE, _ANYWHERE])
    corners = (
        type_coerce((float(x.min()) - 1, float(y.min()) - 1), PointXY()),
        type_coerce((float(x.max()) + 1, float(y.max()) + 1), PointXY()),
    )
    yield _TABLE.c.id.in_(select(func.record_ids_in_box(ledger, func.box(*corners))))
    yield _TABLE.c.lon.between(west, east)
    yield _TABLE.c.lat.between(south, north)


def _of_department(around: Surroundings, code: str, role: str | None) -> ColumnElement[bool]:
    department = around.departments.find(code)
    if department is None:
        raise Invalid(msg("ledgers.unknown_department", found=code[:60]), path="department")
    roles = [role] if role is not None else list(around.ledger.departments)
    if not roles or not set(roles) <= around.ledger.departments.keys():
        raise Invalid(msg("ledgers.unknown_role", known=", ".join(around.ledger.departments)), path="role")
    found = [select(func.record_ids_of_department(literal(one, Text), department.id)) for one in roles]
    return _TABLE.c.id.in_(union_all(*found) if len(found) > 1 else found[0])


def _by_rule(around: Surroundings, text: str) -> Iterator[ColumnElement[bool]]:
    tree = parse(text)
    fields = {".".join(path): field for path, field in around.form.definition.walk()}
    indexed = {".".join(path) for path, _ in around.form.indexed_fields()}
    for name, value in equalities(tree):
        if name in indexed and "." not in name:
            yield _TABLE.c.id.in_(
                select(func.record_ids_valued(literal(around.ledger.key, Text), literal(name, Text), literal(value, Text)))
            )

    def column_of(name: str) -> ColumnElement[Any]:
        field = fields.get(name)
        if field is None or field.is_personal:
            known = ", ".join(sorted(one for one, each in fields.items() if not each.is_personal))
            raise Invalid(msg("ledgers.unknown_filter_name", name=name, known=known[:500]), path="filter")
        column: ColumnElement[Any] = type_coerce(_TABLE.c.data, JSONB())
        for step in name.split("."):
            column = type_coerce(column.op("->", return_type=JSONB())(literal(step, Text)), JSONB())
        return column

    yield filter_sql(tree, column_of)
