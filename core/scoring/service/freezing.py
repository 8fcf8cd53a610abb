"""Freezing the facts of a period, and reading them again as they were.

A first snapshot holds every fact with an instant in the period, and the case of
each. One on top of it holds the cases whose history has gone on since, and
those that have newly come in; all others are still the first one's. Reading
gives tables with the columns of the live ones, so that the same statements
count both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    LargeBinary,
    Select,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from core.db.base import Base
from core.scoring.definition import INSTANTS
from core.scoring.models import FrozenAnswer, FrozenCase, FrozenHolding, FrozenRecord, FrozenTask, Snapshot
from core.scoring.service.naming import LIVE, Tables
from core.scoring.service.sources import Source

_FROZEN: dict[str, Any] = {
    grain: Base.metadata.tables[model.__tablename__]
    for grain, model in {
        "case": FrozenCase,
        "holding": FrozenHolding,
        "task": FrozenTask,
        "answer": FrozenAnswer,
        "record": FrozenRecord,
    }.items()
}
_OF_A_CASE = ("holding", "task", "answer")
_SNAPSHOT = bindparam("snapshot", type_=BigInteger)
_BASE = bindparam("base", type_=BigInteger)
_EMPTY = cast(literal(b"", LargeBinary), LargeBinary)


@dataclass(frozen=True)
class Moment:
    """Which period is frozen, and how much of the record the facts knew just then."""

    agency_id: int
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    event_id: int


Frame = Moment | Snapshot
"""Whose facts of which period are meant."""


def freeze(session: Session, moment: Moment, *, ledgers: Iterable[str] = (), base: Snapshot | None = None) -> Snapshot:
    """Copy the facts of a period as they are now, those of these ledgers too; on top of ``base`` only what has changed.

    The caller keeps followers away, so that all tables are of one moment. The
    rows come first: the snapshot, which has their digest, is never changed.
    """
    number: int = session.execute(select(func.nextval(func.pg_get_serial_sequence("snapshot", "id")))).scalar_one()
    changed = None if base is None else _changed(moment, _of_snapshot(base.id))
    for grain in _OF_A_CASE:
        given = and_(LIVE.of(grain).c.agency_id == moment.agency_id, _instants(grain, moment))
        if base is not None and changed is not None:
            given = and_(given, _unknown_answer(base.id) if grain == "answer" else LIVE.of(grain).c.case_id.in_(changed))
        _copy(session, number, grain, given)
    _copy(session, number, "case", _cases(number, moment, changed))
    records = LIVE.record
    _copy(session, number, "record", and_(records.c.agency_id == moment.agency_id, records.c.ledger_key.in_(list(ledgers))))
    cases, sha256 = digest(session, number, base.id if base else None)
    snapshot = Snapshot(
        id=number,
        agency_id=moment.agency_id,
        base_id=base.id if base else None,
        starts_at=moment.starts_at,
        ends_at=moment.ends_at,
        as_of=moment.as_of,
        event_id=moment.event_id,
        cases=cases,
        sha256=sha256,
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def source_of(snapshot: Snapshot, formula: Mapping[str, int]) -> Source:
    """Give the frozen facts of a snapshot, to be counted by these versions of the definitions as of its moment."""
    return Source(
        name="frozen" if snapshot.base_id is None else "revised",
        tables=FROZEN if snapshot.base_id is None else REVISED,
        parameters=_parameters(snapshot.id, snapshot.base_id),
        formula=formula,
        as_of=snapshot.as_of,
    )


def digest(session: Session, number: int, base_id: int | None) -> tuple[int, bytes]:
    """Count a snapshot's cases, and give the digest over the number, length and last hash of each history, in the order of the numbers."""
    cases = (FROZEN if base_id is None else REVISED).case
    one = func.int8send(cases.c.case_id).op("||")(func.int4send(cases.c.chain_length)).op("||")(func.coalesce(cases.c.chain_head, _EMPTY))
    joined = func.string_agg(one, aggregate_order_by(_EMPTY, cases.c.case_id))
    query = select(func.count(), func.sha256(func.coalesce(joined, _EMPTY))).select_from(cases)
    count, sha256 = session.execute(query, _parameters(number, base_id)).one()
    return count, bytes(sha256)


def _parameters(number: int, base_id: int | None) -> dict[str, Any]:
    return {"snapshot": number} if base_id is None else {"snapshot": number, "base": base_id}


def _frozen(grain: str) -> FromClause:
    table = _FROZEN[grain]
    return select(*_columns(table)).where(table.c.snapshot_id == _SNAPSHOT).subquery(f"frozen_{grain}_rows")


