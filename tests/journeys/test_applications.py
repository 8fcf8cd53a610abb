"""Applications over the API: both levels, what lets one lapse, and the ends that practice sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core.lib import clock
from tests.journeys.town import Town
from tests.journeys.walking import REFUSE, checking, closed, dispatched, done, filed, handling

Later = Callable[[timedelta], None]
WHY = {"reason": "经现场核对，情况如实。"}


def refused(answer: Any, status: int = 409) -> str:
    """Expect a refusal as a problem document; give its reason."""
    document = answer.get_json()
    assert answer.status_code == status, document
    assert answer.content_type == "application/problem+json"
    detail: str = document["detail"]
    return detail


def due_of(town: Town, number: str) -> datetime:
    return datetime.fromisoformat(town.as_("leader").case(number)["due_at"])


def test_dispatcher_refuses_what_the_head_granted_and_it_does_not_count(town: Town) -> None:
    number = handling(town)
    before = due_of(town, number)
    clerk, dispatcher = town.as_("department_clerk"), town.as_("dispatcher")
    clerk.moved(number, "request_extension", WHY)
    town.as_("department_head").moved(number, "grant_extension")
    refused(dispatcher.move(number, "refuse_extension", {}), 422)
    dispatcher.moved(number, "refuse_extension", {"reason": "理由不充分"})
    case = clerk.case(number)
    assert (case["requests"], case["counts"].get("extensions", 0), due_of(town, number)) == ([], 0, before)
    town.run_outbox()
    assert clerk.told(number)[-1] == "request_refused"


def test_nobody_grants_his_own_application_and_no_other_department_does(town: Town) -> None:
    number = handling(town)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "request_extension", WHY)
    refused(clerk.move(number, "grant_extension"), 403)
    assert town.as_("garden_clerk").move(number, "grant_extension", version=1).status_code == 404
    refused(town.as_("duty_lead").move(number, "grant_extension"), 403)


def test_each_extension_is_one_original_limit_on_the_deadline_of_the_day(town: Town) -> None:
    number = handling(town)
    clerk, head, dispatcher = (town.as_(name) for name in ("department_clerk", "department_head", "dispatcher"))
    deadlines = [due_of(town, number)]
    for _ in range(2):
        clerk.moved(number, "request_extension", WHY)
        head.moved(number, "grant_extension")
        dispatcher.moved(number, "grant_extension")
        deadlines.append(due_of(town, number))
    # Five working days take at least a week of the calendar, and the hour of the day stays.
    for before, after in pairwise(deadlines):
        assert after - before >= timedelta(days=7)
        assert after.time() == before.time()
    assert clerk.case(number)["counts"]["extensions"] == 2
    assert clerk.offered(number)["request_extension"] is False


def test_answer_to_an_application_names_the_step_that_asked(town: Town) -> None:
    number = handling(town)
    town.as_("department_clerk").moved(number, "request_extension", WHY)
    for name in ("department_head", "department_clerk"):
        offers = {one["verb"]: one["answers"] for one in town.as_(name).get(f"/cases/{number}/transitions").get_json()["items"]}
        answering = {"grant_extension": ["request_extension"], "refuse_extension": ["request_extension"]}
        assert {verb: asking for verb, asking in offers.items() if asking} == (answering if name == "department_head" else {})
        assert offers


def test_application_lapses_when_the_case_leaves_the_states_it_was_made_in(town: Town) -> None:
    number = handling(town)
    clerk, dispatcher = town.as_("department_clerk"), town.as_("dispatcher")
    clerk.moved(number, "request_extension", WHY)
    done(town, number)
    assert clerk.case(number)["requests"] == []
    refused(town.as_("department_head").move(number, "grant_extension"))
    checking(town, number)
    inspector = town.as_("inspector")
    inspector.moved(number, "check_fail", {"photos": [inspector.photo()], "reason": "仍有坑洼"})
    clerk.moved(number, "accept")
    clerk.moved(number, "request_suspend", {"cause": "season", **WHY})
    assert clerk.moved(number, "return", {"cause": "not_ours", "reason": "不属于本部门职责。"}) == "returned"
    assert dispatcher.case(number)["requests"] == []
    refused(dispatcher.move(number, "grant_suspend"))


def test_two_applications_are_never_open_at_once(town: Town) -> None:
    number = handling(town)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "request_suspend", {"cause": "season", **WHY})
    assert "Another application" in refused(clerk.move(number, "request_extension", WHY))
    assert "Another application" in refused(town.as_("dispatcher").move(number, "request_void", {"cause": "no_condition", **WHY}))


def test_suspension_without_a_day_ends_after_a_year_at_the_latest(town: Town, later: Later) -> None:
    number = handling(town)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "request_suspend", {"cause": "money", **WHY})
    assert town.as_("dispatcher").moved(number, "grant_suspend") == "suspended"
    later(timedelta(days=364))
    town.fire_timers()
    assert town.as_("leader").case(number)["state"]["key"] == "suspended"
    later(timedelta(days=1, minutes=5))
    assert town.fire_timers() >= 1
    assert town.as_("leader").case(number)["state"]["key"] == "handling"
    assert town.broken(number) == []


def test_suspension_longer_than_a_year_or_in_the_past_is_not_taken(town: Town) -> None:
    number = handling(town)
    clerk = town.as_("department_clerk")
    for days in (800, 0, -1):
        until = (clock.now() + timedelta(days=days)).date().isoformat()
        answer = clerk.move(number, "request_suspend", {"cause": "season", "until": until, **WHY})
        assert answer.status_code == 422, (days, answer.get_json())
        assert [one["path"] for one in answer.get_json()["errors"]] == ["until"]


def test_suspended_case_is_never_overdue_and_tells_nobody(town: Town, later: Later) -> None:
    number = handling(town, REFUSE)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "request_suspend", {"cause": "season", **WHY})
    town.as_("dispatcher").moved(number, "grant_suspend")
    later(timedelta(days=20))
    town.fire_timers()
    town.run_outbox()
    assert town.as_("leader").case(number)["light"] == "none"
    assert not {"nearly_due", "overdue", "long_overdue"} & set(clerk.told(number))
    assert town.as_("department_clerk").moved(number, "resume") == "handling"
    assert town.as_("leader").case(number)["light"] == "green"


def test_suspended_case_tells_since_when_its_clock_stands_and_what_is_left(town: Town, later: Later) -> None:
    number = handling(town, REFUSE)
    assert town.as_("leader").case(number)["stopped"] is None
    clerk = town.as_("department_clerk")
    clerk.moved(number, "request_suspend", {"cause": "season", **WHY})
    town.as_("dispatcher").moved(number, "grant_suspend")
    at_once = town.as_("leader").case(number)
    since = datetime.fromisoformat(at_once["stopped"]["since"])
    assert since == datetime.fromisoformat(at_once["state_entered_at"])
    left = at_once["stopped"]["left"]
    assert left["unit"] == "work_hour"
    # Nothing but the few steps above used the four hours.
    assert 3.9 < left["amount"] <= 4
    assert at_once["due_at"] is None
    later(timedelta(days=20))
    leader = town.as_("leader")
    listed = leader.get(f"/cases?q={number}").get_json()["items"][0]
    tasks = {one["number"]: one for one in town.as_("department_clerk").get("/me/tasks?limit=200").get_json()["items"]}
    assert listed["stopped"] == tasks[number]["stopped"] == at_once["stopped"]
    assert town.as_("department_clerk").moved(number, "resume") == "handling"
    again = leader.case(number)
    assert (again["stopped"], again["due_at"] is None) == (None, False)


def test_light_turns_yellow_at_four_fifths_and_red_after_the_end(town: Town, later: Later) -> None:
    number = handling(town, REFUSE)
    leader = town.as_("leader")
    case = leader.case(number)
    warn, due = (datetime.fromisoformat(case[name]) for name in ("warn_at", "due_at"))
    assert case["light"] == "green"
    later(warn - clock.now() + timedelta(seconds=5))
    assert town.as_("leader").case(number)["light"] == "yellow"
    later(due - clock.now() + timedelta(seconds=5))
    assert town.as_("leader").case(number)["light"] == "red"


def test_voided_duplicate_names_the_other_and_comes_back_as_a_filed_case(town: Town) -> None:
    first, number = filed(town), filed(town)
    dispatcher, duty_lead = town.as_("dispatcher"), town.as_("duty_lead")
    refused(dispatcher.move(number, "request_void", {"cause": "duplicate", **WHY}), 422)
    dispatcher.moved(number, "request_void", {"cause": "duplicate", "duplicate_of": first, **WHY})
    assert duty_lead.moved(number, "grant_void") == "void"
    assert duty_lead.case(number)["data"]["duplicate_of"] == first
    assert duty_lead.moved(number, "reopen", WHY) == "filed"
    assert duty_lead.case(number)["category"] == "open"
    assert dispatcher.moved(number, "dispatch", {"department": town.departments["E01"]}) == "dispatched"


def test_case_with_open_parts_is_not_voided_and_a_voided_part_no_longer_holds_it_up(town: Town) -> None:
    number = filed(town)
    dispatcher, duty_lead = town.as_("dispatcher"), town.as_("duty_lead")
    others = [{"department": town.departments["E03"]}]
    dispatcher.moved(number, "dispatch", {"department": town.departments["E01"], "co_departments": others})
    part = town.as_("leader").case(number)["sub_cases"][0]["number"]
    dispatcher.moved(number, "request_void", {"cause": "no_condition", **WHY})
    assert "sub-case" in refused(duty_lead.move(number, "grant_void"))
    duty_lead.moved(number, "refuse_void", {"reason": "协办未结"})
    dispatcher.moved(part, "request_void", {"cause": "no_condition", **WHY})
    assert duty_lead.moved(part, "grant_void") == "void"
    town.as_("department_clerk").moved(number, "accept")
    assert closed(town, number) == number


def test_part_is_never_divided_again(town: Town) -> None:
    number = filed(town)
    dispatcher, garden = town.as_("dispatcher"), town.as_("garden_clerk")
    both = {"department": town.departments["E01"], "co_departments": [{"department": town.departments["E03"]}]}
    dispatcher.moved(number, "dispatch", both)
    part = town.as_("leader").case(number)["sub_cases"][0]["number"]
    garden.moved(part, "return", {"cause": "not_ours", "reason": "不属于本部门职责。"})
    dispatcher.moved(part, "dispatch", {"department": town.departments["E03"], "co_departments": [{"department": town.departments["E01"]}]})
    assert town.as_("leader").case(part)["sub_cases"] == []


def test_appeal_is_for_the_department_alone_and_only_after_the_close(town: Town, later: Later) -> None:
    number = dispatched(town, REFUSE)
    clerk = town.as_("department_clerk")
    clerk.moved(number, "accept")
    later(due_of(town, number) - clock.now() + timedelta(minutes=1))
    clerk = town.as_("department_clerk")
    refused(clerk.move(number, "appeal", WHY))
    closed(town, number)
    for other in ("inspector", "dispatcher", "leader"):
        refused(town.as_(other).move(number, "appeal", WHY), 403)
    refused(clerk.move(number, "appeal", {}), 422)
    assert clerk.moved(number, "appeal", WHY) == "closed"
    case = town.as_("leader").case(number)
    assert (case["category"], case["requests"]) == ("closed", ["appeal"])
    # The answer of the second level: the record of the lateness stays whatever it is.
    town.as_("dispatcher").moved(number, "grant_appeal")
    town.as_("acceptor").moved(number, "refuse_appeal", {"reason": "证据不足"})
    case = town.as_("leader").case(number)
    assert (case["counts"].get("appeals_granted", 0), case["counts"]["late_handle"], case["requests"]) == (0, 1, [])
    assert town.broken(number) == []
