"""Memory of an idle installation: PSS of supervisor, two web workers, one Celery worker of two and beat; PostgreSQL apart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import psutil

from bench.world import World
from core.db.embedded import EmbeddedPostgres

SETTLE_SECONDS, PORT = 20, 18181


def idle(world: World) -> dict[str, Any]:
    """Start the whole installation, let it settle, and add up the proportional set sizes."""
    env = {**os.environ, **world.env, "WANGGE_PORT": str(PORT)}
    process = subprocess.Popen([sys.executable, "-m", "core", "run"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE_SECONDS)
        with socket.create_connection(("127.0.0.1", PORT), 2):
            pass  # It serves: what is added up below is the whole installation.
        ours = [
            one
            for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            if "postgres" not in one.name()
        ]
        sizes = {f"{one.pid} {' '.join(one.cmdline()[1:4])}"[:60]: round(one.memory_full_info().pss / 1e6, 1) for one in ours}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        # The installation took its database down with it.
        world.database.dispose()
        EmbeddedPostgres.of(world.settings).ensure()
    return {"pss_mb": round(sum(sizes.values()), 1), "processes": sizes}
