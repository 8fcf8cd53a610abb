"""No agency sees or changes another's scheme by any way, and no row refers to a grid that is not shared."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from core.db.base import Base
from core.db.engine import AgencySession, set_agency
from core.db.schema import import_models
from core.grid import ddl
from core.grid import service as grids
from core.grid.permissions import GridRight
from core.grid.service import Wanted
from core.lib.errors import Forbidden, Invalid, NotFound
from tests.core.grid.conftest import COMMUNITY, collection, feature, square

TABLES = ("grid_scheme", "grid_scheme_share", "grid_level", "grid", "grid_change", "grid_succession")


@pytest.fixture
def as_beta(session, connection, beta, make_actor, scheme):
    """A session and an actor of beta in the same transaction, in which alpha's scheme stands."""
    session.flush()
    set_agency(connection, beta.id)
    with AgencySession(connection, agency_id=beta.id, join_transaction_mode="create_savepoint") as opened:
        yield opened, make_actor(GridRight, agency=beta)


def share(session, connection, alpha, beta, keeper):
    set_agency(connection, alpha.id)
    grids.share_scheme(session, keeper, "squares", beta.key)
    session.flush()
    set_agency(connection, beta.id)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("agency", ["beta", "none"])
def test_raw_sql_shows_nothing_of_another_agencys_scheme(connection, as_beta, beta, table, agency):
    set_agency(connection, beta.id if agency == "beta" else None)

    assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    assert connection.execute(text("SELECT count(*) FROM grid_ids_within('squares')")).scalar() == 0
    assert connection.execute(text("SELECT count(*) FROM grid_ids_named('%')")).scalar() == 0


