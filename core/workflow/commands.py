"""``wangge import-history``: the cases of a predecessor system from a file."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

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

SHOWN = 1_000
"""So many faults are said at the end; of more the number is said, and a file takes them all."""

CHUNK = 2_000
"""Cases stored at a time: what is read of them is in memory three times over."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-history")
@click.argument("file", type=_FILE)
@click.option("--agency", help="Key of the agency; needed when there are several.")
@click.option("--dry-run", is_flag=True, help="Check every line and store nothing.")
@click.option("--all-or-nothing", is_flag=True, help="Check the whole file first, and store nothing when a line is wrong.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write every fault to this file, one JSON object a line.")
@click.pass_obj
def import_history_(console: Console, file: Path, agency: str | None, *, dry_run: bool, all_or_nothing: bool, errors: Path | None) -> None:
    """Read past cases from FILE, one JSON object a line, and fire no notice.

    A line that is wrong is left out, and each of its faults is told with the
    line and the field; the others are stored, and the command exits with 1. A
    case whose number is there already stays as it is, so the corrected file is
    simply read again.
    """
    import_compilers()
    with ExitStack() as stack:
        stack.enter_context(_seldom_collecting())
        faults = _Faults(console, stack.enter_context(errors.open("w", encoding="utf-8")) if errors else None)
        if dry_run or all_or_nothing:
            _check(console, agency, file, faults)
            if dry_run or faults.count:
                faults.tell()
                said = "workflow.history_wrong" if faults.count else "workflow.history_good"
                _answer(console, faults, {"cases": faults.lines, "dry_run": dry_run}, said, cases=faults.lines)
                return
            faults.begin_again()
        done = _import(console, agency, file, faults)
        faults.tell()
    _answer(console, faults, {**done, "dry_run": False}, "workflow.history_partly" if faults.count else "workflow.history_done", **done)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for circles of garbage seldom: cases have none, and looking through those in memory takes a third of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@dataclass
class _Faults:
    """Keeps account of what is read: the lines, those that are wrong, and what is wrong with them."""

    console: Console
    file: IO[str] | None
    lines: int = 0
    wrong: int = 0
    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def good(self, found: Iterator[PastCase | list[Problem]]) -> Iterator[PastCase]:
        """Yield the cases; keep account of the lines that are none."""
        for one in found:
            self.lines += 1
            if isinstance(one, PastCase):
                yield one
            else:
                self.wrong += 1
                for problem in one:
                    self._take(problem)

    def begin_again(self) -> None:
        """Forget the lines: they are about to be read once more."""
        self.lines = 0

    def tell(self) -> None:
        """Say to a person what is wrong."""
        for one in self.first:
            self.console.terminal.say(f"{one['line']}: {one['path'] + ': ' if one['path'] else ''}{one['problem']}")
        if self.count > len(self.first):
            self.console.terminal.say(msg("workflow.history_more_faults", count=self.count - len(self.first)))

    def _take(self, problem: Problem) -> None:
        told = {"line": problem.line, "path": problem.path, "problem": problem.message.text(self.console.terminal.locale)}
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(told)
        if self.file is not None:
            self.file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _check(console: Console, agency: str | None, file: Path, faults: _Faults) -> None:
    """Read the whole file and store nothing."""
    size = file.stat().st_size
    progress = console.terminal.progress(msg("workflow.history_checking", file=file.name))
    with console.work(agency) as (session, actor), file.open("rb") as lines:
        for count, _ in enumerate(faults.good(HistoryReader(session, actor).read(lines)), 1):
            if count % 500 == 0:
                progress(lines.tell(), size)
    progress.close()


def _import(console: Console, agency: str | None, file: Path, faults: _Faults) -> dict[str, int]:
    """Read the file and store what is right, a chunk at a time; whatever ends it early, what was counted until then is on record."""
    size, counts = file.stat().st_size, {"imported": 0, "known": 0}
    progress = console.terminal.progress(msg("workflow.history_importing", file=file.name))
    with console.work(agency) as (session, actor), file.open("rb") as lines:
        cases = faults.good(HistoryReader(session, actor).read(lines))
        try:
            for report in import_history(console.database, actor, cases, chunk=CHUNK):
                counts = {"imported": counts["imported"] + report.imported, "known": counts["known"] + report.known}
                progress(lines.tell(), size, str(sum(counts.values())))
        finally:
            progress.close()
            with unit_of_work(console.database, actor.agency_id) as own:
                if land.count_waiting(own, actor.now):  # an open case may have come in on a grid that is no longer in force
                    succession.follow_soon(own, actor)
                new = {**counts, "wrong": faults.wrong}
                audit.record(own, actor, "core:case:history_imported", subject=f"file:{file.name}"[:160], new=new)
    return counts


def _answer(console: Console, faults: _Faults, told: dict[str, Any], said: str, **counts: int) -> None:
    """Give the answer; a line that was wrong makes the command fail."""
    answer = {**told, "wrong": faults.wrong, "faults": faults.count, "problems": faults.first}
    console.terminal.answer(answer, msg(said, lines=faults.wrong, **counts))
    if faults.count:
        raise click.exceptions.Exit(1)
