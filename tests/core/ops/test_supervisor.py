"""A child that dies is started again; a supervisor that is killed blocks nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.lib.errors import Conflict
from core.lib.text import Message
from core.settings import Settings
from core.supervisor.child import Child
from core.supervisor.record import AlreadyRunning, Record
from core.supervisor.supervisor import address, check_port, fresh_folder, last_line, turn_over

PROGRAM = """
import signal, sys, time
{before}
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make_child(tmp_path: Path, said: list[str]) -> Iterator[Callable[..., Child]]:
    made: list[Child] = []

    def make(before: str = "", **options: float) -> Child:
        (tmp_path / "kid.py").write_text(PROGRAM.format(before=textwrap.dedent(before)))

        def say(message: Message) -> None:
            said.append(message.text("en"))

        child = Child("kid", "kid", tmp_path / "kid.log", {"PYTHONPATH": str(tmp_path)}, say, **options)
        made.append(child)
        child.start()
        return child

    yield make
    for child in made:
        child.kill_group()
        if child.process:
            child.process.wait()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    made = Record(tmp_path)
    made.take()
    yield made
    made.release()


def is_ready(child: Child) -> bool:
    return "ready" in child.log.read_text()


def test_dead_child_is_started_again(make_child, said):
    child = make_child()
    wait_for(lambda: is_ready(child))
    first = child.process.pid
    child.process.kill()
    wait_for(lambda: child.watch() or child.process.pid != first)
    assert child.is_alive()
    assert said == [f"kid was ended by signal SIGKILL; it starts again in 0.5 s. What it said is in {child.log}."]


def test_child_that_dies_again_and_again_waits_longer(make_child, said):
    child = make_child("sys.exit(3)")
    wait_for(lambda: child.watch() or child.failures == 3)
    assert [line.split("again in ")[1].split(" s")[0] for line in said] == ["0.5", "1", "2"]
    assert "ended by itself (code 3)" in said[0]


def test_stop_lets_a_child_end_well(make_child, said):
    child = make_child("signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))")
    wait_for(lambda: is_ready(child))
    child.stop()
    assert child.log.read_text().endswith("bye\n")
    assert said == []


def test_child_that_does_not_stop_is_ended_with_its_children(make_child, said):
    child = make_child(
        """
        import subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        """,
        stop_seconds=0.3,
    )
    wait_for(lambda: is_ready(child))
    grandchild = psutil.Process(child.process.pid).children()[0]
    child.stop()
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)
    assert said == ["kid did not stop within 0.3 s and was ended by force."]


def test_child_ends_when_its_parent_is_killed(tmp_path):
    orphan = "from core.lib.lifeline import die_with_parent; import os, time; die_with_parent(parent=os.getppid()); time.sleep(60)"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {orphan!r}]).pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    wait_for(lambda: "time.sleep" in " ".join(child.cmdline()))
    time.sleep(0.5)
    parent.kill()
    parent.communicate()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_second_supervisor_is_refused(record, tmp_path):
    second = Record(tmp_path)
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        second.take()
    assert second.supervisor() == os.getpid()


def test_lock_goes_with_its_holder(tmp_path):
    code = f"from pathlib import Path; from core.supervisor.record import Record; r = Record(Path({str(tmp_path)!r})); r.take(); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    wait_for(lambda: Record(tmp_path).supervisor() == holder.pid)
    holder.kill()
    holder.communicate()
    assert Record(tmp_path).supervisor() is None


def test_next_start_ends_what_is_left(record, make_child):
    child = make_child()
    record.write({"kid": child.process.pid})
    assert record.end_remains() == ["kid"]
    assert not child.is_alive()
    assert record.end_remains() == []


def test_stranger_with_a_recorded_pid_is_left_alone(record, make_child):
    child = make_child()
    record.write({"kid": child.process.pid})
    path = record.folder / "children.json"
    path.write_text(path.read_text().replace('"born": ', '"born": 1'))
    assert record.end_remains() == []
    assert child.is_alive()


def test_port_in_use_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"Port 127.0.0.1:{port} is in use"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("::1", "http://[::1]:80")],
)
def test_address_can_be_opened(host, shown):
    assert address(replace(Settings.from_env({}), host=host, port=80)) == shown


def test_large_log_is_turned_over(tmp_path):
    log = tmp_path / "web.log"
    for number in range(8):
        log.write_bytes(str(number).encode() * 21 * 1024 * 1024)
        turn_over(log)
    assert log.read_bytes() == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", *(f"web.log.{number}" for number in range(1, 6))]
    assert (tmp_path / "web.log.1").read_bytes()[:1] == b"7"


def test_last_line_of_a_log_is_its_reason(tmp_path):
    (tmp_path / "a").write_text("Traceback\n  File\nValueError: no\n\n")
    assert last_line(tmp_path / "a") == "ValueError: no"
    assert last_line(tmp_path / "none") == "-"


def test_fresh_folder_is_empty_and_private(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "old").touch()
    fresh_folder(tmp_path / "f")
    assert list((tmp_path / "f").iterdir()) == []
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o700
