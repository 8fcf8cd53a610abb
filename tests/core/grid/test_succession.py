"""Who follows the land after a split or merge: roles and responsibilities, in every agency that uses the scheme."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import parts
from core.accounts.models import AgencyRole, Responsibility, RoleAssignment
from core.accounts.service import NewUser, create_user
from core.db import outbox
from core.db.engine import set_agency
from core.db.outbox import OutboxMessage
from core.grid import service as grids
from core.grid.ddl import CHANGED
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service import succession
from core.grid.service.succession import Followed, Follower, Progress
from core.grid.types import Part
from tests.core.grid.conftest import COMMUNITY, square

UNIT, NEXT = f"{COMMUNITY}001", f"{COMMUNITY}002"
HALVES = [Part("西", square(0, columns=0.5)), Part("东", square(0.5, columns=0.5))]


@pytest.fixture(autouse=True, scope="module")
def _every_follower():
    parts.load()


@pytest.fixture
def system(make_actor):
    """The system in alpha, thirty days after the scheme was made."""
    actor = make_actor(is_system=True)
    return replace(actor, now=actor.now + timedelta(days=30))


@pytest.fixture
def hire(session, system):
    """Make a member with a number; give the user's id."""

    def make(name="walker"):
        return create_user(session, system, NewUser(name, name)).user_id

    return make


@pytest.fixture
def role(session, alpha):
    """A role of alpha, held at grids."""
    made = AgencyRole(agency_id=alpha.id, key="walker", title={"zh_CN": "监督员"}, rights=[], excludes=[], scope="grid")
    session.add(made)
    session.flush()
    return made


def split(session, actor, code=UNIT, pieces=HALVES):
    return grids.split(session, actor, code, pieces, reason="拆", scheme="squares")


def merge(session, actor, codes):
    return grids.merge(session, actor, codes, name="并", reason="并", scheme="squares")


def follow_all(session, actor):
    """Follow the land to the end; give what moved."""
    progress = Progress()
    while not progress.is_done:
        progress = succession.follow_batch(session, actor, progress)
    return dict(progress.moved)


def assign(session, user_id, role, grid, **period):
    session.add(RoleAssignment(agency_id=role.agency_id, user_id=user_id, role_id=role.id, grid_id=grid.id, **period))
    session.flush()


def held(session, model, user_id):
    """Give (grid code, from, to) of what a user holds, in order."""
    rows = session.execute(
        select(Grid.code, model.valid_from, model.valid_to)
        .join(Grid, Grid.id == model.grid_id)
        .where(model.user_id == user_id)
        .order_by(Grid.code)
        .execution_options(populate_existing=True)
    )
    return [tuple(row) for row in rows]


def unit(session, actor, code):
    return grids.get(session, actor, code, scheme="squares", retired=True)


def test_role_at_a_split_grid_goes_on_at_every_part_and_ends_at_the_old(session, system, scheme, hire, role):
    user = hire()
    assign(session, user, role, unit(session, system, UNIT))
    west, east = split(session, system)

    assert follow_all(session, system)["assignments"] == 1

    at = system.now
    assert held(session, RoleAssignment, user) == [(UNIT, None, at), *sorted([(west.code, at, None), (east.code, at, None)])]
    assert succession.waiting(session, at)["assignments"] == 0


def test_following_twice_changes_nothing(session, system, scheme, hire, role):
    user = hire()
    assign(session, user, role, unit(session, system, UNIT))
    split(session, system)
    follow_all(session, system)
    before = held(session, RoleAssignment, user)

    assert set(follow_all(session, replace(system, now=system.now + timedelta(days=1))).values()) == {0}

    assert held(session, RoleAssignment, user) == before


def test_role_that_has_ended_stays_and_one_that_begins_later_moves_whole(session, system, scheme, hire, role):
    ended, coming = hire("ended"), hire("coming")
    past, future = system.now - timedelta(days=1), system.now + timedelta(days=9)
    old = unit(session, system, UNIT)
    assign(session, ended, role, old, valid_to=past)
    assign(session, coming, role, old, valid_from=future)
    west, east = split(session, system)

    follow_all(session, system)

    assert held(session, RoleAssignment, ended) == [(UNIT, None, past)]
    assert held(session, RoleAssignment, coming) == sorted([(west.code, future, None), (east.code, future, None)])


def test_role_held_at_both_merged_grids_becomes_one_for_the_longer_time(session, system, scheme, hire, role):
    user = hire()
    until = system.now + timedelta(days=5)
    assign(session, user, role, unit(session, system, UNIT), valid_to=until)
    assign(session, user, role, unit(session, system, NEXT))
    merged = merge(session, system, [UNIT, NEXT])

    follow_all(session, system)

    assert held(session, RoleAssignment, user)[-1] == (merged.code, system.now, None)
    assert len(held(session, RoleAssignment, user)) == 3


