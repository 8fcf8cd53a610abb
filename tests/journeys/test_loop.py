"""The whole loop over the API: a report comes in, becomes a case, is dispatched, handled, checked and closed."""

from __future__ import annotations

from typing import Any

from tests.journeys.town import HERE, Town


def reported(town: Town, **more: Any) -> str:
    """Report an event as the inspector; give its number."""
    inspector = town.as_("inspector")
    data = {
        "source": "inspector",
        "kind": "event",
        "event_class": "e0113",
        "description": "路面破损约一平方米",
        "position": HERE,
        "photos": [inspector.photo()],
        **more,
    }
    answer = inspector.post("/cases", json={"workflow": "urban_mgmt.case", "data": data})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()["number"]


def dispatched(town: Town) -> str:
    """Bring a case to the department; give its number."""
    number = reported(town)
    assert town.as_("duty_lead").moved(number, "file", {"condition": "e011301"}) == "filed"
    assert town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]}) == "dispatched"
    return number


def test_case_walks_the_whole_loop_and_every_step_is_on_record(town: Town) -> None:
    number = dispatched(town)
    clerk, inspector = town.as_("department_clerk"), town.as_("inspector")
    assert clerk.moved(number, "accept") == "handling"
    assert clerk.moved(number, "handle", {"photos": [clerk.photo()], "result": "已修复"}) == "handled"
    assert town.as_("acceptor").moved(number, "request_check") == "checking"
    assert inspector.moved(number, "check_pass", {"photos": [inspector.photo()]}) == "checked"
    assert town.as_("duty_lead").moved(number, "close") == "closed"
    case = town.as_("leader").case(number)
    verbs = [event["verb"] for event in case["events"]]
    assert verbs == ["report", "file", "dispatch", "accept", "handle", "request_check", "check_pass", "close"]
    assert case["category"] == "closed"
    assert case["grid"]["code"].startswith("310105")
