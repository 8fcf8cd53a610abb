"""Proving a publication: its snapshot by digest and against the record, its formula by checksum, its results by counting them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, cast, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.types import UTCDateTime
from core.definitions import store
from core.lib.errors import NotFound
from core.lib.text import Message, msg
from core.scoring.models import Publication, Snapshot
from core.scoring.service.freezing import digest, source_of
from core.scoring.service.naming import Tables
from core.scoring.service.publishing import formula_ids, period_of, scored
from core.scoring.service.revising import numbers_of, results_of
from core.scoring.types import NOBODY, OUTSIDE, OWN, WHOLE, Row
from core.workflow.models import Case, CaseEvent

_NAMED = 20


@dataclass(frozen=True)
class Fault:
    """One thing about a publication that does not hold."""

    publication: str
    what: str
    reason: Message


@dataclass(frozen=True)
class Proof:
    """What the proof of one publication found."""

    faults: Sequence[Fault]
    is_recounted: bool
    """False where the land or the organisation has changed since, so that only sums could be held against the frozen facts."""


def verify(session: Session, actor: Actor, publication: Publication) -> Proof:
    """Prove one publication; nothing is written."""
    snapshot = session.get_one(Snapshot, (publication.agency_id, publication.snapshot_id))
    name = str(publication.uuid)
    found = [Fault(name, what, reason) for what, reason in (*_of_snapshot(session, snapshot), *_of_formula(session, publication))]
    kept = results_of(session, publication)
    try:
        again = scored(session, actor, snapshot, period_of(publication), {publication.scorecard_key: formula_ids(publication)})
    except NotFound as error:  # a definition that made it is not there any more
        return Proof([*found, Fault(name, "formula", error.message)], is_recounted=False)
    rows = again[publication.scorecard_key]
    differing = _differing(kept, rows)
    if not differing or _places(rows) == _places(kept):
        found += [Fault(name, ref, msg("scoring.verify_row")) for ref in differing]
        return Proof(found, is_recounted=True)
    found += [Fault(name, ref, msg("scoring.verify_sum", line=line)) for ref, line in _wrong_sums(kept, rows)]
    return Proof(found, is_recounted=False)


def _of_formula(session: Session, publication: Publication) -> Iterator[tuple[str, Message]]:
    checksums = {}
    for name, one in publication.formula["definitions"].items():
        checksums[name] = one["checksum"]
        if store.version(session, one["id"]).checksum != one["checksum"]:
            yield name, msg("scoring.verify_definition")
    text = orjson.dumps(checksums, option=orjson.OPT_SORT_KEYS)
    if hashlib.sha256(text).digest() != publication.formula_sha256:
        yield "formula", msg("scoring.verify_formula")


def _of_snapshot(session: Session, snapshot: Snapshot) -> Iterator[tuple[str, Message]]:
    if digest(session, snapshot.id, snapshot.base_id) != (snapshot.cases, snapshot.sha256):
        yield "snapshot", msg("scoring.verify_digest")
    source = source_of(snapshot, {})
    parameters = dict(source.parameters)
    for reason, query in _questions(source.tables, snapshot):
        numbers = session.scalars(query.order_by(Case.number).limit(_NAMED), parameters).all()
        yield from ((f"case:{number}", msg(f"scoring.{reason}")) for number in numbers)


def _questions(tables: Tables, snapshot: Snapshot) -> Iterator[tuple[str, Select[Any]]]:
    """Yield what is asked of the frozen facts: each gives the numbers of the cases that are not as their history says."""
    cases, tasks = tables.case, tables.task
    last = CaseEvent.__table__.alias("last")
    joined = cases.outerjoin(
        last,
        and_(last.c.agency_id == cases.c.agency_id, last.c.case_id == cases.c.case_id, last.c.sequence == cases.c.chain_length),
    )
    wrong = or_(last.c.hash.is_distinct_from(cases.c.chain_head), last.c.to_state.is_distinct_from(cases.c.state))
    yield "verify_head", _numbers(cases.c.case_id, snapshot).select_from(joined).join(Case, _is(cases)).where(wrong)

    ended = CaseEvent.__table__.alias("ended")
    of_task = and_(ended.c.agency_id == tasks.c.agency_id, ended.c.case_id == tasks.c.case_id, ended.c.sequence == tasks.c.sequence)
    pairs = (
        (ended.c.verb, tasks.c.verb),
        (ended.c.at, tasks.c.ended_at),
        (ended.c.actor_id, tasks.c.person_id),
        (ended.c.from_state, tasks.c.state),
        (ended.c.to_state, tasks.c.to_state),
        (_span(ended, "key"), cast(tasks.c.limit_key, Text)),
        (_instant(ended, "due_at"), tasks.c.due_at),
        (_instant(ended, "started_at"), tasks.c.started_at),
        (_span(ended, "in_time"), cast(tasks.c.in_time, Text)),
    )
    differs = or_(*(recorded.is_distinct_from(frozen) for recorded, frozen in pairs))
    yield (
        "verify_task",
        _numbers(tasks.c.case_id, snapshot)
        .select_from(tasks.outerjoin(ended, of_task))
        .join(Case, _is(tasks))
        .where(tasks.c.sequence > 0, differs),
    )
    yield "verify_task_missing", _missing_tasks(tables, snapshot)
    yield "verify_missed", _wrongly_missed(tables, snapshot)


def _missing_tasks(tables: Tables, snapshot: Snapshot) -> Select[Any]:
    """Ask for ended limits of the period, up to the frozen length of the history, that no frozen task stands for."""
    cases, tasks = tables.case, tables.task
    ended = CaseEvent.__table__.alias("ended")
    due, started = _instant(ended, "due_at"), _instant(ended, "started_at")
    inside = or_(
        *(and_(at >= snapshot.starts_at, at < snapshot.ends_at) for at in (started, ended.c.at, func.least(due, ended.c.at))),
    )
    known = select(tasks.c.case_id).where(tasks.c.case_id == ended.c.case_id, tasks.c.sequence == ended.c.sequence)
    of_case = and_(ended.c.agency_id == cases.c.agency_id, ended.c.case_id == cases.c.case_id, ended.c.sequence <= cases.c.chain_length)
    return (
        _numbers(cases.c.case_id, snapshot)
        .select_from(cases.join(ended, of_case))
        .join(Case, _is(cases))
        .where(due.is_not(None), inside, not_(known.exists()))
    )


def _wrongly_missed(tables: Tables, snapshot: Snapshot) -> Select[Any]:
    """Ask for cases whose first missed deadline is not the first that a department's limit missed by their history."""
    cases, holdings = tables.case, tables.holding
    late = CaseEvent.__table__.alias("late")
    limits = select(holdings.c.limit_key).where(holdings.c.case_id == cases.c.case_id)
    first = (
        select(func.min(_instant(late, "due_at")))
        .where(
            late.c.agency_id == cases.c.agency_id,
            late.c.case_id == cases.c.case_id,
            late.c.sequence <= cases.c.chain_length,
            _span(late, "in_time") == "false",
            _span(late, "key").in_(limits),
        )
        .correlate(cases)
        .scalar_subquery()
    )
    held = select(holdings.c.case_id).where(holdings.c.case_id == cases.c.case_id).exists()
    return (
        _numbers(cases.c.case_id, snapshot).select_from(cases).join(Case, _is(cases)).where(held, first.is_distinct_from(cases.c.missed_at))
    )


