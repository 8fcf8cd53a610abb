"""Bulk history import: cases of a predecessor system come in whole, and no notice is fired.

Rows go by ``COPY`` into temporary staging tables and from there by ``INSERT …
SELECT`` under row-level security, a chunk a transaction. A case whose number is
already there is left alone with its history, so a broken-off import is simply
run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from core.authz import Actor, require_anywhere
from core.db.copying import Packed, copy_in, pack
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.lib.ids import uuid7
from core.workflow.models import Case, CaseEvent, CaseTimer
from core.workflow.permissions import CaseRight
from core.workflow.service.history import Link, link
from core.workflow.types import EventFacts, Timer

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class PastStep:
    """One step of a past case."""

    facts: EventFacts
    data: Mapping[str, Any] = field(default_factory=dict)
    form_id: int | None = None
    attachments: Sequence[tuple[str, int]] = ()
    """(field, attachment id) of each photo or file; the attachments must be stored already."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """One case of a predecessor system, with everything that happened to it.

    ``columns`` are those that ``snapshot.columns_of`` gives; ``place`` has
    grid_id, located, lon, lat, xy.
    """

    number: str
    workflow: str
    definition_id: int
    title: str
    columns: Mapping[str, Any]
    place: Mapping[str, Any]
    reported_at: datetime
    steps: Sequence[PastStep]
    reporter_id: int | None = None
    record_id: int | None = None
    timers: Sequence[Timer] = ()
    uuid: UUID = field(default_factory=uuid7)


@dataclass(frozen=True)
class ImportReport:
    """How many cases a history import brought, and how many were there before."""

    imported: int
    known: int


_NOT_STAGED = {"agency_id", "id", "case_id", "parent_id", "duplicate_of_id"}


def _kinds(columns: Iterable[Any]) -> dict[str, str]:
    """Give the staged columns of a table, each with its kind."""
    found = {}
    for column in columns:
        if column.computed is None and column.name not in _NOT_STAGED:
            kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
            found[column.name] = "timestamptz" if kind.startswith("timestamp") else "text" if kind.startswith("varchar") else kind
    return found


_CASE_KINDS, _EVENT_KINDS = _kinds(Case.__table__.columns), _kinds(CaseEvent.__table__.columns)


@dataclass(frozen=True)
class _Chunk:
    """Cases as they are sent: everything that needs no database is done."""

    count: int
    cases: Packed
    events: Packed
    timers: Packed
    photos: Packed


def import_history(database: Database, actor: Actor, cases: Iterable[PastCase], *, chunk: int = CHUNK) -> Iterator[ImportReport]:
    """Import past cases, yielding what each chunk brought; raise Forbidden without the right.

    Every chunk is committed on its own: after a failure the rest is missing and
    nothing is half there. While one chunk is stored the next is read and
    chained, so reader and server work at the same time.
    """
    require_anywhere(actor, CaseRight.IMPORT)
    remaining = iter(cases)
    with ThreadPoolExecutor(1, "history") as pool:
        stored: Future[ImportReport] | None = None
        while batch := list(islice(remaining, chunk)):
            packed = _pack(batch)
            if stored is not None:
                yield stored.result()
            stored = pool.submit(_store_alone, database, actor, packed)
        if stored is not None:
            yield stored.result()


def _store_alone(database: Database, actor: Actor, chunk: _Chunk) -> ImportReport:
    with unit_of_work(database, actor.agency_id) as session:
        return _store(session, actor, chunk)


def import_chunk(session: Session, actor: Actor, cases: Sequence[PastCase]) -> ImportReport:
    """Import one chunk inside the session's transaction."""
    return _store(session, actor, _pack(cases))


def _pack(cases: Sequence[PastCase]) -> _Chunk:
    chains = [_chain(case) for case in cases]
    numbered = [(case.number, one.columns) for case, chain in zip(cases, chains, strict=True) for one in chain]
    events: dict[str, tuple[str, Sequence[Any]]] = {"number": ("text", [number for number, _ in numbered])}
    for name, kind in _EVENT_KINDS.items():
        events[name] = (kind, [columns[name] for _, columns in numbered])
    photos = [
        (case.number, number, name, found)
        for case in cases
        for number, past in enumerate(case.steps, 1)
        for name, found in past.attachments
    ]
    timers = [(case.number, timer.key, timer.due_at) for case in cases for timer in case.timers]
    return _Chunk(
        len(cases),
        pack({name: (kind, _case_values(name, cases, chains)) for name, kind in _CASE_KINDS.items()}),
        pack(events),
        pack(_columns(timers, {"number": "text", "key": "text", "due_at": "timestamptz"})),
        pack(_columns(photos, {"number": "text", "sequence": "integer", "field": "text", "attachment_id": "bigint"})),
    )


