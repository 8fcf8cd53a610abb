"""Deriving all facts of an agency anew from the record, or proving that they are what it says.

Both go by ranges of cases, two at a time, while the product is at work: a
range is a transaction of its own, and the follower steps in between ranges.
A rebuild tells how the facts differed from what it then wrote; after a first
build everything was missing, and after that nothing should be.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import reduce
from operator import add
from threading import Lock

from sqlalchemy import update

from core.db.engine import Database
from core.db.uow import unit_of_work
from core.facts.models import FactProgress
from core.facts.service import comparing, deriving, following, locks
from core.facts.service.deriving import Cases, Scope
from core.facts.types import Comparison

SIZE = 10_000
"""Cases a range: some two seconds of work, for which a follower may have to wait."""

WORKERS = 2
_LOOKS = 5
"""How often cases that moved meanwhile are looked at again."""

Progress = Callable[[int, int], None]
"""Called with the ranges done and the ranges there are."""


def rebuild(database: Database, agency_id: int, progress: Progress, *, now: datetime, workers: int = WORKERS) -> Comparison:
    """Derive every fact of an agency anew; give how the old ones differed from the new."""
    until = following.settle(database, agency_id, now=now)
    found = _over_all(database, agency_id, _rebuild_range, progress, workers)
    with unit_of_work(database, agency_id) as session:
        locks.follow_alone(session, agency_id)
        kept = session.get_one(FactProgress, agency_id)
        kept.rebuilt_at, kept.differences = now, found.differences
        if until > kept.event_id:  # every step up to there was in every range
            kept.event_id, kept.known_at = until, now
    return found


def check(database: Database, agency_id: int, progress: Progress, *, now: datetime, workers: int = WORKERS) -> Comparison:
    """Compare every fact of an agency with the record, and write none; give what differs.

    Raises Unavailable when the facts cannot catch up first.
    """
    following.catch_up(database, agency_id, now=now)
    found = _over_all(database, agency_id, comparing.compare, progress, workers)
    for _ in range(_LOOKS):
        if not found.moving:
            break
        following.catch_up(database, agency_id, now=now)
        again = comparing.compare(database, agency_id, Cases(found.moving))
        found = Comparison(found.grains, found.case_ids) + again
    with unit_of_work(database, agency_id) as session:
        done = {"checked_at": now, "differences": found.differences}
        session.execute(update(FactProgress).where(FactProgress.agency_id == agency_id).values(**done))
    return found


def _rebuild_range(database: Database, agency_id: int, scope: Scope) -> Comparison:
    with unit_of_work(database, agency_id) as session:
        locks.begin_range(session)
        locks.write_shared(session, agency_id)
        return deriving.derive(session, agency_id, scope)


def _over_all(
    database: Database, agency_id: int, run: Callable[[Database, int, Scope], Comparison], progress: Progress, workers: int
) -> Comparison:
    with database.session(agency_id) as session:
        ranges = comparing.spans(session, SIZE)
    counting, done = Lock(), 0

    def one(scope: Scope) -> Comparison:
        nonlocal done
        found = run(database, agency_id, scope)
        with counting:
            done += 1
            progress(done, len(ranges))
        return found

    with ThreadPoolExecutor(workers, "facts") as pool:
        return reduce(add, pool.map(one, ranges), Comparison())
