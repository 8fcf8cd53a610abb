"""`wangge demo`: the Dongcheng demo, from nothing to a running installation; again, it only starts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import text

from core.authz.console import Console
from core.cli.database import bring_up_to_date
from core.cli.secrets import ensure_secrets, write_private
from core.cli.start import become_supervisor
from core.db.embedded import EmbeddedPostgres
from core.definitions.commands import tell_left_out
from core.definitions.installed import sync_installed
from core.definitions.sync import SyncReport
from core.lib import clock
from core.lib.errors import Conflict
from core.lib.terminal import Progress, Terminal
from core.lib.text import msg
from core.pluginmanager import plugins
from core.settings import Settings
from core.supervisor.record import Record
from core.supervisor.supervisor import address, check_port

_USERS = "demo-users.json"
_UNFINISHED = "demo.unfinished"


@click.command()
@click.option("--seed-only", is_flag=True, help="Seed and stop there.")
@click.pass_obj
def demo(console: Console, *, seed_only: bool) -> None:
    """Seed the demo district once, then start database, web, worker and beat.

    A second call seeds nothing. A seeding that was interrupted is begun again from an empty database.
    """
    _refuse_while_running(console.settings)
    ensure_secrets(console.settings.var)
    console.settings = Settings.from_env()
    _take_back_unfinished(console)
    if (done := bring_up_to_date(console)) or not _users_file(console).exists():
        console.terminal.say(msg("cli.upgraded", count=len(done)))
    report = sync_installed(console.database, now=clock.now())
    if not _is_seeded(console):
        _seed(console, report)
    _tell_sign_ins(console)
    tell_left_out(console, report)
    if not seed_only:
        become_supervisor(console)
    if report.left_out:
        raise click.exceptions.Exit(1)


def _refuse_while_running(settings: Settings) -> None:
    if (pid := Record(settings.var).supervisor()) is not None:
        raise Conflict(msg("cli.demo_runs", address=address(settings), pid=pid))
    check_port(settings.host, settings.port)


def _users_file(console: Console) -> Path:
    return console.settings.var / _USERS


def _is_seeded(console: Console) -> bool:
    with console.database.session(None) as session:
        agencies = session.scalar(text("SELECT count(*) FROM agency"))
    if agencies and not _users_file(console).exists():
        # An installation in earnest: a demo must never be poured into it.
        raise Conflict(msg("cli.not_a_demo", count=agencies))
    return bool(agencies)


def _take_back_unfinished(console: Console) -> None:
    """Empty the database of a seeding that was killed; nothing but its own rows can be in it."""
    mark = console.settings.var / _UNFINISHED
    if not mark.exists():
        return
    if console.settings.database_url:
        raise Conflict(msg("cli.unfinished_outside", mark=str(mark)))
    console.terminal.say(msg("cli.unfinished"))
    EmbeddedPostgres.of(console.settings).recreate_database()
    shutil.rmtree(console.settings.var / "attachments", ignore_errors=True)
    _users_file(console).unlink(missing_ok=True)
    mark.unlink()


def _seed(console: Console, report: SyncReport) -> None:
    seeds = {key: seed for key, seed in plugins().collect("register_demo").items() if seed is not None}
    if any(one.plugin in seeds for one in report.left_out):
        tell_left_out(console, report)  # Without its definitions nothing of its demo could be made.
        raise click.exceptions.Exit(1)
    mark = console.settings.var / _UNFINISHED
    mark.touch()
    sign_ins: list[dict[str, str]] = []
    for key, seed in seeds.items():
        console.terminal.say(msg("cli.seeding", plugin=key))
        progress = SeedProgress(console.terminal)
        sign_ins += seed(console.database, settings=console.settings, progress=progress)
        progress.close()
    with console.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Without statistics the first lists of a person would be planned for empty tables.
        connection.execute(text("ANALYZE"))
    write_private(_users_file(console), json.dumps(sign_ins, ensure_ascii=False, indent=1))
    mark.unlink()


def _tell_sign_ins(console: Console) -> None:
    rows: Sequence[dict[str, Any]] = json.loads(_users_file(console).read_text("utf-8"))
    columns = {"agency": "agency", "role": "role", "username": "user", "password": "password"}
    console.terminal.say(msg("cli.sign_ins", file=os.path.relpath(_users_file(console))))
    console.terminal.table(list(rows), columns)


class SeedProgress:
    """One bar for each step of a seeding: `progress(step, done, total)`."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._step, self._bar = "", Progress("", None)

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how far `step` is; a new step gets a new bar."""
        if step != self._step:
            self.close()
            self._step, self._bar = step, self._terminal.progress(f"  {step:14}")
        self._bar(done, total, note=f"{done:,}")

    def close(self) -> None:
        """End the present bar."""
        if self._step:
            self._bar.close()
