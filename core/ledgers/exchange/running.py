"""A whole import, chunk by chunk, each in a transaction of its own.

How far it has come is committed with the rows themselves: an import that was
killed is simply run again and goes on behind the last chunk. Two runs of one
job cannot overtake each other: each chunk begins by locking the job and comparing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import fsspec
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, Grant, Scope
from core.definitions import store
from core.forms.fields.base import Moment
from core.ledgers.exchange.assembling import Assembled, Assembler
from core.ledgers.exchange.checking import FormChecker
from core.ledgers.exchange.loading import Named, Stamp
from core.ledgers.exchange.loading import store as store_chunk
from core.ledgers.exchange.mapping import Target, targets_of
from core.ledgers.exchange.opening import open_table
from core.ledgers.exchange.rows import OwnReader
from core.ledgers.exchange.tables import Chunk, cell_text
from core.ledgers.models import ImportJob, ImportProblem
from core.ledgers.permissions import LedgerRight
from core.ledgers.service.context import RememberingContext
from core.ledgers.service.reading import surroundings
from core.ledgers.service.relations import attachment_fields, record_fields
from core.ledgers.surroundings import Surroundings
from core.ledgers.types import FileFormat, ImportMode, ImportState
from core.lib.errors import Conflict, Unavailable, WanggeError
from core.lib.text import Message, msg

CHUNK_ROWS = 20_000
_ATTEMPTS = 3
_SHOWN = 20_000

Unit = Callable[[], AbstractContextManager[Session]]
"""Opens a unit of work for the agency of the import; it commits at its end."""

Progress = Callable[[int, float], None]
"""Is told how many rows have been taken, and which share of the file has been read, after each chunk."""


@dataclass(frozen=True)
class _Run:
    """What stays the same over the chunks of one run."""

    job_id: int
    around: Surroundings
    assembler: Assembler
    context: RememberingContext
    stamp: Stamp
    dry_run: bool
    named: Named


@dataclass(frozen=True)
class _Source:
    """The kept file."""

    url: str
    file_format: FileFormat
    size: int


class Overtaken(Conflict):  # named as its base is
    """Another process is running the same import: this one stops and leaves everything to it."""


def run_import(
    unit: Unit, job_id: int, *, now: datetime, actor: Actor | None = None, progress: Progress | None = None, chunk_rows: int = CHUNK_ROWS
) -> ImportState:
    """Run an import to its end, from where it stopped before; a job that has ended is left as it is.

    A file that turns out to be unreadable ends the job as failed, with the
    reason kept; what went in before stays in, and is not taken twice. Raises
    Overtaken when another process is running the same import.
    """
    with unit() as session:
        job = session.get_one(ImportJob, _key(session, job_id))
        if job.state in (ImportState.DONE, ImportState.FAILED):
            return ImportState(job.state)
        job.state, job.started_at = ImportState.RUNNING, job.started_at or now
        run = _prepare(session, job, now)
        source, taken = _Source(job.source_url, FileFormat(job.file_format), job.file_bytes), job.rows_taken
    try:
        _take_all(unit, run, source, taken, chunk_rows=chunk_rows, progress=progress)
    except (Overtaken, Unavailable):
        # Nothing is wrong with the file: the job stays as it is and can go on.
        raise
    except WanggeError as error:
        _finish(unit, run, ImportState.FAILED, now, actor, error.message)
        return ImportState.FAILED
    _finish(unit, run, ImportState.DONE, now, actor, None)
    return ImportState.DONE


def _key(session: Session, job_id: int) -> tuple[Any, int]:
    return session.agency_id, job_id  # type: ignore[attr-defined]  # every session of the frame is an AgencySession


def _prepare(session: Session, job: ImportJob, now: datetime) -> _Run:
    # The command line acts as the system; a person may name only files that the person may see.
    acting = Actor(job.created_by_id, job.agency_id, "", "import", (), now, is_system=job.created_by_id is None)
    around = surroundings(session, acting, job.ledger_key)
    form = store.compiled(store.version(session, job.form_version_id))
    targets = {target.name: target for target in targets_of(around.ledger, form.definition)}
    mapped: Mapping[str, Target] = {heading: targets[name] for heading, name in job.mapping.items() if name in targets}
    moment = Moment(now, now.astimezone(ZoneInfo("Asia/Shanghai")).date())
    scope = Scope(tuple(Grant(LedgerRight.IMPORT, grid, department) for grid, department in job.grants))
    context = RememberingContext(acting)
    checker = FormChecker(form, mapped, moment=moment, context=context)
    assembler = Assembler(around, OwnReader(around, mapped, crs=job.crs), checker, mode=ImportMode(job.mode), scope=scope)
    stamp = Stamp(job.agency_id, job.ledger_key, job.form_version_id, job.id, job.created_by_id, now)
    named = Named(record_fields(form), attachment_fields(form))
    return _Run(job.id, around, assembler, context, stamp, job.dry_run, named)


def _take_all(unit: Unit, run: _Run, source: _Source, taken: int, *, chunk_rows: int, progress: Progress | None) -> None:
    size = source.size
    with ExitStack() as stack:
        stream = stack.enter_context(fsspec.open(source.url, "rb"))
        passed = 0
        chunks = stack.enter_context(closing(open_table(stream, source.file_format, chunk_rows=chunk_rows).chunks))
        for chunk in chunks:
            if passed < taken:
                # The chunks need not fall as they fell before: what was taken is counted in rows.
                done, chunk = chunk.split(taken - passed)  # noqa: PLW2901  # the rest of the chunk
                run.assembler.pass_over(done)
                passed += len(done)
                if not len(chunk):
                    continue
            _take(unit, run, chunk, passed)
            passed += len(chunk)
            if progress:
                progress(passed, min(1.0, stream.tell() / size) if size else 1.0)


def _take(unit: Unit, run: _Run, chunk: Chunk, before: int) -> None:
    """Take one chunk; somebody who added the same code meanwhile makes it begin again and find that record."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with unit() as session:
                _take_once(session, run, chunk, before)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise Conflict(msg("ledgers.import_collides", row=chunk.rows[0])) from None
        else:
            return


