"""A case about a component and the ledger record of that component: the plugin's hooks, over the API and the outbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from core.db import outbox
from core.db.uow import unit_of_work
from tests.journeys.town import HERE, Town

LEDGER = "urban_mgmt.component"


def deliver(town: Town) -> None:
    """Do what the worker does with the outbox, until nothing is due."""
    claimed = 1
    while claimed:
        with unit_of_work(town.database, town.agency_id) as session:
            claimed = outbox.deliver_due(session, now=datetime.now(UTC) + timedelta(seconds=1))


def add_component(town: Town, kind: str) -> dict[str, Any]:
    position = {"lon": HERE["lon"], "lat": HERE["lat"]}
    answer = town.as_("admin").post(f"/ledgers/{LEDGER}/records", json={"position": position, "data": {"kind": kind, "name": "示例井盖"}})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()


def state_of(town: Town, record: dict[str, Any]) -> str:
    deliver(town)
    return town.as_("admin").get(f"/ledgers/{LEDGER}/records/{record['code']}").get_json()["state"]


def report(town: Town, record: dict[str, Any], component_class: str) -> Any:
    inspector = town.as_("inspector")
    data = {"source": "inspector", "kind": "component", "component_class": component_class, "component": record["uuid"],
            "description": "井盖破损", "position": HERE, "photos": [inspector.photo()]}  # fmt: skip
    return inspector.post("/cases", json={"workflow": "urban_mgmt.case", "data": data})


def filed(town: Town, record: dict[str, Any]) -> str:
    number = report(town, record, "c0101").get_json()["number"]
    assert town.as_("duty_lead").moved(number, "file", {"condition": "c010102"}) == "filed"
    return number


def close(town: Town, number: str) -> None:
    clerk, inspector = town.as_("department_clerk"), town.as_("inspector")
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]})
    clerk.moved(number, "accept")
    clerk.moved(number, "handle", {"photos": [clerk.photo()], "result": "已更换"})
    town.as_("acceptor").moved(number, "request_check")
    inspector.moved(number, "check_pass", {"photos": [inspector.photo()]})
    assert town.as_("duty_lead").moved(number, "close") == "closed"


def test_component_is_damaged_until_the_last_filed_case_is_closed(town: Town) -> None:
    record = add_component(town, "j0101")
    first = filed(town, record)
    assert state_of(town, record) == "damaged"
    second = filed(town, record)
    close(town, first)
    assert state_of(town, record) == "damaged"
    close(town, second)
    assert state_of(town, record) == "intact"


def test_report_alone_says_nothing_of_the_component(town: Town) -> None:
    record = add_component(town, "j0101")
    assert report(town, record, "c0101").status_code == 201
    assert state_of(town, record) == "intact"


def test_lost_component_stays_lost(town: Town) -> None:
    record = add_component(town, "j0101")
    path = f"/ledgers/{LEDGER}/records/{record['code']}"
    answer = town.as_("admin").send("PATCH", path, json={"state": "lost"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    filed(town, record)
    assert state_of(town, record) == "lost"


def test_component_of_another_class_is_refused_at_its_field(town: Town) -> None:
    record = add_component(town, "j0102")
    answer = report(town, record, "c0101")
    assert answer.status_code == 422
    [error] = answer.get_json()["errors"]
    assert error["path"] == "component"
    assert "Sewage" in error["detail"]


def test_duties_of_a_class_are_offered_to_the_dispatcher_alone(town: Town) -> None:
    path = "/urban_mgmt/duties?class_code=e0113&grid_code=310105001001001"
    answer = town.as_("dispatcher").get(path)
    assert answer.status_code == 200
    assert answer.get_json() == {"departments": []}  # the town has not said which of its departments is which body
    assert town.as_("inspector").get(path).status_code == 403