def test_service_shows_nothing_of_another_agencys_scheme(as_beta, scheme):
    session, actor = as_beta

    assert grids.list_schemes(session, actor) == []
    for attempt in (
        lambda: grids.get(session, actor, COMMUNITY, scheme="squares"),
        lambda: grids.list_grids(session, actor, Wanted(), limit=9, scheme="squares"),
        lambda: grids.geojson(session, actor, level="grid", scheme="squares"),
        lambda: grids.check_division(session, actor, scheme="squares"),
        lambda: grids.import_geojson(session, actor, collection(), scheme="squares"),
        lambda: grids.merge(session, actor, [COMMUNITY], name="x", reason="x", scheme="squares"),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_raw_sql_cannot_write_into_another_agencys_scheme(connection, as_beta, scheme):
    insert = text("INSERT INTO grid_level (scheme_id, key, title, depth) VALUES (:scheme, 'x', '{}', 9)")
    with pytest.raises(ProgrammingError, match="row-level security"), connection.begin_nested():
        connection.execute(insert, {"scheme": scheme.id})
    assert connection.execute(text("UPDATE grid SET name = 'x'")).rowcount == 0
    with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
        connection.execute(text("DELETE FROM grid_scheme"))
    steal = text("INSERT INTO grid_scheme_share (scheme_id, agency_id, shared_by_id) VALUES (:scheme, :agency, NULL)")
    with pytest.raises(ProgrammingError, match="row-level security"), connection.begin_nested():
        connection.execute(steal, {"scheme": scheme.id, "agency": as_beta[1].agency_id})


def test_an_agency_cannot_share_anothers_scheme_with_itself(connection, as_beta, scheme):
    beta_id = as_beta[1].agency_id
    steal = text("INSERT INTO grid_scheme_share (scheme_id, agency_id, shared_by_id) VALUES (:scheme, :agency, :agency)")

    with pytest.raises(IntegrityError, match="fk_grid_scheme_share"), connection.begin_nested():
        connection.execute(steal, {"scheme": scheme.id, "agency": beta_id})


def test_shared_scheme_is_seen_and_used_but_not_changed(session, connection, as_beta, alpha, beta, keeper, scheme):
    theirs, actor = as_beta
    share(session, connection, alpha, beta, keeper)

    assert [one.key for one in grids.list_schemes(theirs, actor)] == ["squares"]
    assert grids.get(theirs, actor, COMMUNITY).name == "多福巷社区居委会"
    assert grids.locate_for_agency(theirs, actor, {"lon": 116.4001, "lat": 39.8999}).code == f"{COMMUNITY}001"
    assert len(grids.list_grids(theirs, actor, Wanted(below=COMMUNITY), limit=20)) == 6
    with pytest.raises(Forbidden):
        grids.import_geojson(theirs, actor, collection(feature("110101001009", "x", "community", None, square(9))))
    with pytest.raises(Forbidden):
        grids.share_scheme(theirs, actor, "squares", "alpha")
    assert connection.execute(text("UPDATE grid SET name = 'x'")).rowcount == 0


def test_share_refuses_the_unknown_and_oneself_and_twice_is_once(session, connection, alpha, beta, keeper, scheme):
    for agency in ("nobody", alpha.key):
        with pytest.raises(Invalid):
            grids.share_scheme(session, keeper, "squares", agency)
    grids.share_scheme(session, keeper, "squares", beta.key)
    grids.share_scheme(session, keeper, "squares", beta.key)

    assert connection.execute(text("SELECT count(*) FROM grid_scheme_share")).scalar() == 1


@pytest.fixture
def referring(owner_engine):
    """A table of agencies' rows that refer to grids, as a plugin's own table does."""
    with owner_engine.begin() as owner:
        owner.execute(text("CREATE TABLE grid_test_reference (agency_id integer, grid_id bigint)"))
        owner.exec_driver_sql(ddl.shared_grids_only("grid_test_reference").replace("%", "%%"))
        owner.execute(text("GRANT SELECT, INSERT, UPDATE ON grid_test_reference TO wangge_app"))
    yield
    with owner_engine.begin() as owner:
        owner.execute(text("DROP TABLE grid_test_reference"))
        owner.execute(
            text("DROP FUNCTION grid_test_reference_grid_id_is_shared_on_insert, grid_test_reference_grid_id_is_shared_on_update")
        )


def test_every_core_table_that_refers_to_grids_is_guarded(connection):
    import_models()
    wanted = {
        f"{table.name}_{column.name}_is_shared_on_{verb}"
        for table in Base.metadata.tables.values()
        if "agency_id" in table.columns
        for column in table.columns
        if any(key.target_fullname == "grid.id" for key in column.foreign_keys)
        for verb in ("insert", "update")
    }

    found = set(connection.execute(text("SELECT tgname FROM pg_trigger WHERE tgname LIKE '%is_shared%'")).scalars())

    assert {"record_grid_id_is_shared_on_insert", "cases_grid_id_is_shared_on_update"} <= wanted
    assert wanted <= found


def test_reference_to_an_unshared_grid_is_refused(referring, session, connection, as_beta, alpha, beta, keeper, scheme):
    grid_id = _any_grid(connection, alpha, beta)
    add = text("INSERT INTO grid_test_reference VALUES (:agency, :grid)")

    connection.execute(add, [{"agency": alpha.id, "grid": grid_id}, {"agency": beta.id, "grid": None}])
    with pytest.raises(IntegrityError, match="not shared with the agency"), connection.begin_nested():
        connection.execute(add, {"agency": beta.id, "grid": grid_id})
    with pytest.raises(IntegrityError, match="not shared with the agency"), connection.begin_nested():
        connection.execute(text("UPDATE grid_test_reference SET grid_id = :grid WHERE grid_id IS NULL"), {"grid": grid_id})

    share(session, connection, alpha, beta, keeper)
    connection.execute(add, {"agency": beta.id, "grid": grid_id})


def _any_grid(connection, alpha, beta):
    set_agency(connection, alpha.id)
    found = connection.execute(text("SELECT min(id) FROM grid")).scalar()
    set_agency(connection, beta.id)
    return found
