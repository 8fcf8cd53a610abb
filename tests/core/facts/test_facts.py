"""Facts of single cases, worked out by hand, step by step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from core.definitions.service import publish_overlay
from core.facts.models import FactCase, FactHolding, FactTask
from core.facts.service import catch_up, check, known_until, rebuild
from core.lib import clock
from core.pluginmanager import plugins
from core.pluginmanager.service import switch
from core.workflow.service.moving import move_case
from core.workflow.service.reporting import report_case
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


def test_limit_that_had_run_out_before_it_was_stopped_stays_owed(town: Town, later: Callable[[timedelta], None]) -> None:
    """Stopping takes nothing back; one that is stopped in time is owed no more until it goes on."""
    overdue, in_time = walking.handling(town, walking.REFUSE), walking.handling(town)
    due_at = town.found(overdue).due_at
    later(timedelta(days=2))
    for number in (overdue, in_time):
        town.as_("department_clerk").moved(number, "request_suspend", {"cause": "money", "reason": "等待资金"})
        assert town.as_("dispatcher").moved(number, "grant_suspend", {}) == "suspended"
    followed(town)
    for number, expected in ((overdue, due_at), (in_time, None)):
        whole, (holding,), tasks = facts_of(town, number)
        assert (whole.running_due_at, whole.owed_at, holding.running_due_at, holding.owed_at, tasks[0].due_at) == (expected,) * 5
    town.as_("department_clerk").moved(in_time, "resume", {})
    followed(town)
    whole, _, _ = facts_of(town, in_time)
    assert whole.running_due_at == town.found(in_time).due_at
    assert whole.running_due_at is not None


T = {"zh_CN": "试", "en": "Trial"}
RELAY = {
    "key": "urban_mgmt.relay",
    "title": T,
    "start": "report",
    "parties": {
        "desk": {"title": T, "right": "urban_mgmt:case:file", "at": "grid"},
        "department": {"title": T, "right": "urban_mgmt:case:file", "at": "department"},
    },
    "limits": {name: {"title": T, "limit": {"amount": 8, "unit": "urgent_hour"}} for name in ("desk", "first", "second")},
    "states": {
        "begun": {"title": T, "owner": "desk", "limit": "desk"},
        "first": {"title": T, "owner": "department", "limit": "first"},
        "second": {"title": T, "owner": "department", "limit": "second"},
        "handled": {"title": T, "category": "closed", "milestone": "last"},
    },
    "transitions": {
        "report": {"title": T, "form": "urban_mgmt.closing", "to": "begun", "right": "urban_mgmt:case:file"},
        "give": {
            "title": T,
            "form": "urban_mgmt.dispatch",
            "from": ["begun"],
            "to": "first",
            "right": "urban_mgmt:case:file",
            "assign": {"department": "form.department"},
        },
        "pass_on": {
            "title": T,
            "form": "urban_mgmt.dispatch",
            "from": ["first"],
            "to": "second",
            "right": "urban_mgmt:case:file",
            "assign": {"department": "form.department"},
        },
        "finish": {"title": T, "form": "urban_mgmt.closing", "from": ["second"], "to": "handled", "right": "urban_mgmt:case:file"},
    },
    "notices": {"task": T},
}


def test_limit_is_the_account_of_who_had_the_case_when_it_ended(town: Town, later: Callable[[timedelta], None]) -> None:
    """One department passes a case on to the next, late: the next one is not late for it."""
    one, other = town.departments["E01"], town.departments["E02"]
    with town.work() as (session, actor):
        publish_overlay(session, actor, "workflow", RELAY["key"], RELAY)
        number = report_case(session, actor, workflow=RELAY["key"], data={}).number
    for verb, department, hours in (("give", one, 1), ("pass_on", other, 9), ("finish", None, 2)):
        later(timedelta(hours=hours))
        with town.work() as (session, actor):
            data = {"department": department} if department else {}
            move_case(session, actor, number, transition=verb, data=data, version=town.found(number).version)
    followed(town)
    whole, holdings, tasks = facts_of(town, number)
    assert [(held.department_id, held.limit_key, held.missed_at is None, held.done_at is None) for held in holdings] == [
        (one, "first", False, True),
        (other, "second", True, False),
    ]
    assert [(held.times_given_back, held.is_present) for held in holdings] == [(1, False), (0, True)]
    assert [(task.limit_key, task.department_id, task.in_time, task.is_superseded) for task in tasks] == [
        ("desk", one, True, True),
        ("first", one, False, False),
        ("second", other, True, False),
    ]
    assert whole.missed_at == holdings[0].missed_at
