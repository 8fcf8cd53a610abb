"""``wangge facts``: let the facts catch up, derive them anew or prove them, and say how they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from core.authz.console import Console
from core.definitions.installed import import_compilers
from core.facts.service import Position, catch_up, rebuilding, status
from core.facts.service.comparing import numbers_of
from core.facts.types import Comparison
from core.lib import clock
from core.lib.errors import Unavailable
from core.lib.text import msg

_AGENCY = click.option("--agency", help="Key of one agency; all of them when left out.")


@click.group()
def facts() -> None:
    """Keep the facts that scores count beside the record, and prove that they are what it says."""
    import_compilers()


@facts.command()
@_AGENCY
@click.pass_obj
def follow(console: Console, agency: str | None) -> None:
    """Take in every step up to now, without the rests that the worker takes."""
    for key in _keys(console, agency):
        reached = _follow(console, key)
        console.terminal.say(msg("facts.followed", agency=key, known_at=reached.known_at.isoformat(timespec="seconds")))
    console.terminal.answer({"agencies": _keys(console, agency)})


@facts.command()
@_AGENCY
@click.option(
    "--check", "only_check", is_flag=True, help="Compare every row with the record and write nothing; exits with 1 when one differs."
)
@click.option(
    "--workers", type=click.IntRange(1, 8), default=rebuilding.WORKERS, show_default=True, help="Ranges of cases worked on at a time."
)
@click.pass_obj
def rebuild(console: Console, agency: str | None, workers: int, *, only_check: bool) -> None:
    """Derive every fact anew from the record, while the product is at work."""
    run = rebuilding.check if only_check else rebuilding.rebuild
    found = {}
    for key in _keys(console, agency):
        found[key] = _over_all(console, key, run, workers)
    console.terminal.answer(found)
    if only_check and any(one["differences"] for one in found.values()):
        raise click.exceptions.Exit(1)


@facts.command("status")
@_AGENCY
@click.pass_obj
def show(console: Console, agency: str | None) -> None:
    """Say up to when the facts know every step, and what the last rebuild or check found."""
    rows = []
    for key in _keys(console, agency):
        with console.work(key) as (session, actor):
            rows.append({"agency": key, **asdict(status(session, now=actor.now))})
    headings = (
        "agency",
        "known_at",
        "lag_seconds",
        "steps_behind",
        "steps_untold",
        "rebuilt_at",
        "checked_at",
        "differences",
        "last_error",
    )
    console.terminal.table(rows, {name: name.replace("_", " ") for name in headings})


def _keys(console: Console, agency: str | None) -> list[str]:
    return [agency] if agency else console.agencies()


def _follow(console: Console, key: str) -> Position:
    """Catch up for as long as it goes forward."""
    agency_id, _ = console.agency(key)
    before = -1
    while True:
        try:
            return catch_up(console.database, agency_id, now=clock.now())
        except Unavailable:
            with console.work(key) as (session, actor):
                behind = status(session, now=actor.now).steps_behind
            if behind == before:
                raise
            before = behind
            console.terminal.say(msg("facts.steps_left", agency=key, steps=behind))


def _over_all(console: Console, key: str, run: Callable[..., Comparison], workers: int) -> dict[str, Any]:
    agency_id, _ = console.agency(key)
    progress = console.terminal.progress(f"  {key}")
    try:
        found = run(console.database, agency_id, progress, now=clock.now(), workers=workers)
    finally:
        progress.close()
    with console.work(key) as (session, _actor):
        numbers = numbers_of(session, found.case_ids)
    for grain, one in found.grains.items():
        console.terminal.say(msg("facts.compared", table=f"fact_{grain}", **asdict(one)))
    if numbers and found.grains["case"].missing < found.grains["case"].rows:  # after a first build every case was missing
        console.terminal.say(msg("facts.cases_differ", cases=", ".join(numbers)))
    if found.moving:
        console.terminal.say(msg("facts.still_moving", count=len(found.moving)))
    grains = {grain: asdict(one) for grain, one in found.grains.items()}
    return {"differences": found.differences, "grains": grains, "cases": numbers, "still_moving": len(found.moving)}
