"""A person leaves or a department ends: the open cases go to a successor, each as a step of its history."""

from __future__ import annotations

from typing import Any

from tests.journeys.town import Town
from tests.journeys.walking import closed, dispatched, handling


def hand_over(town: Town, kind: str, source: str, target: int) -> Any:
    """Hand everything over as the administrator."""
    return town.as_("admin").post(f"/{kind}/{source}/hand-over", json={"to": target})


def with_handler(town: Town) -> str:
    """Give a case to the handler."""
    number = dispatched(town)
    town.as_("department_clerk").moved(number, "accept", {"handler": town.users["handler"]})
    return number


def test_open_cases_of_a_leaver_are_listed_and_go_to_the_successor(town: Town) -> None:
    number, ended = with_handler(town), closed(town, handling(town))
    leaver, successor = town.users["handler"], town.users["department_head"]
    listed = town.as_("admin").get(f"/users/{leaver}/open-work").get_json()
    assert f"case:{number}" in str(listed)
    before = town.as_("leader").case(number)
    with town.work() as (session, actor):
        from core.accounts.service import Holder  # noqa: PLC0415
        from core.workflow.service import handing_over  # noqa: PLC0415

        assert handing_over.move_cases(session, actor, Holder("user", leaver), Holder("user", successor)) >= 1
        assert handing_over.list_cases(session, Holder("user", leaver), actor.now) == []
    after = town.as_("leader").case(number)
    assert town.found(number).assignee_id == successor
    assert (after["version"], after["due_at"], after["state"]) == (before["version"] + 1, before["due_at"], before["state"])
    assert (after["events"][-1]["verb"], after["events"][-1]["title"]) == ("hand_over", "Handed over")
    assert town.found(ended).version == len(town.as_("leader").case(ended)["events"])
    assert town.broken(number) == []
    town.run_outbox()
    assert town.as_("department_head").told(number)[-1] == "task"


def test_case_that_would_come_back_to_a_leaver_comes_back_to_the_successor(town: Town) -> None:
    number = with_handler(town)
    handler, clerk = town.as_("handler"), town.as_("department_clerk")
    handler.moved(number, "handle", {"photos": [handler.photo()], "result": "已修复"})
    with town.work() as (session, actor):
        from core.accounts.service import Holder  # noqa: PLC0415
        from core.workflow.service import handing_over  # noqa: PLC0415

        source, target = Holder("user", town.users["handler"]), Holder("user", town.users["department_head"])
        assert f"case:{number}" in [one.subject for one in handing_over.list_cases(session, source, actor.now)]
        handing_over.move_cases(session, actor, source, target)
    assert clerk.moved(number, "return", {"cause": "not_finished", "reason": "边缘未压实。"}) == "handling"
    assert town.found(number).assignee_id == town.users["department_head"]


def test_open_cases_of_a_department_go_to_another_over_http(town: Town) -> None:
    number = dispatched(town, department="E02")
    answer = hand_over(town, "departments", "E02", town.departments["E04"])
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["counts"]["cases"] == 1
    assert town.as_("law_clerk").get(f"/cases/{number}").status_code in {200, 404}
    case = town.as_("leader").case(number)
    assert case["department"]["key"] == "E04"
    assert case["events"][-1]["data"] == {"kind": "department", "from": town.departments["E02"], "to": town.departments["E04"]}
    assert town.broken(number) == []
