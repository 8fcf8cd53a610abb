"""Following the record: nothing slips past, nothing is taken in twice, one process at a time, and it rests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from core.authz import Actor
from core.cli.main import run
from core.db.engine import Database
from core.facts.models import FactCase, FactHolding, FactProgress, FactTask
from core.facts.service import catch_up, follow_once, following, known_until, rebuild, rebuilding, status
from core.facts.service.deriving import Cases
from core.facts.tasks import follow
from core.facts.types import Round
from core.health.service import backlog, check_facts
from core.health.types import Condition
from core.lib.errors import Unavailable
from core.lib.terminal import Terminal
from core.worker import due
from core.workflow.models import Case, CaseEvent
from core.workflow.service import reporting
from core.workflow.service.bulk import import_history
from tests.core.workflow.test_bulk_service import cases_of, system
from tests.journeys.town import HERE, Town

NOW = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_waits(town: Town) -> None:
    catch_up(town.database, town.agency_id, now=NOW)


@pytest.fixture
def listened(monkeypatch: pytest.MonkeyPatch) -> Callable[[following.Listener], None]:
    """Register listeners for one test only."""
    monkeypatch.setattr(following, "_listeners", [])
    return following.listen


def actor(town: Town) -> Actor:
    return Actor(None, town.agency_id, "town", "system", (), NOW, is_system=True)


def report(session: Session, town: Town) -> int:
    data = {"source": "superior", "kind": "event", "event_class": "e0113", "description": "路面破损", "position": HERE}
    return reporting.report_case(session, actor(town), workflow="urban_mgmt.case", data=data).id


def reported(town: Town) -> int:
    with town.work() as (session, _):
        return report(session, town)


def known(town: Town, *ids: int) -> set[int]:
    """Name those of the cases that the facts know."""
    with town.work() as (session, _):
        return set(session.scalars(select(FactCase.case_id).where(FactCase.case_id.in_(ids))))


def progress(town: Town) -> FactProgress:
    with town.work() as (session, _):
        return session.scalars(select(FactProgress)).one()


def followed_by(town: Town, *, now: datetime = NOW) -> following.Position:
    """Run rounds until one takes steps in; on a server that others use, one of their transactions may hold up the first."""
    for _ in range(3_000):
        reached = follow_once(town.database, town.agency_id, now=now)
        if reached is not None and reached.seen:
            return reached
        time.sleep(0.01)
    raise AssertionError("no round took a step in")


def tried(town: Town, moment: datetime, until: Callable[[], bool]) -> int:
    """Run the worker's rounds until something has happened; give how many steps the last one took in."""
    for _ in range(3_000):
        seen = follow(town.database, town.agency_id, now=moment)
        if until():
            return seen
        time.sleep(0.01)
    raise AssertionError("it never happened")


def test_lower_number_that_is_committed_later_is_not_lost(town: Town) -> None:
    with town.database.session(town.agency_id) as slow:
        first = report(slow, town)
        second = reported(town)  # draws a higher number, and is there first
        before = progress(town).event_id
        assert follow_once(town.database, town.agency_id, now=NOW) is not None
        assert follow_once(town.database, town.agency_id, now=NOW) is not None
        assert (known(town, first, second), progress(town).event_id) == (set(), before)
        slow.commit()
    catch_up(town.database, town.agency_id, now=NOW)
    assert known(town, first, second) == {first, second}


def test_numbers_rolled_back_hold_nobody_up(town: Town) -> None:
    with town.database.session(town.agency_id) as slow:
        first = report(slow, town)
        second = reported(town)
        slow.rollback()
    assert followed_by(town).seen == 1
    assert known(town, first, second) == {second}


def test_what_begins_later_does_not_hold_up_what_was_waiting(town: Town) -> None:
    """Under steady writing some transaction always runs: the mark that waits is reached all the same."""
    waited = NOW + timedelta(minutes=1)
    with town.database.session(town.agency_id) as slow:
        first = report(slow, town)
        follow_once(town.database, town.agency_id, now=waited)
        with town.database.session(town.agency_id) as next_one:
            second = report(next_one, town)
            slow.commit()
            reached = followed_by(town, now=LATER)
            assert (reached.known_at, known(town, first, second)) == (waited, {first})
            next_one.commit()
    reached = followed_by(town, now=LATER)
    assert known(town, first, second) == {first, second}


