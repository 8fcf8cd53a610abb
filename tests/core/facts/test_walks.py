"""However cases wander, following says what rebuilding says, and both say what the events say."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread
from typing import Any

from sqlalchemy import func, select, text

from core.accounts.service import Holder
from core.authz import Actor
from core.definitions import store as definitions
from core.definitions.service import publish_overlay
from core.facts.models import FactHolding, FactTask
from core.facts.service import catch_up, check, follow_once, rebuild
from core.holidays import service as holidays
from core.holidays.types import DayKind, SpecialDay
from core.lib import clock
from core.workflow.models import Case, CaseEvent
from core.workflow.service import handing_over, migration, placing
from core.workflow.service.bulk import import_chunk
from core.workflow.service.history_file import HistoryReader
from tests.core.facts.walks import Walks, assert_facts, stored
from tests.core.workflow.test_history_file_service import past
from tests.journeys.test_land_changes import split, spot, unit_at
from tests.journeys.town import Town

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
TABLES = ("fact_case", "fact_holding", "fact_task")
CASES, STEPS = 8, 160


def all_rows(town: Town) -> dict[str, list[Any]]:
    with town.work() as (session, _):
        return {name: session.execute(text(f"SELECT * FROM {name} AS f ORDER BY f")).all() for name in TABLES}


def unwatched(*_: int) -> None:
    """Progress that nobody looks at."""


def assert_sound(town: Town, walks: Walks) -> None:
    """Assert that the followed facts are the rebuilt ones and what each case's events say."""
    catch_up(town.database, town.agency_id, now=walks.now)
    found = check(town.database, town.agency_id, unwatched, now=walks.now)
    assert (found.differences, found.case_ids, found.moving) == (0, (), ())
    with town.work() as (session, _):
        for case_id in walks.cases:
            assert_facts(session, case_id)
    followed = all_rows(town)
    with town.database.owner_engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
    rebuild(town.database, town.agency_id, unwatched, now=walks.now)
    assert followed == all_rows(town)


def wander(walks: Walks, steps: int, *, report_each: int) -> None:
    """Take some steps, with a new case every so often and a round of following now and then."""
    for number in range(steps):
        if number % report_each == 0:
            walks.report()
        walks.step()
        if walks.chance.random() < 0.2:
            follow_once(walks.town.database, walks.town.agency_id, now=walks.now)


def open_cases(walks: Walks, *conditions: Any) -> list[Case]:
    with walks.town.work() as (session, _):
        return list(session.scalars(select(Case).where(Case.id.in_(walks.cases), Case.category == "open", *conditions).order_by(Case.id)))


def verbs_of(walks: Walks) -> Counter[str]:
    with walks.town.work() as (session, _):
        return Counter(session.scalars(select(CaseEvent.verb).where(CaseEvent.case_id.in_(walks.cases))))


TURNS = {"return", "check_fail", "handle", "grant_suspend", "resume", "grant_extension", "reopen", "grant_void", "force_close", "close"}


def test_following_is_rebuilding_whatever_way_cases_go(town: Town) -> None:
    """Walks that only went straight on would prove little: they must have met every turn that counts."""
    taken: Counter[str] = Counter()
    for seed in range(6):
        walks = Walks(town, random.Random(seed), BEGIN)
        wander(walks, 160, report_each=20)
        assert_sound(town, walks)
        taken += verbs_of(walks)
    assert set(taken) >= TURNS
    with town.work() as (session, _):
        turns = (
            select(func.count()).select_from(Case).where(Case.parent_id.is_not(None)),
            select(func.count()).select_from(FactHolding).where(FactHolding.missed_at.is_not(None)),
            select(func.count()).select_from(FactHolding).where(FactHolding.times_held_again > 0),
            select(func.count()).select_from(FactHolding).where(FactHolding.times_given_back > 0),
            select(func.count()).select_from(FactTask).where(FactTask.is_superseded),
        )
        assert all(session.scalar(one) for one in turns)


