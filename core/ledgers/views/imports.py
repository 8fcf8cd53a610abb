"""Imports over HTTP: a file in, how far it is, and the rows that stayed out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson

from core.db.engine import AgencySession
from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer
from core.http.work import Work
from core.ledgers import schemas
from core.ledgers.exchange.jobs import (
    ImportOrder,
    create_import,
    default_store,
    get_visible_import,
    problems_of,
    send_import,
    visible_imports,
)
from core.ledgers.exchange.report import message_of, report_pieces
from core.ledgers.exchange.writing import CONTENT_TYPES
from core.ledgers.models import ImportJob
from core.ledgers.service.reading import surroundings
from core.ledgers.types import FileFormat, ImportMode, ImportState
from core.ledgers.views.group import routes
from core.lib.errors import Conflict, Invalid, TooLarge
from core.lib.text import msg


@routes.post("/imports", upload=schemas.ImportUploadSchema, answers={202: schemas.ImportSchema}, errors=(413,))
def start_import(work: Work, body: dict[str, Any], files: Any) -> Answer:
    """Take a file in; it is read in the background."""
    sent = files.getlist("file")
    if len(sent) != 1 or not sent[0].filename:
        raise Invalid(msg("ledgers.no_file"), path="file")
    stream = sent[0].stream
    if stream.seek(0, 2) > work.settings.max_upload_bytes:
        raise TooLarge(msg("http.status_413"))
    order = ImportOrder(
        ledger_key=body["ledger"], file_name=sent[0].filename, crs=body["crs"], mode=ImportMode(body["mode"]), dry_run=body["dry_run"],
        mapping=_mapping(body["mapping"]),
    )  # fmt: skip
    store = default_store(work.settings.var, work.settings.attachments_url)
    job = create_import(work.session, work.actor, order, stream, store_url=store)
    send_import(work.session, work.actor, job)
    return Answer(shown_import(job, work.locale), 202, {"Location": f"/api/v1/imports/{job.uuid}"})


@routes.get("/imports", query=schemas.ImportListQuery, answers={200: schemas.ImportPageSchema})
def list_imports(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List imports, newest first: your own, and everybody's if you may import everywhere."""
    after, limit = decode_cursor(query["after"], [int]), query["limit"]
    before = after[0] if after else None
    jobs = visible_imports(work.session, work.actor, ledger_key=query["ledger"], before=before, limit=limit + 1)
    following = encode_cursor(jobs[limit - 1].id) if len(jobs) > limit else None
    return {"items": [shown_import(job, work.locale) for job in jobs[:limit]], "next": following}


@routes.get("/imports/<uuid:uuid>", answers={200: schemas.ImportSchema})
def show_import(work: Work, uuid: UUID) -> dict[str, Any]:
    """Show how far an import is."""
    return shown_import(get_visible_import(work.session, work.actor, uuid), work.locale)


@routes.get("/imports/<uuid:uuid>/errors", query=schemas.ErrorReportQuery, answers={200: "|".join(CONTENT_TYPES.values())}, errors=(409,))
def download_import_errors(work: Work, uuid: UUID, query: dict[str, Any]) -> Answer:
    """Download the rows that stayed out, each with its row, column and what to do."""
    job = get_visible_import(work.session, work.actor, uuid)
    if job.state not in (ImportState.DONE, ImportState.FAILED):
        raise Conflict(msg("ledgers.import_not_ended"))
    file_format = FileFormat(query["format"])
    headers = {"Content-Disposition": f'attachment; filename="import-errors.{file_format}"', "X-Content-Type-Options": "nosniff"}
    return Answer(_report(work, job, file_format), headers=headers, content_type=CONTENT_TYPES[file_format])


def _report(work: Work, job: ImportJob, file_format: FileFormat) -> Iterator[bytes]:
    around = surroundings(work.session, work.actor, job.ledger_key)
    bind: Any = work.session.bind

    def pieces() -> Iterator[bytes]:
        with AgencySession(bind, agency_id=work.actor.agency_id) as session:
            yield from report_pieces(problems_of(session, job), job, around, locale=work.locale, file_format=file_format)

    return pieces()


def _mapping(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(msg("ledgers.mapping_not_object"), path="mapping")
    return found


def shown_import(job: ImportJob, locale: str) -> dict[str, Any]:
    """Write an import for the wire."""
    same = (
        "uuid",
        "state",
        "file_name",
        "encoding",
        "crs",
        "mode",
        "dry_run",
        "mapping",
        "rows_taken",
        "rows_total",
        "created_at",
        "finished_at",
    )
    counts = ("created", "updated", "unchanged", "failed", "outside", "unlocated")
    return {
        "ledger": job.ledger_key,
        **{name: getattr(job, name) for name in same},
        **{name: getattr(job, f"{name}_count") for name in counts},
        "failure": None if job.failure is None else message_of(job.failure).text(locale),
    }
