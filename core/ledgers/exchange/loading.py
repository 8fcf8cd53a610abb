"""Set by set into the database: a chunk goes by ``COPY`` into a temporary table, and from there under the policies into the records."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, cast, func, select, text
from sqlalchemy.orm import Session

from core.db.copying import copy_in, pack
from core.ledgers.models import Record

_COLUMNS: Mapping[str, str] = {
    "record_id": "bigint",
    "uuid": "uuid",
    "code": "text",
    "source_key": "text",
    "title": "text",
    "title_search": "text",
    "grid_id": "bigint",
    "location": "text",
    "lon": "double precision",
    "lat": "double precision",
    "x": "double precision",
    "y": "double precision",
    "polygon": "jsonb",
    "state": "text",
    "retired": "boolean",
    "department_id": "bigint",
    "departments": "jsonb",
    "data": "jsonb",
    "personal": "jsonb",
    "old": "jsonb",
    "new": "jsonb",
}

_POSITION = "CASE WHEN s.x IS NULL THEN NULL ELSE point(s.x, s.y) END"
_RETIRED = "CASE WHEN s.retired THEN CAST(:now AS timestamptz) END"

_INSERT = text(f"""
    INSERT INTO record (agency_id, uuid, ledger_key, form_version_id, code, source_key, title, title_search, grid_id, location,
        lon, lat, position, polygon, state, retired_at, department_id, departments, data, personal, import_job_id,
        created_by_id, created_at, updated_by_id, updated_at)
    SELECT CAST(:agency AS integer), s.uuid, CAST(:ledger AS text), CAST(:form AS bigint), s.code, s.source_key, s.title, s.title_search,
        s.grid_id, s.location, s.lon, s.lat, {_POSITION}, s.polygon, s.state, {_RETIRED}, s.department_id, s.departments, s.data, s.personal,
        CAST(:job AS bigint), CAST(:user AS integer), CAST(:now AS timestamptz), CAST(:user AS integer), CAST(:now AS timestamptz)
    FROM import_stage AS s WHERE s.record_id IS NULL
""")  # noqa: S608  # constants only
_UPDATE = text(f"""
    UPDATE record SET form_version_id = :form, title = s.title, title_search = s.title_search, grid_id = s.grid_id, location = s.location,
        lon = s.lon, lat = s.lat, position = {_POSITION}, polygon = s.polygon, state = s.state,
        retired_at = CASE WHEN s.retired THEN coalesce(record.retired_at, CAST(:now AS timestamptz)) END,
        department_id = s.department_id, departments = s.departments, data = s.data, personal = s.personal,
        version = record.version + 1, updated_by_id = :user, updated_at = :now
    FROM import_stage AS s WHERE record.agency_id = :agency AND record.id = s.record_id
""")  # noqa: S608  # constants only
_EVENTS = text("""
    INSERT INTO record_event (agency_id, record_id, kind, version, at, user_id, old, new)
    SELECT CAST(:agency AS integer), record.id, 'changed', record.version, CAST(:now AS timestamptz), CAST(:user AS integer), s.old, s.new
    FROM import_stage AS s JOIN record ON record.agency_id = :agency AND record.id = s.record_id
""")
_FORGET_RELATIONS = text("""
    DELETE FROM record_relation USING import_stage AS s
    WHERE record_relation.agency_id = :agency AND record_relation.record_id = s.record_id
