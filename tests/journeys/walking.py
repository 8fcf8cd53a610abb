"""The straight way in pieces: each function brings a case to where a journey begins, over the API, and gives its number."""

from __future__ import annotations

from typing import Any

from tests.journeys.town import HERE, Town

ROAD = {"event_class": "e0113", "condition": "e011301"}
"""A broken road: five working days, the department E01."""
REFUSE = {"event_class": "e0117", "condition": "e011701"}
"""A dirty green area: four working hours, for what must become late soon."""


def reported(town: Town, matter: dict[str, str] = ROAD, **more: Any) -> str:
    """Report an event as the inspector."""
    inspector = town.as_("inspector")
    data = {
        "source": "inspector",
        "kind": "event",
        "event_class": matter["event_class"],
        "description": "路面破损约一平方米",
        "position": HERE,
        "photos": [inspector.photo()],
        **more,
    }
    answer = inspector.post("/cases", json={"workflow": "urban_mgmt.case", "data": data})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    number: str = answer.get_json()["number"]
    return number


def called(town: Town, **more: Any) -> str:
    """Register what somebody told the hotline."""
    data = {
        "source": "hotline",
        "kind": "event",
        "event_class": "e0113",
        "description": "市民反映路面有坑",
        "position": HERE,
        "caller_name": "张三",
        "caller_phone": "010-12345678",
        **more,
    }
    answer = town.as_("intake").post("/cases", json={"workflow": "urban_mgmt.case", "data": data})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    number: str = answer.get_json()["number"]
    return number


def filed(town: Town, matter: dict[str, str] = ROAD) -> str:
    """File a report."""
    number = reported(town, matter)
    assert town.as_("duty_lead").moved(number, "file", {"condition": matter["condition"]}) == "filed"
    return number


def dispatched(town: Town, matter: dict[str, str] = ROAD, *, department: str = "E01") -> str:
    """Bring a case to a department."""
    number = filed(town, matter)
    assert town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments[department]}) == "dispatched"
    return number


def handling(town: Town, matter: dict[str, str] = ROAD) -> str:
    """Let the department take a case in hand."""
    number = dispatched(town, matter)
    assert town.as_("department_clerk").moved(number, "accept") == "handling"
    return number


def done(town: Town, number: str, clerk: str = "department_clerk") -> str:
    """Let the department confirm its work on a case in hand."""
    person = town.as_(clerk)
    assert person.moved(number, "handle", {"photos": [person.photo()], "result": "已修复"}) == "handled"
    return number


def checking(town: Town, number: str) -> str:
    """Send what was handled to the check."""
    assert town.as_("acceptor").moved(number, "request_check") == "checking"
    return number


def closed(town: Town, number: str) -> str:
    """Bring a case in hand through work and check to its close."""
    checking(town, done(town, number))
    inspector = town.as_("inspector")
    assert inspector.moved(number, "check_pass", {"photos": [inspector.photo()]}) == "checked"
    assert town.as_("duty_lead").moved(number, "close") == "closed"
    return number