def test_nobody_widens_his_own_reach_by_a_merge(session, system, make_actor, scheme, hire, role):
    merger, other = hire("merger"), hire("other")
    for user in (merger, other):
        assign(session, user, role, unit(session, system, UNIT))
    actor = replace(make_actor(GridRight, user_id=merger), now=system.now)
    merged = merge(session, actor, [UNIT, NEXT])

    follow_all(session, system)

    assert held(session, RoleAssignment, merger) == [(UNIT, None, None)]
    assert held(session, RoleAssignment, other)[-1] == (merged.code, system.now, None)
    assert succession.waiting(session, system.now)["assignments"] == 1


def test_responsibilities_of_persons_follow_with_their_kind(session, system, alpha, scheme, hire):
    user = hire()
    for code in (UNIT, NEXT):
        session.add(Responsibility(agency_id=alpha.id, grid_id=unit(session, system, code).id, kind="patrol", user_id=user))
    session.flush()
    merged = merge(session, system, [UNIT, NEXT])

    assert follow_all(session, system)["responsibilities"] == 2

    assert held(session, Responsibility, user) == [(UNIT, None, system.now), (NEXT, None, system.now), (merged.code, system.now, None)]
    kinds = session.scalars(select(Responsibility.kind).where(Responsibility.user_id == user)).all()
    assert kinds == ["patrol"] * 3


def test_every_agency_that_uses_the_scheme_is_told_and_no_other(session, connection, system, keeper, alpha, beta, scheme):
    def told(agency):
        set_agency(connection, agency.id)
        found = connection.execute(select(OutboxMessage.payload).where(OutboxMessage.topic == CHANGED)).all()
        set_agency(connection, alpha.id)
        return len(found)

    split(session, system)
    session.flush()
    assert (told(alpha), told(beta)) == (1, 0)
    grids.share_scheme(session, keeper, "squares", beta.key)
    split(session, system, NEXT, [Part("西", square(1, columns=0.5)), Part("东", square(1.5, columns=0.5))])
    session.flush()
    assert (told(alpha), told(beta)) == (2, 1)


def test_message_is_followed_by_the_next_batch_and_in_the_end_by_one_late_sweep(session, system, alpha, scheme, hire, role):
    assign(session, hire(), role, unit(session, system, UNIT))
    split(session, system)

    for _ in range(20):
        outbox.deliver_due(session, now=system.now)

    messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == CHANGED).order_by(OutboxMessage.id)).all()
    assert [message.state for message in messages] == ["done"] * (len(messages) - 1) + ["waiting"], [m.last_error for m in messages]
    assert messages[-1].payload["late"] is True
    assert messages[-1].due_at == system.now + timedelta(hours=1)
    audited = session.execute(text("SELECT new FROM audit_entry WHERE action = 'grid:grid:followed'")).scalars().all()
    assert [entry["moved"]["assignments"] for entry in audited] == [1]


def test_rows_that_stay_do_not_stop_those_behind_them(session, system, scheme, monkeypatch):
    seen = []

    def slow(_session, _actor, after, limit):
        seen.append((after, limit))
        rows = [number for number in range(1, 8) if number > after][:limit]
        return Followed(rows[-1] if len(rows) == limit else None, 0)

    monkeypatch.setattr(succession, "_followers", {"slow": Follower("slow", lambda *_: 7, slow, 3)})
    assert follow_all(session, system) == {"slow": 0}
    assert seen == [(0, 3), (3, 3), (6, 3)]


def test_two_followers_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(succession, "_followers", {})
    succession.follow(Follower("one", lambda *_: 0, lambda *_: Followed(None, 0), 1))
    with pytest.raises(ValueError, match="one"):
        succession.follow(Follower("one", lambda *_: 1, lambda *_: Followed(None, 0), 1))


def test_positions_find_their_part_and_strangers_none(session, system, scheme):
    old = unit(session, system, UNIT)
    west, east = split(session, system)
    retired = succession.retired_grids(session, [old.id])[old.id]
    middle = round(116.4 + 0.0006, 7)
    lon = [116.4 + 0.0001, middle + 0.0003, middle, float("nan"), 116.5, 116.4 - 0.00002]
    lat = [39.8995, 39.8995, 39.8995, 39.8995, 39.8995, 39.8995]

    found = retired.heir_at(lon, lat).tolist()

    lower = min((west, east), key=lambda grid: grid.code)
    # On the border the lower code has it; metres outside the nearest; far away and unknown nobody.
    assert found == [west.id, east.id, lower.id, 0, 0, west.id]
