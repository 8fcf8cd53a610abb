"""Records over HTTP: one, a page, the nearest, added, changed, retired, and taken out as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.accounts.masking import masked
from core.audit import service as audit
from core.authz import require_anywhere
from core.db.engine import AgencySession
from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer
from core.http.work import Work
from core.ledgers import schemas
from core.ledgers.exchange.exporting import ExportOrder, export_records, order_export
from core.ledgers.exchange.writing import CONTENT_TYPES, geometry_of
from core.ledgers.permissions import LedgerRight
from core.ledgers.service import records
from core.ledgers.service.finding import Found, Wanted, get_visible_record, history_of, list_records, nearest_records
from core.ledgers.service.reading import surroundings
from core.ledgers.surroundings import Surroundings
from core.ledgers.types import Draft, FileFormat
from core.ledgers.views.group import routes
from core.lib.crs import convert

_FILTERS = ("code", "bbox", "state", "location", "grid", "department", "role", "filter", "retired")


@routes.get("/ledgers/<ledger>/records", query=schemas.RecordListQuery, answers={200: schemas.RecordPageSchema})
def list_ledger_records(work: Work, ledger: str, query: dict[str, Any]) -> dict[str, Any]:
    """List records by code, narrowed by name, place, department or a rule."""
    around = surroundings(work.session, work.actor, ledger)
    after = decode_cursor(query["after"], [str])
    limit = query["limit"]
    found = list_records(work.session, work.actor, around, _wanted(query), limit=limit, after=after[0] if after else None)
    following = encode_cursor(found[limit - 1].code) if len(found) > limit else None
    return {"items": [shown(row, around) for row in found[:limit]], "next": following}


@routes.get("/ledgers/<ledger>/records/<path:code>", query=schemas.RecordQuery, answers={200: schemas.RecordSchema})
def show_record(work: Work, ledger: str, code: str, query: dict[str, Any]) -> Answer:
    """Show one record."""
    around = surroundings(work.session, work.actor, ledger)
    row = get_visible_record(work.session, work.actor, around, code)
    body = shown(row, around)
    if row.personal:
        body["personal"] = _personal(work, row, around, unmasked=query["personal"])
    return Answer(body, etag=row.version)


@routes.post("/ledgers/<ledger>/records", body=schemas.NewRecordSchema, answers={201: schemas.RecordSchema}, errors=(409,), idempotent=True)
def add_record(work: Work, ledger: str, body: dict[str, Any]) -> Answer:
    """Add a record."""
    around = surroundings(work.session, work.actor, ledger)
    position = body["position"] or {}
    draft = Draft(
        data=body["data"], code=body["code"], title=body["title"], state=body["state"], lon=position.get("lon"), lat=position.get("lat"),
        crs=position.get("crs", "wgs84"), polygon=body["polygon"], grid_code=body["grid"], departments=body["departments"],
    )  # fmt: skip
    record = records.create_record(work.session, work.actor, around, draft)
    location = {"Location": f"/api/v1/ledgers/{ledger}/records/{record.code}"}
    return Answer(shown(record, around), 201, location, etag=record.version)


@routes.patch("/ledgers/<ledger>/records/<path:code>", body=schemas.RecordChangesSchema, answers={200: schemas.RecordSchema}, if_match=True)
def change_record(work: Work, ledger: str, code: str, body: dict[str, Any], version: int) -> Answer:
    """Change a record; what is left out stays, and null takes a value away."""
    around = surroundings(work.session, work.actor, ledger)
    changes = {"grid_code" if name == "grid" else name: value for name, value in body.items()}
    record = records.update_record(work.session, work.actor, around, code, changes, version=version)
    return Answer(shown(record, around), etag=record.version)


@routes.post("/ledgers/<ledger>/retired/<path:code>", body=schemas.ReasonSchema, answers={200: schemas.RecordSchema}, if_match=True)
def retire_record(work: Work, ledger: str, code: str, body: dict[str, Any], version: int) -> Answer:
    """Take a record out of use; its code is not given again."""
    around = surroundings(work.session, work.actor, ledger)
    record = records.retire_record(work.session, work.actor, around, code, version=version, reason=body["reason"])
    return Answer(shown(record, around), etag=record.version)


@routes.post("/ledgers/<ledger>/restored/<path:code>", body=schemas.ReasonSchema, answers={200: schemas.RecordSchema}, if_match=True)
def restore_record(work: Work, ledger: str, code: str, body: dict[str, Any], version: int) -> Answer:
    """Bring a retired record back into use."""
    around = surroundings(work.session, work.actor, ledger)
    record = records.restore_record(work.session, work.actor, around, code, version=version, reason=body["reason"])
    return Answer(shown(record, around), etag=record.version)


@routes.post("/ledgers/<ledger>/erased/<path:code>", body=schemas.ReasonSchema, answers={200: schemas.RecordSchema}, if_match=True)
def erase_personal_values(work: Work, ledger: str, code: str, body: dict[str, Any], version: int) -> Answer:
    """Empty the personal values of a record for good."""
    around = surroundings(work.session, work.actor, ledger)
    record = records.erase_personal_values(work.session, work.actor, around, code, version=version, reason=body["reason"])
    return Answer(shown(record, around), etag=record.version)


@routes.get("/ledgers/<ledger>/history/<path:code>", answers={200: schemas.RecordHistorySchema})
def show_record_history(work: Work, ledger: str, code: str) -> dict[str, Any]:
    """List the changes of a record."""
    around = surroundings(work.session, work.actor, ledger)
    row = get_visible_record(work.session, work.actor, around, code)
    names = ("kind", "version", "at", "user_id", "reason", "old", "new")
    return {"items": [{name: getattr(event, name) for name in names} for event in history_of(work.session, row.id)]}


@routes.get("/ledgers/<ledger>/nearest", query=schemas.NearestQuery, answers={200: schemas.NearRecordListSchema})
def list_nearest_records(work: Work, ledger: str, query: dict[str, Any]) -> dict[str, Any]:
    """List the records nearest to a position."""
    around = surroundings(work.session, work.actor, ledger)
    lon, lat = convert(query["lon"], query["lat"], query["crs"])
    rows = nearest_records(work.session, work.actor, around, lon, lat, limit=query["limit"], within_m=query["within_m"])
    return {"items": [{**shown(row, around), "distance_m": round(row.distance_m, 3)} for row in rows]}


@routes.get("/ledgers/<ledger>/export", query=schemas.ExportQuery, answers={200: "|".join(CONTENT_TYPES.values())}, errors=(413,))
def export_ledger(work: Work, ledger: str, query: dict[str, Any]) -> Answer:
    """Take the records out as CSV, XLSX or GeoJSON."""
    file_format = FileFormat(query["format"])
    order = ExportOrder(ledger, file_format, _wanted(query), work.locale, personal=query["personal"], purpose=query["purpose"])
    order_export(work.session, work.actor, order)
    name = f"{ledger}-{work.actor.now:%Y%m%d}.{file_format}"
    # The first piece is made now, so that what is wrong with the order is told as an error and not as half a file.
    pieces = _pieces(work, order)
    first = next(pieces, b"")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Answer(_chained(first, pieces), headers=headers, content_type=CONTENT_TYPES[file_format])


def _pieces(work: Work, order: ExportOrder) -> Iterator[bytes]:
    """Read in a session of the export's own: the request's is closed before the last piece is sent."""
    bind: Any = work.session.bind
    with AgencySession(bind, agency_id=work.actor.agency_id) as session:
        yield from export_records(session, work.actor, order)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _wanted(query: dict[str, Any]) -> Wanted:
    return Wanted(query=query["q"], **{name: query[name] for name in _FILTERS})


def _personal(work: Work, row: Found, around: Surroundings, *, unmasked: bool) -> dict[str, Any]:
    if not unmasked:
        return {path: masked(value) if isinstance(value, str) else records.HIDDEN for path, value in row.personal.items()}
    require_anywhere(work.actor, LedgerRight.READ_PERSONAL)
    grid, department = around.grids.by_id.get(row.grid_id or 0), around.departments.by_id.get(row.department_id or 0)
    records.require_right_at(work.actor, LedgerRight.READ_PERSONAL, grid, department)
    subject = f"record:{around.ledger.key}/{row.code}"
    audit.record(work.session, work.actor, "ledgers:record:personal_read", subject=subject, new={"fields": sorted(row.personal)})
    return dict(row.personal)


def shown(row: Any, around: Surroundings) -> dict[str, Any]:
    """Write one record, as a row or an object, for the wire."""
    grid = around.grids.by_id.get(row.grid_id or 0)
    departments = around.departments.by_id
    return {
        "uuid": row.uuid,
        "ledger": around.ledger.key,
        "code": row.code,
        "title": row.title,
        "state": row.state,
        "location": row.location,
        "grid": grid.code if grid else None,
        "geometry": geometry_of(row),
        "departments": {
            role: {"code": departments[number].code, "name": departments[number].name}
            for role, number in row.departments.items()
            if number in departments
        },
        "data": row.data,
        "form_version": row.form_version_id,
        "version": row.version,
        "retired_at": row.retired_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
