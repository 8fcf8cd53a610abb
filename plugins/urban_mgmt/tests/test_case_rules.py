"""Each rule of the closed loop, by name (practice.md 1.9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.authz import Actor, Grant
from core.lib.errors import Invalid
from core.workflow.engine import offers, open_sub_case
from core.workflow.types import CaseSnapshot, NotEntitled, Refused


def refusal(desk, verb, role, **data):
    """Take a step that must be refused; give the English sentence, the case unchanged."""
    before = desk.case
    with pytest.raises(Refused) as refused:
        desk.do(verb, role, **data)
    assert before is desk.case
    return refused.value.message.text("en")


def received(desk):
    """Who is told what by the last step: topic to right or person."""
    return {(notice.topic, notice.to.right or notice.to.at) for notice in desk.last.notices}


class TestTheLoop:
    def test_inspector_report_goes_round_the_loop(self, desk):
        desk.closed()
        assert (desk.case.state, desk.last.category) == ("closed", "closed")
        assert desk.now == desk.case.closed_at == desk.case.filed_at == desk.case.handled_at
        assert {"reported", "filed", "dispatched", "handled", "checked"} == set(desk.case.milestones)
        assert desk.timers == {}
        assert (desk.case.clock, desk.case.assignee_id) == (None, None)

    def test_each_task_goes_to_its_owner(self, desk):
        desk.report()
        assert {("task", "urban_mgmt:case:request_check")} == received(desk)
        desk.do("file", "duty_lead", condition="e011301")
        assert {("task", "urban_mgmt:case:dispatch")} == received(desk)
        desk.do("dispatch", "dispatcher", department=1)
        assert {("task", "urban_mgmt:case:accept")} == received(desk)

    def test_handled_is_not_closed(self, desk):
        desk.handled()
        assert desk.last.category == "open"
        assert desk.case.closed_at is None
        assert "not possible while" in refusal(desk, "close", "duty_lead")

    def test_refusal_says_what_is_allowed_instead(self, desk):
        desk.report()
        with pytest.raises(Refused) as refused:
            desk.do("close", "duty_lead")
        assert refused.value.allowed == ("file", "reject")
        assert refused.value.extra == {"state": "reported", "transition": "close", "allowed": ["file", "reject"]}

    def test_unknown_verb_is_invalid(self, desk):
        desk.report()
        with pytest.raises(Invalid, match="no transition fly"):
            desk.do("fly", "duty_lead")


class TestReportAndVerify:
    def test_public_report_is_verified_before_filing(self, desk):
        desk.do("report", "intake", source="hotline", kind="event")
        assert "verified on site before" in refusal(desk, "file", "duty_lead", condition="e011301")
        desk.do("request_verify", "acceptor")
        desk.do("verify", "inspector", result="true")
        desk.do("file", "duty_lead", condition="e011301")
        assert desk.case.state == "filed"

    def test_inspector_report_skips_verification(self, desk):
        desk.filed()
        assert desk.case.state == "filed"

    def test_case_found_untrue_cannot_be_filed(self, desk):
        desk.do("report", "intake", source="web", kind="event")
        desk.do("request_verify", "acceptor")
        desk.do("verify", "inspector", result="false")
        assert "found nothing" in refusal(desk, "file", "duty_lead", condition="e011301")
        desk.do("reject", "duty_lead")
        assert (desk.case.state, desk.last.category) == ("rejected", "closed")

    def test_desk_cannot_report_as_an_inspector(self, desk):
        before = desk.case
        with pytest.raises(Refused):
            desk.do("report", "intake", source="inspector", kind="event")
        assert before is desk.case

    def test_verification_takes_24_urgent_hours(self, desk):
        desk.do("report", "intake", source="hotline", kind="event")
        desk.do("request_verify", "acceptor")
        assert desk.now + timedelta(hours=24) == desk.case.due_at

    def test_inspector_of_another_grid_may_not_verify(self, desk):
        desk.do("report", "intake", source="hotline", kind="event")
        desk.do("request_verify", "acceptor")
        stranger = Actor(77, 1, "alpha", "stranger", (Grant("urban_mgmt:case:verify", "scheme.d.other"),), desk.now)
        with pytest.raises(NotEntitled):
            desk.step("verify", stranger, {"result": "true"})

    def test_self_handled_goes_to_audit(self, desk):
        desk.report(self_handled=True)
        assert desk.case.state == "self_handled"
        desk.do("close", "acceptor")
        assert desk.case.state == "closed"
        assert desk.now == desk.case.filed_at == desk.case.handled_at

    def test_invalid_self_handling_is_not_filed(self, desk):
        desk.report(self_handled=True).do("reject", "acceptor")
        assert desk.case.state == "rejected"


class TestFiling:
    def test_filing_rule_decides_class_and_limit(self, desk):
        desk.filed("c010103")
        assert (desk.case.kind, desk.case.class_code, desk.case.condition) == ("component", "c0101", "c010103")
        assert (desk.case.limit.amount, desk.case.limit.unit) == (2, "work_day")

    def test_unknown_condition_is_invalid(self, desk):
        desk.report()
        with pytest.raises(Invalid, match="condition"):
            desk.do("file", "duty_lead", condition="c999999")
        assert desk.case.state == "reported"

    def test_handling_limit_runs_from_dispatch(self, desk):
        desk.dispatched("c010103")
        assert datetime(2026, 3, 4, 1, tzinfo=UTC) == desk.case.due_at
        desk.do("accept", "department_clerk")
        assert datetime(2026, 3, 4, 1, tzinfo=UTC) == desk.case.due_at


class TestReturn:
    def test_department_withdraws_its_assignment_first(self, desk):
        desk.handling(handler=55)
        desk.do("return", "department_clerk", reason="not ours")
        assert (desk.case.state, desk.case.assignee_id, desk.case.counts.get("returns", 0)) == ("dispatched", None, 0)
        desk.do("return", "department_clerk", reason="not ours")
        assert (desk.case.state, desk.case.department_id, desk.case.counts["returns"]) == ("returned", None, 1)

    def test_handler_returns_to_own_department(self, desk):
        handler = desk.person("handler")
        desk.handling(handler=handler.user_id).do("return", "handler", reason="no tools")
        assert (desk.case.state, desk.case.department_id, desk.case.assignee_id) == ("dispatched", 1, None)

    def test_dispatcher_who_got_it_back_may_only_correct_dispatch(self, desk):
        desk.dispatched().do("return", "department_clerk", reason="not ours")
        offered = {offer.verb for offer in offers(desk.workflow, desk.case, desk.person("dispatcher"), now=desk.now)}
        assert {"dispatch", "return", "request_void"} == offered
        desk.do("dispatch", "dispatcher", department=2)
        assert (desk.case.state, desk.case.department_id) == ("dispatched", 2)

    def test_dispatcher_returns_to_filing_which_can_only_refile(self, desk):
        desk.filed().do("return", "dispatcher", reason="wrong class")
        assert desk.case.state == "sent_back"
        assert "not possible while" in refusal(desk, "dispatch", "dispatcher", department=1)
        desk.do("file", "duty_lead", condition="e011302")
        assert (desk.case.state, desk.case.condition) == ("filed", "e011302")

    def test_refiling_keeps_the_first_filing_time(self, desk):
        first = desk.filed().now
        desk.do("return", "dispatcher", reason="wrong class")
        desk.wait(hours=1)
        desk.do("file", "duty_lead", condition="e011302")
        assert first == desk.case.filed_at

    def test_inspector_returns_a_check_to_the_acceptor(self, desk):
        desk.checking().do("return", "inspector", reason="cannot reach")
        assert desk.case.state == "handled"

    def test_returned_check_leaves_the_time_of_handling_alone(self, desk):
        handled = desk.checking().now
        desk.wait(hours=1)
        desk.do("return", "inspector", reason="cannot reach")
        assert handled == desk.case.handled_at

    def test_unfinished_work_goes_back_to_its_worker(self, desk):
        handler = desk.person("handler")
        desk.handling(handler=handler.user_id).do("handle", "handler")
        assert ({("task", "urban_mgmt:case:accept")}, None) == (received(desk), desk.case.assignee_id)
        desk.do("return", "department_clerk", reason="cover still rattles")
        assert ("handling", handler.user_id) == (desk.case.state, desk.case.assignee_id)
        assert ("returned", "assignee") in received(desk)


class TestHandling:
    def test_handling_ends_when_the_department_confirms(self, desk):
        handler = desk.person("handler")
        desk.handling("c010101", handler=handler.user_id).do("handle", "handler")
        assert (desk.case.state, desk.case.handled_at) == ("worked", None)
        assert desk.case.clock.key == "handle"
        desk.wait(hours=1)
        desk.do("handle", "department_clerk")
        assert ("handled", desk.now) == (desk.case.state, desk.case.handled_at)

    def test_only_the_assigned_worker_finishes(self, desk):
        desk.handling(handler=desk.person("handler").user_id)
        with pytest.raises(NotEntitled):
            desk.do("handle", "handler", name="another")

    def test_department_names_another_handler(self, desk):
        desk.handling(handler=55).do("accept", "department_clerk", handler=56)
        assert (desk.case.state, desk.case.assignee_id) == ("handling", 56)
        assert [(notice.topic, notice.to.person_id) for notice in desk.last.notices] == [("assigned", 56)]
        desk.do("accept", "department_clerk")
        assert (desk.case.assignee_id, desk.last.notices) == (None, ())

    def test_other_department_may_not_handle(self, desk):
        desk.handling()
        with pytest.raises(NotEntitled):
            desk.do("handle", "department_clerk", of=2)

    def test_span_says_whether_handling_was_in_time(self, desk):
        desk.handling("c010101").wait(hours=1.5)
        desk.do("handle", "department_clerk")
        assert (desk.last.event.span.key, desk.last.event.span.in_time) == ("handle", True)
        late = desk.case.counts.get("late_handle", 0)
        assert late == 0

    def test_late_handling_is_counted_and_stays(self, desk):
        desk.closed_late()
        assert desk.case.counts["late_handle"] == 1


class TestRework:
    def test_failed_check_goes_back_to_the_same_department(self, desk):
        desk.checking().do("check_fail", "inspector", reason="still broken")
        assert (desk.case.state, desk.case.department_id, desk.case.counts["reworks"]) == ("rework", 1, 1)
        assert {("task", "urban_mgmt:case:accept"), ("rework", "urban_mgmt:case:accept")} == received(desk)

    def test_every_failed_check_is_counted(self, desk):
        desk.checking()
        for _ in range(2):
            desk.do("check_fail", "inspector", reason="still broken")
            desk.do("accept", "department_clerk")
            desk.do("handle", "department_clerk")
            desk.do("request_check", "acceptor")
        assert desk.case.counts["reworks"] == 2

    def test_rework_gets_a_new_limit(self, desk):
        desk.checking("c010101").wait(hours=1)
        desk.do("check_fail", "inspector", reason="still broken")
        assert desk.now + timedelta(hours=2) == desk.case.due_at


class TestExtension:
    def grant(self, desk):
        desk.do("request_extension", "department_clerk", reason="permit")
        desk.do("grant_extension", "department_head")
        desk.do("grant_extension", "dispatcher")

    def test_department_head_first_then_dispatcher(self, desk):
        due = desk.handling("c010101").case.due_at
        desk.do("request_extension", "department_clerk", reason="permit")
        assert {("request_opened", "urban_mgmt:case:approve_extension")} == received(desk)
        with pytest.raises(NotEntitled):
            desk.do("grant_extension", "dispatcher")
        desk.do("grant_extension", "department_head")
        assert (2, 1, due) == (desk.case.requests["extension"].level, desk.last.event.level, desk.case.due_at)
        assert {("request_opened", "urban_mgmt:case:grant_extension")} == received(desk)
        with pytest.raises(NotEntitled):
            desk.do("grant_extension", "department_head")
        desk.do("grant_extension", "dispatcher")
        assert ({}, due + timedelta(hours=2), 1) == (desk.case.requests, desk.case.due_at, desk.case.counts["extensions"])
        assert {("request_granted", "asker")} == received(desk)

    def test_each_adds_one_original_limit_to_the_present_deadline(self, desk):
        due = desk.handling("c010101").case.due_at
        self.grant(desk)
        self.grant(desk)
        assert due + timedelta(hours=4) == desk.case.due_at

    def test_work_time_is_added_as_work_time(self, desk):
        desk.handling("c010103")
        self.grant(desk)
        assert datetime(2026, 3, 6, 1, tzinfo=UTC) == desk.case.due_at

    def test_at_most_two_are_granted(self, desk):
        desk.handling("c010103")
        self.grant(desk)
        self.grant(desk)
        assert "At most two" in refusal(desk, "request_extension", "department_clerk", reason="permit")

    def test_refusal_does_not_count(self, desk):
        due = desk.handling("c010103").case.due_at
        for _ in range(3):
            desk.do("request_extension", "department_clerk", reason="permit")
            desk.do("refuse_extension", "department_head", reason="no")
        desk.do("request_extension", "department_clerk", reason="permit")
        desk.do("grant_extension", "department_head")
        desk.do("refuse_extension", "dispatcher", reason="no")
        assert (due, 0) == (desk.case.due_at, desk.case.counts.get("extensions", 0))

    def test_not_when_overdue(self, desk):
        desk.handling("c010101").wait(hours=2, seconds=1)
        assert "overdue" in refusal(desk, "request_extension", "department_clerk", reason="permit")

    def test_on_the_last_moment_it_is_not_overdue(self, desk):
        desk.handling("c010101").wait(hours=2)
        desk.do("request_extension", "department_clerk", reason="permit")
        assert "extension" in desk.case.requests

    def test_not_while_another_application_is_open(self, desk):
        desk.handling().do("request_suspend", "department_clerk", cause="season", reason="planting")
        assert "Another application" in refusal(desk, "request_extension", "department_clerk", reason="permit")

    def test_not_while_suspended(self, desk):
        desk.handling().do("request_suspend", "department_clerk", cause="season", reason="planting")
        desk.do("grant_suspend", "dispatcher")
        assert "not possible while" in refusal(desk, "request_extension", "department_clerk", reason="permit")

    def test_application_lapses_when_the_case_is_handled(self, desk):
        desk.handling().do("request_extension", "department_clerk", reason="permit")
        desk.do("handle", "department_clerk")
        assert desk.case.requests == {}

    def test_nothing_to_grant_without_an_application(self, desk):
        desk.handling()
        assert "no open" in refusal(desk, "grant_extension", "department_head")

    def test_one_person_does_not_grant_both_levels(self, desk):
        desk.handling().do("request_extension", "department_clerk", reason="permit")
        rights = ("urban_mgmt:case:approve_extension", "urban_mgmt:case:grant_extension")
        both = Actor(66, 1, "alpha", "both", tuple(Grant(right) for right in rights), desk.now)
        desk.step("grant_extension", both, {})
        with pytest.raises(NotEntitled):
            desk.step("grant_extension", both, {})


class TestSuspension:
    def suspend(self, desk, **data):
        desk.do("request_suspend", "department_clerk", cause="season", reason="planting", **data)
        desk.do("grant_suspend", "dispatcher")

    def test_clock_stands_while_suspended(self, desk):
        due = desk.handling("c010101").case.due_at
        desk.wait(hours=1)
        self.suspend(desk)
        assert {"resume"} == set(desk.timers)
        desk.wait(days=30)
        assert not desk.case.is_overdue(desk.now)
        desk.do("resume", "dispatcher")
        assert due + timedelta(days=30) == desk.case.due_at
        assert desk.now + timedelta(hours=1) == desk.case.due_at

    def test_once_per_case(self, desk):
        self.suspend(desk.handling())
        desk.do("resume", "department_clerk")
        assert "once only" in refusal(desk, "request_suspend", "department_clerk", cause="season", reason="again")

    def test_refused_application_may_be_made_again(self, desk):
        desk.handling().do("request_suspend", "department_clerk", cause="season", reason="planting")
        desk.do("refuse_suspend", "dispatcher", reason="no")
        self.suspend(desk)
        assert desk.case.counts["suspensions"] == 1

    def test_resumes_by_itself_on_its_day(self, desk):
        self.suspend(desk.handling(), until="2026-04-01")
        assert datetime(2026, 3, 31, 16, tzinfo=UTC) == desk.timers["resume"]
        desk.now = desk.timers["resume"]
        (resumed,) = desk.fire_due()
        assert (desk.case.state, resumed.event.verb, resumed.event.actor_id) == ("handling", "resume", None)
        assert {("task", "urban_mgmt:case:accept"), ("resumed", "urban_mgmt:case:accept")} == received(desk)

    @pytest.mark.parametrize("until", [None, "2099-01-01"])
    def test_at_most_one_year(self, desk, until):
        self.suspend(desk.handling(), until=until)
        assert desk.now + timedelta(days=365) == desk.timers["resume"]

    def test_suspended_case_can_be_voided(self, desk):
        self.suspend(desk.handling())
        desk.do("request_void", "dispatcher", cause="other", reason="demolished")
        desk.do("grant_void", "duty_lead")
        assert (desk.case.state, desk.timers, desk.case.clock) == ("void", {}, None)


class TestVoidAndForce:
    def test_void_by_the_duty_leads_approval(self, desk):
        desk.filed().do("request_void", "dispatcher", cause="no_condition", reason="too small")
        with pytest.raises(NotEntitled):
            desk.do("grant_void", "dispatcher")
        desk.do("grant_void", "duty_lead")
        assert (desk.case.state, desk.last.category) == ("void", "closed")

    def test_refused_voiding_changes_nothing(self, desk):
        desk.filed().do("request_void", "dispatcher", cause="no_condition", reason="too small")
        desk.do("refuse_void", "duty_lead", reason="large enough")
        assert (desk.case.state, desk.case.requests) == ("filed", {})

    def test_application_to_void_survives_the_next_step(self, desk):
        desk.filed().do("request_void", "dispatcher", cause="no_condition", reason="too small")
        desk.do("dispatch", "dispatcher", department=1)
        desk.do("grant_void", "duty_lead")
        assert desk.case.state == "void"

    def test_force_close_by_the_duty_lead(self, desk):
        desk.handling().do("force_close", "duty_lead", reason="road rebuilt")
        assert ("force_closed", desk.now) == (desk.case.state, desk.case.closed_at)

    def test_unfiled_report_cannot_be_force_closed(self, desk):
        desk.report()
        assert "not possible while" in refusal(desk, "force_close", "duty_lead", reason="x")


class TestUrge:
    def test_any_time_while_open_without_changing_the_state(self, desk):
        desk.handling()
        for times in (1, 2, 3):
            desk.do("urge", "supervising_leader", note="hurry")
            assert ("handling", times) == (desk.case.state, desk.case.counts["urges"])
        assert {("urged", "urban_mgmt:case:accept")} == received(desk)

    def test_goes_to_the_person_who_has_it(self, desk):
        desk.handling(handler=55).do("urge", "supervising_leader", note="hurry")
        assert {("urged", "assignee")} == received(desk)

    def test_does_not_move_the_deadline(self, desk):
        due = desk.handling().case.due_at
        desk.wait(hours=1)
        desk.do("urge", "supervising_leader", note="hurry")
        assert due == desk.case.due_at

    def test_not_when_closed(self, desk):
        desk.closed()
        assert "not possible while" in refusal(desk, "urge", "supervising_leader", note="hurry")


class TestAppeal:
    def test_dispatcher_reviews_then_acceptor_decides(self, desk):
        desk.closed_late().do("appeal", "department_clerk", reason="storm")
        with pytest.raises(NotEntitled):
            desk.do("grant_appeal", "acceptor")
        desk.do("grant_appeal", "dispatcher")
        assert desk.case.counts.get("appeals_granted", 0) == 0
        desk.do("grant_appeal", "acceptor")
        assert (desk.case.state, desk.case.counts["appeals_granted"], desk.case.counts["late_handle"]) == ("closed", 1, 1)

    def test_only_when_handling_was_late(self, desk):
        desk.closed()
        assert "was late" in refusal(desk, "appeal", "department_clerk", reason="storm")

    def test_only_after_closing(self, desk):
        desk.handling("c010101").wait(hours=3)
        assert "not possible while" in refusal(desk, "appeal", "department_clerk", reason="storm")

    def test_once_per_case_even_when_refused(self, desk):
        desk.closed_late().do("appeal", "department_clerk", reason="storm")
        desk.do("refuse_appeal", "dispatcher", reason="no storm")
        assert "once only" in refusal(desk, "appeal", "department_clerk", reason="storm")

    def test_only_by_the_department(self, desk):
        desk.closed_late()
        for role in ("inspector", "acceptor", "duty_lead", "dispatcher", "handler"):
            with pytest.raises(NotEntitled):
                desk.do("appeal", role, reason="storm")
        with pytest.raises(NotEntitled):
            desk.do("appeal", "department_clerk", of=2, reason="storm")


class TestReopen:
    def test_closed_case_is_dispatched_again(self, desk):
        desk.closed().do("reopen", "duty_lead", reason="again")
        assert (desk.case.state, desk.case.closed_at, desk.case.department_id, desk.case.counts["reopenings"]) == ("filed", None, None, 1)
        assert desk.last.category == "open"

    def test_rejected_report_is_looked_at_again(self, desk):
        desk.report().do("reject", "acceptor")
        desk.do("reopen", "duty_lead", reason="proof came")
        assert desk.case.state == "reported"

    def test_unfiled_self_handled_case_is_filed_first(self, desk):
        desk.report(self_handled=True).do("close", "acceptor")
        desk.do("reopen", "duty_lead", reason="not done")
        assert desk.case.state == "reported"


class TestEscalation:
    def test_owner_at_80_percent_and_at_100_and_heads_later(self, desk):
        desk.handling("c010101")
        told = []
        for hours in (1.6, 0.4, 1):
            desk.wait(hours=hours)
            told += [{(notice.topic, notice.to.right) for notice in outcome.notices} for outcome in desk.fire_due()]
        assert [
            {("nearly_due", "urban_mgmt:case:accept")},
            {("overdue", "urban_mgmt:case:accept"), ("overdue", "urban_mgmt:case:dispatch")},
            {("long_overdue", "urban_mgmt:case:approve_extension"), ("long_overdue", "urban_mgmt:case:urge")},
        ] == told
        assert desk.timers == {}

    def test_nothing_before_80_percent(self, desk):
        desk.handling("c010101").wait(hours=1.59)
        assert desk.fire_due() == []

    def test_no_notice_is_lost_when_the_timers_run_late(self, desk):
        desk.handling("c010101").wait(days=2)
        topics = [notice.topic for outcome in desk.fire_due() for notice in outcome.notices]
        assert topics == ["nearly_due", "overdue", "overdue", "long_overdue", "long_overdue"]

    def test_extension_moves_the_warning(self, desk):
        desk.handling("c010101").wait(hours=1.6)
        desk.fire_due()
        desk.do("request_extension", "department_clerk", reason="permit")
        desk.do("grant_extension", "department_head")
        desk.do("grant_extension", "dispatcher")
        # 80 % of four hours, counted from the start.
        assert {"escalate.0": desk.now + timedelta(hours=1.6)} == desk.timers

    def test_moved_case_is_not_warned(self, desk):
        desk.handling("c010101")
        stale = dict(desk.timers)
        desk.do("handle", "department_clerk")
        assert not set(stale.items()) & set(desk.timers.items())

    def test_warning_counts_office_time(self, desk):
        desk.handling("c010103")
        # 80 % of two days of eight hours is 12.8 hours: seven on Monday, the rest by Tuesday 15:48.
        assert datetime(2026, 3, 3, 7, 48, tzinfo=UTC) == desk.case.clock.warn_at == desk.timers["escalate.0"]


class TestSubCases:
    def test_other_departments_get_sub_cases(self, desk):
        desk.dispatched(co_departments=[{"department": 2}, {"department": 2}, {"department": 1}])
        assert [(part.state, part.department_id) for part in desk.last.sub_cases] == [("dispatched", 2)]

    def test_sub_case_begins_dispatched_with_the_limit(self, desk):
        desk.dispatched("c010101")
        part = CaseSnapshot(id=2, state="dispatched", department_id=2, limit=desk.case.limit, parent_id=1, condition="c010101")
        born = open_sub_case(desk.workflow, part, "dispatch", desk.person("dispatcher"), now=desk.now, calendar=desk.calendar)
        assert ("dispatched", "", desk.now + timedelta(hours=2)) == (born.state, born.event.from_state, born.case.due_at)
        assert {("task", "urban_mgmt:case:accept")} == {(notice.topic, notice.to.right) for notice in born.notices}

    def test_check_waits_for_the_sub_cases(self, desk):
        desk.handled()
        desk.case = replace(desk.case, open_sub_cases=1)
        assert "sub-case" in refusal(desk, "request_check", "acceptor")
        desk.case = replace(desk.case, open_sub_cases=0)
        desk.do("request_check", "acceptor")
        assert desk.case.state == "checking"

    def test_sub_case_opens_no_sub_cases(self, desk):
        desk.filed()
        desk.case = replace(desk.case, parent_id=9)
        desk.do("dispatch", "dispatcher", department=1, co_departments=[{"department": 2}])
        assert desk.last.sub_cases == ()


class TestAxes:
    def test_no_role_of_one_axis_goes_with_one_of_the_other(self, roles):
        supervision = {"inspector", "acceptor", "duty_lead", "evaluator", "supervision_head", "intake"}
        command = {"dispatcher", "command_head", "department_head", "department_clerk", "handler"}
        for one, others in ((supervision, command), (command, supervision)):
            for role in one:
                assert {f"urban_mgmt.{other}" for other in others} == set(roles[role]["excludes"])

    def test_who_files_does_not_dispatch(self, roles):
        for key, content in roles.items():
            both = {"urban_mgmt:case:file", "urban_mgmt:case:dispatch"} & set(content["rights"])
            assert len(both) < 2, key
