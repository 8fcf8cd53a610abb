"""Facts of single cases, worked out by hand, step by step."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from core.facts.models import FactCase, FactHolding, FactTask
from core.facts.service import catch_up, check, known_until, rebuild
from core.lib import clock
from core.pluginmanager import plugins
from core.pluginmanager.service import switch
from tests.journeys import walking
from tests.journeys.town import Town


def followed(town: Town) -> None:
    catch_up(town.database, town.agency_id, now=clock.now())


def facts_of(town: Town, number: str) -> tuple[FactCase, list[FactHolding], list[FactTask]]:
    case = town.found(number)
    with town.work() as (session, _):
        whole = session.scalars(select(FactCase).where(FactCase.case_id == case.id)).one()
        holdings = session.scalars(select(FactHolding).where(FactHolding.case_id == case.id).order_by(FactHolding.given_at)).all()
        tasks = session.scalars(select(FactTask).where(FactTask.case_id == case.id).order_by(FactTask.sequence)).all()
    return whole, list(holdings), list(tasks)


def ends(tasks: list[FactTask]) -> list[tuple[Any, ...]]:
    return [(one.sequence, one.limit_key, one.verb, one.in_time) for one in tasks]


def test_straight_way(town: Town) -> None:
    number = walking.handling(town)
    followed(town)
    whole, (holding,), tasks = facts_of(town, number)
    case = town.found(number)
    assert (whole.state, whole.chain_length, whole.chain_head, whole.counts) == (
        case.state,
        case.chain_length,
        case.chain_head,
        case.counts,
    )
    assert (whole.done_at, whole.missed_at, whole.running_due_at) == (None, None, case.due_at)
    assert whole.owed_at == case.due_at
    assert (holding.department_id, holding.limit_key, holding.ended_by) == (town.departments["E01"], "handle", None)
    assert (holding.running_due_at, holding.is_present, holding.times_done) == (case.due_at, True, 0)
    assert ends(tasks) == [(0, "handle", None, None), (2, "accept", "file", True), (3, "dispatch", "dispatch", True)]
    walking.closed(town, number)
    followed(town)
    whole, (holding,), tasks = facts_of(town, number)
    assert whole.state == "closed"
    assert whole.owed_at == whole.done_at == holding.done_at
    assert (holding.ended_by, holding.times_done, holding.times_held_again, holding.running_due_at) == ("handle", 1, 0, None)
    assert [one.limit_key for one in tasks] == ["accept", "dispatch", "handle", "send_check", "check", "close"]
    with town.work() as (session, _):
        assert known_until(session) <= clock.now()


def unwatched(*_: int) -> None:
    """Progress that nobody looks at."""


def differences(town: Town) -> int:
    return check(town.database, town.agency_id, unwatched, now=clock.now()).differences


TAMPERINGS = {
    "case": "UPDATE fact_case SET missed_at = now() WHERE case_id = :id",
    "chain": "UPDATE fact_case SET chain_length = 1 WHERE case_id = :id",
    "holding": "UPDATE fact_holding SET times_done = 7 WHERE case_id = :id",
    "task": "UPDATE fact_task SET in_time = NOT in_time WHERE case_id = :id AND sequence = 2",
    "missing": "DELETE FROM fact_task WHERE case_id = :id AND sequence = 3",
    "surplus": """INSERT INTO fact_task (agency_id, case_id, sequence, workflow, limit_key, state, started_at, is_superseded)
        SELECT agency_id, case_id, 99, workflow, limit_key, state, started_at, false FROM fact_task WHERE case_id = :id AND sequence = 2""",
}


@pytest.mark.parametrize("what", sorted(TAMPERINGS))
def test_tampered_row_is_found_and_named(town: Town, what: str) -> None:
    number = walking.handling(town)
    followed(town)
    assert differences(town) == 0
    case = town.found(number)
    with town.database.owner_engine.begin() as connection:
        assert connection.execute(text(TAMPERINGS[what]), {"id": case.id}).rowcount == 1
    found = check(town.database, town.agency_id, unwatched, now=clock.now())
    assert (found.differences, found.case_ids, found.moving) == (1, (case.id,), ())
    mended = rebuild(town.database, town.agency_id, unwatched, now=clock.now())
    assert mended.grains == found.grains
    assert differences(town) == 0


def test_cases_of_a_plugin_that_is_off_are_followed_all_the_same(town: Town) -> None:
    """Facts are the base's: what was done is counted, whether or not more can be done."""
    number = walking.handling(town)
    with town.work() as (session, actor):
        switch(session, actor, plugins(), "urban_mgmt", enabled=False)
    followed(town)
    assert differences(town) == 0
    with town.work() as (session, actor):
        switch(session, actor, plugins(), "urban_mgmt", enabled=True)
    _, (holding,), tasks = facts_of(town, number)
    assert (holding.department_id, holding.ended_by, len(tasks)) == (town.departments["E01"], None, 3)
