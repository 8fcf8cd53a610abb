"""Bulk history import: cases of a predecessor system come in whole, and no notice is fired.

Rows go by ``COPY`` into temporary staging tables and from there by ``INSERT …
SELECT`` under row-level security, a chunk a transaction. A case whose number is
already there is left alone with its history, so a broken-off import is simply
run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.authz import Actor, require_anywhere
from core.db.engine import Database
from core.db.json import dumps
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


_NOT_STAGED = {"agency_id", "id", "parent_id", "duplicate_of_id"}
_CASE_COLUMNS = tuple(c.name for c in Case.__table__.columns if c.computed is None and c.name not in _NOT_STAGED)
_EVENT_COLUMNS = tuple(c.name for c in CaseEvent.__table__.columns if c.name not in {"agency_id", "id", "case_id"})


def import_history(database: Database, actor: Actor, cases: Iterable[PastCase], *, chunk: int = CHUNK) -> Iterator[ImportReport]:
    """Import past cases, yielding what each chunk brought; raise Forbidden without the right.

    Every chunk is committed on its own: after a failure the rest is missing and
    nothing is half there.
    """
    require_anywhere(actor, CaseRight.IMPORT)
    remaining = iter(cases)
    while batch := list(islice(remaining, chunk)):
        with unit_of_work(database, actor.agency_id) as session:
            yield import_chunk(session, actor, batch)


def import_chunk(session: Session, actor: Actor, cases: Sequence[PastCase]) -> ImportReport:
    """Import one chunk inside the session's transaction."""
    chains = [_chain(case) for case in cases]
    _stage(session)
    _copy(session, "past_case", _CASE_COLUMNS, (_case_row(case, chain[-1].hash) for case, chain in zip(cases, chains, strict=True)))
    born = session.execute(text(_INSERT_CASES), {"agency": actor.agency_id}).scalar_one()
    _copy(
        session,
        "past_event",
        ("number", *_EVENT_COLUMNS),
        (row for case, chain in zip(cases, chains, strict=True) for row in _event_rows(case, chain)),
    )
    session.execute(text(_INSERT_EVENTS), {"agency": actor.agency_id})
    waiting = [(case.number, timer.key, timer.due_at) for case in cases for timer in case.timers]
    if waiting:
        _copy(session, "past_timer", ("number", "key", "due_at"), iter(waiting))
        session.execute(text(_INSERT_TIMERS), {"agency": actor.agency_id})
    photos = [
        (case.number, number, name, found)
        for case in cases
        for number, past in enumerate(case.steps, 1)
        for name, found in past.attachments
    ]
    if photos:
        _copy(session, "past_photo", ("number", "sequence", "field", "attachment_id"), iter(photos))
        session.execute(text(_INSERT_PHOTOS), {"agency": actor.agency_id})
    for name in ("past_photo", "past_case", "past_event", "past_timer", "past_born"):
        session.execute(text(f"DROP TABLE {name}"))
    return ImportReport(born, len(cases) - born)


def _case_row(case: PastCase, head: bytes) -> tuple[Any, ...]:
    given = {
        **case.columns,
        **case.place,
        "uuid": case.uuid,
        "number": case.number,
        "workflow": case.workflow,
        "definition_id": case.definition_id,
        "title": case.title,
        "reporter_id": case.reporter_id,
        "record_id": case.record_id,
        "reported_at": case.reported_at,
        "version": len(case.steps),
        "chain_length": len(case.steps),
        "chain_head": head,
    }
    return tuple(_staged(given.get(name)) for name in _CASE_COLUMNS)


def _event_rows(case: PastCase, chain: Sequence[Link]) -> Iterator[tuple[Any, ...]]:
    for one in chain:
        yield (case.number, *(_staged(one.columns[name]) for name in _EVENT_COLUMNS))


def _chain(case: PastCase) -> list[Link]:
    links: list[Link] = []
    for sequence, past in enumerate(case.steps, start=1):
        previous = links[-1].hash if links else None
        links.append(
            link(case.uuid, sequence=sequence, previous=previous, event=past.facts, form_id=past.form_id, data=past.data, personal={})
        )
    return links


def _staged(value: Any) -> Any:
    """Write a value as ``COPY`` takes it: JSON as text, a point as ``(x,y)``."""
    if isinstance(value, Mapping):
        return dumps(value)
    if isinstance(value, tuple):
        return f"({value[0]!r},{value[1]!r})"
    return value


def _stage(session: Session) -> None:
    session.execute(text(_STAGE_CASES))
    session.execute(text(_STAGE_EVENTS))
    session.execute(text("CREATE TEMP TABLE past_timer (number varchar, key varchar, due_at timestamptz) ON COMMIT DROP"))
    session.execute(
        text("CREATE TEMP TABLE past_photo (number varchar, sequence integer, field varchar, attachment_id bigint) ON COMMIT DROP")
    )
    session.execute(text("CREATE TEMP TABLE past_born (number varchar PRIMARY KEY, id bigint) ON COMMIT DROP"))


def _copy(session: Session, name: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    cursor = session.connection().connection.cursor()
    with cursor.copy(f"COPY {name} ({_listed(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


_STAGE_CASES = f"""
CREATE TEMP TABLE past_case ON COMMIT DROP AS SELECT {_listed(_CASE_COLUMNS)} FROM cases WITH NO DATA
"""  # noqa: S608  # column names of our own tables; no value is spliced in

_STAGE_EVENTS = f"""
CREATE TEMP TABLE past_event ON COMMIT DROP AS SELECT ''::varchar AS number, {_listed(_EVENT_COLUMNS)} FROM case_event WITH NO DATA
"""  # noqa: S608  # as above

_INSERT_CASES = f"""
WITH born AS (
  INSERT INTO cases (agency_id, {_listed(_CASE_COLUMNS)})
  SELECT :agency, {_listed(_CASE_COLUMNS)} FROM past_case
  ON CONFLICT DO NOTHING
  RETURNING number, id
), kept AS (INSERT INTO past_born SELECT number, id FROM born RETURNING 1)
SELECT count(*) FROM kept
"""  # noqa: S608  # column names of our own tables; no value is spliced in

_INSERT_EVENTS = f"""
INSERT INTO case_event (agency_id, case_id, {_listed(_EVENT_COLUMNS)})
SELECT :agency, past_born.id, {", ".join(f'past_event."{name}"' for name in _EVENT_COLUMNS)}
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
