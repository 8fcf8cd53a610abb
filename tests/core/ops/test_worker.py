"""What is due is found for every agency and run once, whatever happens to messages and workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kombu import Connection
from sqlalchemy import delete, select

from core.db import outbox
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.health import service as health
from core.health.models import Heartbeat
from core.health.types import Condition
from core.testing.fixtures import NOON
from core.worker import broker, due
from core.worker.app import app

TOPIC = "tests.ops"


@pytest.fixture
def handled(database) -> Iterator[list[tuple[int, int]]]:
    found: list[tuple[int, int]] = []

    def handle(_session, delivery):
        if delivery.payload.get("fail"):
            raise RuntimeError("refused")
        time.sleep(delivery.payload.get("seconds", 0))
        found.append((delivery.agency_id, delivery.payload["number"]))

    outbox._handlers[TOPIC] = handle
    yield found
    del outbox._handlers[TOPIC]
    with database.owner_engine.begin() as connection:
        connection.execute(delete(OutboxMessage).where(OutboxMessage.topic == TOPIC))
        connection.execute(delete(Heartbeat))


@pytest.fixture
def put(database):
    def put(agency, number, *, due_at=NOON, **payload):
        with unit_of_work(database, agency.id) as session:
            outbox.add(session, TOPIC, {"number": number, **payload}, agency_id=agency.id, due_at=due_at)

    return put


def states(database, agency) -> list[tuple[str, int, str | None]]:
    with database.session(agency.id) as session:
        rows = session.execute(
            select(OutboxMessage.state, OutboxMessage.attempts, OutboxMessage.last_error).where(OutboxMessage.topic == TOPIC).order_by("id")
        )
        return [tuple(row) for row in rows]


def test_due_agencies_are_found_by_the_scan_role(database, handled, put, alpha, beta):
    put(alpha, 1)
    put(beta, 2, due_at=NOON + timedelta(hours=1))
    assert list(due.find(database, now=NOON)) == [("outbox", alpha.id)]
    assert sorted(due.find(database, now=NOON + timedelta(hours=1))) == [("outbox", alpha.id), ("outbox", beta.id)]


def test_work_of_one_agency_leaves_the_others(database, handled, put, alpha, beta):
    put(alpha, 1)
    put(beta, 2)
    assert due.work_off(database, "outbox", alpha.id, now=NOON) == 1
    assert handled == [(alpha.id, 1)]
    assert states(database, beta) == [("waiting", 0, None)]


def test_more_than_a_batch_is_worked_off(database, handled, put, alpha):
    for number in range(25):
        put(alpha, number)
    assert due.work_off(database, "outbox", alpha.id, now=NOON) == 25
    assert [number for _, number in handled] == list(range(25))


def test_two_workers_run_each_message_once(database, handled, put, alpha):
    for number in range(30):
        put(alpha, number, seconds=0.005)
    workers = [threading.Thread(target=due.work_off, args=(database, "outbox", alpha.id), kwargs={"now": NOON}) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    due.work_off(database, "outbox", alpha.id, now=NOON)
    assert sorted(number for _, number in handled) == list(range(30))


def test_failing_message_does_not_hold_up_the_next(database, handled, put, alpha):
    put(alpha, 1, fail=True)
    put(alpha, 2)
    due.work_off(database, "outbox", alpha.id, now=NOON)
    assert handled == [(alpha.id, 2)]
    assert states(database, alpha) == [("waiting", 1, "RuntimeError: refused"), ("done", 1, None)]


def test_message_that_fails_to_the_end_is_given_up_and_reported(database, handled, put, alpha):
    put(alpha, 1, fail=True)
    now = NOON
    for _ in range(outbox.MAX_ATTEMPTS):
        due.work_off(database, "outbox", alpha.id, now=now)
        now += timedelta(days=1)
    assert states(database, alpha) == [("dead", outbox.MAX_ATTEMPTS, "RuntimeError: refused")]
    assert health.backlog(database, now).dead == 1
    assert health.check_outbox(database, now).condition is Condition.DEGRADED


def test_late_message_is_reported(database, handled, put, alpha):
    put(alpha, 1)
    assert health.check_outbox(database, NOON + timedelta(seconds=59)).condition is Condition.WELL
    assert health.check_outbox(database, NOON + timedelta(seconds=61)).condition is Condition.DEGRADED


def test_worker_seen_lately_is_well(database, handled):
    due.report_alive(database, name="worker@one", now=NOON)
    assert health.check_workers(database, NOON + timedelta(seconds=59)).detail == "worker@one"
    assert health.check_workers(database, NOON + timedelta(seconds=61)).condition is Condition.DEGRADED


def test_heartbeat_is_written_no_more_often_than_needed(database, handled):
    for seconds in (0, 5, 11):
        due.report_alive(database, name="worker@one", now=NOON + timedelta(seconds=seconds))
        with database.session(None) as session:
            seen = session.scalar(select(Heartbeat.seen_at))
        assert seen == NOON + timedelta(seconds={0: 0, 5: 0, 11: 11}[seconds])


def test_every_schedule_entry_names_a_task():
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_nothing_but_json_is_read():
    assert app.conf.accept_content == ["json"]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Connection]:
    with Connection(f"{broker.SCHEME}://", transport_options=broker.options(tmp_path)) as connection:
        yield connection


def test_message_through_files_comes_out_once_in_order(files, tmp_path):
    with files.SimpleQueue("wangge") as queue:
        for number in range(3):
            queue.put({"number": number, "text": "网格"})
        taken = [queue.get(timeout=5) for _ in range(3)]
        for message in taken:
            message.ack()
    assert [message.payload["number"] for message in taken] == [0, 1, 2]
    assert list(tmp_path.rglob("*.msg")) == []


def test_half_written_message_is_not_seen(files, tmp_path):
    with files.SimpleQueue("half") as queue:
        queue.put({"number": 1})
        queue.get(timeout=5).ack()
        (tmp_path / "queue" / ".1-a.half.msg").write_text('{"bo')
        with pytest.raises(queue.Empty):
            queue.get(timeout=0.5)


def test_cleared_folder_has_no_message(files, tmp_path):
    with files.SimpleQueue("cleared") as queue:
        queue.put({"number": 1})
    broker.clear(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
