"""`wangge run`: the last checks before the supervisor takes over this process."""

from __future__ import annotations

import os
import sys

import click

from core.authz.console import Console
from core.cli.database import components
from core.db import migrate
from core.lib.errors import Unavailable
from core.lib.text import msg


@click.command()
@click.pass_obj
def run(console: Console) -> None:
    """Start database, web, worker and beat, and keep them running until Ctrl-C or SIGTERM."""
    settings = console.settings
    if not settings.secret_key or not settings.jwt_secret_key:
        raise Unavailable(msg("cli.no_secrets", file=str(settings.var / "secrets.env")))
    if waiting := migrate.pending(console.database.owner_engine, components()):
        raise Unavailable(msg("cli.upgrade_first", count=len(waiting)))
    become_supervisor(console)


def become_supervisor(console: Console) -> None:
    """Replace this process by the supervisor's own, which keeps nothing of what the checks have loaded.

    The embedded server goes on: the supervisor finds it running.
    """
    console.database.dispose()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "core.supervisor"])  # noqa: S606 - our own interpreter and module
