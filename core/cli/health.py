"""`wangge health`: the report with its reasons."""

from __future__ import annotations

from dataclasses import asdict

import click

from core.authz.console import Console
from core.cli.database import components
from core.health import service
from core.health.types import Condition
from core.lib import clock
from core.pluginmanager import plugins


@click.command()
@click.pass_obj
def health(console: Console) -> None:
    """Say whether every part of the installation is well; exits with 1 when one is failing."""
    failed = [f"{one.key}: {one.reason}" for one in plugins().failed]
    found = service.report(console.database, now=clock.now(), failed_plugins=failed, components=components())
    rows = [{**asdict(check), "condition": str(check.condition)} for check in found.checks]
    if console.terminal.as_json:
        console.terminal.answer({"condition": str(found.condition), "checks": rows})
    else:
        console.terminal.table(rows, {"name": "part", "condition": "condition", "detail": "detail"})
    if found.condition is Condition.FAILING:
        raise click.exceptions.Exit(1)
