"""Starting everything in order, keeping it alive, and stopping it in the opposite order."""

from __future__ import annotations

import errno
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import FrameType

from core.db.embedded import EmbeddedPostgres, ServerState
from core.lib.errors import Conflict, Unavailable
from core.lib.text import Message, msg
from core.settings import Settings
from core.supervisor.child import Child
from core.supervisor.record import AlreadyRunning, Record

_START_SECONDS = 60.0
_TICK = 0.5
_LONGEST_DELAY = 30.0
_LARGEST_LOG = 20 * 1024 * 1024
_OLD_LOGS = 5


class Supervisor:
    """One installation's processes on this machine."""

    def __init__(self, settings: Settings, say: Callable[[Message], None]) -> None:
        self.settings, self.say = settings, say
        self.record = Record(settings.var)
        self.logs = settings.var / "log"
        self.database = None if settings.database_url else EmbeddedPostgres.of(settings)
        metrics = str(settings.var / "run" / "metrics")
        env = {"PROMETHEUS_MULTIPROC_DIR": metrics, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        # Web first: the address is what a person waits for; the beat last, since it needs the others.
        self.children = [
            Child(name, f"core.supervisor.{module}", self.logs / f"{name}.log", env, say)
            for name, module in (("web", "web"), ("worker", "background"), ("beat", "beat"))
        ]
        self._stopping = False
        self._database_failures, self._database_again_at = 0, 0.0

    def run(self) -> None:
        """Start everything, print the address, and keep it alive until Ctrl-C or SIGTERM."""
        self._prepare()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        with self.database.held() if self.database else nullcontext():
            try:
                self._start()
                while not self._stopping:
                    time.sleep(_TICK)
                    self._watch()
            finally:
                self._stop()
        self.record.release()
        self.say(msg("supervisor.stopped"))

    def _prepare(self) -> None:
        try:
            self.record.take()
        except AlreadyRunning as running:
            raise Conflict(msg("supervisor.already_running", pid=str(running))) from None
        if left := self.record.end_remains():
            self.say(msg("supervisor.remains_ended", names=", ".join(left)))
        check_port(self.settings.host, self.settings.port)
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh_folder(self.settings.var / "run" / "metrics")
        if not self.settings.broker_url:
            fresh_folder(self.settings.var / "broker")

    def _start(self) -> None:
        for child in self.children:
            child.start()
        self._write_record()
        self._wait_for_web()
        if not self._stopping:
            self.say(msg("supervisor.running", address=address(self.settings)))

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        web = self.children[0]
        while not self._stopping and not answers(address(self.settings)):
            if not web.is_alive() or time.monotonic() > deadline:
                raise Unavailable(msg("supervisor.web_did_not_start", reason=last_line(web.log), log=str(web.log)))
            time.sleep(_TICK / 2)

    def _watch(self) -> None:
        self._watch_database()
        before = [child.process for child in self.children]
        for child in self.children:
            child.watch()
            turn_over(child.log)
        if before != [child.process for child in self.children]:
            self._write_record()

    def _watch_database(self) -> None:
        """Start a database that ended; one that will not start is tried again, ever more slowly, while the web answers 503."""
        if self.database is None or time.monotonic() < self._database_again_at or self.database.status() is ServerState.RUNNING:
            return
        if not self._database_failures:
            self.say(msg("supervisor.database_ended"))
        try:
            self.database.ensure()
            self._database_failures = 0
        except Unavailable as error:
            self.say(error.message)
            self._database_failures += 1
            self._database_again_at = time.monotonic() + min(_LONGEST_DELAY, 2.0**self._database_failures)

    def _write_record(self) -> None:
        self.record.write({child.name: child.process.pid for child in self.children if child.process is not None})

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _stop(self) -> None:
        # A second Ctrl-C of an impatient person must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.say(msg("supervisor.stopping"))
        for child in reversed(self.children):
            child.stop()
        (self.record.folder / "children.json").unlink(missing_ok=True)


def address(settings: Settings) -> str:
    """Give the address to open in a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}"


def check_port(host: str, port: int) -> None:
    """Raise Conflict when the address cannot be listened on."""
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            key = "supervisor.port_in_use" if error.errno == errno.EADDRINUSE else "supervisor.port_refused"
            raise Conflict(msg(key, host=host, port=port, reason=error.strerror or str(error))) from None


def answers(url: str) -> bool:
    """Tell whether the web server answers, whatever it says."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=2):  # noqa: S310 - our own http address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def fresh_folder(folder: Path) -> None:
    """Make an empty private folder in the place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)


def last_line(log: Path) -> str:
    """Give the last line of a log, which of a traceback is the error."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return lines[-1] if lines else "-"


def turn_over(log: Path) -> None:
    """Start a log anew when it has grown large, keeping the last few; its writer appends and goes on."""
    if not log.exists() or log.stat().st_size < _LARGEST_LOG:
        return
    for number in range(_OLD_LOGS - 1, 0, -1):
        older = log.with_suffix(f".log.{number}")
        if older.exists():
            older.rename(log.with_suffix(f".log.{number + 1}"))
    shutil.copyfile(log, log.with_suffix(".log.1"))
    with log.open("r+b") as current:
        current.truncate(0)