def _revised(grain: str) -> FromClause:
    """Lay a snapshot over the one that it is on top of: a case with rows of its own here has all of them here."""
    table = _FROZEN[grain]
    own = select(*_columns(table)).where(table.c.snapshot_id == _SNAPSHOT)
    if grain == "record":  # frozen whole each time
        return own.subquery("frozen_record_rows")
    before, replaced = table.alias("before"), _FROZEN["case"].alias("replaced")
    kept = select(*_columns(before)).where(before.c.snapshot_id == _BASE)
    if grain != "answer":  # what was answered stays as it is: only others can have come
        is_replaced = select(replaced.c.case_id).where(
            replaced.c.snapshot_id == _SNAPSHOT, replaced.c.agency_id == before.c.agency_id, replaced.c.case_id == before.c.case_id
        )
        kept = kept.where(not_(is_replaced.exists()))
    return union_all(own, kept).subquery(f"frozen_{grain}_rows")


def _columns(table: FromClause) -> list[ColumnElement[Any]]:
    return [column for column in table.columns if column.name != "snapshot_id"]


def _copy(session: Session, number: int, grain: str, condition: ColumnElement[bool]) -> None:
    frozen, live = _FROZEN[grain], LIVE.of(grain)
    names = [column.name for column in frozen.columns if column.computed is None and column.name != "snapshot_id"]
    rows = select(literal(number, BigInteger), *(live.c[name] for name in names)).where(condition)
    session.execute(insert(frozen).from_select(["snapshot_id", *names], rows))


def _instants(grain: str, frame: Frame) -> ColumnElement[bool]:
    live = LIVE.of(grain)
    columns = sorted(set(INSTANTS[grain].values()))
    return or_(*(and_(live.c[name] >= frame.starts_at, live.c[name] < frame.ends_at) for name in columns))


def _cases(number: int, moment: Moment, changed: Select[Any] | None) -> ColumnElement[bool]:
    """Give the condition for the cases themselves: those of the period, and those of anything else that was frozen."""
    live = LIVE.case
    if changed is not None:
        return and_(live.c.agency_id == moment.agency_id, live.c.case_id.in_(changed))
    others = union(*(select(table.c.case_id).where(table.c.snapshot_id == number) for table in (_FROZEN[grain] for grain in _OF_A_CASE)))
    return and_(live.c.agency_id == moment.agency_id, or_(_instants("case", moment), live.c.case_id.in_(others)))


def _of_snapshot(number: int) -> FromClause:
    table = _FROZEN["case"]
    return select(*_columns(table)).where(table.c.snapshot_id == number).subquery("before")


def _unknown_answer(base_id: int) -> ColumnElement[bool]:
    before = _FROZEN["answer"].alias("before")
    return not_(select(before.c.id).where(before.c.snapshot_id == base_id, before.c.id == LIVE.answer.c.id).exists())


def changed_since(session: Session, snapshot: Snapshot) -> list[tuple[int, int | None, int]]:
    """Give the cases that are no longer as a snapshot has them: number, how long the history was (None: not there), how long it is."""
    before = (FROZEN if snapshot.base_id is None else REVISED).case
    query = _changed(snapshot, before).add_columns(before.c.chain_length.label("before"), LIVE.case.c.chain_length.label("now"))
    rows = session.execute(query, _parameters(snapshot.id, snapshot.base_id))
    return [(row.case_id, row.before, row.now) for row in rows]


def lengths_of(session: Session, snapshot: Snapshot) -> dict[int, int]:
    """Give the length of the history of each case that a snapshot has."""
    cases = (FROZEN if snapshot.base_id is None else REVISED).case
    query = select(cases.c.case_id, cases.c.chain_length).where(cases.c.agency_id == snapshot.agency_id)
    return {row.case_id: row.chain_length for row in session.execute(query, _parameters(snapshot.id, snapshot.base_id))}


def _changed(frame: Frame, before: FromClause) -> Select[Any]:
    """Select the cases whose history went on since, and those of the period that were not there."""
    live = LIVE.case
    joined = live.outerjoin(before, and_(before.c.agency_id == live.c.agency_id, before.c.case_id == live.c.case_id))
    moved = and_(before.c.case_id.is_not(None), or_(live.c.chain_length != before.c.chain_length, live.c.chain_head != before.c.chain_head))
    others = [
        select(LIVE.of(grain).c.case_id).where(LIVE.of(grain).c.agency_id == frame.agency_id, _instants(grain, frame))
        for grain in _OF_A_CASE
    ]
    new = and_(before.c.case_id.is_(None), or_(_instants("case", frame), live.c.case_id.in_(union(*others))))
    return select(live.c.case_id).select_from(joined).where(live.c.agency_id == frame.agency_id, or_(moved, new))


FROZEN = Tables(**{grain: _frozen(grain) for grain in _FROZEN})
"""The facts of a snapshot that is on top of none, as tables like the live ones; the snapshot is a parameter."""

REVISED = Tables(**{grain: _revised(grain) for grain in _FROZEN})
"""The facts of a snapshot on top of another."""
