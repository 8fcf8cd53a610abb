"""A unit grid with components, open cases, an inspector and a team on it is split, and its parts are merged again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from core.accounts.models import Responsibility
from core.accounts.service import take_charge
from core.db.outbox import OutboxMessage
from core.grid import service as grids
from core.grid.models import Grid
from core.grid.service import succession
from core.lib import clock
from core.worker.due import work_off
from core.workflow.models import CaseEvent
from plugins.urban_mgmt.demo import organisation
from plugins.urban_mgmt.demo.small_land import ORIGIN
from tests.journeys.town import Town
from tests.journeys.walking import closed, done, reported

LEDGER = "urban_mgmt.component"
WIDE, HIGH = 0.00105, 0.0009
OUTSIDE = {"lon": 121.61, "lat": 31.31}


def spot(column: float, row: float) -> dict[str, float]:
    """Give the position so many unit grids east and north of the town's corner."""
    return {"lon": round(ORIGIN[0] + column * WIDE, 7), "lat": round(ORIGIN[1] + row * HIGH, 7)}


def ring(west: float, east: float, row: int) -> dict[str, Any]:
    """Draw the land between two columns of a row."""
    corners = [(west, row), (east, row), (east, row + 1), (west, row + 1), (west, row)]
    return {"type": "Polygon", "coordinates": [[[spot(x, y)["lon"], spot(x, y)["lat"]] for x, y in corners]]}


def settle(town: Town) -> None:
    """Do what the worker does with the outbox until nothing is due."""
    while work_off(town.database, "outbox", town.agency_id, now=clock.now()):
        pass


def unit_at(town: Town, position: dict[str, float]) -> str:
    answer = town.as_("admin").get("/grids/locate", query_string=position).get_json()
    assert answer["located"] == "inside"
    code: str = answer["code"]
    return code


def id_of(town: Town, code: str) -> int:
    with town.work() as (session, _):
        number: int = session.scalars(select(Grid.id).where(Grid.code == code)).one()
        return number


def split(town: Town, code: str, west: float, east: float, row: int) -> list[str]:
    """Split a unit grid down its middle; give the codes of the western and the eastern half."""
    middle = (west + east) / 2
    parts = [{"name": "西", "polygon": ring(west, middle, row)}, {"name": "东", "polygon": ring(middle, east, row)}]
    answer = town.as_("admin").post("/grids/split", json={"code": code, "parts": parts, "reason": "人口增加"})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    settle(town)
    return [one["code"] for one in answer.get_json()["items"]]


def merge(town: Town, codes: list[str]) -> str:
    answer = town.as_("admin").post("/grids/merge", json={"codes": codes, "name": "合并", "reason": "力量不足"})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    settle(town)
    code: str = answer.get_json()["code"]
    return code


def component(town: Town, **where: Any) -> str:
    body = {"data": {"kind": "j0101", "name": "示例井盖"}, **where}
    answer = town.as_("admin").post(f"/ledgers/{LEDGER}/records", json=body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    code: str = answer.get_json()["code"]
    return code


def record(town: Town, code: str) -> Any:
    return town.as_("admin").get(f"/ledgers/{LEDGER}/records/{code}").get_json()


def match(town: Town, code: str) -> dict[str, str]:
    """Name the version of a record that a change is for."""
    return {"If-Match": f'"{record(town, code)["version"]}"'}


def grid_of(town: Town, number: str) -> str:
    code: str = town.as_("leader").case(number)["grid"]["code"]
    return code


def charges(town: Town, code: str) -> list[Any]:
    """List who is in charge of a grid, those whose time is over left out."""
    found = town.as_("admin").get("/responsibilities", query_string={"grid_id": id_of(town, code), "limit": 200}).get_json()["items"]
    return sorted(((one["kind"], one["user_id"], one["team_id"]) for one in found if one["valid_to"] is None), key=str)


def waiting(town: Town) -> dict[str, int]:
    items = town.as_("admin").get("/grids/succession").get_json()["items"]
    return {one["kind"]: one["waiting"] for one in items}


def finished(town: Town, place: dict[str, float]) -> str:
    """Bring a case at a place to its close."""
    number = reported(town, position={**place, "accuracy": 5.0})
    town.as_("duty_lead").moved(number, "file", {"condition": "e011301"})
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]})
    town.as_("department_clerk").moved(number, "accept")
    return closed(town, number)


