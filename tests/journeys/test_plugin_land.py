"""A plugin's own table follows the land when a grid is split or merged, and what the plugin breaks it breaks alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.cli.database import components
from core.db import migrate
from core.grid.service import succession
from core.lib import clock
from core.worker.due import work_off
from tests.installing import installed
from tests.journeys.test_land_changes import id_of, merge, split, spot, unit_at
from tests.journeys.town import Town
from tests.journeys.walking import reported

OUTSIDE = Path(__file__).with_name("outside")
COLUMN, ROW = 4, 1


@pytest.fixture(scope="module")
def playground(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Install the plugin with its table beside the town's; it is switched on nowhere."""
    with installed(OUTSIDE / "playground", tmp_path_factory.mktemp("site"), key="playground") as found:
        assert found.failed == []
        migrate.upgrade(town.database.owner_engine, [next(one for one in components() if one.key == "playground")])
        yield sys.modules["playground.visits"]


def visit(town: Town, grid: str, position: dict[str, float] | None) -> int:
    """Keep a visit by hand; it needs some case."""
    statement = (
        "INSERT INTO playground_visit (agency_id, case_id, grid_id, lon, lat, what, visited_at) "
        "SELECT :agency, (SELECT min(id) FROM cases), grid.id, :lon, :lat, 'seen', now() FROM grid WHERE code = :code RETURNING id"
    )
    with town.work() as (session, _):
        place = position or {"lon": None, "lat": None}
        number: int = session.execute(text(statement), {"agency": town.agency_id, "code": grid, **place}).scalar_one()
    return number


def grid_of(town: Town, number: int) -> str:
    with town.work() as (session, _):
        query = "SELECT code FROM grid JOIN playground_visit ON grid_id = grid.id WHERE playground_visit.id = :id"
        code: str = session.execute(text(query), {"id": number}).scalar_one()
    return code


def waiting(town: Town) -> dict[str, int]:
    with town.work() as (session, _):
        return succession.waiting(session, clock.now())


@pytest.fixture(scope="module")
def some_case(town: Town) -> str:
    """Report a case for visits to belong to."""
    return reported(town)


def test_rows_follow_a_split_and_a_merge(town: Town, playground: Any, some_case: str) -> None:
    west, east = spot(COLUMN + 0.2, ROW + 0.5), spot(COLUMN + 0.8, ROW + 0.5)
    old = unit_at(town, west)
    in_west, in_east, nowhere = visit(town, old, west), visit(town, old, east), visit(town, old, None)
    halves = split(town, old, COLUMN, COLUMN + 1, ROW)
    assert [grid_of(town, one) for one in (in_west, in_east, nowhere)] == [*halves, old]
    assert waiting(town)["playground.visits"] == 1  # of several heirs, which has it only a person can say
    whole = merge(town, halves)
    assert {grid_of(town, one) for one in (in_west, in_east, nowhere)} == {whole}
    assert waiting(town)["playground.visits"] == 0


def test_follower_that_fails_holds_nobody_up_and_is_asked_again(
    town: Town, playground: Any, some_case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = spot(COLUMN + 1.2, ROW + 0.5)
    old = unit_at(town, position)
    seen = visit(town, old, position)
    ours = succession._followers["playground.visits"]

    def breaks(session: Any, *_: Any) -> Any:
        session.execute(text("SELECT nothing FROM nowhere"))

    broken = succession.Follower(ours.name, breaks, breaks, ours.batch)
    with monkeypatch.context() as patched:
        patched.setitem(succession._followers, ours.name, broken)
        halves = split(town, old, COLUMN + 1, COLUMN + 2, ROW)
        assert grid_of(town, seen) == old
        counts = waiting(town)
        assert (counts.get("playground.visits"), counts["cases"]) == (None, 0)
    assert id_of(town, halves[0]) != id_of(town, old)
    assert waiting(town)["playground.visits"] == 1
    while work_off(town.database, "outbox", town.agency_id, now=clock.now() + timedelta(hours=2)):
        pass
    assert grid_of(town, seen) == halves[0]


def test_follower_of_a_plugin_that_is_not_loaded_is_not_asked(town: Town, playground: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = succession.Follower("orchard.trees", lambda *_: 1 // 0, lambda *_: 1 // 0, 1)
    monkeypatch.setitem(succession._followers, stray.name, stray)
    assert "playground.visits" in waiting(town)
    assert "orchard.trees" not in waiting(town)
