"""``wangge import-history``: the cases of a predecessor system from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from core.audit import service as audit
from core.authz.console import Console
from core.db.uow import unit_of_work
from core.definitions.installed import import_compilers
from core.grid.service import succession
from core.lib.text import msg
from core.workflow.service import land
from core.workflow.service.bulk import PastCase, import_history
from core.workflow.service.history_file import HistoryReader, Problem

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-history")
@click.argument("file", type=_FILE)
@click.option("--agency", help="Key of the agency; needed when there are several.")
@click.option("--dry-run", is_flag=True, help="Check every line and store nothing.")
@click.pass_obj
def import_history_(console: Console, file: Path, agency: str | None, *, dry_run: bool) -> None:
    """Read past cases from FILE, one JSON object a line, and fire no notice.

    The whole file is checked first: when a line is wrong, each fault is told
    with its line, nothing is stored and the command exits with 1. A case whose
    number is there already stays as it is, so the same file may be read again.
    """
    import_compilers()
    with console.work(agency) as (session, actor), file.open("rb") as lines:
        checked, problems = _check(console, HistoryReader(session, actor), file, lines)
    if problems:
        _complain(console, checked, problems)
        raise click.exceptions.Exit(1)
    if dry_run:
        console.terminal.answer({"cases": checked, "dry_run": True, "problems": []}, msg("workflow.history_good", cases=checked))
        return
    imported = met = 0
    progress = console.terminal.progress(msg("workflow.history_importing", file=file.name))
    with console.work(agency) as (session, actor), file.open("rb") as lines:
        for report in import_history(console.database, actor, _cases(HistoryReader(session, actor), lines)):
            imported, met = imported + report.imported, met + report.known
            progress(imported + met, checked)
    progress.close()
    with unit_of_work(console.database, actor.agency_id) as session:
        counts = {"imported": imported, "known": met}
        if land.count_waiting(session, actor.now):  # an open case may have come in on a grid that is no longer in force
            succession.follow_soon(session, actor)
        audit.record(session, actor, "core:case:history_imported", subject=f"file:{file.name}"[:160], new=counts)
    console.terminal.answer({**counts, "dry_run": False}, msg("workflow.history_done", **counts))


def _check(console: Console, reader: HistoryReader, file: Path, lines: IO[bytes]) -> tuple[int, list[Problem]]:
    """Read the whole file; give how many lines there are and everything that is wrong."""
    size, count = file.stat().st_size, 0
    problems: list[Problem] = []
    progress = console.terminal.progress(msg("workflow.history_checking", file=file.name))
    for found in reader.read(lines):
        count += 1
        if not isinstance(found, PastCase):
            problems += found
        if count % 500 == 0:
            progress(lines.tell(), size)
    progress.close()
    return count, problems


def _cases(reader: HistoryReader, lines: IO[bytes]) -> Iterator[PastCase]:
    for found in reader.read(lines):
        if not isinstance(found, PastCase):
            raise click.ClickException(_line_of(found[0]))  # the file was changed since it was checked
        yield found


def _complain(console: Console, checked: int, problems: list[Problem]) -> None:
    locale = console.terminal.locale
    for one in problems:
        console.terminal.say(_line_of(one, locale))
    told = [{"line": one.line, "path": one.path, "problem": one.message.text(locale)} for one in problems]
    wrong = len({one.line for one in problems})
    console.terminal.answer({"cases": checked, "problems": told}, msg("workflow.history_wrong", lines=wrong, cases=checked))


def _line_of(one: Problem, locale: str = "en") -> str:
    return f"{one.line}: {one.path + ': ' if one.path else ''}{one.message.text(locale)}"
