"""The kernel's promise that a child does not outlive its parent, even when the parent is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(with_signal: int = signal.SIGTERM, *, parent: int | None = None) -> None:
    """Ask to be sent `with_signal` when the parent process ends, however it ends.

    Linux only; elsewhere the next start finds the children in its record and ends them.
    `parent` is who the caller thinks its parent is: if that one is gone already, this process ends at once.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), with_signal)