def _take_once(session: Session, run: _Run, chunk: Chunk, before: int) -> None:
    job = session.get_one(ImportJob, _key(session, run.job_id), with_for_update=True)
    if job.rows_taken != before:
        raise Overtaken(msg("ledgers.import_runs_elsewhere"))
    run.context.session = session
    trial = session.begin_nested()
    assembled = run.assembler.assemble(session, chunk)
    store_chunk(session, run.stamp, assembled.staged, run.named)
    if run.dry_run:
        trial.rollback()
    else:
        trial.commit()
    _note_problems(session, run, chunk, assembled)
    job.rows_taken = before + len(chunk)
    for name, count in vars(assembled.counts).items():
        setattr(job, f"{name}_count", getattr(job, f"{name}_count") + count)


def _note_problems(session: Session, run: _Run, chunk: Chunk, assembled: Assembled) -> None:
    rows = [
        {
            "agency_id": run.stamp.agency_id,
            "import_job_id": run.job_id,
            "row": chunk.rows[index],
            "cells": {heading: _shown(column[index]) for heading, column in chunk.columns.items()},
            "problems": [{"target": target, "key": message.key, "params": _params(message)} for target, message in problems],
        }
        for index, problems in sorted(assembled.problems.items())
    ]
    if rows:
        session.execute(insert(ImportProblem), rows)


def _shown(cell: Any) -> Any:
    """Give a cell as it can be stored: NUL and half characters cannot, and what is no text is written as one."""
    if cell is None:
        return cell
    if isinstance(cell, (list, dict)):
        return json.dumps(cell)[:_SHOWN]
    text = cell if isinstance(cell, str) else getattr(cell, "shown", None) or cell_text(cell)
    return text[:_SHOWN].replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _params(message: Message) -> dict[str, Any]:
    return {
        name: {"key": value.key, "params": _params(value)} if isinstance(value, Message) else value
        for name, value in message.params.items()
    }


def _finish(unit: Unit, run: _Run, state: ImportState, now: datetime, actor: Actor | None, failure: Message | None) -> None:
    with unit() as session:
        job = session.get_one(ImportJob, _key(session, run.job_id), with_for_update=True)
        job.state, job.rows_total = state, job.rows_taken if state is ImportState.DONE else None
        job.finished_at = session.scalar(select(func.clock_timestamp())) if actor is None else actor.now
        job.failure = None if failure is None else {"key": failure.key, "params": _params(failure)}
        counts = {name: getattr(job, name) for name in ("created_count", "updated_count", "unchanged_count", "failed_count")}
        acting = actor or Actor(job.created_by_id, job.agency_id, "", "import", (), now)
        audit.record(session, acting, f"ledgers:import:{state}", subject=f"import:{job.uuid}", new={**counts, "dry_run": job.dry_run})
