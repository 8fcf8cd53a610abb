"""``wangge grid``: import, check and search the division of the land."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from core.audit import service as audit
from core.authz.console import Console
from core.grid import service
from core.grid.service import succession
from core.grid.service.checking import written
from core.grid.service.succession import Progress
from core.grid.types import Finding
from core.lib.crs import Crs
from core.lib.errors import Malformed
from core.lib.text import Message, msg

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")
_SCHEME = click.option("--scheme", help="Key of the grid scheme; the agency's own choice when left out.")


@click.group()
def grid() -> None:
    """Import, check and search the division of the land."""


@grid.command()
@_AGENCY
@_SCHEME
@click.pass_obj
def check(console: Console, agency: str | None, scheme: str | None) -> None:
    """Look for gaps, overlaps, orphans, what sticks out of its parent, and imbalance.

    Exits with 1 when there is a fault; each is told with its codes and area.
    """
    with console.work(agency) as (session, actor):
        findings = service.check_division(session, actor, scheme=scheme)
    for finding in findings:
        console.terminal.say(_sentence(finding))
    verdict = msg("grid.check_found", count=len(findings)) if findings else msg("grid.check_sound")
    console.terminal.answer([written(finding) for finding in findings], verdict)
    if findings:
        raise click.exceptions.Exit(1)


@grid.command()
@click.argument("lon", type=float)
@click.argument("lat", type=float)
@click.option(
    "--crs", type=click.Choice([str(one) for one in Crs]), default=str(Crs.WGS84), show_default=True, help="System of LON and LAT."
)
@_AGENCY
@_SCHEME
@click.pass_obj
def locate(console: Console, lon: float, lat: float, crs: str, agency: str | None, scheme: str | None) -> None:
    """Say which grid the position LON LAT is in; put -- before a negative number."""
    with console.work(agency) as (session, actor):
        place = service.locate(session, actor, service.scheme_of(session, actor, scheme), {"lon": lon, "lat": lat, "crs": crs})
        name = service.get(session, actor, place.code, scheme=scheme).name if place.code is not None else ""
    answer = {field: getattr(place, field) for field in ("located", "code", "path", "border_m", "lon", "lat")} | {"name": name}
    console.terminal.answer(answer, msg(f"grid.place_{place.located}", code=place.code, name=name, metres=round(place.border_m or 0.0, 1)))


@grid.command()
@_AGENCY
@click.pass_obj
def follow(console: Console, agency: str | None) -> None:
    """Let everything that stands on retired grids follow its land now; the worker does it by itself after a split or merge.

    Says what moved, and how much is left for a person: what has no position
    of its own, or none in any of the grids that came of the old one.
    """
    with console.work(agency) as (session, actor):
        total = sum(succession.waiting(session, actor.now).values())
    state, bar = Progress(), console.terminal.progress(msg("grid.following"))
    while not state.is_done:
        with console.work(agency) as (session, actor):
            state = succession.follow_batch(session, actor, state)
        bar(min(sum(state.moved.values()), total), total)
    bar.close()
    with console.work(agency) as (session, actor):
        left = succession.waiting(session, actor.now)
        moved = dict(state.moved)
        if any(moved.values()):
            audit.record(session, actor, "grid:grid:followed", subject="grid_change:-", new={"moved": moved, "waiting": left})
    for name, count in moved.items():
        console.terminal.say(msg(f"grid.followed_{name}", moved=count, left=left[name]))
    console.terminal.answer({"moved": moved, "waiting": left}, msg("grid.followed", moved=sum(moved.values()), left=sum(left.values())))


@grid.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--crs", type=click.Choice([str(one) for one in Crs]), default=str(Crs.WGS84), show_default=True, help="System of the file.")
@click.option("--make-valid", is_flag=True, help="Mend broken polygons, and say which.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and store nothing.")
@_AGENCY
@_SCHEME
@click.pass_obj
def import_(console: Console, file: Path, crs: str, make_valid: bool, dry_run: bool, agency: str | None, scheme: str | None) -> None:
    """Import grids from FILE: a GeoJSON FeatureCollection, or a district with nested streets and communities.

    Stores all of them or, when there is any fault, none, and tells every fault.
    """
    content = _read(file)
    with console.work(agency) as (session, actor):
        if "streets" in content:
            report = service.import_divisions(session, actor, content, scheme=scheme, dry_run=dry_run)
        else:
            report = service.import_geojson(session, actor, content, scheme=scheme, crs=crs, make_valid=make_valid, dry_run=dry_run)
    problems = [
        {"path": path, "kind": problem.kind.value, "detail": console.terminal.text(problem.message)} for path, problem in report.problems
    ]
    for problem in problems:
        console.terminal.say(f"{problem['path']}: {problem['detail']}")
    counts: dict[str, Any] = {name: len(getattr(report, name)) for name in ("created", "updated", "unchanged", "mended")}
    done = msg("grid.would_import" if dry_run else "grid.imported", **counts)
    console.terminal.answer({"dry_run": dry_run, **counts, "problems": problems}, done)
    if problems:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Malformed(msg("grid.not_json", file=file.name, reason=str(error))) from None
    if not isinstance(content, dict):
        raise Malformed(msg("grid.not_json", file=file.name, reason="{}"))
    return content


def _sentence(finding: Finding) -> Message:
    area = "" if finding.area_m2 is None else f"{finding.area_m2:,.1f} m²"
    return msg(f"grid.finding_{finding.kind}", codes=", ".join(finding.codes), area=area)
