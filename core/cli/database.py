"""`wangge db`: migrations of core and of every plugin with tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from core import parts
from core.authz.console import Console
from core.db import migrate
from core.db.migrate import Component, PendingRevision
from core.holidays.installed import seed_installed
from core.lib import clock
from core.lib.errors import NotFound
from core.lib.text import msg
from core.pluginmanager import plugins


@click.group()
def db() -> None:
    """Bring the database up to date, or say what is missing."""


@db.command()
@click.pass_obj
def upgrade(console: Console) -> None:
    """Run every migration that the database has not seen, and take in holidays published since; safe to repeat and to run twice at once."""
    done = bring_up_to_date(console)
    _answer(console, done, "cli.upgraded")


@db.command()
@click.pass_obj
def pending(console: Console) -> None:
    """List the migrations that an upgrade would run; exits with 1 when there are any."""
    found = migrate.pending(console.database.owner_engine, components())
    _answer(console, found, "cli.pending")
    if found:
        raise click.exceptions.Exit(1)


@db.command()
@click.argument("title")
@click.option("--component", "key", default="core", show_default=True, help="The plugin whose tables have changed.")
@click.pass_obj
def revision(console: Console, title: str, key: str) -> None:
    """Write a migration from the difference between models and an upgraded database; read it before you commit it."""
    known = {component.key: component for component in components()}
    if key not in known:
        raise NotFound(msg("cli.no_component", component=key))
    migrate.new_revision(console.database.owner_engine, known[key], title)
    console.terminal.answer({"component": key}, msg("cli.revision_written", folder=str(known[key].versions)))


def bring_up_to_date(console: Console) -> Sequence[PendingRevision]:
    """Run the migrations, then write the holidays that this release knows of; give the migrations that were run."""
    done = migrate.upgrade(console.database.owner_engine, components())
    parts.load()
    seed_installed(console.database, now=clock.now())
    return done


def components() -> Sequence[Component]:
    """Give core and every loaded plugin that has tables of its own, core first."""
    manifests = plugins().manifests.values()
    return [migrate.CORE, *(migrate.plugin_component(found.key, Path(str(found.migrations))) for found in manifests if found.migrations)]


def _answer(console: Console, found: Sequence[PendingRevision], key: str) -> None:
    for revision in found:
        console.terminal.say(f"{revision.component}: {revision.revision} {revision.title}")
    console.terminal.answer([asdict(revision) for revision in found], msg(key, count=len(found)))