def assigned_by_hand(town: Town, code: str) -> str:
    """Report something outside every grid and give it a grid by hand."""
    number = reported(town, position=OUTSIDE)
    acceptor = town.as_("acceptor")
    headers = {"If-Match": f'"{acceptor.case(number)["version"]}"'}
    assert acceptor.send("PUT", f"/cases/{number}/grid", json={"grid": code}, headers=headers).status_code == 200
    return number


@pytest.fixture(scope="module")
def unit_inspector(town: Town) -> str:
    """Hire an inspector whose role reaches over one unit grid alone, the one that the journey splits."""
    code = unit_at(town, spot(1.5, 1.5))
    with town.work() as (session, actor):
        hired = organisation.Organisation()
        patrol = organisation.Unit(id_of(town, code), code, "")
        organisation.open_sign_ins(
            session, actor, hired, [{"username": "unit_inspector", "name": "示例单元监督员", "role": "urban_mgmt.inspector"}], patrol=patrol
        )
    town.sign_ins["unit_inspector"] = hired.sign_ins[0]
    with town.work() as (session, _):
        town.users["unit_inspector"] = session.execute(text("SELECT id FROM ab_user WHERE username = 'unit_inspector'")).scalar_one()
    return "unit_inspector"


def test_everything_open_follows_a_split_and_a_merge_and_history_stays(town: Town, unit_inspector: str) -> None:
    code = unit_at(town, spot(1.5, 1.5))
    west_spot, east_spot = spot(1.2, 1.5), spot(1.8, 1.5)
    admin = town.as_("admin")
    team = admin.post("/teams", json={"key": "land_team", "name": "示例小组", "members": []}).get_json()
    holders = [{"user_id": town.users[unit_inspector]}, {"team_id": team["id"]}]
    for holder in holders:
        body = {"grid_id": id_of(town, code), "kind": "inspector", **holder}
        assert admin.post("/responsibilities", json=body).status_code == 201
    western, eastern = component(town, position=west_spot), component(town, position=east_spot)
    placeless = component(town, grid=code)
    west, east = (reported(town, position={**one, "accuracy": 5.0}) for one in (west_spot, east_spot))
    over = finished(town, west_spot)
    by_hand = assigned_by_hand(town, code)
    everything = [west, east, over, by_hand]
    assert {grid_of(town, number) for number in everything} == {code}
    person = town.as_(unit_inspector)
    assert [person.get(f"/cases/{number}").status_code for number in everything] == [200] * 4

    halves = split(town, code, 1, 2, 1)

    assert [grid_of(town, number) for number in (west, east)] == halves
    assert [record(town, one)["grid"] for one in (western, eastern)] == halves
    # What has no position of its own waits for a person, and stays to be seen where it was.
    assert (grid_of(town, by_hand), grid_of(town, over)) == (code, code)
    assert waiting(town) == {"responsibilities": 0, "assignments": 0, "records": 1, "cases": 1}
    flagged = admin.get("/cases", query_string={"filter": "grid_retired == true", "open": "true"}).get_json()["items"]
    assert [one["number"] for one in flagged] == [by_hand]
    expected = sorted([("inspector", None, team["id"]), ("inspector", town.users[unit_inspector], None)], key=str)
    assert [charges(town, one) for one in (code, *halves)] == [[], expected, expected]
    assert [person.get(f"/cases/{number}").status_code for number in (west, east)] == [200, 200]
    event = town.as_("leader").case(west)["events"][-1]
    assert (event["verb"], event["title"], event["actor"], event["data"]) == (
        "follow_grid",
        "Moved with its grid",
        None,
        {"from": code, "to": halves[0]},
    )
    assert [one["verb"] for one in town.as_("leader").case(over)["events"]][-1] == "close"

    acceptor = town.as_("acceptor")
    headers = {"If-Match": f'"{acceptor.case(by_hand)["version"]}"'}
    assert acceptor.send("PUT", f"/cases/{by_hand}/grid", json={"grid": halves[1]}, headers=headers).status_code == 200
    renamed = admin.send(
        "PATCH", f"/ledgers/{LEDGER}/records/{placeless}", json={"data": {"name": "示例井盖二"}}, headers=match(town, placeless)
    )
    assert renamed.get_json()["grid"] == code  # something else is changed; where it waits it goes on waiting
    answer = admin.send("PATCH", f"/ledgers/{LEDGER}/records/{placeless}", json={"grid": halves[0]}, headers=match(town, placeless))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert sum(waiting(town).values()) == 0

    again = merge(town, halves)

    assert {grid_of(town, number) for number in (west, east, by_hand)} == {again}
    assert {record(town, one)["grid"] for one in (western, eastern, placeless)} == {again}
    assert grid_of(town, over) == code
    assert charges(town, again) == expected
    assert [person.get(f"/cases/{number}").status_code for number in (west, east, by_hand)] == [200] * 3
    assert sum(waiting(town).values()) == 0
    assert unit_at(town, west_spot) == unit_at(town, east_spot) == again
    assert admin.get("/grid-schemes/town/check").get_json()["items"] == []
    assert [town.broken(number) for number in everything] == [[]] * 4
    history = admin.get(f"/grids/{halves[0]}").get_json()["history"]
    assert [(one["code"], one["kind"], one["is_successor"]) for one in history] == [(code, "split", False), (again, "merge", True)]
    # And work goes on: the case that was moved twice is filed and found in its grid.
    assert town.as_("duty_lead").moved(west, "file", {"condition": "e011301"}) == "filed"


