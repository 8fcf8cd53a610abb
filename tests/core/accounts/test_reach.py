"""The permission rule read the other way round: whoever is listed may, and whoever may is listed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.accounts import service
from core.accounts.permissions import AccountRight
from core.accounts.service.reach import who_holds
from core.accounts.signin.standing import actor_for
from core.testing.fixtures import NOON

RIGHT, OTHER = AccountRight.TEAM_READ, AccountRight.ROLE_READ
PEOPLE = 3


@pytest.fixture
def offices(session, make_actor):
    """Departments of three generations: 0 above 1 above 2, and 3 beside them."""
    system = make_actor(is_system=True)
    top = service.create_department(session, system, code="RE-0", name="甲")
    below = service.create_department(session, system, code="RE-1", name="乙", parent=top)
    lowest = service.create_department(session, system, code="RE-2", name="丙", parent=below)
    return [top, below, lowest, service.create_department(session, system, code="RE-3", name="丁")]


@pytest.fixture
def people(session, alpha, make_actor):
    system = make_actor(is_system=True)
    for key, right in (("reach_yes", RIGHT), ("reach_no", OTHER)):
        service.upsert_role(session, alpha.id, key, {"zh_CN": key}, [right])
    return [service.create_user(session, system, service.NewUser(f"reach-{number}", "人")).user_id for number in range(PEOPLE)]


_PLACE = st.one_of(st.none(), st.integers(0, 3))
_HELD = st.tuples(st.integers(0, PEOPLE - 1), st.sampled_from(["reach_yes", "reach_no"]), _PLACE)


@given(held=st.lists(_HELD, max_size=6), left=st.sets(st.integers(0, PEOPLE - 1), max_size=1), place=_PLACE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_who_is_listed_may_and_who_may_is_listed(session, alpha, make_actor, offices, people, held, left, place):
    system = make_actor(is_system=True)
    with session.begin_nested() as undone:
        for number, role, where in held:
            spot = service.Place(department_id=None if where is None else offices[where].id)
            service.assign_role(session, system, user_id=people[number], role_key=role, place=spot)
        for number in left:
            service.end_membership(session, system, people[number], version=1)
        path = None if place is None else offices[place].path
        listed = who_holds(session, RIGHT, grid_path=None, department_path=path, now=NOON)
        may = [
            user_id
            for user_id in people
            if actor_for(session, agency=(alpha.id, alpha.key), user_id=user_id, now=NOON).may(RIGHT, department_path=path)
        ]
        undone.rollback()
    session.expire_all()
    assert [user_id for user_id in listed if user_id in people] == sorted(may)