def test_readers_and_empty_rounds_hold_nobody_up(town: Town) -> None:
    with town.database.session(town.agency_id) as reader:
        reader.execute(text("SELECT count(*) FROM cases"))
        reached = catch_up(town.database, town.agency_id, now=LATER)
    assert (reached.seen, reached.known_at) == (0, LATER)
    with town.work() as (session, _):
        assert known_until(session) == LATER


def test_catching_up_says_who_holds_it_up(town: Town) -> None:
    with town.database.session(town.agency_id) as slow:
        report(slow, town)
        pid = slow.scalar(text("SELECT pg_backend_pid()"))
        with pytest.raises(Unavailable) as refused:
            catch_up(town.database, town.agency_id, now=NOW, patience=0.2)
    assert str(pid) in str(refused.value)


def test_mark_of_another_server_is_dropped(town: Town) -> None:
    """After a restore the numbers of transactions begin anew: one still to come would never be reached."""
    with town.work() as (session, _):
        waiting = {"pending_event_id": 10**9, "pending_xid": 2**40, "pending_at": NOW}
        session.query(FactProgress).update(waiting)
    with town.database.session(town.agency_id) as slow:
        report(slow, town)
        second = reported(town)
        follow_once(town.database, town.agency_id, now=NOW)
        assert progress(town).pending_xid < 2**40  # type: ignore[operator]
    catch_up(town.database, town.agency_id, now=NOW)
    assert known(town, second) == {second}


def test_other_isolation_is_refused(town: Town) -> None:
    options = {"options": "-c default_transaction_isolation=serializable"}
    strict = make_url(town.database.app_url).update_query_dict(options).render_as_string(hide_password=False)
    other = Database(app_url=strict, owner_url=town.database.owner_url, scan_url=town.database.scan_url)
    with pytest.raises(Unavailable, match="serializable"):
        follow_once(other, town.agency_id, now=NOW)
    other.dispose()


def test_one_process_follows_at_a_time(town: Town, listened: Callable[[following.Listener], None]) -> None:
    entered, leave = threading.Event(), threading.Event()

    @listened
    def slowly(_session: Session, _round: Round) -> None:
        entered.set()
        assert leave.wait(10)

    case_id = reported(town)
    found: list[Any] = []
    worker = threading.Thread(target=lambda: found.append(followed_by(town)))
    worker.start()
    assert entered.wait(10)
    assert follow_once(town.database, town.agency_id, now=NOW) is None
    leave.set()
    worker.join()
    assert found[0].seen == 1
    assert known(town, case_id) == {case_id}


def test_round_that_is_killed_is_run_again(town: Town, listened: Callable[[following.Listener], None]) -> None:
    heard: list[list[int]] = []

    @listened
    def killed_once(session: Session, taken: Round) -> None:
        heard.append([event.id for event in taken.events])
        if len(heard) == 1:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            with town.database.app_engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    before, case_id = progress(town), reported(town)
    with pytest.raises(OperationalError):
        catch_up(town.database, town.agency_id, now=NOW)
    assert (progress(town).event_id, known(town, case_id)) == (before.event_id, set())
    catch_up(town.database, town.agency_id, now=NOW)
    assert known(town, case_id) == {case_id}
    assert heard[0] == heard[1]
    assert len(heard) == 2


def test_reason_of_a_failed_round_is_kept_and_it_is_run_again_later(town: Town, listened: Callable[[following.Listener], None]) -> None:
    heard: list[Round] = []

    @listened
    def fails_once(_session: Session, taken: Round) -> None:
        heard.append(taken)
        if len(heard) == 1:
            raise LookupError("no such survey")

    case_id = reported(town)
    assert tried(town, NOW, lambda: bool(heard)) == 0
    kept = progress(town)
    assert (kept.last_error, kept.due_at) == ("LookupError: no such survey", NOW + timedelta(seconds=30))
    assert tried(town, LATER, lambda: len(heard) == 2) == 1
    assert (progress(town).last_error, known(town, case_id)) == (None, {case_id})
    (event,) = heard[1].events
    assert (event.case_id, event.sequence, event.verb, event.to_state, heard[1].case_ids) == (case_id, 1, "report", "reported", [case_id])


