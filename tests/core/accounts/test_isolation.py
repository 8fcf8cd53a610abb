"""Neither agency sees the other's people: by the API, by raw SQL, with an agency set or with none."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from core.accounts import service
from core.accounts.models import AgencyRole, Department, Member, Post, Responsibility, RoleAssignment, Team, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.signin.standing import system_actor
from core.db.uow import unit_of_work
from core.lib import clock

OWNED = (Department, Post, Member, Team, TeamMember, AgencyRole, RoleAssignment, Responsibility)
EVERYTHING = tuple(AccountRight)


@pytest.fixture(scope="module")
def beta_rows(database, agencies, people_of_beta):
    """Fill each table of beta with a row; give the ids."""
    beta = agencies[1]
    with unit_of_work(database, beta.id) as session:
        actor = system_actor((beta.id, beta.key), now=clock.now())
        department = service.create_department(session, actor, code="B-1", name="乙局")
        session.add(Post(agency_id=beta.id, key="head", title={"zh_CN": "局长"}))
        team = service.create_team(session, actor, key="b_team", name="乙队", members=[people_of_beta.id])
        role = session.scalars(select(AgencyRole).limit(1)).one()
        return {"department": department.id, "team": team.id, "uuid": team.uuid, "role": role.id, "role_key": role.key}


@pytest.fixture(scope="module")
def people_of_beta(database, agencies):
    from core.testing.people import make_person  # noqa: PLC0415  # as the fixtures of conftest, but for the whole module

    return make_person(database, agencies[1], [AccountRight.DEPARTMENT_READ], phone="13800000000")


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__tablename__)
def test_every_owned_table_is_under_row_level_security(database, model):
    with database.owner_engine.connect() as connection:
        query = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = :name")
        assert connection.execute(query, {"name": model.__tablename__}).scalar() is True


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__tablename__)
def test_raw_sql_sees_only_the_agency_that_is_set(database, alpha, beta, beta_rows, model):
    name = model.__tablename__
    for agency_id in (None, alpha.id):
        with database.session(agency_id) as session:
            foreign = session.execute(text(f"SELECT count(*) FROM {name} WHERE agency_id = {beta.id}")).scalar()
            assert foreign == 0
            if agency_id is None:
                assert session.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 0
    if model is not Responsibility:
        with database.session(beta.id) as session:
            assert session.execute(text(f"SELECT count(*) FROM {name}")).scalar() > 0


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__tablename__)
def test_raw_sql_changes_nothing_of_another_agency(database, alpha, beta, beta_rows, model):
    name = model.__tablename__
    for agency_id in (None, alpha.id):
        with database.session(agency_id) as session:
            assert changed_by(session, f"DELETE FROM {name} WHERE agency_id = {beta.id}") == 0
            assert changed_by(session, f"UPDATE {name} SET agency_id = agency_id WHERE agency_id = {beta.id}") == 0


def changed_by(session, statement) -> int:
    """Count the rows that a statement touches; none where the application has no such privilege at all."""
    try:
        with session.begin_nested():
            return session.execute(text(statement)).rowcount
    except ProgrammingError as error:
        if "permission denied" not in str(error):
            raise
        return 0


@pytest.mark.parametrize("agency", ["none", "alpha"])
def test_a_row_cannot_be_written_for_another_agency(database, alpha, beta, agency):
    with database.session(alpha.id if agency == "alpha" else None) as session, pytest.raises(ProgrammingError, match="row-level security"):
        session.execute(insert(Post).values(agency_id=beta.id, key="spy", title={}))


def test_a_row_cannot_be_moved_to_another_agency(session, alpha, beta):
    session.execute(insert(Post).values(agency_id=alpha.id, key="mover", title={}))
    with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
        session.execute(text(f"UPDATE post SET agency_id = {beta.id} WHERE key = 'mover'"))


def test_a_reference_to_another_agencys_row_is_refused(session, alpha, beta_rows, people_of_beta):
    attempts = [
        insert(Department).values(agency_id=alpha.id, code="x", name="x", path="1", parent_id=beta_rows["department"]),
        insert(Team).values(agency_id=alpha.id, uuid=beta_rows["uuid"], key="x", name="x", department_id=beta_rows["department"]),
        insert(TeamMember).values(agency_id=alpha.id, team_id=beta_rows["team"], user_id=people_of_beta.id),
        insert(RoleAssignment).values(agency_id=alpha.id, user_id=people_of_beta.id, role_id=beta_rows["role"]),
        insert(Responsibility).values(agency_id=alpha.id, grid_id=1, kind="x", user_id=people_of_beta.id),
    ]
    for attempt in attempts:
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(attempt)


def test_every_reference_between_owned_tables_goes_by_both_columns(database):
    inspector = inspect(database.owner_engine)
    owned = {model.__tablename__ for model in OWNED}
    for table in owned:
        for key in inspector.get_foreign_keys(table):
            if key["referred_table"] in owned:
                assert "agency_id" in key["constrained_columns"], key["name"]


def test_the_agency_cannot_be_set_to_nonsense(database):
    with database.session(None) as session:
        session.execute(text("SELECT set_config('wangge.agency', '1 OR true', true)"))
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT count(*) FROM department"))


def test_the_api_shows_and_changes_nothing_of_another_agency(browser, beta_rows, people_of_beta):
    mine = browser(*EVERYTHING)
    version = {"headers": {"If-Match": "1"}}
    user = f"/users/{people_of_beta.id}"
    foreign = [
        ("GET", "/departments/B-1", {}),
        ("PATCH", "/departments/B-1", {"json": {"name": "甲"}, **version}),
        ("DELETE", "/departments/B-1", version),
        ("PUT", "/departments/B-1/parent", {"json": {"parent": None}, **version}),
        ("GET", "/departments/B-1/open-work", {}),
        ("GET", f"/teams/{beta_rows['uuid']}", {}),
        ("PUT", f"/teams/{beta_rows['uuid']}/members", {"json": {"members": []}}),
        ("GET", f"/roles/{beta_rows['role_key']}", {}),
        ("GET", user, {}),
        ("GET", f"{user}/contact", {}),
        ("PATCH", user, {"json": {"name": "甲"}, **version}),
        ("DELETE", user, version),
        ("PUT", f"{user}/password", {"json": {"password": "taken over 2026"}}),
        ("DELETE", f"{user}/second-factor", {}),
        ("DELETE", f"{user}/sessions", {}),
        ("GET", f"{user}/open-work", {}),
        ("POST", f"{user}/hand-over", {"json": {"to": 1}}),
        ("POST", "/assignments", {"json": {"user_id": people_of_beta.id, "role": beta_rows["role_key"]}}),
    ]
    for method, path, options in foreign:
        answer = mine.send(method, path, **options)
        assert answer.status_code == 404, (method, path, answer.get_json())


def test_lists_hold_nothing_of_another_agency(browser, beta_rows, people_of_beta):
    mine = browser(*EVERYTHING)
    assert "B-1" not in [one["code"] for one in mine.get("/departments?limit=200").get_json()["items"]]
    assert people_of_beta.id not in [one["id"] for one in mine.get("/users?limit=200").get_json()["items"]]
    assert [one["key"] for one in mine.get("/agencies").get_json()["items"]] == ["alpha"]
    assert mine.get("/agencies/beta").status_code == 404
