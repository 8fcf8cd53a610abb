"""Long work of the outbox: no transaction waits for it, one of an agency at a time, and a killed worker loses none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from core.db import outbox
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.testing.fixtures import NOON
from core.worker import due

TOPIC, SHORT = "tests.job", "tests.short"
WORKER = Path(__file__).with_name("killed_job.py")
ROOT = Path(__file__).parents[3]


class Running:
    """A job under way, as a test sees it: it begins, and ends when it is let."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.ran: list[int] = []

    def __call__(self, unit: outbox.Unit, delivery: outbox.Delivery) -> None:
        self.begun.set()
        if delivery.payload.get("fail"):
            raise RuntimeError("refused")
        assert self.may_end.wait(20)
        with unit() as session:
            assert session.scalar(text("SELECT current_setting('wangge.agency')")) == str(delivery.agency_id)
        self.ran.append(delivery.payload["number"])


@pytest.fixture
def running(database) -> Iterator[Running]:
    found = Running()
    outbox._jobs[TOPIC] = found
    outbox._handlers[SHORT] = lambda _session, delivery: found.ran.append(delivery.payload["number"])
    yield found
    del outbox._jobs[TOPIC], outbox._handlers[SHORT]
    with database.owner_engine.begin() as connection:
        connection.execute(delete(OutboxMessage).where(OutboxMessage.topic.in_((TOPIC, SHORT))))


@pytest.fixture
def put(database) -> Callable[..., None]:
    def put(agency, number, *, topic=TOPIC, **payload):
        with unit_of_work(database, agency.id) as session:
            outbox.add(session, topic, {"number": number, **payload}, agency_id=agency.id, due_at=NOON)

    return put


def messages(database, agency) -> list[Any]:
    with unit_of_work(database, agency.id) as session:
        return list(session.execute(select(OutboxMessage.state, OutboxMessage.attempts, OutboxMessage.last_error).order_by("id")))


def working(database, agency) -> threading.Thread:
    thread = threading.Thread(target=due.deliver_outbox, args=(database, agency.id), kwargs={"now": NOON})
    thread.start()
    return thread


def test_no_transaction_is_open_while_a_job_runs(database, running, put, alpha):
    put(alpha, 1)
    worker = working(database, alpha)
    assert running.begun.wait(20)
    with database.owner_engine.connect() as connection:
        open_ones = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        assert connection.execute(open_ones).scalar_one() == 0
        assert (
            connection.execute(text("SELECT state FROM outbox WHERE topic = :topic FOR UPDATE NOWAIT"), {"topic": TOPIC}).scalar_one()
            == "waiting"
        )
    running.may_end.set()
    worker.join()
    assert running.ran == [1]
    assert messages(database, alpha) == [("done", 1, None)]


def test_other_workers_leave_a_running_job_and_deliver_what_is_short(database, running, put, alpha):
    put(alpha, 1)
    put(alpha, 2)
    worker = working(database, alpha)
    assert running.begun.wait(20)
    put(alpha, 3, topic=SHORT)
    assert due.deliver_outbox(database, alpha.id, now=NOON) == 1
    assert running.ran == [3]
    running.may_end.set()
    worker.join()
    assert running.ran == [3, 1, 2]


def test_job_of_another_agency_runs_beside(database, running, put, alpha, beta):
    put(alpha, 1)
    put(beta, 2)
    workers = [working(database, alpha), working(database, beta)]
    running.may_end.set()
    for worker in workers:
        worker.join()
    assert sorted(running.ran) == [1, 2]


def test_job_ended_between_two_looks_is_not_run_again(database, running, put, alpha):
    running.may_end.set()
    put(alpha, 1)
    workers = [working(database, alpha) for _ in range(4)]
    for worker in workers:
        worker.join()
    assert running.ran == [1]


def test_failed_job_is_tried_later_and_given_up_in_the_end(database, running, put, alpha):
    put(alpha, 1, fail=True)
    assert due.deliver_outbox(database, alpha.id, now=NOON) == 1
    assert messages(database, alpha) == [("waiting", 1, "RuntimeError: refused")]
    assert due.deliver_outbox(database, alpha.id, now=NOON) == 0
    for _ in range(outbox.MAX_ATTEMPTS):
        due.deliver_outbox(database, alpha.id, now=NOON.replace(year=2030))
        with unit_of_work(database, alpha.id) as session:
            session.execute(text("UPDATE outbox SET due_at = :now"), {"now": NOON})
    assert messages(database, alpha) == [("dead", outbox.MAX_ATTEMPTS, "RuntimeError: refused")]


def test_topic_has_one_handler_or_job(running):
    with pytest.raises(ValueError, match="already"):
        outbox.handler(TOPIC)(lambda _session, _delivery: None)
    with pytest.raises(ValueError, match="already"):
        outbox.job(SHORT)(lambda _unit, _delivery: None)


def test_job_of_a_killed_worker_is_free_at_once_and_goes_on(database, running, put, alpha):
    put(alpha, 7)
    command = [sys.executable, str(WORKER), database.app_url, str(alpha.id), NOON.isoformat(), TOPIC]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert worker.stdout is not None
    with worker.stdout:
        assert worker.stdout.readline() == "at it\n"
    assert not outbox.run_next_job(database, alpha.id, now=NOON)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    running.may_end.set()
    for _ in range(100):
        if outbox.run_next_job(database, alpha.id, now=NOON):
            break
        threading.Event().wait(0.05)
    assert running.ran == [7]
    assert messages(database, alpha) == [("done", 1, None)]
