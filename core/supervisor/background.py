"""The worker process: Celery with a small pool; the pool ends with it."""

from __future__ import annotations

import os
import warnings

from core.lib.lifeline import die_with_parent


def main() -> None:
    """Work until told to stop; a task under way is finished first."""
    die_with_parent(parent=int(os.environ.get("WANGGE_PARENT", os.getppid())))
    from celery.platforms import SecurityWarning  # noqa: PLC0415 - after the kernel's promise

    from core.worker import app  # noqa: PLC0415

    # Celery warns root of messages that name classes; ours are JSON, which cannot.
    warnings.simplefilter("ignore", SecurityWarning)
    app.worker_main(["--quiet", "worker", "--pool=prefork", f"--concurrency={os.environ.get('WANGGE_WORKER_PROCESSES', '2')}", *_QUIET])


_QUIET = ["--loglevel=WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]

if __name__ == "__main__":
    main()
