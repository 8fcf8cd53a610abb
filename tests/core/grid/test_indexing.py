"""Indexes live as long as the land and no longer, in every session and process, and nobody waits while one is made."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from core.db.engine import AgencySession, Database, set_agency
from core.db.epoch import bump
from core.db.uow import unit_of_work
from core.grid import service as grids
from core.grid.index import GridIndex
from core.grid.permissions import GridRight
from core.grid.service import indexing
from core.grid.types import Part
from core.lib.errors import NotFound
from tests.core.grid.conftest import COMMUNITY, HIGH, LEVELS, WIDE, collection, community, feature, square

ROOT = Path(__file__).parents[3]
ASKING = Path(__file__).with_name("asking_process.py")
FIRST, SECOND, THIRD, FOURTH = (f"{COMMUNITY}00{number}" for number in range(1, 5))
WEST = {"lon": 116.4 + 0.25 * WIDE, "lat": 39.9 - HIGH / 2}
"""In the western half of the first unit."""
NEXT = {"lon": 116.4 + 1.5 * WIDE, "lat": 39.9 - HIGH / 2}
"""In the second unit."""
BEYOND = {"lon": 116.4 + 4.5 * WIDE, "lat": 39.9 - HIGH / 2}
"""East of the fourth and last unit."""


@pytest.fixture
def keeper(database, alpha, make_actor, owner_engine):
    """Who keeps a committed scheme of alpha's, of one community; it is removed again at the end."""
    actor = make_actor(GridRight)
    with unit_of_work(database, alpha.id) as session:
        grids.create_scheme(session, actor, key="town", title={"zh_CN": "镇"}, levels=LEVELS, origin=(116.4, 39.9))
        grids.import_geojson(session, actor, collection(*community(1)), scheme="town")
    yield replace(actor, now=actor.now + timedelta(days=1))
    indexing.wait()
    with owner_engine.begin() as owner:
        for table in ("grid_succession", "grid_change", "grid", "grid_level", "grid_scheme_share", "grid_scheme"):
            owner.execute(text(f"DELETE FROM {table}"))
        owner.execute(text("UPDATE configuration_epoch SET value = value + 1"))


@pytest.fixture
def ask(database, alpha, keeper):
    """Ask in a transaction of its own which unit a place is in."""

    def asked(point=WEST):
        with unit_of_work(database, alpha.id) as session:
            return grids.locate_for_agency(session, keeper, point).code

    return asked


@pytest.fixture
def town(database, alpha, keeper):
    """Give the scheme as a new transaction sees it."""

    def seen():
        with unit_of_work(database, alpha.id) as session:
            return grids.scheme_of(session, keeper)

    return seen


