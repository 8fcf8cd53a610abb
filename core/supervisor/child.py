"""One supervised process: started, watched, started again when it dies, stopped in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.lib.text import Message, msg

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_SETTLED = 60.0


@dataclass
class Child:
    """A process of ours: how it is started, and what has become of it."""

    name: str
    module: str
    log: Path
    env: dict[str, str]
    say: Callable[[Message], None]
    stop_seconds: float = 20.0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_again_at: float | None = field(default=None)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", self.module],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env, "WANGGE_PARENT": str(os.getpid())},
                start_new_session=True,
            )
        self.started_at, self.start_again_at = time.monotonic(), None

    def watch(self) -> None:
        """Notice a death, say it, and start the process again after a delay that grows with each failure."""
        now = time.monotonic()
        if self.start_again_at is not None:
            if now >= self.start_again_at:
                self.start()
            return
        code = self.process.poll() if self.process else None
        if code is None:
            return
        self.failures = 1 if now - self.started_at > _SETTLED else self.failures + 1
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** (self.failures - 1))
        self.start_again_at = now + delay
        self.say(msg("supervisor.child_ended", name=self.name, ending=_ending(code), delay=f"{delay:g}", log=str(self.log)))

    def is_alive(self) -> bool:
        """Tell whether the process runs now."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask the process to end, and end it when it does not in time."""
        self.start_again_at = None
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.say(msg("supervisor.child_ended_by_force", name=self.name, seconds=f"{self.stop_seconds:g}"))
            self.kill_group()
            self.process.wait()

    def kill_group(self) -> None:
        """End the process and every process it started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return


def _ending(code: int) -> Message:
    if code < 0:
        return msg("supervisor.ended_by_signal", signal=signal.Signals(-code).name)
    return msg("supervisor.ended_by_itself", code=code)
