"""What a supervisor leaves on disk: the lock that says it lives, and the processes it started.

A lock of the kernel cannot go stale as a pid file can; the record lets the next start
end what a killed supervisor left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

import psutil

_PATIENCE = 20.0


class AlreadyRunning(Exception):  # noqa: N818 - said to a person as it stands
    """Another supervisor keeps this installation."""


class Record:
    """The folder `var/run` of one installation."""

    def __init__(self, var: Path) -> None:
        self.folder = var / "run"
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Take the lock until it is released or this process ends; raise AlreadyRunning when another holds it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.folder / "supervisor.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise AlreadyRunning(holder) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def supervisor(self) -> int | None:
        """Give the pid of the supervisor that runs now, if one does."""
        path = self.folder / "supervisor.lock"
        if not path.exists():
            return None
        with path.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
        return None

    def write(self, pids: dict[str, int]) -> None:
        """Remember the children by pid and birth, so that a pid given to a stranger is never ended."""
        rows = [{"name": name, "pid": pid, "born": _born(pid)} for name, pid in pids.items()]
        fresh = self.folder / "children.json.new"
        fresh.write_text(json.dumps(rows))
        fresh.rename(self.folder / "children.json")

    def end_remains(self) -> list[str]:
        """End what an earlier supervisor left running, with its children; return their names."""
        path = self.folder / "children.json"
        rows = json.loads(path.read_text()) if path.exists() else []
        left = {row["name"]: psutil.Process(row["pid"]) for row in rows if row["born"] is not None and _born(row["pid"]) == row["born"]}
        family = [member for process in left.values() for member in [process, *_children(process)]]
        for process in left.values():
            process.terminate()
        _, stubborn = psutil.wait_procs(family, timeout=_PATIENCE)
        for process in stubborn:
            process.kill()
        psutil.wait_procs(stubborn, timeout=_PATIENCE)
        path.unlink(missing_ok=True)
        return sorted(left)


def _born(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
