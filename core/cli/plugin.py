"""`wangge plugin`: what is installed, what is on, what failed, and a new one to start from."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core import parts
from core.authz.console import Console
from core.cli.scaffold import write_plugin
from core.definitions.installed import check_installed
from core.lib.errors import Invalid
from core.lib.text import msg
from core.pluginmanager import plugins, service, unsound

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")
_KEY = re.compile(r"^[a-z][a-z0-9_]{2,39}$")


@click.group()
def plugin() -> None:
    """List, check, switch and make plugins."""


@plugin.command("list")
@_AGENCY
@click.pass_obj
def list_plugins(console: Console, agency: str | None) -> None:
    """List the installed plugins, whether they are on for the agency, those that were skipped, and those whose definitions were left out."""
    found = plugins()
    with console.work(agency) as (session, _actor):
        on = found.enabled(session)
        left_out = {key: unsound.reason(one).text(console.terminal.locale) for key, one in unsound.list_unsound(session).items()}
    rows: list[dict[str, Any]] = [
        {"key": key, "version": one.version, "state": "on" if key in on else "off", "reason": left_out.get(key, "")}
        for key, one in found.manifests.items()
    ]
    rows += [{"key": one.key, "version": "", "state": "failed", "reason": one.reason} for one in found.failed]
    console.terminal.table(rows, {"key": "plugin", "version": "version", "state": "state", "reason": "reason"})


@plugin.command()
@click.argument("key")
@_AGENCY
@click.pass_obj
def enable(console: Console, key: str, agency: str | None) -> None:
    """Switch a plugin on for an agency, at once in every process."""
    _switch(console, key, agency, enabled=True)


@plugin.command()
@click.argument("key")
@_AGENCY
@click.pass_obj
def disable(console: Console, key: str, agency: str | None) -> None:
    """Switch a plugin off for an agency; its data stays."""
    _switch(console, key, agency, enabled=False)


def _switch(console: Console, key: str, agency: str | None, *, enabled: bool) -> None:
    parts.load()
    with console.work(agency) as (session, actor):
        service.switch(session, actor, plugins(), key, enabled=enabled)
        name = actor.agency_key
    said = "cli.plugin_on" if enabled else "cli.plugin_off"
    console.terminal.answer({"plugin": key, "agency": name, "enabled": enabled}, msg(said, plugin=key, agency=name))


@plugin.command()
@click.argument("key", required=False)
@click.pass_obj
def check(console: Console, key: str | None) -> None:
    """Check that every plugin (or one) loads, fits this release, and has sound definition files; needs no database."""
    parts.load()
    parts.routes()
    found = plugins()
    if key is not None and key not in {*found.manifests, *(one.key for one in found.failed)}:
        raise Invalid(msg("cli.no_such_plugin", plugin=key))
    rows = [asdict(one) for one in found.failed if key in {None, one.key}]
    outcome = check_installed()
    rows += [
        {"key": key or "", "reason": problem.text(console.terminal.locale)}
        for problem in outcome.problems
        if key is None or problem.file.startswith(f"{key}/")
    ]
    for row in rows:
        console.terminal.say(f"{row['key']} {row['reason']}".strip())
    console.terminal.answer(rows, msg("cli.plugins_checked", count=len(found.manifests), problems=len(rows)))
    if rows:
        raise click.exceptions.Exit(1)


@plugin.command()
@click.argument("key")
@click.option("--title-zh", required=True, help="Its name in Chinese.")
@click.option("--title-en", required=True, help="Its name in English.")
@click.pass_obj
def new(console: Console, key: str, title_zh: str, title_en: str) -> None:
    """Write a working plugin with a passing test into plugins/KEY and enter it in pyproject.toml."""
    if not _KEY.match(key):
        raise Invalid(msg("cli.bad_plugin_key", plugin=key))
    written = write_plugin(Path(__file__).parents[2], key, title_zh=title_zh, title_en=title_en)
    console.terminal.answer({"plugin": key, "files": written}, msg("cli.plugin_written", plugin=key, count=len(written)))