def test_more_steps_than_a_round_takes_come_in_the_next(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    ids = [reported(town) for _ in range(5)]
    reached = followed_by(town, now=LATER)
    assert (reached.seen, reached.known_at, known(town, *ids)) == (2, NOW, set(ids[:2]))
    catch_up(town.database, town.agency_id, now=LATER)
    assert known(town, *ids) == set(ids)
    assert progress(town).known_at == LATER


def test_round_rests_nine_times_as_long_as_it_worked(town: Town, listened: Callable[[following.Listener], None]) -> None:
    follow_once(town.database, town.agency_id, now=NOW)
    assert timedelta(seconds=1) <= progress(town).due_at - NOW < timedelta(seconds=1.9)

    @listened
    def slow(session: Session, _round: Round) -> None:
        session.execute(text("SELECT pg_sleep(0.3)"))

    reported(town)
    followed_by(town)
    assert progress(town).due_at - NOW >= timedelta(seconds=3)


def test_worker_finds_the_agency_when_its_facts_are_due(town: Town) -> None:
    case_id = reported(town)
    due_at = progress(town).due_at
    assert ("facts", town.agency_id) not in list(due.find(town.database, now=due_at - timedelta(seconds=1)))
    assert ("facts", town.agency_id) in list(due.find(town.database, now=due_at))
    assert due.work_off(town.database, "facts", town.agency_id, now=due_at) in {0, 1}
    catch_up(town.database, town.agency_id, now=due_at)
    assert known(town, case_id) == {case_id}


def test_after_a_rebuild_steps_are_told_and_nothing_is_derived_twice(
    town: Town, listened: Callable[[following.Listener], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Round] = []
    derived: list[list[int]] = []

    @listened
    def hears(_session: Session, taken: Round) -> None:
        heard.append(taken)

    monkeypatch.setattr(following, "BATCH", 10)
    list(import_history(town.database, system(town), cases_of(town, 3)))
    rebuild(town.database, town.agency_id, lambda *_: None, now=LATER)
    with town.work() as (session, _):
        stands = status(session, now=LATER)
    assert (stands.known_at, stands.steps_behind, stands.steps_untold) == (LATER, 0, 24)
    honest = following.derive_cases
    monkeypatch.setattr(following, "derive_cases", lambda session, agency, ids: derived.append(ids) or honest(session, agency, ids))
    case_id = reported(town)
    catch_up(town.database, town.agency_id, now=LATER)
    assert (derived, known(town, case_id)) == ([[case_id]], {case_id})
    for _ in range(3):
        follow_once(town.database, town.agency_id, now=LATER)
    told = [event for taken in heard for event in taken.events]
    assert (len(told), max(len(taken.events) for taken in heard)) == (25, 10)
    assert [event.id for event in told] == sorted({event.id for event in told})
    assert (told[-1].case_id, derived) == (case_id, [[case_id]])


def test_process_that_has_not_loaded_every_listener_tells_nobody(
    town: Town, listened: Callable[[following.Listener], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command may follow without those who listen: the worker tells them afterwards."""
    heard: list[Round] = []
    listened(lambda _session, taken: heard.append(taken))
    monkeypatch.setattr(following, "_are_all_there", False)
    case_id = reported(town)
    catch_up(town.database, town.agency_id, now=LATER)
    assert (known(town, case_id), heard) == ({case_id}, [])
    monkeypatch.setattr(following, "_are_all_there", True)
    follow_once(town.database, town.agency_id, now=LATER)
    assert [taken.case_ids for taken in heard] == [[case_id]]


def test_other_agency_sees_and_writes_nothing(town: Town, agencies: Any) -> None:
    catch_up(town.database, town.agency_id, now=NOW)
    _, beta = agencies
    with town.database.session(beta.id) as session:
        counts = [session.scalar(select(func.count()).select_from(model)) for model in (FactCase, FactHolding, FactTask, CaseEvent)]
        assert counts == [0, 0, 0, 0]
        assert session.scalars(select(FactProgress.agency_id)).all() == [beta.id]  # the database made it with the agency
        with pytest.raises(ProgrammingError, match="row-level security"):
            session.execute(
                text(
                    "INSERT INTO fact_task (agency_id, case_id, sequence, workflow, limit_key, state, started_at, is_superseded)"
                    " VALUES (:agency, 1, 1, 'w', 'l', 's', now(), false)"
                ),
                {"agency": town.agency_id},
            )


def test_health_is_degraded_and_says_why_when_facts_fall_behind(town: Town, listened: Callable[[following.Listener], None]) -> None:
    well = check_facts(town.database, NOW)
    assert (well.condition, well.detail) == (Condition.WELL, "known up to 0 s ago")

    @listened
    def fails(_session: Session, _round: Round) -> None:
        raise LookupError("no such survey")

    reported(town)
    tried(town, NOW, lambda: progress(town).last_error is not None)
    with town.database.session(town.agency_id) as slow:
        report(slow, town)
        pid = slow.scalar(text("SELECT pg_backend_pid()"))
        ill = check_facts(town.database, NOW + timedelta(seconds=90))
    assert ill.condition is Condition.DEGRADED
    assert ill.detail.startswith("known up to 90 s ago: town: LookupError: no such survey; process ")
    assert f"process {pid} (wangge_app)" in ill.detail
    assert backlog(town.database, NOW + timedelta(seconds=90)).facts_seconds == 90


def test_commands_follow_rebuild_check_and_say_how_it_stands(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, url in (("", town.database.app_url), ("OWNER_", town.database.owner_url), ("SCAN_", town.database.scan_url)):
        monkeypatch.setenv(f"WANGGE_DATABASE_{name}URL", url)

    def command(*words: str) -> tuple[int, Any]:
        code = run(Terminal(as_json=True), ["facts", *words, "--agency", "town", "--json"])
        return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    case_id = reported(town)
    assert command("status")[1][0]["steps_behind"] == 1
    assert command("follow") == (0, {"agencies": ["town"]})
    assert (command("status")[1][0]["steps_behind"], known(town, case_id)) == (0, {case_id})
    with town.database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM fact_task WHERE case_id = :id"), {"id": case_id})
    with town.work() as (session, _):
        number = session.scalars(select(Case.number).where(Case.id == case_id)).one()
    code, found = command("rebuild", "--check")
    assert (code, found["town"]["differences"], found["town"]["cases"]) == (1, 1, [number])
    assert found["town"]["grains"]["task"]["missing"] == 1
    code, mended = command("rebuild")
    assert (code, mended["town"]["grains"]) == (0, found["town"]["grains"])
    code, found = command("rebuild", "--check", "--workers", "1")
    assert (code, found["town"]["differences"], command("status")[1][0]["differences"]) == (0, 0, 0)


def test_range_of_a_rebuild_and_a_round_wait_for_each_other(town: Town, listened: Callable[[following.Listener], None]) -> None:
    """A range that was read before a round wrote would put older facts in the place of newer ones."""
    entered, leave = threading.Event(), threading.Event()

    @listened
    def slowly(_session: Session, _round: Round) -> None:
        entered.set()
        assert leave.wait(20)

    case_id = reported(town)
    follower = threading.Thread(target=lambda: followed_by(town))
    rebuilder = threading.Thread(target=lambda: rebuilding._rebuild_range(town.database, town.agency_id, Cases((case_id,))))
    follower.start()
    assert entered.wait(20)
    rebuilder.start()
    rebuilder.join(1)
    with town.work() as (session, _):
        waiting = session.scalars(text(WAITING), {"agency": town.agency_id}).all()
    leave.set()
    for thread in (follower, rebuilder):
        thread.join(20)
        assert not thread.is_alive()
    assert waiting == ["ShareLock"]
    assert known(town, case_id) == {case_id}


WAITING = """
SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = :agency
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
