"""The access log: one JSON line for each request, one file for each day, kept six months.

Who asked for what from where, but no query and no body: those may hold personal data.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

KEPT = timedelta(days=190)
"""Six months and a few days: what the network security law asks for (art. 21)."""

_PREFIX = "access-"


class AccessLog:
    """The access log of one process; several append to the same file of the day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._day: date | None = None
        self._file = -1

    def write(self, at: datetime, **facts: Any) -> None:
        """Append one line, in one write, so that lines of several processes never mix."""
        line = orjson.dumps({"at": at, **facts}, option=orjson.OPT_APPEND_NEWLINE)
        with self._lock:
            if at.date() != self._day:
                self._turn(at.date())
            os.write(self._file, line)

    def _turn(self, day: date) -> None:
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{_PREFIX}{day.isoformat()}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._day = day

    def close(self) -> None:
        """Close the file of the day."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._day = -1, None


def forget_old(folder: Path, *, now: datetime) -> int:
    """Delete the files of days that have had their time; return how many."""
    oldest = f"{_PREFIX}{(now - KEPT).date().isoformat()}.jsonl"
    old = [path for path in folder.glob(f"{_PREFIX}*.jsonl") if path.name < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
