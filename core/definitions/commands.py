"""``wangge definitions`` and ``wangge config``: check and store files; move an agency's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import click

from core.authz.console import Console
from core.definitions import promote
from core.definitions.check import Outcome
from core.definitions.installed import check_installed, import_compilers, load_installed, sync_installed
from core.definitions.load import load_folder
from core.definitions.sync import SyncReport
from core.lib import clock
from core.lib.errors import Malformed
from core.lib.text import msg

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")


@click.group()
def definitions() -> None:
    """Check definition files and store them."""


@definitions.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
def check(console: Console, folders: tuple[Path, ...]) -> None:
    """Check the installation's definition files, and those in FOLDERS; needs no database.

    Exits with 1 when there is a problem; each is told with file, line and field.
    """
    extra = [load_folder(folder.absolute(), origin=f"folder:{folder.name}") for folder in folders]
    outcome = check_installed([*load_installed(), *extra])
    _tell(console, outcome)
    if outcome.problems:
        raise click.exceptions.Exit(1)


@definitions.command()
@click.pass_obj
def sync(console: Console) -> None:
    """Store the installation's definition files as new versions; what is unchanged stays as it is.

    A plugin with a problem in its files is left out and told, with file, line and
    field, and the command exits with 1; what was in force of it stays in force.
    """
    report = sync_installed(console.database, now=clock.now())
    for name in (*report.created, *report.updated):
        console.terminal.say(f"+ {name}")
    for name in report.gone:
        console.terminal.say(msg("definitions.gone", name=name))
    for merged in report.merged:
        console.terminal.say(msg("definitions.merged", kind=merged["kind"], name=merged["key"], count=merged["conflicts"]))
    for waiting in report.waiting:
        console.terminal.say(msg("definitions.waiting", kind=waiting["kind"], name=waiting["key"]))
    done = msg("definitions.synced", created=len(report.created), updated=len(report.updated), unchanged=len(report.unchanged))
    console.terminal.answer(report.as_json(console.terminal.locale), done)
    if report.left_out:
        tell_left_out(console, report)
        raise click.exceptions.Exit(1)


def tell_left_out(console: Console, report: SyncReport) -> None:
    """Say which plugins a sync left out, why, and what to do; nothing when there are none."""
    for one in report.left_out:
        console.terminal.say(msg("definitions.left_out", plugin=one.plugin, count=len(one.problems)))
        for problem in one.problems:
            console.terminal.say(f"  {problem.text(console.terminal.locale)}")
    if report.left_out:
        console.terminal.say(msg("definitions.left_out_remedy"))


@click.group()
def config() -> None:
    """Export, compare and apply an agency's configuration."""


@config.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_AGENCY
@click.pass_obj
def export(console: Console, file: Path, agency: str | None) -> None:
    """Write the agency's own definitions to FILE, sorted, without database ids."""
    with console.work(agency) as (session, actor):
        exported = promote.export(session, actor)
    file.write_text(promote.printed(exported), "utf-8")
    console.terminal.answer(
        {"file": str(file), "count": len(exported["definitions"])},
        msg("definitions.exported", count=len(exported["definitions"]), file=file),
    )


@config.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_AGENCY
@click.pass_obj
def diff(console: Console, file: Path, agency: str | None) -> None:
    """Say what applying FILE would change, and give the plan's hash."""
    import_compilers()
    with console.work(agency) as (session, actor):
        plan = promote.plan(session, actor, _read(file))
    for change in plan.changes:
        console.terminal.say(f"{change.action:8} {change.kind}:{change.key}")
        for path in change.paths:
            console.terminal.say(f"         {path}")
    console.terminal.answer(plan.as_json(), msg("definitions.planned", count=len(plan.changes), hash=plan.hash))


@config.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plan-hash", required=True, help="The hash that `config diff` gave; refused when the target has changed since.")
@_AGENCY
@click.pass_obj
def apply(console: Console, file: Path, plan_hash: str, agency: str | None) -> None:
    """Apply FILE as it was planned, all of it or nothing."""
    import_compilers()
    with console.work(agency) as (session, actor):
        done = promote.apply(session, actor, _read(file), plan_hash=plan_hash)
    console.terminal.answer(done.as_json(), msg("definitions.applied", count=len(done.changes)))


def _read(file: Path) -> promote.Exported:
    try:
        return promote.read(json.loads(file.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise Malformed(msg("definitions.not_an_export", file=file, detail=str(error)[:100])) from None


def _tell(console: Console, outcome: Outcome) -> None:
    for problem in outcome.problems:
        console.terminal.say(problem.text(console.terminal.locale))
    found = [problem.as_json(console.terminal.locale) for problem in outcome.problems]
    done = msg("definitions.checked", count=len(outcome.prepared), problems=len(found))
    console.terminal.answer({"checked": len(outcome.prepared), "problems": found}, done)