def _columns(rows: Sequence[tuple[Any, ...]], kinds: Mapping[str, str]) -> dict[str, tuple[str, Sequence[Any]]]:
    return {name: (kind, [row[at] for row in rows]) for at, (name, kind) in enumerate(kinds.items())}


def _case_values(name: str, cases: Sequence[PastCase], chains: Sequence[list[Link]]) -> list[Any]:
    if name in _OWN:
        own = attrgetter(name)
        return [own(case) for case in cases]
    if name in _PLACE:
        return [case.place.get(name) for case in cases]
    if name == "chain_head":
        return [chain[-1].hash for chain in chains]
    if name in {"version", "chain_length"}:
        return [len(case.steps) for case in cases]
    return [case.columns.get(name) for case in cases]


_OWN = {"uuid", "number", "workflow", "definition_id", "title", "reporter_id", "record_id", "reported_at"}
_PLACE = {"grid_id", "located", "lon", "lat", "xy"}


def _store(session: Session, actor: Actor, chunk: _Chunk) -> ImportReport:
    for statement in _STAGES:
        session.execute(text(statement))
    copy_in(session, "past_case", chunk.cases)
    born = session.execute(text(_INSERT_CASES), {"agency": actor.agency_id}).scalar_one()
    for name, packed, insert in (
        ("past_event", chunk.events, _INSERT_EVENTS),
        ("past_timer", chunk.timers, _INSERT_TIMERS),
        ("past_photo", chunk.photos, _INSERT_PHOTOS),
    ):
        if packed.text:
            copy_in(session, name, packed)
            session.execute(text(insert), {"agency": actor.agency_id})
    session.execute(text("DROP TABLE past_photo, past_case, past_event, past_timer, past_born"))
    return ImportReport(born, chunk.count - born)


def _chain(case: PastCase) -> list[Link]:
    links: list[Link] = []
    for sequence, past in enumerate(case.steps, start=1):
        previous = links[-1].hash if links else None
        links.append(
            link(case.uuid, sequence=sequence, previous=previous, event=past.facts, form_id=past.form_id, data=past.data, personal={})
        )
    return links


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


_STAGE_CASES = f"""
CREATE TEMP TABLE past_case ON COMMIT DROP AS SELECT {_listed(_CASE_KINDS)} FROM cases WITH NO DATA
"""  # noqa: S608  # column names of our own tables; no value is spliced in

_STAGE_EVENTS = f"""
CREATE TEMP TABLE past_event ON COMMIT DROP AS SELECT ''::varchar AS number, {_listed(_EVENT_KINDS)} FROM case_event WITH NO DATA
"""  # noqa: S608  # as above

_STAGES = (
    _STAGE_CASES,
    _STAGE_EVENTS,
    "CREATE TEMP TABLE past_timer (number varchar, key varchar, due_at timestamptz) ON COMMIT DROP",
    "CREATE TEMP TABLE past_photo (number varchar, sequence integer, field varchar, attachment_id bigint) ON COMMIT DROP",
    "CREATE TEMP TABLE past_born (number varchar PRIMARY KEY, id bigint) ON COMMIT DROP",
)

_INSERT_CASES = f"""
WITH born AS (
  INSERT INTO cases (agency_id, {_listed(_CASE_KINDS)})
  SELECT :agency, {_listed(_CASE_KINDS)} FROM past_case
  ON CONFLICT DO NOTHING
  RETURNING number, id
), kept AS (INSERT INTO past_born SELECT number, id FROM born RETURNING 1)
SELECT count(*) FROM kept
"""  # noqa: S608  # column names of our own tables; no value is spliced in

_INSERT_EVENTS = f"""
INSERT INTO case_event (agency_id, case_id, {_listed(_EVENT_KINDS)})
SELECT :agency, past_born.id, {", ".join(f'past_event."{name}"' for name in _EVENT_KINDS)}
FROM past_event JOIN past_born USING (number)
"""  # noqa: S608  # as above

_INSERT_TIMERS = f"""
INSERT INTO {CaseTimer.__tablename__} (agency_id, case_id, key, due_at)
SELECT :agency, past_born.id, past_timer.key, past_timer.due_at FROM past_timer JOIN past_born USING (number)
"""  # noqa: S608  # as above

_INSERT_PHOTOS = """
INSERT INTO case_attachment (agency_id, case_id, attachment_id, sequence, field)
SELECT :agency, past_born.id, past_photo.attachment_id, past_photo.sequence, past_photo.field
FROM past_photo JOIN past_born USING (number)
ON CONFLICT DO NOTHING
"""
