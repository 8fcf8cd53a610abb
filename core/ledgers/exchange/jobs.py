"""Import jobs: making one of an uploaded file, finding it, and its problems."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

import fsspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere, scope
from core.db import outbox
from core.ledgers.exchange.mapping import complete_mapping, targets_of
from core.ledgers.exchange.opening import format_of, open_table
from core.ledgers.exchange.reading_geojson import LAT, LON
from core.ledgers.models import ImportJob, ImportProblem
from core.ledgers.permissions import LedgerRight
from core.ledgers.service.reading import surroundings
from core.ledgers.types import FileFormat, Geometry, ImportMode
from core.lib.crs import parse_crs
from core.lib.errors import Invalid, NotFound
from core.lib.ids import uuid7
from core.lib.text import msg

TOPIC = "ledgers.import"
_BLOCK = 1 << 20

KEPT = timedelta(days=30)
"""How long the file of an import and its bad rows are kept after its end."""


@dataclass(frozen=True)
class ImportOrder:
    """How a file is to be taken in."""

    ledger_key: str
    file_name: str
    crs: str
    mode: ImportMode = ImportMode.INSERT
    dry_run: bool = False
    mapping: Mapping[str, str] | None = None


def create_import(session: Session, actor: Actor, order: ImportOrder, stream: IO[bytes], *, store_url: str) -> ImportJob:
    """Keep a file and make a job of it; the headings and the mapping are checked now, the rows later.

    The job runs when its outbox message is delivered, or by ``running.run_import``.
    Raises Invalid or Malformed for a file whose columns cannot be told apart.
    """
    require_anywhere(actor, LedgerRight.IMPORT)
    around = surroundings(session, actor, order.ledger_key)
    crs = parse_crs(order.crs)
    file_format = format_of(order.file_name)
    table = open_table(stream, file_format, chunk_rows=1)
    table.chunks.close()
    targets = targets_of(around.ledger, around.form.definition)
    mapping = complete_mapping(order.mapping, table.headings, targets)
    if table.has_positions and around.ledger.geometry is not Geometry.NONE:
        # In GeoJSON the position is no property: nothing has to say which column it is.
        mapping = {heading: "-" if target in {"lon", "lat"} else target for heading, target in mapping.items()} | {LON: "lon", LAT: "lat"}
    if all(target == "-" for target in mapping.values()):
        raise Invalid(msg("ledgers.nothing_mapped"), path="mapping")
    uuid = uuid7()
    url = f"{store_url.rstrip('/')}/imports/{actor.agency_id}/{uuid}.{file_format}"
    digest, size = _keep(stream, url)
    job = ImportJob(
        agency_id=actor.agency_id, uuid=uuid, ledger_key=order.ledger_key, file_name=order.file_name[-255:], file_format=file_format,
        file_bytes=size, source_url=url, source_digest=digest, encoding=table.encoding, crs=crs, mode=order.mode, dry_run=order.dry_run,
        mapping=mapping, form_version_id=around.form_version_id, created_by_id=actor.user_id, created_at=actor.now,
        grants=[[grant.grid_path, grant.department_path] for grant in scope(actor, LedgerRight.IMPORT).grants],
    )  # fmt: skip
    session.add(job)
    session.flush()
    details = {"ledger": order.ledger_key, "mode": str(order.mode), "dry_run": order.dry_run, "sha256": digest}
    audit.record(session, actor, "ledgers:import:ordered", subject=f"import:{uuid}", new=details)
    return job


def send_import(session: Session, actor: Actor, job: ImportJob) -> None:
    """Have the job run in the background, after the commit."""
    outbox.add(session, TOPIC, {"import_job_id": job.id}, agency_id=actor.agency_id, due_at=actor.now)


def visible_imports(session: Session, actor: Actor, *, ledger_key: str | None, before: int | None, limit: int) -> list[ImportJob]:
    """List the newest imports first: one's own, and everybody's for who may import everywhere in the agency."""
    require_anywhere(actor, LedgerRight.IMPORT)
    query = select(ImportJob).order_by(ImportJob.id.desc()).limit(limit)
    if not actor.may(LedgerRight.IMPORT):
        query = query.where(ImportJob.created_by_id == actor.user_id)
    if ledger_key is not None:
        query = query.where(ImportJob.ledger_key == ledger_key)
    if before is not None:
        query = query.where(ImportJob.id < before)
    return list(session.scalars(query))


def get_visible_import(session: Session, actor: Actor, uuid: UUID) -> ImportJob:
    """Give one import: one's own, or anybody's for who may import everywhere; raises NotFound."""
    require_anywhere(actor, LedgerRight.IMPORT)
    job = session.scalar(select(ImportJob).where(ImportJob.uuid == uuid))
    if job is None or not (actor.may(LedgerRight.IMPORT) or job.created_by_id == actor.user_id):
        raise NotFound(msg("ledgers.unknown_import"))
    return job


def problems_of(session: Session, job: ImportJob) -> Iterator[ImportProblem]:
    """Yield the rows that stayed out, in the order of the file."""
    query = select(ImportProblem).where(ImportProblem.import_job_id == job.id).order_by(ImportProblem.row)
    return iter(session.scalars(query.execution_options(yield_per=500)))


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete the files and bad rows of imports that ended more than ``KEPT`` ago; the jobs and their counts stay. Returns how many."""
    old = session.scalars(
        select(ImportJob).where(ImportJob.finished_at < now - KEPT, ImportJob.source_url != "").with_for_update(skip_locked=True)
    ).all()
    for job in old:
        filesystem, path = fsspec.core.url_to_fs(job.source_url)
        if filesystem.exists(path):
            filesystem.rm(path)
        session.execute(delete(ImportProblem).where(ImportProblem.agency_id == job.agency_id, ImportProblem.import_job_id == job.id))
        job.source_url = ""
    session.flush()
    return len(old)


def default_store(var: Any, attachments_url: str) -> str:
    """Give the fsspec URL under which uploaded files are kept: where attachments are."""
    return attachments_url or f"file://{var}/attachments"


def file_format_of(job: ImportJob) -> FileFormat:
    """Give the job's file format."""
    return FileFormat(job.file_format)


def _keep(stream: IO[bytes], url: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    with fsspec.open(url, "wb", auto_mkdir=True) as kept:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
            kept.write(block)
    return digest.hexdigest(), size
