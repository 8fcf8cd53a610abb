"""Following the record: each round takes in the steps that came since the last, and derives the cases they belong to.

How a round knows that it has seen every step. Numbers of steps are drawn in
one order and committed in another, so "greater than the last seen" alone
would lose some. A round first asks which number was drawn last (M), and then
takes a transaction number of its own (X). Every step up to M belongs to a
transaction with a lower number than X, for a step's transaction has its number
before it draws the step's. Once none below X runs any more, all steps up to M
are committed or will never be; M is then *settled*. Each look is a statement
of its own with a snapshot of its own, which is what READ COMMITTED means.

The upper end of a snapshot would not do for X: it is one past the highest
transaction that has *ended*, and one that runs may be above it.

A round that breaks off has changed nothing and is simply run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core.db.engine import Database
from core.db.uow import unit_of_work
from core.facts.models import FactProgress
from core.facts.service import locks
from core.facts.service.deriving import derive_cases
from core.facts.service.reading import OLDEST_WRITER
from core.facts.types import Round, SeenEvent
from core.lib.errors import Unavailable
from core.lib.text import Message, msg
from core.workflow.models import CaseEvent

BATCH = 5_000
"""Steps a round: about a second of work, when each is of another case."""

SHARE = 9
"""A round rests so many times as long as it worked: never over a tenth of one processor."""

REST = timedelta(seconds=1)
"""The least rest; whoever wakes the rounds does so every two seconds."""

PATIENCE = 30.0
_PAUSE = 0.02
_never = Event()
"""Nobody sets it; what is waited for is another process's transaction, which tells nobody when it ends."""

Listener = Callable[[Session, Round], None]
"""Called in the round's own transaction with the steps it took in; what it raises fails the round, which is then run again."""

_listeners: list[Listener] = []
_are_all_there = False

_DRAWN = text("SELECT coalesce(pg_sequence_last_value('case_event_id_seq'::regclass), 0), current_setting('transaction_isolation')")
_OWN_NUMBER = text("SELECT pg_current_xact_id()::text::bigint")
_LOWEST_RUNNING = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")  # one's own counts


@dataclass(frozen=True, slots=True)
class Mark:
    """A last number drawn, the transaction number below which all must have ended, and when it was asked."""

    event_id: int
    xid: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """How far facts have come, and how many steps the round took in."""

    event_id: int
    known_at: datetime
    seen: int
    told: int


def listen(function: Listener) -> Listener:
    """Have ``function`` called with every step, in order, once the facts know it; registering it twice is once."""
    if function not in _listeners:
        _listeners.append(function)
    return function


def everybody_listens() -> None:
    """Say that whoever wants to listen in this process has been registered; until then steps wait for one where they have."""
    global _are_all_there  # noqa: PLW0603  # once a process, when its parts are loaded
    _are_all_there = True


def follow_once(database: Database, agency_id: int, *, now: datetime) -> Position | None:
    """Run one round and say how far it came; None when another process follows this agency just now."""
    began = time.monotonic()
    with unit_of_work(database, agency_id) as session:
        if not locks.try_follow(session, agency_id):
            return None
        progress = session.get_one(FactProgress, agency_id)
        fresh = _look(session, now)
        settled, waiting = _settle(session, progress, fresh)
        seen = _take_in(session, progress, settled) if settled is not None else []
        told = _tell(session, progress, seen, now)
        worked = timedelta(seconds=time.monotonic() - began)
        _remember(progress, settled, waiting, seen, told)
        progress.due_at = now + worked + max(REST, SHARE * worked)
        progress.last_error = None
        return Position(progress.event_id, progress.known_at, len(seen), len(told))


def catch_up(database: Database, agency_id: int, *, now: datetime, patience: float = PATIENCE) -> Position:
    """Follow until every step committed before this call is in the facts.

    Raises Unavailable when that takes longer than ``patience`` seconds, saying what holds it up.
    """
    with database.session(agency_id) as session:
        goal = _drawn(session)
    deadline = time.monotonic() + patience
    while True:
        reached = follow_once(database, agency_id, now=now)
        if reached is not None and reached.event_id >= goal and reached.known_at >= now:
            return reached
        if time.monotonic() > deadline:
            raise Unavailable(_what_holds_up(database, reached, goal))
        if reached is None or not reached.seen:
            _never.wait(_PAUSE)