""")
_RELATE = text("""
    INSERT INTO record_relation (agency_id, record_id, field_id, target_id)
    SELECT DISTINCT CAST(:agency AS integer), own.id, CAST(:field AS text), target.id
    FROM import_stage AS s
    JOIN record AS own ON own.agency_id = :agency AND own.ledger_key = :ledger AND own.code = s.code
    JOIN record AS target ON target.agency_id = :agency AND target.uuid = CAST(s.data #>> CAST(:path AS text[]) AS uuid)
""")

_FORGET_FILES = text("""
    DELETE FROM record_attachment USING import_stage AS s
    WHERE record_attachment.agency_id = :agency AND record_attachment.record_id = s.record_id
""")
_HANG = text("""
    INSERT INTO record_attachment (agency_id, record_id, attachment_uuid)
    SELECT DISTINCT CAST(:agency AS integer), own.id, CAST(one.uuid AS uuid)
    FROM import_stage AS s
    JOIN record AS own ON own.agency_id = :agency AND own.ledger_key = :ledger AND own.code = s.code
    CROSS JOIN LATERAL jsonb_array_elements_text(s.data #> CAST(:path AS text[])) AS one (uuid)
    ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Known:
    """A record that a row of the file names, as it is stored."""

    id: int
    code: str
    source_key: str | None
    title: str
    state: str
    lon: float | None
    lat: float | None
    grid_id: int | None
    location: str
    polygon: Mapping[str, Any] | None
    departments: Mapping[str, int]
    data: Mapping[str, Any]
    personal: Mapping[str, Any] | None


_FIELDS = ("id", "code", "source_key", "title", "state", "lon", "lat", "grid_id", "location", "polygon", "departments", "data", "personal")

# A join and not `= ANY`: with twenty thousand keys in a parameter, a plan that does not see them compares each row with each key.
_WANTED = func.unnest(cast(bindparam("keys"), ARRAY(Text))).table_valued("key", name="wanted").render_derived()
_KNOWN = select(*(getattr(Record, name) for name in _FIELDS)).where(
    Record.agency_id == bindparam("agency"), Record.ledger_key == bindparam("ledger")
)
_KNOWN_BY = {name: _KNOWN.join(_WANTED, getattr(Record, name) == _WANTED.c.key) for name in ("code", "source_key")}


def find_known(session: Session, agency_id: int, ledger_key: str, *, by: str, keys: Iterable[str]) -> dict[str, Known]:
    """Find the records that have one of ``keys`` in column ``by`` (code or source_key)."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = session.execute(_KNOWN_BY[by], {"agency": agency_id, "ledger": ledger_key, "keys": wanted})
    return {getattr(known, by): known for known in (Known(*row) for row in rows)}


@dataclass(frozen=True)
class Stamp:
    """What all rows of a chunk share."""

    agency_id: int
    ledger_key: str
    form_version_id: int
    job_id: int | None
    user_id: int | None
    now: datetime

    def parameters(self) -> dict[str, Any]:
        """Give them by the names of the statements' parameters."""
        return {
            "agency": self.agency_id,
            "ledger": self.ledger_key,
            "form": self.form_version_id,
            "job": self.job_id,
            "user": self.user_id,
            "now": self.now,
        }


@dataclass(frozen=True)
class Named:
    """Paths of the fields that name other records, and of those that name stored files."""

    records: Sequence[tuple[str, ...]] = ()
    files: Sequence[tuple[str, ...]] = ()


def store(session: Session, stamp: Stamp, staged: Mapping[str, Sequence[Any]], named: Named) -> None:
    """Bring staged columns into the records: those with a record_id are updated, with an event each; the others are new."""
    count = len(staged["code"])
    if not count:
        return
    _stage(session, staged, count)
    given = stamp.parameters()
    session.execute(_INSERT, given)
    if any(one is not None for one in staged["record_id"]):
        session.execute(_UPDATE, given)
        session.execute(_EVENTS, given)
        session.execute(_FORGET_RELATIONS, given)
        session.execute(_FORGET_FILES, given)
    for statement, paths in ((_RELATE, named.records), (_HANG, named.files)):
        for path in paths:
            if any(path[0] in data for data in staged["data"]):
                session.execute(statement, {**given, "field": ".".join(path), "path": list(path)})
    session.execute(text("DROP TABLE import_stage"))


def _stage(session: Session, staged: Mapping[str, Sequence[Any]], count: int) -> None:
    body = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    session.execute(text(f"CREATE TEMPORARY TABLE import_stage ({body}) ON COMMIT DROP"))
    assert all(len(values) == count for values in staged.values())
    copy_in(session, "import_stage", pack({name: (kind, staged[name]) for name, kind in _COLUMNS.items() if name in staged}))


def new_uuids(count: int) -> list[str]:
    """Make the uuids (version 7) of new records, in the order of the file."""
    milliseconds = f"{time.time_ns() // 1_000_000:012x}"
    head = f"{milliseconds[:8]}-{milliseconds[8:]}-7"
    random = os.urandom(10 * count).hex()
    # The counter in the bits after the version keeps the order of the file within the millisecond.
    return [
        f"{head}{number >> 8 & 0xFFF:03x}-{'89ab'[number >> 6 & 3]}{random[at : at + 3]}-{random[at + 3 : at + 15]}"
        for number, at in zip(range(count), range(0, 20 * count, 20), strict=True)
    ]
