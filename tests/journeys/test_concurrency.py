"""Real commits side by side: one case is moved once, and no number is given twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

from core.lib import clock
from core.workflow.tasks import fire_due
from tests.journeys.town import HERE, Town
from tests.journeys.walking import dispatched, reported


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls at the same moment, each in a thread; give their answers."""
    gate = Barrier(len(calls))

    def start(call: Callable[[], Any]) -> Any:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


def test_two_people_cannot_move_one_case_twice(town: Town) -> None:
    people = [town.as_("duty_lead"), town.as_("duty_lead")]
    assert people[0].token
    for _ in range(5):
        number = reported(town)
        answers = at_once(*(lambda one=one, number=number: one.move(number, "file", {"condition": "e011301"}, version=1) for one in people))
        assert sorted(one.status_code for one in answers) == [200, 412]
        loser = next(one for one in answers if one.status_code == 412)
        assert loser.get_json()["version"] == 2
        case = town.as_("leader").case(number)
        assert (case["version"], [one["verb"] for one in case["events"]]) == (2, ["report", "file"])
        assert town.broken(number) == []


def test_two_different_steps_at_once_leave_one(town: Town) -> None:
    number = dispatched(town)
    clerk, leader = town.as_("department_clerk"), town.as_("leader")
    assert clerk.token != leader.token
    version = leader.case(number)["version"]
    answers = at_once(
        lambda: clerk.move(number, "accept", version=version), lambda: leader.move(number, "urge", {"note": "快办"}, version=version)
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    assert leader.case(number)["version"] == version + 1
    assert town.broken(number) == []


def test_numbers_are_unique_under_eight_threads(town: Town) -> None:
    photo = town.as_("inspector").photo()
    people = [town.as_("inspector") for _ in range(8)]

    def send(person: Any) -> list[Any]:
        data = {"source": "inspector", "kind": "event", "event_class": "e0113", "description": "路面破损", "position": HERE}
        body = {"workflow": "urban_mgmt.case", "data": {**data, "photos": [photo]}}
        return [person.post("/cases", json=body) for _ in range(5)]

    answers = [answer for batch in at_once(*(lambda one=one: send(one) for one in people)) for answer in batch]
    assert {one.status_code for one in answers} == {201}
    assert len({one.get_json()["number"] for one in answers}) == 40


def test_timer_and_person_at_once_move_a_case_once(town: Town) -> None:

    number = dispatched(town)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "accept")
    until = (clock.now() + timedelta(days=2)).date().isoformat()
    clerk.moved(number, "request_suspend", {"cause": "season", "until": until, "reason": "等待季节。"})
    town.as_("dispatcher").moved(number, "grant_suspend")
    version = clerk.case(number)["version"]
    far = clock.now() + timedelta(days=3)
    answers = at_once(lambda: clerk.move(number, "resume", version=version), lambda: fire_due(town.database, town.agency_id, now=far))
    case = clerk.case(number)
    assert answers[0].status_code in {200, 412}
    assert (case["state"]["key"], case["version"]) == ("handling", version + 1)
    assert town.broken(number) == []
