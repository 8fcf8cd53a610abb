"""Due timers: nothing lost, nothing fired twice, whoever is killed and however many work at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.lib import clock
from core.workflow.models import CaseTimer
from core.workflow.service import timers
from core.workflow.tasks import fire_due
from tests.journeys.town import Town
from tests.journeys.walking import handling, reported

SOON = timedelta(minutes=25)
"""After four fifths of the half hour in which a report is to be taken up, and before the whole of it."""
WORKER = Path(__file__).with_name("killed_worker.py")


def waiting(town: Town, numbers: list[str]) -> Counter[str]:
    """Count the timers that wait, by case."""
    ids = {town.found(number).id: number for number in numbers}
    with town.work() as (session, _):
        return Counter(ids[one.case_id] for one in session.scalars(select(CaseTimer).where(CaseTimer.case_id.in_(ids))))


def said(town: Town, numbers: list[str], notice: str) -> Counter[str]:
    """Count how often a notice was left in the outbox, by case."""
    with town.work() as (session, _):
        rows = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic == "workflow.notice"))
        return Counter(row["number"] for row in rows if row["number"] in numbers and row["notice"] == notice)


def suspended(town: Town) -> str:
    """Suspend a case until the day after tomorrow."""
    number = handling(town)
    until = (clock.now() + timedelta(days=2)).date().isoformat()
    why = {"cause": "season", "until": until, "reason": "等待季节。"}
    town.as_("department_clerk").moved(number, "request_suspend", why)
    assert town.as_("dispatcher").moved(number, "grant_suspend") == "suspended"
    return number


def killed_in_the_middle(town: Town, now: datetime) -> str:
    """Let a worker claim everything that is due, and kill it before its commit; give what it said."""
    command = [sys.executable, str(WORKER), town.database.app_url, str(town.agency_id), now.isoformat()]
    root = Path(__file__).parents[3]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    assert worker.stdout is not None
    with worker.stdout:
        line = worker.stdout.readline()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    return line


def test_worker_killed_in_the_middle_loses_no_timer_and_fires_none_twice(town: Town) -> None:
    numbers = [reported(town) for _ in range(6)]
    sleeping = suspended(town)
    now = clock.now() + SOON
    assert waiting(town, numbers) == Counter(dict.fromkeys(numbers, 1))
    far = clock.now() + timedelta(days=3)
    claimed = killed_in_the_middle(town, far).split()
    assert claimed[0] == "claimed"
    assert int(claimed[1]) >= 6
    assert int(claimed[2]) >= 1
    assert waiting(town, numbers) == Counter(dict.fromkeys(numbers, 1))
    assert said(town, numbers, "nearly_due") == Counter()
    assert town.found(sleeping).state == "suspended"

    fire_due(town.database, town.agency_id, now=now)
    assert said(town, numbers, "nearly_due") == Counter(dict.fromkeys(numbers, 1))
    fire_due(town.database, town.agency_id, now=now)
    assert said(town, numbers, "nearly_due") == Counter(dict.fromkeys(numbers, 1))
    assert town.found(sleeping).state == "suspended"
    fire_due(town.database, town.agency_id, now=far)
    case = town.found(sleeping)
    assert case.state == "handling"
    fire_due(town.database, town.agency_id, now=far)
    assert town.found(sleeping).version == case.version
    assert town.broken(sleeping) == []


def test_two_workers_at_once_fire_each_timer_once(town: Town) -> None:
    numbers = [reported(town) for _ in range(8)]
    sleeping = suspended(town)
    before = town.found(sleeping).version
    far = clock.now() + timedelta(days=3)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fire_due(town.database, town.agency_id, now=far), range(4)))
    for notice in ("nearly_due", "overdue", "long_overdue"):
        assert said(town, numbers, notice) == Counter(dict.fromkeys(numbers, 1)), notice
    assert town.found(sleeping).version == before + 1


def test_escalations_are_claimed_a_batch_at_a_time(town: Town) -> None:
    now = clock.now() + timedelta(days=3)
    fire_due(town.database, town.agency_id, now=now)
    numbers = [reported(town) for _ in range(5)]
    soon, claims = clock.now() + SOON, []
    while not claims or claims[-1]:
        with unit_of_work(town.database, town.agency_id) as session:
            claims.append(timers.fire_escalations(session, town.agency_id, now=soon, limit=2))
    assert claims == [2, 2, 1, 0]
    assert said(town, numbers, "nearly_due") == Counter(dict.fromkeys(numbers, 1))


def test_failing_timer_is_put_off_with_its_reason_and_holds_up_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = suspended(town), suspended(town)
    far = clock.now() + timedelta(days=3)
    real, bad_id = timers.moving.snapshot_for, town.found(bad).id

    def failing(session: Any, case: Any) -> Any:
        if case.id == bad_id:
            raise RuntimeError("the catalogue is gone")
        return real(session, case)

    with monkeypatch.context() as patched:
        patched.setattr(timers.moving, "snapshot_for", failing)
        fire_due(town.database, town.agency_id, now=far)
    assert (town.found(bad).state, town.found(good).state) == ("suspended", "handling")
    with town.work() as (session, _):
        timer = session.scalars(select(CaseTimer).where(CaseTimer.case_id == bad_id, CaseTimer.key == "resume")).one()
    assert (timer.attempts, timer.last_error) == (1, "RuntimeError: the catalogue is gone")
    assert timer.due_at == far + timedelta(seconds=30)
    fire_due(town.database, town.agency_id, now=far)
    assert town.found(bad).state == "suspended"
    fire_due(town.database, town.agency_id, now=far + timedelta(seconds=31))
    assert town.found(bad).state == "handling"


def test_escalation_left_behind_by_a_former_limit_says_nothing(town: Town) -> None:
    number = handling(town)
    case = town.found(number)
    with town.work() as (session, _):
        session.add(CaseTimer(agency_id=town.agency_id, case_id=case.id, key="escalate.1", due_at=datetime(2020, 1, 1, tzinfo=UTC)))
    fire_due(town.database, town.agency_id, now=clock.now())
    assert said(town, [number], "overdue") == Counter()
    assert waiting(town, [number]) == Counter({number: 1})


def test_step_taken_by_a_person_leaves_no_timer_behind(town: Town) -> None:
    number = suspended(town)
    assert town.as_("department_clerk").moved(number, "resume") == "handling"
    with town.work() as (session, _):
        keys = list(session.scalars(select(CaseTimer.key).where(CaseTimer.case_id == town.found(number).id)))
    assert "resume" not in keys
    assert len(keys) == 1
