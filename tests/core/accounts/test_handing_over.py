"""Handing over, teams, responsibilities, and a person's data shown and erased."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core.accounts import service
from core.accounts.models import Member, Responsibility, RoleAssignment, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.service.holders import Holder, OpenItem, register_hand_over
from core.db.base import User
from core.grid.models import Grid, GridLevel, GridScheme
from core.lib import clock
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound

READ = AccountRight.DEPARTMENT_READ


@pytest.fixture
def system(make_actor):
    return make_actor(is_system=True)


@pytest.fixture
def pair(session, system):
    """A leaver and a successor."""
    return [service.create_user(session, system, service.NewUser(name, name)).user_id for name in ("leaver", "successor")]


@pytest.fixture(scope="module")
def grids(database, agencies):
    """Two grids of alpha's own scheme and one of beta's."""
    from core.db.engine import AgencySession  # noqa: PLC0415  # the owner writes both agencies' land

    with AgencySession(database.owner_engine, agency_id=None) as session:
        found = []
        for agency, codes in ((agencies[0], ("h1", "h2")), (agencies[1], ("h3",))):
            scheme = GridScheme(key=f"hand_{agency.key}", title={}, owner_agency_id=agency.id, origin_lon=116.0, origin_lat=40.0)
            session.add(scheme)
            session.flush()
            level = GridLevel(scheme_id=scheme.id, key="unit", title={}, depth=0)
            session.add(level)
            session.flush()
            for code in codes:
                names = {"code": code, "name": code, "name_pinyin": code, "search": code}
                grid = Grid(scheme_id=scheme.id, level_id=level.id, path=f"hand_{agency.key}.{code}", valid_from=clock.now(), **names)
                session.add(grid)
                session.flush()
                found.append(grid.id)
        session.commit()
    yield found
    with database.owner_engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE responsibility")
        for table, column in (("grid", "scheme_id"), ("grid_level", "scheme_id"), ("grid_scheme", "id")):
            connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM grid_scheme WHERE key LIKE 'hand@_%%' ESCAPE '@')"
            )


@pytest.fixture
def busy(session, system, alpha, pair, grids):
    """The leaver with a role, a team and a grid in hand."""
    leaver, _ = pair
    service.upsert_role(session, alpha.id, "busy", {"zh_CN": "忙"}, [READ])
    service.assign_role(session, system, user_id=leaver, role_key="busy", place=service.Place(grid_id=grids[0]))
    service.create_team(session, system, key="busy_team", name="一队", members=[leaver])
    service.take_charge(session, system, grid_id=grids[0], kind="inspector", user_id=leaver)
    return pair


def test_open_work_is_listed_by_kind(session, system, busy):
    found = service.list_open_work(session, system, Holder("user", busy[0]))
    assert {name: len(items) for name, items in found.items() if items} == {"assignments": 1, "responsibilities": 1, "teams": 1}


def test_everything_goes_to_the_successor_in_one_step(session, system, busy):
    leaver, successor = busy
    counts = service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    assert {name: counts[name] for name in ("assignments", "responsibilities", "teams")} == {
        "assignments": 1,
        "responsibilities": 1,
        "teams": 1,
    }
    for model in (RoleAssignment, TeamMember, Responsibility):
        assert session.scalars(select(model.user_id).where(model.user_id.in_(busy))).all() == [successor]
    assert not any(service.list_open_work(session, system, Holder("user", leaver)).values())


def test_a_successor_who_has_it_already_keeps_one(session, system, busy, grids):
    leaver, successor = busy
    service.take_charge(session, system, grid_id=grids[0], kind="inspector", user_id=successor)
    service.assign_role(session, system, user_id=successor, role_key="busy", place=service.Place(grid_id=grids[0]))
    service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    assert session.scalars(select(Responsibility.user_id).where(Responsibility.user_id.in_(busy))).all() == [successor]
    assert session.scalars(select(RoleAssignment.user_id).where(RoleAssignment.user_id.in_(busy))).all() == [successor]


def test_what_has_ended_stays_with_the_leaver_as_history(session, system, busy, grids):
    leaver, successor = busy
    ended = system.now - timedelta(days=1)
    service.take_charge(session, system, grid_id=grids[1], kind="inspector", user_id=leaver, valid_to=ended)
    service.assign_role(session, system, user_id=leaver, role_key="busy", place=service.Place(grid_id=grids[1]), valid_to=ended)
    counts = service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    assert (counts["responsibilities"], counts["assignments"]) == (1, 1)
    for model in (Responsibility, RoleAssignment):
        rows = session.execute(select(model.user_id, model.grid_id, model.valid_to).where(model.user_id.in_(busy)).order_by(model.grid_id))
        assert [tuple(row) for row in rows] == [(successor, grids[0], None), (leaver, grids[1], ended)]


def test_a_successor_who_once_had_it_has_it_again(session, system, busy, grids):
    leaver, successor = busy
    ended = system.now - timedelta(days=1)
    service.take_charge(session, system, grid_id=grids[0], kind="inspector", user_id=successor, valid_to=ended)
    service.assign_role(session, system, user_id=successor, role_key="busy", place=service.Place(grid_id=grids[0]), valid_to=ended)
    service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    for model in (Responsibility, RoleAssignment):
        rows = session.execute(
            select(model.user_id, model.valid_to).where(model.user_id.in_(busy)).execution_options(populate_existing=True)
        )
        assert [tuple(row) for row in rows] == [(successor, None)]


def test_a_successor_of_the_other_axis_is_refused_whole(session, system, alpha, busy):
    leaver, successor = busy
    service.upsert_role(session, alpha.id, "rival", {"zh_CN": "对"}, [], excludes=["busy"])
    service.assign_role(session, system, user_id=successor, role_key="rival")
    with pytest.raises(Conflict), session.begin_nested():
        service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    session.expire_all()
    assert session.scalars(select(Responsibility.user_id).where(Responsibility.user_id.in_(busy))).all() == [leaver]


def test_somebody_with_work_in_hand_does_not_leave(session, system, busy):
    leaver, successor = busy
    with pytest.raises(Conflict) as refused:
        service.end_membership(session, system, leaver, version=1)
    assert refused.value.extra["work"] == {"responsibilities": 1, "teams": 1}
    service.hand_over(session, system, Holder("user", leaver), Holder("user", successor))
    assert service.end_membership(session, system, leaver, version=1).active is False
    assert session.get_one(User, leaver).active is False


@pytest.mark.parametrize("wrong", ["self", "kind", "gone", "nobody"])
def test_a_wrong_receiver_is_refused(session, system, pair, wrong):
    leaver, successor = pair
    if wrong == "gone":
        service.end_membership(session, system, successor, version=1)
    target = {
        "self": Holder("user", leaver),
        "kind": Holder("department", 1),
        "gone": Holder("user", successor),
        "nobody": Holder("user", 2**31 - 1),
    }
    error = {"self": Invalid, "kind": Invalid, "gone": Conflict, "nobody": NotFound}
    with pytest.raises(error[wrong]):
        service.hand_over(session, system, Holder("user", leaver), target[wrong])


def test_handing_over_needs_its_right_for_both(session, system, make_actor):
    one = service.create_department(session, system, code="HO-1", name="甲")
    two = service.create_department(session, system, code="HO-2", name="乙")
    users = [
        service.create_user(session, system, service.NewUser(f"ho-{place.code}", "x", department_id=place.id)).user_id
        for place in (one, two)
    ]
    local = make_actor([AccountRight.MEMBER_HAND_OVER], department_path=one.path)
    with pytest.raises(Forbidden):
        service.hand_over(session, local, Holder("user", users[0]), Holder("user", users[1]))


def test_a_departments_work_goes_to_another_before_it_ends(session, system, alpha, pair):
    old = service.create_department(session, system, code="HO-3", name="旧局")
    new = service.create_department(session, system, code="HO-4", name="新局")
    service.upsert_role(session, alpha.id, "busy", {"zh_CN": "忙"}, [READ])
    service.assign_role(session, system, user_id=pair[0], role_key="busy", place=service.Place(department_id=old.id))
    service.create_team(session, system, key="dept_team", name="二队", department_id=old.id)
    with pytest.raises(Conflict):
        service.retire_department(session, system, old, version=1)
    service.hand_over(session, system, Holder("department", old.id), Holder("department", new.id))
    assert service.retire_department(session, system, old, version=1).active is False
    assert session.scalars(select(RoleAssignment.department_id).where(RoleAssignment.user_id == pair[0])).all() == [new.id]


def test_a_kind_of_work_is_registered_once():
    def lister(_session, _holder, _now):
        return [OpenItem("x", "x")]

    with pytest.raises(ValueError, match="assignments"):
        register_hand_over("assignments", lister, lambda *_: 0)


# --- teams and responsibilities -----------------------------------------------


def test_a_team_holds_members_of_the_agency_alone(session, system, pair, person, beta):
    team = service.create_team(session, system, key="team", name="三队", members=pair)
    stranger = person(agency=beta)
    with pytest.raises(Invalid):
        service.set_team_members(session, system, team, {stranger.id: False})
    service.set_team_members(session, system, team, {pair[1]: True})
    members = select(TeamMember.user_id, TeamMember.is_lead).where(TeamMember.team_id == team.id)
    assert session.execute(members).all() == [(pair[1], True)]


def test_a_grid_of_a_scheme_that_is_not_shared_cannot_be_taken(session, system, alpha, pair, grids):
    with pytest.raises(NotFound):
        service.take_charge(session, system, grid_id=grids[2], kind="inspector", user_id=pair[0])
    service.upsert_role(session, alpha.id, "busy", {"zh_CN": "忙"}, [READ])
    with pytest.raises(NotFound):
        service.assign_role(session, system, user_id=pair[0], role_key="busy", place=service.Place(grid_id=grids[2]))
    # The database refuses it even without the service.
    with pytest.raises(IntegrityError), session.begin_nested():
        service.take_charges(session, system, kind="inspector", charges=[(pair[0], grids[2])])


def test_charges_are_taken_many_at_once_and_only_once(session, system, pair, grids):
    charges = [(user_id, grid_id) for user_id in pair for grid_id in grids[:2]]
    assert service.take_charges(session, system, kind="inspector", charges=charges) == 4
    assert service.take_charges(session, system, kind="inspector", charges=charges) == 0


def test_one_holder_is_a_member_or_a_team(session, system, pair, grids):
    for holder in ({}, {"user_id": pair[0], "team_id": 1}, {"user_id": 2**31 - 1}, {"team_id": 2**40}):
        with pytest.raises(Invalid):
            service.take_charge(session, system, grid_id=grids[0], kind="inspector", **holder)


def test_over_http_teams_and_charges_live_their_life(browser, person, grids):
    rights = (AccountRight.TEAM_READ, AccountRight.TEAM_MANAGE, AccountRight.RESPONSIBILITY_MANAGE, AccountRight.MEMBER_READ)
    mine, someone = browser(*rights), person()
    made = mine.post("/teams", {"key": "http_team", "name": "网队", "members": [someone.id]})
    assert made.status_code == 201, made.get_json()
    path = f"/teams/{made.get_json()['uuid']}"
    led = mine.send("PUT", f"{path}/members", json={"members": [{"user_id": someone.id, "is_lead": True}]}).get_json()
    assert led["members"] == [{"user_id": someone.id, "is_lead": True}]
    assert mine.send("PATCH", path, json={"name": "新队", "active": False}, headers={"If-Match": "1"}).get_json()["active"] is False
    charge = mine.post("/responsibilities", {"grid_id": grids[0], "kind": "inspector", "user_id": someone.id})
    assert charge.status_code == 201, charge.get_json()
    listed = mine.get(f"/responsibilities?user_id={someone.id}").get_json()["items"]
    assert [one["grid_id"] for one in listed] == [grids[0]]
    assert mine.send("DELETE", f"/responsibilities/{charge.get_json()['id']}").status_code == 204


def test_over_http_a_leaver_hands_over_and_leaves(browser, person, grids):
    rights = (AccountRight.MEMBER_READ, AccountRight.MEMBER_MANAGE, AccountRight.MEMBER_HAND_OVER, AccountRight.RESPONSIBILITY_MANAGE)
    mine, leaver, successor = browser(*rights), person(), person()
    mine.post("/responsibilities", {"grid_id": grids[1], "kind": "inspector", "user_id": leaver.id})
    items = mine.get(f"/users/{leaver.id}/open-work").get_json()["items"]
    assert [(one["kind"], one["subject"]) for one in items] == [("responsibilities", f"grid:{grids[1]}")]
    assert mine.send("DELETE", f"/users/{leaver.id}", headers={"If-Match": "1"}).status_code == 409
    moved = mine.post(f"/users/{leaver.id}/hand-over", {"to": successor.id})
    assert (moved.status_code, moved.get_json()["counts"]["responsibilities"]) == (200, 1)
    assert mine.send("DELETE", f"/users/{leaver.id}", headers={"If-Match": "1"}).get_json()["active"] is False


# --- a person's data ----------------------------------------------------------


def test_a_persons_data_is_shown_and_erased_and_what_was_done_stays(session, system):
    new = service.NewUser(
        "erasable", "可清除", phone="13900001111", id_number="110101199003078888", email="e@example.com", employee_number="E9"
    )
    user_id = service.create_user(session, system, new).user_id
    shown = service.export_person(session, system, user_id)
    assert shown["membership"]["phone"] == "13900001111"
    assert service.export_account(session, user_id)["email"] == "e@example.com"
    with pytest.raises(Conflict):
        service.erase_person(session, system, user_id)
    service.end_membership(session, system, user_id, version=1)
    service.erase_person(session, system, user_id)
    service.erase_account(session, user_id)
    session.expire_all()
    member, user = session.scalars(select(Member).where(Member.user_id == user_id)).one(), session.get_one(User, user_id)
    assert (member.phone, member.id_number, member.employee_number, member.name_pinyin) == (None, None, None, "")
    assert (user.username, user.name, user.email, user.password, user.active) == (f"erased-{user_id}", "—", None, None, False)
    everything = " ".join(
        str(row)
        for table in ("ab_user", "member", "audit_entry", "sign_in_record")
        for row in session.execute(text(f"SELECT * FROM {table}"))
    )
    assert [value for value in ("erasable", "可清除", "13900001111", "e@example.com", "ke qing chu") if value in everything] == []


def test_a_persons_data_needs_its_right(session, make_actor, pair):
    nobody = make_actor([AccountRight.MEMBER_MANAGE])
    for attempt in (service.export_person, service.erase_person):
        with pytest.raises(Forbidden):
            attempt(session, nobody, pair[0])
