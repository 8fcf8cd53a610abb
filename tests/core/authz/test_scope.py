"""One rule, twice: the yes/no and the SQL filter agree with each other and with brute force."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, cast, column, literal, select, text, values
from sqlalchemy.exc import DBAPIError

from core.accounts.models import Department
from core.authz import Actor, Grant, Right, Scope, catalogue, register_rights, require, require_anywhere, scope
from core.db.engine import AgencySession
from core.grid.models import Grid, GridLevel, GridScheme
from core.lib import clock
from core.lib.errors import Forbidden

RIGHT = "authz:thing:read"
SHAPE = [None, 0, 0, 1, 1, 2, 2, 3, 5, 0, 9, None, 11]
"""Parents of a forest with two roots; a node of the second must never be reached from the first."""


def _chain(number: int | None) -> list[int]:
    """Give a node and everything above it, by walking the parents: the brute-force truth."""
    return [] if number is None else [number, *_chain(SHAPE[number])]


@pytest.fixture(scope="module")
def forest(database, agencies):
    """Store the forest twice, as grids and as departments of alpha; give ids and paths by node."""
    alpha = agencies[0]
    with AgencySession(database.owner_engine, agency_id=alpha.id) as session:
        scheme = GridScheme(key="authz_forest", title={}, owner_agency_id=alpha.id, origin_lon=116.0, origin_lat=40.0)
        session.add(scheme)
        session.flush()
        level = GridLevel(scheme_id=scheme.id, key="unit", title={}, depth=0)
        session.add(level)
        session.flush()
        grids, departments = [], []
        for number in range(len(SHAPE)):
            path = ".".join(["authz_forest", *(f"g{one}" for one in reversed(_chain(number)))])
            code = f"g{number}"
            names = {"code": code, "name": code, "name_pinyin": code, "search": code}
            grid = Grid(scheme_id=scheme.id, level_id=level.id, path=path, valid_from=clock.now(), **names)
            session.add(grid)
            session.flush()
            grids.append((grid.id, path))
            place = ".".join(f"d{one}" for one in reversed(_chain(number)))
            department = Department(agency_id=alpha.id, code=f"authz-{number}", name=f"{number}", path=place)
            session.add(department)
            session.flush()
            departments.append((department.id, place))
        session.commit()
    yield grids, departments
    with database.owner_engine.begin() as connection:
        for statement in (
            "DELETE FROM department WHERE code LIKE 'authz-%'",
            "DELETE FROM grid WHERE path <@ 'authz_forest'",
            "DELETE FROM grid_level WHERE scheme_id IN (SELECT id FROM grid_scheme WHERE key = 'authz_forest')",
            "DELETE FROM grid_scheme WHERE key = 'authz_forest'",
            "UPDATE configuration_epoch SET value = value + 1",
        ):
            connection.execute(text(statement))


_NODE = st.one_of(st.none(), st.integers(0, len(SHAPE) - 1))
_PLACES = st.lists(st.tuples(_NODE, _NODE), max_size=5)


@given(granted=_PLACES, things=st.lists(st.tuples(_NODE, _NODE), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filter_and_answer_agree_with_brute_force(session, forest, granted, things):
    grids, departments = forest
    grants = tuple(Grant(RIGHT, None if g is None else grids[g][1], None if d is None else departments[d][1]) for g, d in granted)
    found = Scope(grants)

    truth = {
        number
        for number, (grid, department) in enumerate(things)
        if any((g is None or g in _chain(grid)) and (d is None or d in _chain(department)) for g, d in granted)
    }
    answers = {
        number
        for number, (grid, department) in enumerate(things)
        if found.allows(
            grid_path=None if grid is None else grids[grid][1], department_path=None if department is None else departments[department][1]
        )
    }
    rows = values(column("number", Integer), column("grid_id", BigInteger), column("department_id", BigInteger), name="thing").data(
        [(n, None if g is None else grids[g][0], None if d is None else departments[d][0]) for n, (g, d) in enumerate(things)]
    )
    # PostgreSQL takes a column of nothing but nulls for text.
    grid_id, department_id = cast(rows.c.grid_id, BigInteger), cast(rows.c.department_id, BigInteger)
    listed = set(session.scalars(select(rows.c.number).where(found.filter(grid_id, department_id))))

    assert truth == answers
    assert truth == listed


def test_no_grant_no_rows(session):
    assert session.scalars(select(literal(1)).where(Scope(()).filter())).all() == []
    assert not Scope(()).allows()


def test_a_grant_at_a_place_reaches_nothing_of_a_table_without_that_column(session, forest):
    grids, _ = forest
    found = Scope((Grant(RIGHT, grids[0][1], None),))
    assert session.scalars(select(literal(1)).where(found.filter(None, literal(5)))).all() == []


def test_a_path_that_only_begins_alike_is_outside():
    found = Scope((Grant(RIGHT, "a.b", None),))
    assert tuple(found.allows(grid_path=path) for path in ("a.b", "a.b.c", "a.bc", "a")) == (True, True, False, False)


def test_a_hostile_path_is_a_value_not_sql(session):
    found = Scope((Grant(RIGHT, "a' OR true --", None),))
    with pytest.raises(DBAPIError, match="ltree"), session.begin_nested():
        session.scalars(select(literal(1)).where(found.filter(literal(1), None))).all()


def test_another_agencys_department_is_reached_by_nobody(database, beta, forest):
    _, departments = forest
    with database.session(beta.id) as other:
        found = Scope((Grant(RIGHT, None, departments[0][1]),))
        assert other.scalars(select(literal(1)).where(found.filter(None, literal(departments[0][0])))).all() == []


def test_require_is_the_same_rule(make_actor):
    actor = make_actor([RIGHT], grid_path="a.b")
    require(actor, RIGHT, grid_path="a.b.c")
    require_anywhere(actor, RIGHT)
    with pytest.raises(Forbidden):
        require(actor, RIGHT, grid_path="a")
    with pytest.raises(Forbidden):
        require(actor, RIGHT)
    with pytest.raises(Forbidden):
        require_anywhere(actor, "authz:thing:write")


def test_the_system_may_do_everything_inside_its_agency(make_actor):
    system = make_actor(is_system=True)
    require(system, RIGHT)
    require_anywhere(system, RIGHT)
    assert scope(system, RIGHT).allows()


def test_grants_of_one_right_give_nothing_of_another(make_actor):
    actor = make_actor([RIGHT])
    assert (actor.may(RIGHT), actor.may("authz:thing:write")) == (True, False)
    assert isinstance(actor, Actor)


def test_two_different_rights_under_one_key_are_a_mistake(monkeypatch):
    monkeypatch.setattr(catalogue, "_rights", {})
    right = Right("authz:test:once", {"zh_CN": "一", "en": "One"})
    register_rights([right, right])
    with pytest.raises(ValueError, match="authz:test:once"):
        register_rights([Right("authz:test:once", {"zh_CN": "二", "en": "Two"})])
