"""`wangge audit`: proof that recorded history was not changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.authz.console import Console
from core.lib.errors import NotFound
from core.lib.text import msg
from core.workflow.models import Case
from core.workflow.service import history
from core.workflow.service.history import BrokenLink

_BATCH = 500


@click.group()
def audit() -> None:
    """Verify the chains of recorded history."""


@audit.command()
@click.option("--agency", help="Key of one agency; all of them when left out.")
@click.option("--case", "number", help="Number of one case.")
@click.pass_obj
def verify(console: Console, agency: str | None, number: str | None) -> None:
    """Prove the history of every case, link by link; exits with 1 when one does not hold.

    Personal values that were erased leave the proof whole.
    """
    found: list[dict[str, str | int]] = []
    proven = 0
    for key in [agency] if agency else console.agencies():
        progress = console.terminal.progress(f"  {key}")
        with console.work(key) as (session, _actor):
            for count, total, broken in _walk(session, number):
                found += [{"agency": key, **asdict(link)} for link in broken]
                progress(count, total)
            proven += session.scalar(_counted(number)) or 0
        progress.close()
    if number and not proven:
        raise NotFound(msg("workflow.no_case", number=number))
    for link in found:
        console.terminal.say(f"{link['agency']} {link['case_number']} #{link['sequence']}: {link['reason']}")
    console.terminal.answer({"cases": proven, "broken": found}, msg("cli.verified", cases=proven, broken=len(found)))
    if found:
        raise click.exceptions.Exit(1)


def _walk(session: Session, number: str | None) -> Iterator[tuple[int, int, list[BrokenLink]]]:
    """Yield (how many cases so far, how many in all, broken links), a batch at a time, so that any number fits in memory."""
    total = session.scalar(_counted(number)) or 0
    last, count = 0, 0
    while batch := session.scalars(_selected(number).where(Case.id > last).order_by(Case.id).limit(_BATCH)).all():
        last, count = batch[-1].id, count + len(batch)
        broken = history.verify_many(session, batch)
        session.expunge_all()
        yield count, total, broken


def _selected(number: str | None) -> Select[Case]:
    return select(Case) if number is None else select(Case).where(Case.number == number)


def _counted(number: str | None) -> Select[int]:
    return select(func.count()).select_from(_selected(number).subquery())