def settle(database: Database, agency_id: int, *, now: datetime, patience: float = PATIENCE) -> int:
    """Wait until every step drawn before this call is committed or never will be; give the number of the last.

    Raises Unavailable when a transaction keeps it waiting for longer than ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    with database.session(agency_id) as session:
        mark = _look(session, now)
        while session.execute(_LOWEST_RUNNING).scalar_one() < mark.xid:
            if time.monotonic() > deadline:
                raise Unavailable(_what_holds_up(database, None, mark.event_id))
            _never.wait(_PAUSE)
    return mark.event_id


def note_failure(database: Database, agency_id: int, error: Exception, *, again_at: datetime) -> None:
    """Keep the reason of a round that failed where people look for it, and try again later."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:500]
    with unit_of_work(database, agency_id) as session:
        session.execute(update(FactProgress).where(FactProgress.agency_id == agency_id).values(last_error=reason, due_at=again_at))


def _drawn(session: Session) -> int:
    drawn, isolation = session.execute(_DRAWN).one()
    if isolation != "read committed":
        raise Unavailable(msg("facts.wrong_isolation", isolation=isolation))
    return int(drawn)


def _look(session: Session, now: datetime) -> Mark:
    return Mark(_drawn(session), session.execute(_OWN_NUMBER).scalar_one(), now)


def _settle(session: Session, progress: FactProgress, fresh: Mark) -> tuple[Mark | None, Mark | None]:
    """Say up to where all steps are there now, and which mark to wait for next."""
    pending = _pending(progress, fresh)
    lowest = session.execute(_LOWEST_RUNNING).scalar_one()
    if lowest >= fresh.xid:
        return fresh, None
    if pending is not None and lowest >= pending.xid:
        return pending, fresh
    return None, pending or fresh


def _pending(progress: FactProgress, fresh: Mark) -> Mark | None:
    """Give the mark that waits; one with a transaction number still to come is of another server, from before a restore."""
    if progress.pending_event_id is None or progress.pending_xid is None or progress.pending_at is None:
        return None
    return Mark(progress.pending_event_id, progress.pending_xid, progress.pending_at) if progress.pending_xid <= fresh.xid else None


def _take_in(session: Session, progress: FactProgress, settled: Mark) -> Sequence[SeenEvent]:
    """Derive the cases of the next steps."""
    # The shapes of workflows are read after the mark was settled: whatever version a step up to it has, they know.
    seen = _steps(session, progress.agency_id, progress.event_id, settled.event_id)
    if seen:
        locks.begin(session)
        locks.write_alone(session, progress.agency_id)
        derive_cases(session, progress.agency_id, sorted({event.case_id for event in seen}))
    return seen


def _tell(session: Session, progress: FactProgress, seen: Sequence[SeenEvent], now: datetime) -> Sequence[SeenEvent]:
    """Tell who listens of the steps just taken in; after a rebuild, first of those that it took in for them."""
    if not _are_all_there:
        return ()
    told = seen
    if progress.told_event_id < progress.event_id:
        told = _steps(session, progress.agency_id, progress.told_event_id, progress.event_id)
    if told:
        for listener in _listeners:
            listener(session, Round(progress.agency_id, now, told))
    return told


def _steps(session: Session, agency_id: int, after: int, until: int) -> Sequence[SeenEvent]:
    read = (
        select(
            CaseEvent.id,
            CaseEvent.case_id,
            CaseEvent.sequence,
            CaseEvent.at,
            CaseEvent.actor_id,
            CaseEvent.verb,
            CaseEvent.from_state,
            CaseEvent.to_state,
        )
        .where(CaseEvent.agency_id == agency_id, CaseEvent.id > after, CaseEvent.id <= until)
        .order_by(CaseEvent.id)
        .limit(BATCH)
    )
    return [SeenEvent(*row) for row in session.execute(read)]


def _remember(
    progress: FactProgress, settled: Mark | None, waiting: Mark | None, seen: Sequence[SeenEvent], told: Sequence[SeenEvent]
) -> None:
    was_told_all = progress.told_event_id == progress.event_id
    behind = progress.event_id
    if settled is not None and len(seen) == BATCH and seen[-1].id < settled.event_id:
        progress.event_id, waiting = seen[-1].id, settled  # there are more of them; the mark stays settled
    elif settled is not None:
        # A watermark never goes back: after a restore of the sequence alone it would see steps twice.
        progress.event_id, progress.known_at = max(settled.event_id, progress.event_id), settled.at
    if _are_all_there:
        progress.told_event_id = progress.event_id if was_told_all else told[-1].id if len(told) == BATCH else behind
    progress.pending_event_id = waiting.event_id if waiting else None
    progress.pending_xid = waiting.xid if waiting else None
    progress.pending_at = waiting.at if waiting else None


def _what_holds_up(database: Database, reached: Position | None, goal: int) -> Message:
    if reached is not None and reached.seen:
        return msg("facts.behind", steps=goal - reached.event_id)
    with database.session(None) as session:
        oldest = session.execute(OLDEST_WRITER).first()
    if oldest is None:
        return msg("facts.held_up")
    return msg("facts.held_up_by", pid=oldest.pid, role=oldest.usename, database=oldest.datname)
