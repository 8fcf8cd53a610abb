"""``make bench``: every workload of the report, as a table and as JSON under ``bench/results/``.

``python -m bench [name …]`` runs only the named ones and keeps their figures
under ``var/bench``. ``BENCH_CASES`` is the size of the archive (1,000,000),
``BENCH_SECONDS`` the length of one load (8), ``BENCH_VAR`` another place for
the installation that is measured.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import http, memory, points, scores, timers, world
from bench.report import GOALS, RESULTS, rows
from bench.world import World
from core.db.embedded import EmbeddedPostgres

FOLDER = Path(os.environ.get("BENCH_VAR", "var/bench"))
CASES = int(os.environ.get("BENCH_CASES", "1000000"))
SMALL, OPEN = 10_000, 4_000
"""Cases of the small archive, and how many of them are open; the large one has as many open."""


def main(wanted: list[str]) -> None:
    """Run what is wanted, print the table, keep the JSON."""
    report: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(),
        "machine": f"{platform.machine()} {os.cpu_count()} cores",
        "cases": CASES,
    }
    note("the installation is made")
    place = world.prepare(FOLDER)
    try:
        measure(place, report, wanted or list(GOALS))
    finally:
        EmbeddedPostgres.of(place.settings).stop()
    # Figures of a part are no report: what is kept with the code is measured whole, in one run.
    folder = FOLDER if wanted else RESULTS
    folder.mkdir(exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(report, indent=2, ensure_ascii=False))
    print(table(report))
    print(f"JSON: {file}")


def measure(place: World, report: dict[str, Any], wanted: list[str]) -> None:
    """Measure in an order in which nothing disturbs what comes after."""
    if "locate" in wanted:
        keep(report, "locate", points.locate, place)
    if "import" in wanted:
        from bench import imports  # noqa: PLC0415  # makes a world of its own

        keep(report, "import", imports.run, place.database, FOLDER)
    if "memory" in wanted:
        keep(report, "memory", memory.idle, place)
    if {"create", "move", "component", "facts_cost"} & set(wanted):
        with http.both(place) as (product, floor):
            for work in (http.component, http.create, http.move, scores.facts_cost):
                if work.__name__ in wanted:
                    keep(report, work.__name__, work, place, product, floor)
    if "timers" in wanted:
        keep(report, "timers", timers.fire, place)
    if {"newest", "newest_growth", "history"} & set(wanted):
        newest(place, report)
    if {"facts_rebuild", "scoreboard"} & set(wanted):
        archive(place, report, wanted)


def archive(place: World, report: dict[str, Any], wanted: list[str]) -> None:
    """Measure scores on an archive of whole histories; the last, for it takes the place of all cases."""
    keep(report, "facts_rebuild", scores.facts_rebuild, place, CASES)
    if "scoreboard" in wanted:
        with http.both(place) as (product, floor):
            keep(report, "scoreboard", scores.scoreboard, place, product, floor)


def newest(place: World, report: dict[str, Any]) -> None:
    """List the newest open cases at 10,000 cases and again at a million; as many are open at both, for the years add closed ones."""
    place.database.dispose()
    reset(place)
    for name, size, opened in (("newest_small", SMALL, OPEN), ("newest", CASES, 0)):
        note(f"filling up to {size:,} cases")
        brought = world.fill(place, size, opened=opened)
        if size == CASES:
            report["history"] = brought
            note(f"history: {brought}")
        with http.both(place) as (product, floor):
            keep(report, name, http.newest, place, product, floor)
    report["newest_growth"] = {
        "ratio": round(report["newest_small"]["rate"] / report["newest"]["rate"], 3),
        "cpu_ratio": round(report["newest"]["cpu_ms"] / report["newest_small"]["cpu_ms"], 3),
        "floor_ratio": round(report["newest_small"]["floor"] / report["newest"]["floor"], 3),
    }


def reset(place: World) -> None:
    """Take away the cases that earlier workloads made, so that the sizes are what they say."""
    from sqlalchemy import text  # noqa: PLC0415

    with place.database.owner_engine.begin() as connection:
        kept = connection.execute(
            text("SELECT max(id) FROM (SELECT id FROM cases WHERE agency_id = :a ORDER BY id LIMIT 6000) first"), {"a": place.agency_id}
        ).scalar_one()
        for name in ("case_timer", "case_attachment", "case_personal", "case_event"):
            connection.execute(text(f"DELETE FROM {name} WHERE case_id > :kept"), {"kept": kept})
        # Cases are never deleted, so no index says which others name one as their duplicate: each deletion would read them all.
        connection.execute(text("ALTER TABLE cases DROP CONSTRAINT fk_cases_agency_id_duplicate_of_id"))
        connection.execute(text("DELETE FROM cases WHERE id > :kept"), {"kept": kept})
        connection.execute(text(_DUPLICATES))
        connection.execute(text("DELETE FROM outbox"))
    with place.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


_DUPLICATES = """
ALTER TABLE cases ADD CONSTRAINT fk_cases_agency_id_duplicate_of_id
FOREIGN KEY (agency_id, duplicate_of_id) REFERENCES cases (agency_id, id)
"""


def table(report: dict[str, Any]) -> str:
    """Lay the figures out, each beside its floor and its goal."""
    lines = [f"{'work':<16}{'ours':>12}{'floor':>12}{'ratio':>9}  goal"]
    lines += [f"{name:<16}{ours:>12}{floor:>12}{ratio:>9}  {goal}" for name, ours, floor, ratio, goal in rows(report)]
    return "\n".join(lines)


def keep(report: dict[str, Any], name: str, work: Callable[..., dict[str, Any]], *given: Any) -> None:
    """Do a work and keep its figures; say each at once."""
    note(name)
    report[name] = work(*given)
    note(f"{name}: {report[name]}")


def note(what: str) -> None:
    """Say what is being done."""
    print(f"[{time.strftime('%H:%M:%S')}] {what}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