@pytest.fixture(scope="module")
def elsewhere(database, agencies):
    """Another process, which answers before it has an index of the land as it is, and then has the time to make one."""
    command = [sys.executable, str(ASKING), database.app_url, str(agencies[0].id)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:

        def asked(point):
            process.stdin.write(f"{point['lon']} {point['lat']}\n")
            process.stdin.flush()
            code, is_kept = process.stdout.readline().split()
            assert is_kept == "True"
            return None if code == "None" else code

        yield asked
        process.stdin.close()


def split(session, actor):
    grids.split(session, actor, FIRST, [Part("西", square(0, columns=0.5)), Part("东", square(0.5, columns=0.5))], reason="x")


def merge(session, actor):
    grids.merge(session, actor, [FIRST, SECOND], name="合", reason="x")


def extend(session, actor):
    grids.import_geojson(session, actor, collection(feature(f"{COMMUNITY}009", "新", "unit_grid", f"{COMMUNITY}02", square(4))))


def redraw(session, actor):
    """The first unit gives its land up to the second one."""
    away = feature(FIRST, "单元1", "unit_grid", f"{COMMUNITY}01", square(9))
    wider = feature(SECOND, "单元2", "unit_grid", f"{COMMUNITY}01", square(0, columns=2))
    grids.import_geojson(session, actor, collection(away, wider))


def retire_by_hand(session, actor):
    session.execute(text("UPDATE grid SET valid_to = now(), retired_reason = 'x' WHERE code = :code"), {"code": FIRST})
    bump(session)


CHANGES = {
    split: (WEST, FIRST, f"{COMMUNITY}005"),
    merge: (NEXT, SECOND, f"{COMMUNITY}005"),
    extend: (BEYOND, None, f"{COMMUNITY}009"),
    redraw: (WEST, FIRST, SECOND),
    retire_by_hand: (WEST, FIRST, None),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_next_question_anywhere_sees_a_change_of_the_land(database, alpha, keeper, ask, elsewhere, change):
    point, before, after = CHANGES[change]
    assert (ask(point), elsewhere(point)) == (before, before)
    indexing.wait()
    assert (ask(point), elsewhere(point)) == (before, before)

    with unit_of_work(database, alpha.id) as session:
        change(session, keeper)

    assert (ask(point), elsewhere(point)) == (after, after)
    indexing.wait()
    assert (ask(point), elsewhere(point)) == (after, after)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_change_is_seen_by_its_own_transaction_and_nobody_else_until_the_commit(database, alpha, keeper, ask, town, change):
    point, before, after = CHANGES[change]
    ask()
    indexing.wait()
    kept = indexing.kept(town())
    with database.session(alpha.id) as session:
        change(session, keeper)
        assert grids.locate_for_agency(session, keeper, point).code == after
        assert len(grids.index_of(session, grids.scheme_of(session, keeper))) != 0
        assert ask(point) == before
        session.rollback()

    assert ask(point) == before
    assert indexing.kept(town()) is kept


def test_a_transaction_that_changes_the_land_twice_sees_each_change(database, alpha, keeper):
    with unit_of_work(database, alpha.id) as session:
        split(session, keeper)
        sizes = [len(grids.index_of(session, grids.scheme_of(session, keeper)))]
        assert grids.locate_for_agency(session, keeper, WEST).code == f"{COMMUNITY}005"
        grids.merge(session, keeper, [f"{COMMUNITY}005", f"{COMMUNITY}006"], name="合", reason="x")
        sizes.append(len(grids.index_of(session, grids.scheme_of(session, keeper))))
        assert grids.locate_for_agency(session, keeper, WEST).code == f"{COMMUNITY}007"

    assert sizes == [5, 4]


def test_index_and_raster_outlive_every_other_change(database, alpha, keeper, ask, town):
    ask()
    indexing.wait()
    kept = indexing.kept(town())
    for _ in range(3):
        with unit_of_work(database, alpha.id) as session:
            bump(session)
    ask()
    indexing.wait()

    assert kept.has_raster
    assert indexing.kept(town()) is kept
    with unit_of_work(database, alpha.id) as session:
        assert grids.index_of(session, town()) is kept


def test_an_import_that_changes_nothing_leaves_the_index(database, alpha, keeper, ask, town):
    ask()
    indexing.wait()
    kept = indexing.kept(town())
    with unit_of_work(database, alpha.id) as session:
        grids.import_geojson(session, keeper, collection(*community(1)))
        session.execute(text("UPDATE grid SET name = 'x' WHERE code = 'none'"))

    assert indexing.kept(town()) is kept


def test_other_schemes_keep_their_index(database, alpha, keeper, town):
    with unit_of_work(database, alpha.id) as session:
        grids.create_scheme(session, keeper, key="woods", title={"zh_CN": "林"}, levels=LEVELS, origin=(116.4, 39.9))
        session.execute(text("UPDATE agency SET scheme_key = 'town' WHERE id = :id"), {"id": alpha.id})
        bump(session)
    try:
        with unit_of_work(database, alpha.id) as session:
            kept = grids.index_of(session, grids.scheme_of(session, keeper, "town"))
        with unit_of_work(database, alpha.id) as session:
            grids.import_geojson(session, keeper, collection(*community(1)), scheme="woods")
        with unit_of_work(database, alpha.id) as session:
            woods = grids.scheme_of(session, keeper, "woods")
            assert len(grids.index_of(session, woods)) == 4
        assert indexing.kept(town()) is kept
    finally:
        with database.owner_engine.begin() as owner:
            owner.execute(text("UPDATE agency SET scheme_key = NULL"))


def test_agencies_that_share_a_scheme_share_its_index_and_see_its_changes(database, alpha, beta, keeper, make_actor, ask, town):
    theirs = make_actor(GridRight, agency=beta)

    def ask_as_beta():
        with unit_of_work(database, beta.id) as session:
            return grids.locate_for_agency(session, theirs, WEST)

    ask()
    indexing.wait()
    assert ask_as_beta().located == "outside", "an index in memory is no way to another agency's land"
    with unit_of_work(database, beta.id) as session, pytest.raises(NotFound):
        grids.scheme_of(session, theirs, "town")
    with unit_of_work(database, alpha.id) as session:
        grids.share_scheme(session, keeper, "town", beta.key)
    kept = indexing.kept(town())
    assert ask_as_beta().code == FIRST
    with unit_of_work(database, beta.id) as session:
        assert grids.index_of(session, grids.scheme_of(session, theirs)) is kept
    with unit_of_work(database, alpha.id) as session:
        split(session, keeper)

    assert ask_as_beta().code == f"{COMMUNITY}005"


def test_nobody_waits_while_an_index_is_made(ask, town, monkeypatch):
    begun, go_on = Event(), Event()
    make_raster = GridIndex.make_raster

    def slowly(index):
        begun.set()
        assert go_on.wait(30)
        make_raster(index)

    monkeypatch.setattr(GridIndex, "make_raster", slowly)
    assert ask() == FIRST
    assert begun.wait(30)
    assert (ask(), ask(NEXT), ask(BEYOND)) == (FIRST, SECOND, None)
    assert indexing.kept(town()) is None, "it is put in place when it is complete"
    go_on.set()
    indexing.wait()

    assert indexing.kept(town()).has_raster
    assert (ask(), ask(NEXT), ask(BEYOND)) == (FIRST, SECOND, None)


def test_an_index_that_was_made_at_once_is_given_its_raster_beside(database, alpha, keeper, town):
    with unit_of_work(database, alpha.id) as session:
        index = grids.index_of(session, grids.scheme_of(session, keeper))
    indexing.wait()

    assert indexing.kept(town()) is index
    assert index.has_raster


def test_a_question_asks_nothing_of_the_database(database, alpha, keeper, ask):
    ask()
    indexing.wait()
    asked = []
    with unit_of_work(database, alpha.id) as session:
        scheme = grids.scheme_of(session, keeper)
        grids.locate_for_agency(session, keeper, WEST)
        event.listen(database.app_engine, "before_cursor_execute", lambda *statement: asked.append(statement[2]))
        assert grids.locate_for_agency(session, keeper, NEXT).code == SECOND
        assert grids.locate(session, keeper, scheme, BEYOND).code is None
        assert asked == []
        session.execute(text("SELECT 1"))
    assert "SELECT 1" in asked


def test_what_is_asked_of_the_units_around_is_what_the_whole_index_answers(database, alpha, keeper, town):
    random = np.random.default_rng(11)
    lons = 116.4 + random.uniform(-0.3, 4.3, 120) * WIDE
    lats = 39.9 - random.uniform(-0.3, 1.3, 120) * HIGH
    borders = [(116.4 + column * WIDE, 39.9 - row * HIGH) for column in range(5) for row in (0, 0.5, 1)]
    places = [*zip(lons.tolist(), lats.tolist(), strict=True), *borders, (0.0, 0.0), (-120.0, -89.9)]
    with unit_of_work(database, alpha.id) as session:
        scheme = grids.scheme_of(session, keeper)
        whole = grids.index_of(session, scheme)
        for lon, lat in places:
            _, around = indexing._read(session, scheme, indexing._box_around(scheme, lon, lat))
            assert around.locate(lon, lat) == whole.locate(lon, lat)
            assert len(around) < len(whole)


def test_an_index_that_cannot_be_made_is_told_and_tried_again(ask, town, monkeypatch, caplog):
    with monkeypatch.context() as broken:

        def fail(*_):
            raise OperationalError("SELECT", {}, ConnectionError("gone"))

        broken.setattr(indexing, "_make", fail)
        assert ask() == FIRST
        indexing.wait()
    assert "an index of the land could not be made" in caplog.text
    assert indexing.kept(town()) is None

    assert ask() == FIRST
    indexing.wait()
    assert indexing.kept(town()) is not None


def test_a_process_that_starts_makes_the_index_of_every_agency_that_has_a_scheme(database, keeper, town):
    indexing.make_ready(database).join(30)

    assert indexing.kept(town()).has_raster


def test_a_process_that_starts_without_its_database_says_so_and_goes_on(caplog):
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    indexing.make_ready(Database(app_url=nowhere, owner_url=nowhere, scan_url=nowhere)).join(30)

    assert "an index of the land could not be made" in caplog.text


def test_a_session_on_somebody_elses_connection_is_answered_without_an_index(database, alpha, keeper, town):
    with database.app_engine.connect() as connection, connection.begin():
        set_agency(connection, alpha.id)
        with AgencySession(connection, agency_id=alpha.id) as session:
            assert grids.locate_for_agency(session, keeper, WEST).code == FIRST
    indexing.wait()

    assert indexing.kept(town()) is None


def test_map_lives_as_long_as_the_land(database, alpha, keeper, monkeypatch):
    from core.grid.service import mapping  # noqa: PLC0415  # its reading is watched

    read, times = mapping._read, []
    monkeypatch.setattr(mapping, "_read", lambda *given: times.append(1) or read(*given))

    def drawn():
        with unit_of_work(database, alpha.id) as session:
            return grids.geojson(session, keeper, level="unit_grid")

    first = drawn()
    with unit_of_work(database, alpha.id) as session:
        bump(session)
    assert drawn() == first
    assert len(times) == 1
    with unit_of_work(database, alpha.id) as session:
        merge(session, keeper)
        assert f"{COMMUNITY}005".encode() in grids.geojson(session, keeper, level="unit_grid")

    assert f"{COMMUNITY}005".encode() in drawn()
    assert len(times) == 3


def test_each_change_of_a_grid_gives_its_scheme_a_number_that_was_never_used(owner_engine, keeper):
    def changed(sql):
        with owner_engine.begin() as owner:
            owner.execute(text(sql))
            return owner.scalar(text("SELECT land FROM grid_scheme"))

    first = changed("SELECT 1")
    numbers = [
        first,
        changed("UPDATE grid SET name = name || 'x'"),
        changed(
            "INSERT INTO grid (uuid, scheme_id, level_id, code, name, name_pinyin, search, path, valid_from)"
            " SELECT gen_random_uuid(), scheme_id, level_id, 'z', name, '', '', 'town.z', now() FROM grid LIMIT 1"
        ),
        changed("DELETE FROM grid WHERE code = 'z'"),
    ]
    assert len(set(numbers)) == 4
    assert changed("UPDATE grid SET name = 'y' WHERE code = 'nobody'") == numbers[-1]
