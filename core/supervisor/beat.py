"""The beat process: every few seconds one nudge to the workers, and nothing else."""

from __future__ import annotations

import os

from core.lib.lifeline import die_with_parent


def main() -> None:
    """Send nudges until told to stop."""
    die_with_parent(parent=int(os.environ.get("WANGGE_PARENT", os.getppid())))
    from core.worker import app  # noqa: PLC0415 - after the kernel's promise

    app.Beat(loglevel="WARNING", quiet=True, max_interval=1).run()


if __name__ == "__main__":
    main()
