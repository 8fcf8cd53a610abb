"""The page of a case: who took its steps, by name, and with which version of which form."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from core.definitions import store
from tests.journeys.town import Town
from tests.journeys.walking import called, dispatched, done, filed, handling


def test_whoever_reads_a_case_reads_the_names_of_those_who_took_its_steps(town: Town) -> None:
    number = called(town)
    town.as_("acceptor").moved(number, "request_verify", {"inspector": town.users["inspector"]})
    inspector = town.as_("inspector")
    assert inspector.get(f"/users/{town.users['acceptor']}").status_code in {403, 404}  # he has no right to read people
    case = inspector.case(number)
    names = {name: case["people"][str(town.users[name])] for name in ("intake", "acceptor", "inspector")}
    assert names == {"intake": "示例坐席员", "acceptor": "示例受理员", "inspector": "示例监督员"}
    assert [one["actor"] for one in case["events"]] == [names["intake"], names["acceptor"]]
    assert case["events"][1]["data"]["inspector"] == town.users["inspector"]
    assert str(town.users["leader"]) not in case["people"]
    # What a caller left stays masked: the names are those of colleagues.
    assert set(case["personal"].values()) == {"＊＊＊"}
    assert "张三" not in case["people"].values()


def test_person_that_a_case_was_handed_from_and_to_is_named(town: Town) -> None:
    number = dispatched(town)
    town.as_("department_clerk").moved(number, "accept", {"handler": town.users["handler"]})
    body = {"to": town.users["department_clerk"]}
    answer = town.as_("admin").post(f"/users/{town.users['handler']}/hand-over", json=body)
    if answer.status_code == 404:
        pytest.fail(answer.get_data(as_text=True))
    people = town.as_("leader").case(number)["people"]
    assert {people[str(town.users[name])] for name in ("handler", "department_clerk")} == {"示例处置人员", "示例部门经办人"}


def test_inspector_reads_the_names_of_the_departments_that_had_the_case(town: Town) -> None:
    number = filed(town)
    others = [{"department": town.departments["E03"]}]
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"], "co_departments": others})
    town.as_("department_clerk").moved(number, "return", {"cause": "not_ours", "reason": "不属于本部门职责。"})
    inspector, leader = town.as_("inspector"), town.as_("leader")
    assert inspector.get("/departments").get_json()["items"] == []
    known = {str(one["id"]): one["name"] for one in leader.get("/departments?limit=200").get_json()["items"]}
    wanted = {str(town.departments[code]) for code in ("E01", "E03")}
    # Given back, the case has no department; its history still has.
    assert inspector.case(number)["departments"] == {number: known[number] for number in wanted}


def test_number_in_data_that_is_no_person_names_nobody(town: Town) -> None:
    number = handling(town)
    with town.database.owner_engine.begin() as owner:
        stranger = owner.execute(
            text(
                "INSERT INTO ab_user (id, first_name, last_name, username, active) VALUES (999999, '外人', '', 'stranger', true) RETURNING id"
            )
        ).scalar_one()
        owner.execute(text("UPDATE cases SET reporter_id = :id WHERE number = :number"), {"id": stranger, "number": number})
    assert "外人" not in town.as_("leader").case(number)["people"].values()


def test_each_step_says_which_version_of_its_form_it_used_even_after_a_new_one(town: Town) -> None:
    number = handling(town)
    with town.work() as (session, _):
        old = store.current(session, "form", "urban_mgmt.handle")
    done(town, number)
    with town.database.owner_engine.begin() as owner:
        owner.execute(
            text(
                "INSERT INTO definition (agency_id, kind, key, version, status, content, checksum, origin, published_at)"
                " SELECT agency_id, kind, key, version + 1, status, content, checksum, origin, now() FROM definition WHERE id = :id"
            ),
            {"id": old.id},
        )
    events = {one["verb"]: one for one in town.as_("leader").case(number)["events"]}
    assert (events["handle"]["form"], events["handle"]["form_version"]) == ("urban_mgmt.handle", old.id)
    assert events["accept"]["form_version"] is not None
    assert town.as_("leader").get(f"/form-versions/{old.id}").get_json()["version"] == old.version
    assert all((one["form"] is None) == (one["form_version"] is None) for one in events.values())


def test_page_costs_the_same_number_of_statements_however_long_the_history(town: Town) -> None:
    short, long = handling(town), done(town, handling(town))
    leader = town.as_("leader")
    counts = []
    statements: list[str] = []

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    for number in (short, long, short, long):
        event.listen(town.database.app_engine, "before_cursor_execute", count)
        statements.clear()
        assert leader.get(f"/cases/{number}").status_code == 200
        counts.append(len(statements))
        event.remove(town.database.app_engine, "before_cursor_execute", count)
    assert counts[2] == counts[3], statements
