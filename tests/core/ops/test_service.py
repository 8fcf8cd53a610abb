"""Worker and beat as production runs them: processes of their own, on the broker and the database that are named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import delete, select

from core.db import outbox
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.health.models import Heartbeat
from core.lib import clock

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]


@pytest.fixture
def env(database, tmp_path: Path) -> dict[str, str]:
    if "WANGGE_TEST_BROKER_URL" not in os.environ:
        pytest.skip("WANGGE_TEST_BROKER_URL names no broker")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return {
        **kept,
        "WANGGE_VAR": str(tmp_path),
        "WANGGE_BROKER_URL": os.environ["WANGGE_TEST_BROKER_URL"],
        "WANGGE_DATABASE_URL": database.app_url,
        "WANGGE_DATABASE_OWNER_URL": database.owner_url,
        "WANGGE_DATABASE_SCAN_URL": database.scan_url,
        "WANGGE_WORKER_NAME": "worker@test",
        "WANGGE_SAFE_MODE": "1",
    }


@pytest.fixture
def processes(env, tmp_path: Path, database) -> Iterator[list[psutil.Process]]:
    with (tmp_path / "log").open("wb") as log:
        started = [
            subprocess.Popen([sys.executable, "-m", f"core.supervisor.{name}"], env=env, stdout=log, stderr=log)
            for name in ("background", "beat")
        ]
    yield [psutil.Process(process.pid) for process in started]
    for process in started:
        process.terminate()
    for process in started:
        process.wait(30)
    with database.owner_engine.begin() as connection:
        connection.execute(delete(Heartbeat))
        connection.execute(delete(OutboxMessage))


def wait_for(condition, tmp_path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
        time.sleep(0.2)


def seen(database) -> list[str]:
    with database.session(None) as session:
        return list(session.scalars(select(Heartbeat.name)))


def put(database, agency) -> None:
    with unit_of_work(database, agency.id) as session:
        outbox.add(session, "tests.unknown", {}, agency_id=agency.id, due_at=clock.now())


def test_worker_says_that_it_lives_and_takes_up_what_is_due(database, alpha, processes, tmp_path):
    wait_for(lambda: seen(database) == ["worker@test"], tmp_path)
    put(database, alpha)
    wait_for(lambda: _tries(database, alpha) == [1], tmp_path)


def test_killed_worker_leaves_the_work_to_the_next(database, alpha, processes, env, tmp_path):
    wait_for(lambda: seen(database) == ["worker@test"], tmp_path)
    family = [processes[0], *processes[0].children()]
    processes[0].kill()
    _, left = psutil.wait_procs(family, timeout=20)
    assert left == []
    put(database, alpha)
    with (tmp_path / "log").open("ab") as log:
        again = subprocess.Popen([sys.executable, "-m", "core.supervisor.background"], env=env, stdout=log, stderr=log)
    wait_for(lambda: _tries(database, alpha) == [1], tmp_path)
    again.terminate()
    again.wait(30)


def _tries(database, agency) -> list[int]:
    with database.session(agency.id) as session:
        return list(session.scalars(select(OutboxMessage.attempts).order_by(OutboxMessage.id)))