def test_cases_handed_over_moved_to_another_version_split_and_given_a_grid(town: Town) -> None:
    walks = Walks(town, random.Random(11), BEGIN, place={**spot(1.2, 1.5), "accuracy": 5.0})
    wander(walks, 80, report_each=8)
    system = Actor(None, town.agency_id, "town", "system", (), walks.now, is_system=True)
    first, second = (Holder("department", town.departments[code]) for code in ("E01", "E02"))
    with town.work() as (session, _):
        assert handing_over.move_cases(session, system, first, second)
        handler, head = (Holder("user", town.users[name]) for name in ("handler", "department_head"))
        handing_over.move_cases(session, system, handler, head)
    wander(walks, 30, report_each=15)
    walks.report(outside=True)
    for case in open_cases(walks, Case.located == "outside"):
        with town.work() as (session, _):
            placing.assign_grid(session, system, case.number, grid=unit_at(town, spot(2.5, 1.5)), version=case.version)
    split(town, unit_at(town, spot(1.5, 1.5)), 1, 2, 1)
    with town.work() as (session, actor):
        body = {**definitions.current(session, "workflow", "urban_mgmt.case").content, "title": {"zh_CN": "案件处置二", "en": "Second"}}
        publish_overlay(session, actor, "workflow", "urban_mgmt.case", body)
    with town.work() as (session, actor):
        assert migration.migrate(session, actor, "urban_mgmt.case", states={}, dry_run=False).fates
    walks.now = clock.now()
    assert set(verbs_of(walks)) >= {"hand_over", "assign_grid", "follow_grid", "migrate"}
    assert_sound(town, walks)
    wander(walks, 60, report_each=20)
    assert_sound(town, walks)


def test_deadline_worked_out_again_moves_what_runs_and_not_what_ended(town: Town) -> None:
    with town.work() as (session, _):
        known = holidays.published_years(session, town.agency_id)
    year = next(one for one in range(2026, 2035) if one not in known)
    walks = Walks(town, random.Random(5), datetime(year - 1, 12, 28, tzinfo=UTC))
    while not open_cases(walks, Case.is_provisional, Case.state == "handling"):
        walks.report()
        for _ in range(6):
            walks.step()
    case = open_cases(walks, Case.is_provisional, Case.state == "handling")[0]
    catch_up(town.database, town.agency_id, now=walks.now)
    with town.work() as (session, _):
        _, (before, *_), _ = stored(session, case.id)
        actor = Actor(None, town.agency_id, "town", "system", (), walks.now, is_system=True)
        days = [SpecialDay(date(year, 1, 1) + timedelta(days=one), DayKind.DAY_OFF, {"zh_CN": "假", "en": "Holiday"}) for one in range(14)]
        holidays.publish_year(session, actor, year, days)
    assert_sound(town, walks)
    with town.work() as (session, _):
        _, holdings, _ = stored(session, case.id)
    after = next(one for one in holdings if one.is_present)
    assert before.running_due_at is not None
    assert after.running_due_at is not None
    assert after.running_due_at > before.running_due_at


def test_imported_history_counts_like_what_was_done_here(town: Town) -> None:
    """With a deadline told it was late; without one it can be neither late nor in time, and is owed when it was handled."""
    told = [past(), past()]
    del told[1]["steps"][4]["due_at"]
    with town.work() as (session, actor):
        found = list(HistoryReader(session, actor).read(io.BytesIO("\n".join(map(json.dumps, told)).encode())))
        import_chunk(session, actor, found)
    catch_up(town.database, town.agency_id, now=clock.now())
    handled, due = datetime(2025, 3, 12, 7, tzinfo=UTC), datetime(2025, 3, 10, 10, tzinfo=UTC)
    with town.work() as (session, _):
        late, silent = (stored(session, session.scalars(select(Case.id).where(Case.number == one["number"])).one()) for one in told)
    for (whole, (holding,), tasks), missed in ((late, due), (silent, None)):
        assert (whole.done_at, whole.missed_at, whole.owed_at, whole.running_due_at) == (handled, missed, missed or handled, None)
        assert (holding.department_id, holding.done_at, holding.missed_at, holding.owed_at) == (
            town.departments["E01"],
            handled,
            missed,
            missed or handled,
        )
        assert (holding.given_at, holding.ended_by, holding.times_done) == (datetime(2025, 3, 3, 1, 40, tzinfo=UTC), "handle", 1)
        assert [(one.limit_key, one.in_time, one.due_at) for one in tasks] == ([("handle", False, due)] if missed else [])
    assert check(town.database, town.agency_id, unwatched, now=clock.now()).differences == 0


def test_rebuild_and_check_while_cases_move(town: Town) -> None:
    """What moved since the watermark is no difference, and nothing that moves meanwhile is overwritten with what it was."""
    walks = Walks(town, random.Random(3), BEGIN)
    for _ in range(6):
        walks.report()
    over, failed = Event(), []

    def move_on() -> None:
        try:
            while not over.is_set():
                walks.step()
                follow_once(town.database, town.agency_id, now=walks.now)
        except Exception as error:  # noqa: BLE001  # told below, in the test's own thread
            failed.append(error)

    mover = Thread(target=move_on)
    mover.start()
    try:
        for _ in range(4):
            assert rebuild(town.database, town.agency_id, unwatched, now=walks.now).grains["case"].surplus == 0
            found = check(town.database, town.agency_id, unwatched, now=walks.now)
            assert (found.differences, found.case_ids) == (0, ())
    finally:
        over.set()
        mover.join()
    assert failed == []
    assert walks.taken
    assert_sound(town, walks)
