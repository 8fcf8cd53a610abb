"""Roles and assignments: nobody gives what he has not, and the two axes never meet in one person."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.accounts import service
from core.accounts.models import AgencyRole, RoleAssignment
from core.accounts.permissions import AccountRight
from core.accounts.signin.standing import actor_for, system_actor
from core.db.uow import unit_of_work
from core.lib import clock
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from core.testing.fixtures import NOON

GRANT, READ, MANAGE, TEAM = AccountRight.ASSIGNMENT_GRANT, AccountRight.DEPARTMENT_READ, AccountRight.ROLE_MANAGE, AccountRight.TEAM_READ


@pytest.fixture
def system(make_actor):
    return make_actor(is_system=True)


@pytest.fixture
def member(session, system):
    return service.create_user(session, system, service.NewUser("holder", "持有人"))


def _role(session, alpha, key, *rights, **options):
    return service.upsert_role(session, alpha.id, key, {"zh_CN": key, "en": key}, list(rights), **options)


def _assign(session, actor, member, key, **options):
    return service.assign_role(session, actor, user_id=member.user_id, role_key=key, **options)


def test_a_right_that_is_not_registered_cannot_be_bundled(session, alpha):
    with pytest.raises(Invalid, match="accounts:moon:land"):
        _role(session, alpha, "astronaut", "accounts:moon:land")


def test_a_role_is_written_once_and_changes_in_place(session, alpha):
    first = _role(session, alpha, "clerk", READ)
    assert _role(session, alpha, "clerk", READ).version == 1
    again = _role(session, alpha, "clerk", READ, TEAM)
    assert (again.id, again.version, again.rights) == (first.id, 2, sorted([READ, TEAM]))


def test_an_assignment_gives_exactly_the_rights_at_the_place(session, system, alpha, member):
    _role(session, alpha, "reader", READ)
    office = service.create_department(session, system, code="R-1", name="甲科")
    _assign(session, system, member, "reader", place=service.Place(department_id=office.id))
    actor = actor_for(session, agency=(alpha.id, alpha.key), user_id=member.user_id, now=NOON)
    assert actor.roles == {"reader"}
    assert (actor.may(READ, department_path=office.path), actor.may(READ), actor.may(TEAM)) == (True, False, False)


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [(None, 1, True), (-1, None, True), (1, None, False), (None, -1, False), (-2, -1, False), (-1, 1, True), (0, 1, True), (-1, 0, False)],
)
def test_an_assignment_counts_only_in_its_time(session, system, alpha, member, start, end, holds):
    _role(session, alpha, "timed", READ)
    period = {
        "valid_from": None if start is None else NOON + timedelta(hours=start),
        "valid_to": None if end is None else NOON + timedelta(hours=end),
    }
    _assign(session, system, member, "timed", **period)
    assert actor_for(session, agency=(alpha.id, alpha.key), user_id=member.user_id, now=NOON).may(READ) is holds


def test_a_period_that_ends_before_it_begins_is_refused(session, system, alpha, member):
    _role(session, alpha, "timed", READ)
    with pytest.raises(Invalid):
        _assign(session, system, member, "timed", valid_from=NOON, valid_to=NOON)


def test_a_move_of_the_department_moves_the_grant(session, system, alpha, member):
    _role(session, alpha, "reader", READ)
    office = service.create_department(session, system, code="R-2", name="甲科")
    target = service.create_department(session, system, code="R-3", name="乙局")
    _assign(session, system, member, "reader", place=service.Place(department_id=office.id))
    old = office.path
    service.move_department(session, system, office, target, version=1)
    session.expire_all()
    actor = actor_for(session, agency=(alpha.id, alpha.key), user_id=member.user_id, now=NOON)
    assert (actor.may(READ, department_path=office.path), actor.may(READ, department_path=old)) == (True, False)


# --- escalation ---------------------------------------------------------------


def test_nobody_gives_a_right_that_is_not_his_there(session, system, alpha, member, make_actor):
    _role(session, alpha, "reader", READ)
    office = service.create_department(session, system, code="R-4", name="甲科")
    inside = service.create_department(session, system, code="R-5", name="甲股", parent=office)
    giver = make_actor([GRANT, READ], department_path=office.path)
    _assign(session, giver, member, "reader", place=service.Place(department_id=inside.id))
    with pytest.raises(Forbidden):
        _assign(session, giver, member, "reader")
    only_grant = make_actor([GRANT])
    with pytest.raises(Forbidden, match="accounts:department:read"):
        _assign(session, only_grant, member, "reader")
    only_right = make_actor([READ])
    with pytest.raises(Forbidden, match="accounts:assignment:grant"):
        _assign(session, only_right, member, "reader")


def test_the_agencys_administrator_gives_anything(session, alpha, member, make_actor):
    _role(session, alpha, "reader", READ, TEAM)
    _assign(session, make_actor([GRANT, AccountRight.AGENCY_ADMINISTER]), member, "reader")


def test_a_role_of_ones_own_holds_no_more_than_oneself(session, make_actor):
    maker = make_actor([MANAGE, READ])
    values = {"title": {"zh_CN": "自建", "en": "Own"}, "rights": [READ]}
    role = service.create_role(session, maker, "own", values)
    with pytest.raises(Forbidden):
        service.update_role(session, maker, role, {"rights": [READ, TEAM]}, version=1)
    with pytest.raises(Forbidden):
        service.create_role(session, maker, "more", {**values, "rights": [TEAM]})
    local = make_actor([MANAGE, READ], department_path="1")
    with pytest.raises(Forbidden):
        service.create_role(session, local, "local", values)


def test_a_role_of_a_definition_file_is_not_edited_by_hand(session, alpha, make_actor):
    role = _role(session, alpha, "filed", READ)
    maker = make_actor([MANAGE, READ])
    with pytest.raises(Conflict):
        service.update_role(session, maker, role, {"rights": []}, version=1)
    with pytest.raises(Conflict):
        service.retire_role(session, maker, role, version=1)


def test_a_held_role_is_not_retired(session, system, member, make_actor):
    maker = make_actor([MANAGE, READ])
    role = service.create_role(session, maker, "held", {"title": {"zh_CN": "持"}, "rights": [READ]})
    given = _assign(session, system, member, "held")
    with pytest.raises(Conflict):
        service.retire_role(session, maker, role, version=1)
    service.revoke_assignment(session, system, given)
    assert service.retire_role(session, maker, role, version=1).active is False
    with pytest.raises(NotFound):
        _assign(session, system, member, "held")


# --- the two axes -------------------------------------------------------------


@pytest.fixture
def axes(session, alpha):
    _role(session, alpha, "supervisor", READ)
    _role(session, alpha, "handler", TEAM, excludes=["supervisor"])


@pytest.mark.parametrize("order", [("supervisor", "handler"), ("handler", "supervisor")])
def test_roles_that_exclude_each_other_never_meet(session, system, axes, member, order):
    first, second = order
    _assign(session, system, member, first)
    with pytest.raises(Conflict) as refused:
        _assign(session, system, member, second)
    assert refused.value.extra == {"role": second, "excludes": first}
    assert "两轴" in refused.value.message.text("zh_CN")


def test_excluding_roles_may_follow_each_other(session, system, axes, member):
    _assign(session, system, member, "supervisor", valid_to=NOON)
    _assign(session, system, member, "handler", valid_from=NOON)
    with pytest.raises(Conflict):
        _assign(session, system, member, "supervisor", valid_to=NOON + timedelta(seconds=1))


def test_roles_held_together_cannot_be_made_to_exclude_each_other(session, system, alpha, member):
    _role(session, alpha, "one", READ)
    _role(session, alpha, "two", TEAM)
    _assign(session, system, member, "one")
    _assign(session, system, member, "two")
    with pytest.raises(Conflict):
        _role(session, alpha, "two", TEAM, excludes=["one"])


def test_two_assignments_at_once_cannot_slip_past_each_other(database, alpha, person):
    someone = person()
    with unit_of_work(database, alpha.id) as session:
        _role(session, alpha, "race_left", READ)
        _role(session, alpha, "race_right", TEAM, excludes=["race_left"])
    ready, outcomes = threading.Barrier(2), []

    def give(key):
        try:
            with unit_of_work(database, alpha.id) as own:
                own.execute(select(1))
                ready.wait()
                service.assign_role(own, system_actor((alpha.id, alpha.key), now=clock.now()), user_id=someone.id, role_key=key)
            outcomes.append("given")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=give, args=(key,)) for key in ("race_left", "race_right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["given", "refused"]
    with database.session(alpha.id) as session:
        assert len(session.scalars(select(RoleAssignment.id).where(RoleAssignment.user_id == someone.id)).all()) == 1


def test_an_exclusion_waits_for_an_assignment_under_way(database, alpha, person):
    someone = person()
    with unit_of_work(database, alpha.id) as session:
        _role(session, alpha, "late_left", READ)
        _role(session, alpha, "late_right", TEAM)
        service.assign_role(session, system_actor((alpha.id, alpha.key), now=clock.now()), user_id=someone.id, role_key="late_left")
    outcome = []

    def exclude():
        try:
            with unit_of_work(database, alpha.id) as own:
                _role(own, alpha, "late_left", READ, excludes=["late_right"])
            outcome.append("excluded")
        except Conflict:
            outcome.append("refused")

    with database.session(alpha.id) as session:
        service.assign_role(session, system_actor((alpha.id, alpha.key), now=clock.now()), user_id=someone.id, role_key="late_right")
        other = threading.Thread(target=exclude)
        other.start()
        other.join(0.5)
        assert outcome == []
        session.commit()
    other.join(30)
    assert outcome == ["refused"]


# --- places -------------------------------------------------------------------


def test_a_place_that_is_not_there_never_widens(session, system, alpha, member):
    _role(session, alpha, "reader", READ)
    for place in (service.Place(grid_id=10**12), service.Place(department_id=10**12)):
        with pytest.raises(NotFound):
            _assign(session, system, member, "reader", place=place)


def test_a_role_for_a_place_needs_its_place(session, system, alpha, member):
    _role(session, alpha, "at_grid", READ, scope="grid")
    _role(session, alpha, "at_department", READ, scope="department")
    for key, path in (("at_grid", "grid_id"), ("at_department", "department")):
        with pytest.raises(Invalid) as refused:
            _assign(session, system, member, key)
        assert refused.value.errors[0].path == path


def test_the_same_assignment_again_changes_its_period(session, system, alpha, member):
    _role(session, alpha, "reader", READ)
    first = _assign(session, system, member, "reader")
    again = _assign(session, system, member, "reader", valid_to=NOON)
    assert (first.id, again.valid_to) == (again.id, NOON)


def test_somebody_who_left_gets_no_role(session, system, alpha, member):
    _role(session, alpha, "reader", READ)
    service.end_membership(session, system, member.user_id, version=1)
    with pytest.raises(NotFound):
        _assign(session, system, member, "reader")


# --- over HTTP ----------------------------------------------------------------


def test_over_http_a_role_and_an_assignment_live_their_life(browser, person):
    mine = browser(AccountRight.AGENCY_ADMINISTER, MANAGE, AccountRight.ROLE_READ, GRANT, AccountRight.ASSIGNMENT_READ)
    someone = person()
    made = mine.post("/roles", {"key": "web_role", "title": {"zh_CN": "网页角色"}, "rights": [str(READ)], "excludes": []})
    assert made.status_code == 201, made.get_json()
    changed = mine.send("PATCH", "/roles/web_role", json={"rights": [str(READ), str(TEAM)]}, headers={"If-Match": "1"})
    assert changed.get_json()["version"] == 2
    given = mine.post("/assignments", {"user_id": someone.id, "role": "web_role"})
    assert given.status_code == 201, given.get_json()
    listed = mine.get(f"/assignments?user_id={someone.id}").get_json()["items"]
    assert [one["role"] for one in listed] == ["web_role"]
    assert mine.send("DELETE", "/roles/web_role", headers={"If-Match": "2"}).status_code == 409
    assert mine.send("DELETE", f"/assignments/{given.get_json()['id']}").status_code == 204
    assert mine.send("DELETE", f"/assignments/{given.get_json()['id']}").status_code == 404
    assert mine.send("DELETE", "/roles/web_role", headers={"If-Match": "2"}).status_code == 200
    assert str(READ) in [one["key"] for one in mine.get("/rights").get_json()["items"]]


def test_over_http_a_refused_pair_says_why(browser, person, database, alpha):
    with unit_of_work(database, alpha.id) as session:
        _role(session, alpha, "web_left", READ)
        _role(session, alpha, "web_right", TEAM, excludes=["web_left"])
    mine = browser(AccountRight.AGENCY_ADMINISTER, GRANT)
    someone = person()
    assert mine.post("/assignments", {"user_id": someone.id, "role": "web_left"}).status_code == 201
    answer = mine.post("/assignments", {"user_id": someone.id, "role": "web_right"})
    assert (answer.status_code, answer.get_json()["excludes"]) == (409, "web_left")


def test_assignments_outside_ones_scope_are_not_listed(session, system, alpha, member, make_actor):
    _role(session, alpha, "reader", READ)
    office = service.create_department(session, system, code="R-6", name="甲科")
    other = service.create_department(session, system, code="R-7", name="乙科")
    for place in (office, other):
        _assign(session, system, member, "reader", place=service.Place(department_id=place.id))
    local = make_actor([AccountRight.ASSIGNMENT_READ], department_path=office.path)
    assert [row[0].department_id for row in session.execute(service.visible_assignments(local))] == [office.id]


def test_roles_are_of_the_registry_name_role(session):
    assert AgencyRole.__tablename__ == "role"
