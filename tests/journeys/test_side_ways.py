"""Every side way of a case over the API, each with the rules that practice gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from core.forms.compile import CHINA
from core.lib import clock
from core.workflow.service.hints import MOST
from tests.journeys.town import HERE, Town
from tests.journeys.walking import REFUSE, called, checking, closed, dispatched, done, filed, handling, reported

Later = Callable[[timedelta], None]
WHY = {"reason": "经现场核对，情况如实。"}
RETURN = {"cause": "not_ours", "reason": "不属于本部门职责。"}
OUTSIDE = {"lon": 121.60, "lat": 31.30}


def refused(answer: Any, status: int = 409) -> dict[str, Any]:
    """Expect a refusal as a problem document; give it."""
    document: dict[str, Any] = answer.get_json()
    assert answer.status_code == status, document
    assert answer.content_type == "application/problem+json"
    assert document["detail"]
    return document


def due_of(case: dict[str, Any]) -> datetime:
    """Read when the present step is due."""
    return datetime.fromisoformat(case["due_at"])


def pass_due(town: Town, number: str, later: Later) -> None:
    """Move the clock to a minute after the present step was due."""
    later(due_of(town.as_("leader").case(number)) - clock.now() + timedelta(minutes=1))


# -- before filing


def test_public_report_is_verified_on_site_before_it_is_filed(town: Town) -> None:
    number = called(town)
    duty_lead, inspector = town.as_("duty_lead"), town.as_("inspector")
    barred = refused(duty_lead.move(number, "file", {"condition": "e011301"}))
    assert "verified on site" in barred["detail"]
    assert barred["allowed"] == ["reject"]
    assert town.as_("acceptor").moved(number, "request_verify", {"inspector": town.users["inspector"]}) == "verifying"
    refused(town.as_("second_inspector").move(number, "file", {"condition": "e011301"}), 403)
    assert inspector.moved(number, "verify", {"result": "true", "photos": [inspector.photo()]}) == "verified"
    assert duty_lead.moved(number, "file", {"condition": "e011301"}) == "filed"
    assert town.as_("leader").case(number)["condition"] == "e011301"


def test_public_report_that_proves_untrue_is_not_filed(town: Town) -> None:
    number = called(town)
    duty_lead, inspector = town.as_("duty_lead"), town.as_("inspector")
    town.as_("acceptor").moved(number, "request_verify")
    assert inspector.moved(number, "verify", {"result": "false", "photos": [inspector.photo()]}) == "verified"
    assert "found nothing" in refused(duty_lead.move(number, "file", {"condition": "e011301"}))["detail"]
    assert duty_lead.moved(number, "reject", {"cause": "not_found"}) == "rejected"
    town.run_outbox()
    assert town.as_("intake").told(number) == ["rejected"]
    assert town.as_("leader").case(number)["category"] == "closed"


def test_inspector_gives_a_verification_back_with_a_reason(town: Town) -> None:
    number = called(town)
    town.as_("acceptor").moved(number, "request_verify", {"inspector": town.users["inspector"]})
    inspector = town.as_("inspector")
    assert inspector.moved(number, "return", {"cause": "cannot_reach", "reason": "道路封闭。"}) == "reported"
    assert town.as_("leader").case(number)["events"][-1]["data"]["reason"] == "道路封闭。"


def test_duplicate_is_rejected_and_names_the_other_case(town: Town) -> None:
    first, second = reported(town), reported(town)
    duty_lead = town.as_("duty_lead")
    missing = refused(duty_lead.move(second, "reject", {"cause": "duplicate"}), 422)
    assert [one["path"] for one in missing["errors"]] == ["duplicate_of"]
    for wrong in ("20990101-999999", second):
        unknown = refused(duty_lead.move(second, "reject", {"cause": "duplicate", "duplicate_of": wrong}), 422)
        assert [one["path"] for one in unknown["errors"]] == ["duplicate_of"]
    assert duty_lead.moved(second, "reject", {"cause": "duplicate", "duplicate_of": first}) == "rejected"
    assert duty_lead.case(second)["data"]["duplicate_of"] == first
    assert town.found(second).duplicate_of_id == town.found(first).id


def test_reporter_is_hinted_at_cases_nearby_of_the_same_class(town: Town) -> None:
    number = reported(town)
    inspector = town.as_("inspector")
    place = {"workflow": "urban_mgmt.case", "lon": HERE["lon"] + 0.0001, "lat": HERE["lat"], "class_code": "e0113"}
    near = {one["number"]: one for one in inspector.get("/cases/hints", query_string=place).get_json()["items"]}
    assert all(one["metres"] <= 50 for one in near.values())
    assert any(one["is_likely_duplicate"] for one in near.values())
    far = {**place, "lon": HERE["lon"] + 0.01}
    assert number not in [one["number"] for one in inspector.get("/cases/hints", query_string=far).get_json()["items"]]
    other = {**place, "class_code": "e0110"}
    assert not any(one["is_likely_duplicate"] for one in inspector.get("/cases/hints", query_string=other).get_json()["items"])


def test_near_case_of_another_class_is_named_by_its_own_class_in_the_readers_language(town: Town) -> None:
    road, refuse = reported(town), reported(town, REFUSE)
    inspector = town.as_("inspector")
    place = {"workflow": "urban_mgmt.case", "lon": HERE["lon"], "lat": HERE["lat"], "class_code": "e0113"}
    for language, names in (("en", ("Broken road", "Dirty green area")), ("zh-CN", ("道路破损", "绿地脏乱"))):
        answer = inspector.get("/cases/hints", query_string=place, headers={"Accept-Language": language})
        near = {one["number"]: one for one in answer.get_json()["items"]}
        assert [(near[number]["class_code"], near[number]["class_title"]) for number in (road, refuse)] == list(
            zip(("e0113", "e0117"), names, strict=True)
        )
        assert [near[number]["is_likely_duplicate"] for number in (road, refuse)] == [True, False]


def test_among_more_near_cases_than_are_listed_the_newest_of_one_spot_come_first(town: Town) -> None:
    spot = {**HERE, "lon": HERE["lon"] + 0.0005}
    numbers = [reported(town, position=spot) for _ in range(MOST + 1)]
    place = {"workflow": "urban_mgmt.case", "lon": spot["lon"], "lat": spot["lat"], "class_code": "e0113"}
    listed = town.as_("inspector").get("/cases/hints", query_string=place).get_json()["items"]
    assert [one["number"] for one in listed] == numbers[:0:-1]


# -- returns and re-dispatch


def test_return_needs_a_reason_and_each_receiver_corrects_its_own_step(town: Town) -> None:
    number = dispatched(town)
    clerk, dispatcher = town.as_("department_clerk"), town.as_("dispatcher")
    missing = refused(clerk.move(number, "return", {"cause": "not_ours"}), 422)
    assert [one["path"] for one in missing["errors"]] == ["reason"]
    # Nothing is taken for granted: whoever gives it back says why.
    missing = refused(clerk.move(number, "return", {"reason": "不属于本部门职责。"}), 422)
    assert [one["path"] for one in missing["errors"]] == ["cause"]
    assert clerk.moved(number, "return", RETURN) == "returned"
    assert clerk.get(f"/cases/{number}").status_code == 404
    assert set(dispatcher.offered(number)) == {"dispatch", "return", "request_void"}
    barred = refused(town.as_("duty_lead").move(number, "close"))
    assert "close" not in barred["allowed"]
    assert dispatcher.moved(number, "return", {"cause": "wrong_class", "reason": "立案条件有误。"}) == "sent_back"
    assert dispatcher.offered(number) == {"request_void": True}
    assert town.as_("duty_lead").moved(number, "file", {"condition": "e011302"}) == "filed"


def test_returned_case_is_dispatched_again_to_the_right_department(town: Town) -> None:
    number = dispatched(town)
    town.as_("department_clerk").moved(number, "return", RETURN)
    assert town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E03"]}) == "dispatched"
    assert town.as_("department_clerk").get(f"/cases/{number}").status_code == 404
    case = town.as_("garden_clerk").case(number)
    assert (case["department"]["key"], case["counts"]["dispatches"], case["counts"]["returns"]) == ("E03", 2, 1)


def test_department_withdraws_its_inner_assignment_before_it_returns_a_case(town: Town) -> None:
    number = dispatched(town)
    clerk = town.as_("department_clerk")
    assert clerk.moved(number, "accept", {"handler": town.users["handler"]}) == "handling"
    assert clerk.moved(number, "return", RETURN) == "dispatched"
    assert clerk.case(number)["department"]["key"] == "E01"
    assert clerk.moved(number, "return", RETURN) == "returned"


def test_work_ends_when_the_department_confirms_it_not_when_the_worker_does(town: Town) -> None:
    number = dispatched(town)
    clerk, handler = town.as_("department_clerk"), town.as_("handler")
    clerk.moved(number, "accept", {"handler": town.users["handler"]})
    town.run_outbox()
    assert handler.told(number)
    assert number in [one["number"] for one in handler.get("/me/tasks?limit=200").get_json()["items"]]
    result = {"photos": [handler.photo()], "result": "已补好"}
    assert handler.moved(number, "handle", result) == "worked"
    assert clerk.moved(number, "return", {"cause": "not_finished", "reason": "边缘未压实。"}) == "handling"
    town.run_outbox()
    assert "returned" in handler.told(number)
    assert handler.moved(number, "handle", result) == "worked"
    assert done(town, number) == number


def test_failed_check_sends_a_case_back_to_the_same_department(town: Town) -> None:
    number = checking(town, done(town, handling(town)))
    inspector = town.as_("inspector")
    refused(inspector.move(number, "check_fail", {"photos": [inspector.photo()]}), 422)
    assert inspector.moved(number, "check_fail", {"photos": [inspector.photo()], "reason": "仍有坑洼"}) == "rework"
    case = town.as_("department_clerk").case(number)
    assert (case["department"]["key"], case["counts"]["reworks"]) == ("E01", 1)
    assert [one["verb"] for one in case["events"]][-3:] == ["handle", "request_check", "check_fail"]
    town.run_outbox()
    assert "rework" in town.as_("department_clerk").told(number)
    assert town.as_("department_clerk").moved(number, "accept") == "handling"
    assert closed(town, number) == number


# -- extension


def grant_extension(town: Town, number: str) -> None:
    """Ask, and let both levels agree."""
    town.as_("department_clerk").moved(number, "request_extension", WHY)
    town.as_("department_head").moved(number, "grant_extension")
    town.as_("dispatcher").moved(number, "grant_extension")


def test_extension_is_granted_by_the_head_and_then_the_dispatcher(town: Town) -> None:
    number = handling(town)
    clerk, head, dispatcher = (town.as_(name) for name in ("department_clerk", "department_head", "dispatcher"))
    before = due_of(clerk.case(number))
    refused(clerk.move(number, "request_extension", {}), 422)
    clerk.moved(number, "request_extension", WHY)
    assert clerk.case(number)["requests"] == ["extension"]
    refused(clerk.move(number, "request_extension", WHY))
    refused(dispatcher.move(number, "grant_extension"), 403)
    head.moved(number, "grant_extension")
    assert due_of(clerk.case(number)) == before
    refused(head.move(number, "grant_extension"), 403)
    dispatcher.moved(number, "grant_extension")
    case = clerk.case(number)
    assert case["requests"] == []
    assert case["counts"]["extensions"] == 1
    assert due_of(case) >= before + timedelta(days=5)
    town.run_outbox()
    assert "request_granted" in clerk.told(number)
    assert "request_opened" in head.told(number)
    assert "request_opened" in dispatcher.told(number)


def test_refused_extension_does_not_count_and_two_are_granted_at_most(town: Town) -> None:
    number = handling(town)
    clerk, head = town.as_("department_clerk"), town.as_("department_head")
    clerk.moved(number, "request_extension", WHY)
    refused(head.move(number, "refuse_extension", {}), 422)
    head.moved(number, "refuse_extension", {"reason": "理由不充分"})
    assert clerk.case(number)["counts"].get("extensions", 0) == 0
    grant_extension(town, number)
    grant_extension(town, number)
    assert "two extensions" in refused(clerk.move(number, "request_extension", WHY))["detail"]


def test_extension_cannot_be_asked_for_when_the_case_is_overdue(town: Town, later: Later) -> None:
    number = handling(town)
    pass_due(town, number, later)
    assert "overdue" in refused(town.as_("department_clerk").move(number, "request_extension", WHY))["detail"]
    assert town.as_("department_clerk").offered(number)["request_extension"] is False
    assert town.as_("leader").case(number)["light"] == "red"


# -- suspension


def suspended(town: Town, **until: str) -> str:
    """Suspend a case in hand."""
    number = handling(town)
    town.as_("department_clerk").moved(number, "request_suspend", {"cause": "season", **WHY, **until})
    assert town.as_("dispatcher").moved(number, "grant_suspend") == "suspended"
    return number


def test_suspended_case_stops_its_clock_and_resumes_by_itself(town: Town, later: Later) -> None:
    until = (clock.now() + timedelta(days=9)).astimezone(CHINA).date()  # a day is a day where the agency is
    number = handling(town)
    before = due_of(town.as_("leader").case(number))
    town.as_("department_clerk").moved(number, "request_suspend", {"cause": "season", "until": until.isoformat(), **WHY})
    assert town.as_("dispatcher").moved(number, "grant_suspend") == "suspended"
    assert town.as_("leader").case(number)["due_at"] is None
    later(timedelta(days=8))
    town.fire_timers()
    assert town.as_("leader").case(number)["state"]["key"] == "suspended"
    later(timedelta(days=2))
    assert town.fire_timers() >= 1
    case = town.as_("leader").case(number)
    assert case["state"]["key"] == "handling"
    assert due_of(case) > before + timedelta(days=7)
    assert case["events"][-1]["verb"] == "resume"
    assert case["events"][-1]["actor"] is None
    town.run_outbox()
    assert "resumed" in town.as_("department_clerk").told(number)
    assert "once only" in refused(town.as_("department_clerk").move(number, "request_suspend", {"cause": "money", **WHY}))["detail"]


def test_suspension_is_refused_with_a_reason_and_resumed_by_hand(town: Town) -> None:
    number = handling(town)
    clerk, dispatcher = town.as_("department_clerk"), town.as_("dispatcher")
    clerk.moved(number, "request_suspend", {"cause": "money", **WHY})
    assert dispatcher.moved(number, "refuse_suspend", {"reason": "应按期处置"}) == "handling"
    clerk.moved(number, "request_suspend", {"cause": "money", **WHY})
    assert dispatcher.moved(number, "grant_suspend") == "suspended"
    assert clerk.moved(number, "resume") == "handling"
    assert clerk.case(number)["due_at"] is not None


# -- void, urge, appeal, reopen, force_close


def test_void_is_asked_for_and_granted_by_the_duty_lead(town: Town) -> None:
    number = filed(town)
    dispatcher, duty_lead = town.as_("dispatcher"), town.as_("duty_lead")
    dispatcher.moved(number, "request_void", {"cause": "no_condition", **WHY})
    refused(dispatcher.move(number, "grant_void"), 403)
    assert duty_lead.moved(number, "refuse_void", {"reason": "已达立案标准"}) == "filed"
    dispatcher.moved(number, "request_void", {"cause": "no_condition", **WHY})
    assert duty_lead.moved(number, "grant_void") == "void"
    assert duty_lead.case(number)["category"] == "closed"
    town.run_outbox()
    assert dispatcher.told(number)[-2:] == ["request_refused", "request_granted"]


def test_urging_reaches_whoever_has_the_task_and_nobody_else(town: Town) -> None:
    number = handling(town)
    leader = town.as_("leader")
    refused(town.as_("dispatcher").move(number, "urge", {"note": "快办"}), 403)
    refused(leader.move(number, "urge", {}), 422)
    assert leader.moved(number, "urge", {"note": "群众反映强烈，今日办结。"}) == "handling"
    town.run_outbox()
    town.run_outbox()
    assert town.as_("department_clerk").told(number).count("urged") == 1
    assert town.as_("department_head").told(number).count("urged") == 1
    for other in ("garden_clerk", "dispatcher", "inspector", "acceptor", "handler"):
        assert "urged" not in town.as_(other).told(number), other
    assert leader.case(number)["counts"]["urges"] == 1


def test_urging_an_assigned_case_reaches_its_handler(town: Town) -> None:
    number = dispatched(town)
    town.as_("department_clerk").moved(number, "accept", {"handler": town.users["handler"]})
    town.as_("leader").moved(number, "urge", {"note": "快办"})
    town.run_outbox()
    assert "urged" in town.as_("handler").told(number)
    assert "urged" not in town.as_("department_clerk").told(number)


def test_only_late_handling_can_be_appealed_once_over_two_levels(town: Town, later: Later) -> None:
    punctual = closed(town, handling(town))
    clerk, dispatcher, acceptor = (town.as_(name) for name in ("department_clerk", "dispatcher", "acceptor"))
    assert "late" in refused(clerk.move(punctual, "appeal", WHY))["detail"]
    number = handling(town, REFUSE)
    pass_due(town, number, later)
    closed(town, number)
    assert clerk.moved(number, "appeal", WHY) == "closed"
    refused(acceptor.move(number, "grant_appeal"), 403)
    dispatcher.moved(number, "grant_appeal")
    assert clerk.case(number)["requests"] == ["appeal"]
    refused(dispatcher.move(number, "grant_appeal"), 403)
    acceptor.moved(number, "grant_appeal")
    case = clerk.case(number)
    assert case["counts"]["appeals_granted"] == 1
    assert case["counts"]["late_handle"] == 1
    assert [one["in_time"] for one in case["events"] if one["verb"] == "handle"] == [False]
    assert "once only" in refused(clerk.move(number, "appeal", WHY))["detail"]


def test_refused_appeal_leaves_the_case_as_it_was(town: Town, later: Later) -> None:
    number = handling(town, REFUSE)
    pass_due(town, number, later)
    closed(town, number)
    town.as_("department_clerk").moved(number, "appeal", WHY)
    assert town.as_("dispatcher").moved(number, "refuse_appeal", {"reason": "无证明材料"}) == "closed"
    assert town.as_("leader").case(number)["counts"].get("appeals_granted", 0) == 0


def test_closed_case_is_reopened_for_a_new_dispatch(town: Town) -> None:
    number = closed(town, handling(town))
    refused(town.as_("acceptor").move(number, "reopen", WHY), 403)
    assert town.as_("duty_lead").moved(number, "reopen", WHY) == "filed"
    case = town.as_("dispatcher").case(number)
    assert (case["category"], case["department"], case["counts"]["reopenings"]) == ("open", None, 1)
    assert case["closed_at"] is None
    assert town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]}) == "dispatched"


def test_rejected_report_is_reopened_as_a_report(town: Town) -> None:
    number = reported(town)
    duty_lead = town.as_("duty_lead")
    duty_lead.moved(number, "reject", {"cause": "no_condition"})
    assert duty_lead.moved(number, "reopen", WHY) == "reported"
    assert duty_lead.moved(number, "file", {"condition": "e011301"}) == "filed"


def test_case_is_closed_by_force_with_a_reason(town: Town) -> None:
    number = handling(town)
    duty_lead = town.as_("duty_lead")
    refused(duty_lead.move(number, "force_close", {}), 422)
    refused(town.as_("dispatcher").move(number, "force_close", WHY), 403)
    assert duty_lead.moved(number, "force_close", WHY) == "force_closed"
    town.run_outbox()
    assert town.as_("inspector").told(number)[-1] == "closed"


# -- sub-cases, self-handled, outside every grid


def test_case_of_several_departments_waits_for_every_part(town: Town) -> None:
    number = filed(town)
    others = [{"department": town.departments["E03"]}, {"department": town.departments["E01"]}]
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"], "co_departments": others})
    parts = town.as_("leader").case(number)["sub_cases"]
    assert [one["state"]["key"] for one in parts] == ["dispatched"]  # the case's own department gets no part
    part = parts[0]["number"]
    garden = town.as_("garden_clerk")
    assert garden.case(part)["parent"] == number
    assert garden.get(f"/cases/{number}").status_code == 404
    town.as_("department_clerk").moved(number, "accept")
    done(town, number)
    assert "sub-case" in refused(town.as_("acceptor").move(number, "request_check"))["detail"]
    assert "sub-case" in refused(town.as_("duty_lead").move(number, "force_close", WHY))["detail"]
    garden.moved(part, "accept")
    done(town, part, "garden_clerk")
    checking(town, part)
    inspector = town.as_("inspector")
    inspector.moved(part, "check_pass", {"photos": [inspector.photo()]})
    town.as_("duty_lead").moved(part, "close")
    assert checking(town, number) == number


def test_matter_put_right_on_the_spot_is_audited_and_closed(town: Town) -> None:
    inspector = town.as_("inspector")
    number = reported(town, self_handled=True, photos_after=[inspector.photo(40)])
    assert town.as_("leader").case(number)["state"]["key"] == "self_handled"
    refused(town.as_("duty_lead").move(number, "close"), 403)
    assert town.as_("acceptor").moved(number, "close") == "closed"
    invalid = reported(town, self_handled=True, photos_after=[inspector.photo(41)])
    assert town.as_("acceptor").moved(invalid, "reject", {"cause": "invalid_self_handling"}) == "rejected"


def test_case_outside_every_grid_is_kept_flagged_and_given_a_grid_by_hand(town: Town) -> None:
    number = reported(town, position=OUTSIDE)
    inspector, acceptor = town.as_("inspector"), town.as_("acceptor")
    case = acceptor.case(number)
    assert (case["located"], case["grid"]) == ("outside", None)
    assert (case["lon"], case["lat"]) == (OUTSIDE["lon"], OUTSIDE["lat"])
    assert inspector.get(f"/cases/{number}").status_code == 200  # his own report
    assert town.as_("second_inspector").get(f"/cases/{number}").status_code == 404
    flagged = acceptor.get("/cases", query_string={"filter": 'located == "outside"', "limit": 200}).get_json()["items"]
    assert number in [one["number"] for one in flagged]
    unit = "310105001001001"
    known = town.as_("leader").case(reported(town))["grid"]["code"]
    version = case["version"]
    headers = {"If-Match": f'"{version}"'}
    refused(inspector.send("PUT", f"/cases/{number}/grid", json={"grid": known}, headers=headers), 403)
    refused(acceptor.send("PUT", f"/cases/{number}/grid", json={"grid": "999"}, headers=headers), 404)
    answer = acceptor.send("PUT", f"/cases/{number}/grid", json={"grid": known}, headers=headers)
    assert answer.status_code == 200, (unit, answer.get_json())
    case = town.as_("second_inspector").case(number)
    assert (case["located"], case["grid"]["code"]) == ("assigned", known)
    assert case["events"][-1]["verb"] == "assign_grid"
    assert town.as_("duty_lead").moved(number, "file", {"condition": "e011301"}) == "filed"


# -- escalation


def test_escalation_tells_the_right_people_as_the_limit_runs_out(town: Town, later: Later) -> None:
    number = handling(town, REFUSE)
    clerk, head, dispatcher, leader = (town.as_(name) for name in ("department_clerk", "department_head", "dispatcher", "leader"))
    pass_due(town, number, later)
    assert town.fire_timers() >= 2
    town.run_outbox()
    assert clerk.told(number)[-2:] == ["nearly_due", "overdue"]
    assert "overdue" in dispatcher.told(number)
    assert "long_overdue" not in head.told(number)
    later(timedelta(days=4))
    town.fire_timers()
    town.run_outbox()
    assert head.told(number)[-1] == "long_overdue"
    assert leader.told(number) == ["long_overdue"]
    assert town.fire_timers() == 0
    assert clerk.told(number).count("overdue") == 1
