"""A whole installation: begun, run, killed in every way, and back each time with what it had acknowledged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

from core.db.embedded import EmbeddedPostgres, ServerState
from core.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INIT = [
    "init",
    "--agency",
    "sample",
    "--title-zh",
    "示例",
    "--title-en",
    "Sample",
    "--longitude",
    "116.4",
    "--latitude",
    "39.9",
    "--username",
    "admin",
    "--name",
    "张三",
    "--json",
]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


@dataclass
class Installation:
    var: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
        return {**kept, "WANGGE_VAR": str(self.var), "WANGGE_PORT": str(self.port), "WANGGE_LANG": "en"}

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres.of(Settings.from_env(self.env))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "core", *arguments], env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def start(self) -> None:
        with (self.var / "out").open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "core", "run"], env=self.env, stdout=out, stderr=out)
        wait_for(lambda: "is running at" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return (self.var / "out").read_text()

    def condition(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/health", timeout=5) as answer:
                return json.load(answer)["condition"]
        except urllib.error.HTTPError as error:
            return json.load(error)["condition"]
        except OSError:
            return "away"

    def children(self) -> dict[str, psutil.Process]:
        modules = {"core.supervisor.web": "web", "core.supervisor.background": "worker", "core.supervisor.beat": "beat"}
        found = {}
        for child in psutil.Process(self.process.pid).children():
            # A child between fork and exec, or dead and not yet fetched, has no command line.
            with suppress(psutil.NoSuchProcess):
                module = (child.cmdline() or [""])[-1]
                if module in modules:
                    found[modules[module]] = child
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = Installation(tmp_path_factory.mktemp("var"), port)
    begun = made.command(*INIT)
    assert begun.returncode == 0, begun.stderr
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()
    made.server.stop()
    shutil.rmtree(made.server.folder)


@pytest.fixture
def running(installation: Installation) -> Installation:
    if installation.process is None or installation.process.poll() is not None:
        installation.start()
    wait_for(lambda: installation.condition() == "well")
    return installation


@pytest.fixture
def stopped(installation: Installation) -> Installation:
    if installation.process is not None and installation.process.poll() is None:
        installation.stop()
    return installation


def note(installation: Installation, value: int) -> None:
    engine = create_engine(installation.server.urls().owner)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS acknowledged (value integer)"))
        connection.execute(text(f"INSERT INTO acknowledged VALUES ({value})"))
    engine.dispose()


def noted(installation: Installation) -> set[int]:
    engine = create_engine(installation.server.urls().owner)
    with engine.connect() as connection:
        found = set(connection.scalars(text("SELECT value FROM acknowledged")))
    engine.dispose()
    return found


def test_database_is_stopped_after_a_command(stopped):
    assert stopped.command("task", "list").returncode == 0
    assert stopped.server.status() is ServerState.STOPPED


def test_second_start_is_refused_in_one_line(running):
    again = running.command("run")
    assert (again.returncode, again.stderr) == (1, f"wangge: Wangge is already running here (process {running.process.pid}).\n")


def test_commands_work_beside_a_running_installation(running):
    assert running.command("health", "--json").returncode == 0
    assert running.condition() == "well"


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_killed_child_comes_back(running, name):
    killed = running.children()[name]
    family = [killed, *killed.children(recursive=True)]
    killed.kill()
    wait_for(lambda: running.children().get(name, killed).pid != killed.pid)
    wait_for(lambda: running.condition() == "well")
    _, left = psutil.wait_procs(family, timeout=20)
    assert left == []
    assert f"{name} was ended by signal SIGKILL" in running.said()


def test_killed_web_worker_comes_back(running):
    web = running.children()["web"]
    before = {child.pid for child in web.children()}
    web.children()[0].kill()
    wait_for(lambda: web.is_running() and len({child.pid for child in web.children()} - before) == 1)
    wait_for(lambda: running.condition() == "well")


def test_killed_database_comes_back_with_what_it_acknowledged(running):
    note(running, 1)
    psutil.Process(running.server.pid()).kill()
    wait_for(lambda: "The database ended by itself" in running.said())
    wait_for(lambda: running.condition() == "well")
    assert 1 in noted(running)


def test_killed_supervisor_takes_its_children_and_blocks_nobody(running):
    note(running, 2)
    family = running.family()
    running.process.kill()
    running.process.wait()
    _, left = psutil.wait_procs(family, timeout=60)
    assert left == []
    running.start()
    wait_for(lambda: running.condition() == "well")
    assert 2 in noted(running)


def test_everything_killed_at_once_starts_again(running):
    note(running, 3)
    everything = [psutil.Process(running.process.pid), *running.family(), psutil.Process(running.server.pid())]
    for process in everything:
        process.kill()
    running.process.wait()
    psutil.wait_procs(everything, timeout=20)
    running.start()
    wait_for(lambda: running.condition() == "well")
    assert 3 in noted(running)


def test_term_stops_everything(running):
    family = running.family()
    assert running.stop() == 0
    assert [process for process in family if process.is_running()] == []
    assert running.server.status() is ServerState.STOPPED
    assert running.said().endswith("Stopping …\nEverything has stopped.\n")


def test_port_in_use_is_said_in_one_line(stopped):
    with socket.create_server(("127.0.0.1", stopped.port)):
        refused = stopped.command("run")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"wangge: Port 127.0.0.1:{stopped.port} is in use")
    assert refused.stderr.count("\n") == 1


def test_backup_goes_into_a_new_installation(stopped, tmp_path_factory):
    with stopped.server.held():
        note(stopped, 4)
        noted_before = noted(stopped)
    archive = tmp_path_factory.mktemp("backup") / "day.tar"
    assert stopped.command("backup", str(archive), "--secrets").returncode == 0
    fresh = Installation(tmp_path_factory.mktemp("var"), stopped.port)
    restored = fresh.command("restore", str(archive), "--json")
    assert restored.returncode == 0, restored.stderr
    assert fresh.command("db", "pending").returncode == 0
    fresh.start()
    wait_for(lambda: fresh.condition() == "well")
    assert noted(fresh) == noted_before
    assert fresh.stop() == 0
    shutil.rmtree(fresh.server.folder)