def _numbers(case_id: ColumnElement[Any], snapshot: Snapshot) -> Select[Any]:
    return select(Case.number).where(Case.agency_id == snapshot.agency_id, case_id.is_not(None)).distinct()


def _is(facts: Any) -> ColumnElement[bool]:
    return and_(Case.agency_id == facts.c.agency_id, Case.id == facts.c.case_id)


def _span(event: Any, name: str) -> ColumnElement[Any]:
    path = cast(literal("{span," + name + "}", Text), ARRAY(Text))
    found: ColumnElement[Any] = event.c.facts.op("#>>", return_type=Text())(path)
    return found


def _instant(event: Any, name: str) -> ColumnElement[datetime]:
    return cast(_span(event, name), UTCDateTime)


def _places(rows: Sequence[Row]) -> dict[str, tuple[str | None, int | None]]:
    return {row.subject.ref: (row.subject.path, row.subject.parent) for row in rows}


def _differing(kept: Sequence[Row], again: Sequence[Row]) -> list[str]:
    old, new = numbers_of(kept), numbers_of(again)
    return [ref for ref in dict.fromkeys([*old, *new]) if old.get(ref) != new.get(ref)]


def _wrong_sums(kept: Sequence[Row], again: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield where sums do not hold that hold whatever the tree: all there is, and each area as the sum of its parts."""
    ids, now = ({row.subject.id for row in rows if row.subject.special is None} for rows in (kept, again))
    for line in dict.fromkeys(key for row in kept for key in row.values):
        if _counts([row for row in again if _is_top(row, now)], line) != _counts([row for row in kept if _is_top(row, ids)], line):
            yield "whole", line
        for row in kept:
            parts = [
                one for one in kept if row.subject.kind == "grid" and row.subject.special is None and one.subject.parent == row.subject.id
            ]
            if parts and _counts(parts, line) != _counts([row], line):
                yield row.subject.ref, line


def _is_top(row: Row, ids: set[int | None]) -> bool:
    special = row.subject.special
    if special in {WHOLE, OWN}:
        return False
    return special in {NOBODY, OUTSIDE} or row.subject.kind != "grid" or row.subject.parent not in ids


def _counts(rows: Sequence[Row], line: str) -> tuple[int, int, int]:
    values = [row.values[line] for row in rows if line in row.values]
    return sum(one.counted for one in values), sum(one.base for one in values), sum(one.exempted for one in values)