def test_case_that_is_opened_again_goes_to_the_grid_of_its_place(town: Town, unit_inspector: str) -> None:
    place = spot(3.2, 2.5)
    code = unit_at(town, place)
    number = finished(town, place)
    west, _ = split(town, code, 3, 4, 2)
    assert grid_of(town, number) == code
    answer = town.as_("duty_lead").move(number, "reopen", {"reason": "经现场核对，问题重现。"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    settle(town)
    assert grid_of(town, number) == west
    assert town.broken(number) == []


def test_second_sweep_catches_what_came_late_and_the_messages_end(town: Town, unit_inspector: str) -> None:
    place = spot(5.3, 2.5)
    code = unit_at(town, place)
    number = reported(town, position={**place, "accuracy": 5.0})
    west, east = split(town, code, 5, 6, 2)
    assert grid_of(town, number) == west
    with town.work() as (session, _):  # as a request does that looked the place up before the split and commits after it
        session.execute(text("UPDATE cases SET grid_id = :grid WHERE number = :number"), {"grid": id_of(town, code), "number": number})
    late = select(OutboxMessage).where(OutboxMessage.topic == "grid.changed", OutboxMessage.state == "waiting")
    with town.work() as (session, _):
        assert {message.payload["late"] for message in session.scalars(late)} == {True}
        session.execute(text("UPDATE outbox SET due_at = now() WHERE topic = 'grid.changed' AND state = 'waiting'"))
    settle(town)
    assert grid_of(town, number) == west
    with town.work() as (session, _):
        assert session.scalars(late).all() == []
        steps = session.scalars(select(CaseEvent.verb).where(CaseEvent.case_id == town.found(number).id)).all()
    assert steps.count("follow_grid") == 2
    assert east != west


def test_chain_of_changes_is_followed_to_its_end_when_the_worker_comes_late(town: Town, unit_inspector: str) -> None:
    place = spot(7.2, 1.5)
    code = unit_at(town, place)
    number = reported(town, position={**place, "accuracy": 5.0})
    parts = [{"name": "西", "polygon": ring(7, 7.5, 1)}, {"name": "东", "polygon": ring(7.5, 8, 1)}]
    admin = town.as_("admin")
    halves = admin.post("/grids/split", json={"code": code, "parts": parts, "reason": "拆"}).get_json()["items"]
    merged = admin.post("/grids/merge", json={"codes": [one["code"] for one in halves], "name": "并", "reason": "并"}).get_json()["code"]
    assert grid_of(town, number) == code
    settle(town)
    assert grid_of(town, number) == merged
    assert [one["data"] for one in town.as_("leader").case(number)["events"] if one["verb"] == "follow_grid"] == [
        {"from": code, "to": merged}
    ]


def test_work_done_with_the_old_version_meets_a_stale_answer_and_loses_nothing(town: Town, unit_inspector: str) -> None:
    place = spot(6.2, 1.5)
    code = unit_at(town, place)
    number = reported(town, position={**place, "accuracy": 5.0})
    seen = town.as_("duty_lead").case(number)["version"]
    split(town, code, 6, 7, 1)
    answer = town.as_("duty_lead").move(number, "file", {"condition": "e011301"}, version=seen)
    assert answer.status_code == 412
    assert town.as_("duty_lead").moved(number, "file", {"condition": "e011301"}) == "filed"
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]})
    town.as_("department_clerk").moved(number, "accept")
    assert done(town, number) == number
    assert town.broken(number) == []


