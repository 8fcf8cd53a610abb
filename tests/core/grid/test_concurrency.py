"""Two people change one scheme at once: one wins, the other is told, and no land is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from core.db.uow import unit_of_work
from core.grid import service as grids
from core.grid.permissions import GridRight
from core.grid.types import Part
from core.lib.errors import Conflict
from tests.core.grid.conftest import COMMUNITY, LEVELS, collection, community, square

FIRST = f"{COMMUNITY}01"


@pytest.fixture
def committed(database, alpha, make_actor, owner_engine):
    """A scheme that other connections see; removed again at the end."""
    actor = make_actor(GridRight)
    with unit_of_work(database, alpha.id) as session:
        grids.create_scheme(session, actor, key="shared_test", title={"zh_CN": "方格"}, levels=LEVELS, origin=(116.4, 39.9))
        grids.import_geojson(session, actor, collection(*community(1)), scheme="shared_test")
    yield replace(actor, now=actor.now + timedelta(days=1))
    with owner_engine.begin() as owner:
        ours = "scheme_id = (SELECT id FROM grid_scheme WHERE key = 'shared_test')"
        for table in ("grid_succession", "grid_change", "grid", "grid_level"):
            owner.execute(text(f"DELETE FROM {table} WHERE {ours}"))
        owner.execute(text("DELETE FROM grid_scheme WHERE key = 'shared_test'"))


def test_two_splits_of_one_grid_give_one_split(database, alpha, committed):
    start = Barrier(2)

    def split(_number):
        with unit_of_work(database, alpha.id) as session:
            start.wait(10)
            parts = [Part("甲", square(0)), Part("乙", square(1))]
            return [grid.code for grid in grids.split(session, committed, FIRST, parts, reason="x", scheme="shared_test")]

    def attempt(number):
        try:
            return split(number)
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, range(2)))

    assert sorted(outcomes, key=str) == [[f"{COMMUNITY}03", f"{COMMUNITY}04"], "refused"]
    with unit_of_work(database, alpha.id) as session:
        assert grids.check_division(session, committed, scheme="shared_test") == []


def test_index_of_a_process_follows_a_change_made_elsewhere(database, alpha, committed):
    def locate():
        with unit_of_work(database, alpha.id) as session:
            scheme = grids.scheme_of(session, committed, "shared_test")
            return grids.locate(session, committed, scheme, {"lon": 116.4001, "lat": 39.8999})

    before, again = locate(), locate()
    with unit_of_work(database, alpha.id) as session:
        west, east = Part("西", square(0, columns=0.5)), Part("东", square(0.5, columns=0.5))
        grids.split(session, committed, f"{COMMUNITY}001", [west, east], reason="x", scheme="shared_test")

    assert (before.code, again.code, locate().code) == (f"{COMMUNITY}001", f"{COMMUNITY}001", f"{COMMUNITY}005")
