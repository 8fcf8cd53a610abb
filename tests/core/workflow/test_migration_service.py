"""Open cases move to a new version of their workflow: the dry run says what becomes of each, the move does just that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from core.definitions.service import publish_overlay
from core.lib import clock
from core.notices.models import Notice
from core.workflow.models import Case, CaseTimer
from core.workflow.service import known
from core.workflow.service.recipients import holders
from tests.journeys.town import Town

KEY = "urban_mgmt.trial"
T = {"zh_CN": "试", "en": "Trial"}
OWNER = {"title": T, "right": "urban_mgmt:case:file", "at": "grid"}


def content(middle: str, *, accept_hours: int = 8, requests: bool = True) -> dict[str, Any]:
    """Write a small workflow whose middle state is called ``middle``."""
    asking = {
        "request_void": {"title": T, "form": "urban_mgmt.void", "from": ["begun"], "right": "urban_mgmt:case:file", "asks": "void"},
        "grant_void": {"title": T, "grants": "void", "to": "done"},
        "refuse_void": {"title": T, "refuses": "void"},
    }
    return {
        "key": KEY,
        "title": T,
        "start": "report",
        "parties": {"owner": OWNER},
        "limits": {
            "begin": {
                "title": T,
                "limit": {"amount": accept_hours, "unit": "urgent_hour"},
                "escalate": [{"at": 0.8, "topic": "hurry", "to": "owner"}, {"at": 1.0, "topic": "hurry", "to": "owner"}],
            },
            f"{middle}_limit": {"title": T, "limit": {"amount": 2, "unit": "urgent_day"}},
        },
        "states": {
            "begun": {"title": T, "owner": "owner", "limit": "begin"},
            middle: {"title": {"zh_CN": middle, "en": middle}, "owner": "owner", "limit": f"{middle}_limit"},
            "done": {"title": T, "category": "closed"},
        },
        "requests": {"void": {"title": T, "while": ["begun"], "levels": [{"right": "urban_mgmt:case:file", "to": "owner"}]}}
        if requests
        else {},
        "transitions": {
            "report": {"title": T, "form": "urban_mgmt.closing", "to": "begun", "right": "urban_mgmt:case:file"},
            "file": {"title": T, "from": ["begun"], "to": middle, "right": "urban_mgmt:case:file"},
            "close": {"title": T, "from": [middle], "to": "done", "right": "urban_mgmt:case:file"},
            **(asking if requests else {}),
        },
        "notices": {"hurry": T, "task": T, "request_opened": T},
    }


def publish(town: Town, body: dict[str, Any]) -> int:
    """Publish a version of the trial workflow; give its number."""
    with town.work() as (session, actor):
        return publish_overlay(session, actor, "workflow", KEY, body).version


def begun(town: Town) -> str:
    """Begin a trial case."""
    answer = town.as_("duty_lead").post("/cases", json={"workflow": KEY, "data": {}})
    assert answer.status_code == 201, answer.get_json()
    number: str = answer.get_json()["number"]
    return number


def migrate(town: Town, *, dry_run: bool = True, states: dict[str, str] | None = None, who: str = "admin") -> Any:
    """Ask for the move."""
    return town.as_(who).post(f"/workflows/{KEY}/migrations", json={"dry_run": dry_run, "states": states or {}})


def finish(town: Town) -> None:
    """Leave no open case of the trial behind."""
    with town.work() as (session, _):
        numbers = [(one.number, one.state) for one in session.scalars(select(Case).where(Case.workflow == KEY, Case.category == "open"))]
    for number, state in numbers:
        if state == "begun":
            town.as_("duty_lead").moved(number, "file")
        town.as_("duty_lead").moved(number, "close")


def test_dry_run_lists_what_becomes_of_each_case_and_the_move_does_it(town: Town) -> None:
    old = publish(town, content("middle"))
    lead = town.as_("duty_lead")
    waits, moved, asked, closed = begun(town), begun(town), begun(town), begun(town)
    lead.moved(moved, "file")
    lead.moved(asked, "request_void", {"cause": "no_condition", "reason": "现场未达立案标准。"})
    lead.moved(closed, "file")
    lead.moved(closed, "close")
    new = publish(town, content("second", accept_hours=16, requests=False))
    due = town.as_("leader").case(waits)["due_at"]

    tried = migrate(town).get_json()
    fates = {one["number"]: one for one in tried["items"]}
    assert (tried["dry_run"], tried["to_version"], tried["stuck"], set(fates)) == (True, new, 1, {waits, moved, asked})
    assert (fates[moved]["moves"], fates[waits]["moves"]) == (False, True)
    assert "no open state middle" in fates[moved]["reason"]
    assert fates[asked]["notes"] == ["The application void lapses."]
    assert {one["from_version"] for one in fates.values()} == {old}

    refused = migrate(town, dry_run=False)
    assert refused.status_code == 409
    assert [one["number"] for one in refused.get_json()["stuck"]] == [moved]
    assert town.as_("leader").case(waits)["version"] == 1

    done = migrate(town, dry_run=False, states={"middle": "second"})
    assert (done.status_code, done.get_json()["stuck"], len(done.get_json()["items"])) == (200, 0, 3)
    case = town.as_("leader").case(moved)
    assert (case["state"]["key"], case["events"][-1]["verb"], case["events"][-1]["data"]["to_version"]) == ("second", "migrate", new)
    assert [one["to_title"] for one in case["events"]] == ["Trial", "middle", "second"]
    assert town.as_("leader").case(waits)["due_at"] == due
    assert town.as_("leader").case(asked)["requests"] == []
    assert "request_void" not in town.as_("duty_lead").offered(waits)
    assert town.found(closed).definition_id != town.found(waits).definition_id
    for number in (waits, moved, asked, closed):
        assert town.broken(number) == []
    assert migrate(town).get_json()["items"] == []
    finish(town)


def test_running_limit_keeps_its_one_waiting_escalation(town: Town) -> None:
    publish(town, content("middle"))
    number = begun(town)
    with town.work() as (session, _):
        before = [(one.key, one.due_at) for one in session.scalars(select(CaseTimer).where(CaseTimer.case_id == town.found(number).id))]
    publish(town, content("third"))
    assert migrate(town, dry_run=False).status_code == 200
    with town.work() as (session, _):
        after = [(one.key, one.due_at) for one in session.scalars(select(CaseTimer).where(CaseTimer.case_id == town.found(number).id))]
    assert len(before) == 1
    assert after == before
    finish(town)


@pytest.mark.parametrize("state", ["nowhere", "done"])
def test_state_that_is_no_open_state_is_refused_by_name(town: Town, state: str) -> None:
    publish(town, content("middle"))
    answer = migrate(town, states={"middle": state})
    assert answer.status_code == 422
    assert [one["path"] for one in answer.get_json()["errors"]] == ["states.middle"]


def test_misspelt_old_state_is_refused_and_not_passed_over(town: Town) -> None:
    publish(town, content("middle"))
    answer = migrate(town, states={"midle": "begun"})
    assert answer.status_code == 422
    assert [one["path"] for one in answer.get_json()["errors"]] == ["states.midle"]
    assert "middle" in answer.get_json()["errors"][0]["detail"]


def test_case_without_department_does_not_go_where_a_department_must_act(town: Town) -> None:
    publish(town, content("middle"))
    number = begun(town)
    body = content("late")
    body["parties"]["department"] = {"title": T, "right": "urban_mgmt:case:accept", "at": "department"}
    body["states"]["late"]["owner"] = "department"
    body["transitions"]["close"]["right"] = "urban_mgmt:case:accept"
    publish(town, body)
    answer = migrate(town, states={"begun": "late"})
    [fate] = [one for one in answer.get_json()["items"] if one["number"] == number]
    assert (fate["moves"], answer.get_json()["stuck"] >= 1) == (False, True)
    assert "department" in fate["reason"]
    assert migrate(town, dry_run=False, states={"begun": "late"}).status_code == 409
    assert town.found(number).state == "begun"
    publish(town, content("late"))
    assert migrate(town, dry_run=False).status_code == 200
    finish(town)


def test_dry_run_waits_for_nobody_and_keeps_nobody_waiting(town: Town) -> None:
    publish(town, content("middle"))
    number = begun(town)
    publish(town, content("other"))
    with ThreadPoolExecutor(1) as pool, town.work() as (session, _):
        session.execute(select(Case).where(Case.number == number).with_for_update())
        # Whoever waited for the row would wait until the block ends, which waits for the answer.
        assert number in [one["number"] for one in pool.submit(migrate, town).result(timeout=20).get_json()["items"]]
    assert migrate(town, dry_run=False).status_code == 200
    finish(town)


def migration_notices(town: Town) -> list[Notice]:
    """Give the notices about moves, oldest first."""
    with town.work() as (session, _):
        return list(session.scalars(select(Notice).where(Notice.topic == "migrated").order_by(Notice.id)))


def test_those_in_charge_get_one_notice_that_sums_up(town: Town) -> None:
    publish(town, content("middle"))
    for _ in range(3):
        begun(town)
    new = publish(town, content("later"))
    town.run_outbox()
    before = len(migration_notices(town))
    assert migrate(town).status_code == 200
    town.run_outbox()
    assert len(migration_notices(town)) == before, "a dry run tells nobody"
    assert migrate(town, dry_run=False).status_code == 200
    town.run_outbox()
    told = migration_notices(town)[before:]
    with town.work() as (session, _):
        case = session.scalars(select(Case).where(Case.workflow == KEY, Case.category == "open")).first()
        assert case is not None
        in_charge = holders(session, OWNER["right"], grid_id=case.grid_id, department_id=None, now=clock.now())
    assert in_charge
    assert sorted(one.user_id for one in told) == sorted(in_charge)
    assert {one.title["en"] for one in told} == {f"3 of the cases in your charge were moved to version {new} of the workflow Trial."}
    assert {one.subject for one in told} == {f"workflow:{KEY}"}
    finish(town)


def test_person_who_has_a_case_himself_is_told_of_his_own_alone(town: Town) -> None:
    body = content("middle")
    body["parties"]["teller"] = {"title": T, "at": "reporter"}
    body["states"]["middle"]["owner"] = "teller"
    publish(town, body)
    mine, _other = begun(town), begun(town)
    town.as_("duty_lead").moved(mine, "file")
    publish(town, body | {"title": {"zh_CN": "又试", "en": "Trial again"}})
    town.run_outbox()
    before = len(migration_notices(town))
    assert migrate(town, dry_run=False).status_code == 200
    town.run_outbox()
    told = [one for one in migration_notices(town)[before:] if one.user_id == town.users["duty_lead"]]
    # One case as the one who told of it, the other as one of those who file: still one notice.
    assert [one.title["en"].split()[0] for one in told] == ["2"]
    finish(town)


def test_move_needs_its_right_and_a_known_workflow(town: Town) -> None:
    publish(town, content("middle"))
    assert migrate(town, who="duty_lead").status_code == 403
    assert town.as_("admin").post("/workflows/urban_mgmt.nothing/migrations", json={}).status_code == 404
    with town.work() as (session, _):
        assert known.current_workflow(session, KEY).workflow.start == "report"
