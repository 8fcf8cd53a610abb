"""The web process: granian's server with a few worker processes that each make the application."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from core.lib.lifeline import die_with_parent
from core.settings import Settings

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """Make the application in a worker process of the server."""
    die_with_parent(signal.SIGKILL)
    from core.app import create_app as create  # noqa: PLC0415 - heavy, and loaded by main already
    from core.grid.service.indexing import make_ready  # noqa: PLC0415 - as above

    app = create()
    _set_apart()
    make_ready(app.extensions["wangge"].database)
    return app


def main() -> None:
    """Serve until told to stop."""
    die_with_parent(parent=int(os.environ.get("WANGGE_PARENT", os.getppid())))
    from granian.constants import Interfaces  # noqa: PLC0415 - after the kernel's promise
    from granian.server import Server  # noqa: PLC0415

    _preload()
    server: Any = Server("core.supervisor.web:create_app", factory=True, interface=Interfaces.WSGI, **options(Settings.from_env()))
    server.serve()


def _preload() -> None:
    """Import everything before the workers fork: they share its pages, which halves their memory."""
    import mimetypes  # noqa: PLC0415 - as above

    from core import parts  # noqa: PLC0415

    parts.load()
    list(parts.modules("views"))
    mimetypes.init()
    _set_apart()


def _set_apart() -> None:
    """Keep what is loaded out of every later collection, which would write to its shared pages, and collect seldom.

    A request leaves hardly anything that counting references does not free.
    """
    import gc  # noqa: PLC0415 - as above

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def options(settings: Settings) -> dict[str, Any]:
    """Give granian's options of these settings."""
    return {
        "address": settings.host,
        "port": settings.port,
        "workers": settings.web_workers,
        "blocking_threads": settings.web_threads,
        "backpressure": 256,
        "respawn_failed_workers": True,
        "workers_kill_timeout": 15,
        "websockets": False,
        "log_access": False,
    }


if __name__ == "__main__":
    main()