def test_many_components_follow_in_batches_and_each_has_it_in_its_history(
    town: Town, unit_inspector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(succession._followers["records"], batch=300)
    monkeypatch.setitem(succession._followers, "records", small)
    place = spot(5.2, 0.5)
    code = unit_at(town, place)
    first = component(town, position=place)
    count = 2 * small.batch + 1
    with town.work() as (session, _):
        columns = "agency_id, ledger_key, form_version_id, title, title_search, grid_id, location, lat, state, departments, data"
        session.execute(
            text(
                f"INSERT INTO record ({columns}, uuid, code, lon)"
                f" SELECT {columns}, gen_random_uuid(), 'many' || n, lon + 0.0006 * (n % 2) FROM record, generate_series(2, :count) AS n"
                " WHERE code = :code"
            ),
            {"count": count, "code": first},
        )
    with town.work() as (session, _):
        before = session.execute(text("SELECT count(*) FROM record_event")).scalar_one()
    assert waiting(town)["records"] == 0
    west, east = split(town, code, 5, 6, 0)
    with town.work() as (session, _):
        standing = session.execute(
            text("SELECT grid.code, count(*) FROM record JOIN grid ON grid.id = grid_id WHERE grid.code IN (:west, :east) GROUP BY 1"),
            {"west": west, "east": east},
        )
        assert {row.code: row.count for row in standing} == {west: count // 2 + 1, east: count // 2}
        assert session.execute(text("SELECT count(*) FROM record_event")).scalar_one() == before + count
        event = session.execute(
            text(
                "SELECT kind, old, new, record_event.version FROM record_event"
                " JOIN record ON record.id = record_event.record_id WHERE code = :code"
            ),
            {"code": first},
        ).one()
        assert tuple(event) == ("changed", {"grid_id": id_of(town, code)}, {"grid_id": id_of(town, west)}, 2)
    assert waiting(town)["records"] == 0


def test_what_is_put_on_a_retired_grid_or_comes_back_to_life_there_follows_too(town: Town, unit_inspector: str) -> None:
    place = spot(2.2, 2.5)
    code = unit_at(town, place)
    admin = town.as_("admin")
    retired = component(town, position=place)
    path = f"/ledgers/{LEDGER}/{{}}/{retired}"
    why = {"reason": "道路改造"}
    answer = admin.post(path.format("retired"), json=why, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    west, east = split(town, code, 2, 3, 2)
    assert record(town, retired)["grid"] == code
    assert waiting(town)["records"] == 0
    body = {"grid_id": id_of(town, code), "kind": "patrol", "user_id": town.users[unit_inspector]}
    assert admin.post("/responsibilities", json=body).status_code == 201
    answer = admin.post(path.format("restored"), json=why, headers={"If-Match": '"2"'})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    settle(town)
    assert record(town, retired)["grid"] == west
    for half in (west, east):
        assert ("patrol", town.users[unit_inspector], None) in charges(town, half)


def test_agency_that_shares_the_scheme_follows_with_its_own_rows(town: Town, village: Town, unit_inspector: str) -> None:
    code = unit_at(town, spot(0.5, 2.5))
    duty_lead = village.users["village_duty_lead"]
    with town.work() as (session, actor):
        grids.share_scheme(session, actor, "town", "village")
    with village.work() as (session, actor):
        take_charge(session, replace(actor, agency_key="village"), grid_id=id_of(town, code), kind="patrol", user_id=duty_lead)
    halves = split(town, code, 0, 1, 2)
    ours = select(Grid.code).join(Responsibility, Responsibility.grid_id == Grid.id)
    ours = ours.where(Responsibility.user_id == duty_lead, Responsibility.valid_to.is_(None)).order_by(Grid.code)
    with village.work() as (session, _):
        assert session.scalars(ours).all() == [code]
    settle(village)
    with village.work() as (session, _):
        assert session.scalars(ours).all() == sorted(halves)
