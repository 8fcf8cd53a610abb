"""The engine by itself: order of refusals, requests, clocks, timers, offers; and its speed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import thread_time

import pytest
import yaml

from core.authz import Actor, Grant
from core.calendar import Calendar, Holidays
from core.lib.errors import Invalid
from core.workflow.compiler import compile_workflow
from core.workflow.engine import SYSTEM, bars, fire, move, offers, receivers, start
from core.workflow.types import CaseSnapshot, NotEntitled, Receiver, Refused

LEAVE = yaml.safe_load((Path(__file__).parent / "leave.yaml").read_text("utf-8"))
NOW = datetime(2026, 3, 2, 0, tzinfo=UTC)  # Monday, 08:00 in China: the office opens
CALENDAR = Calendar(holidays=Holidays(published_years=frozenset({2026})))
TIMES = {"now": NOW, "calendar": CALENDAR}


@pytest.fixture(scope="module")
def leave():
    return compile_workflow(LEAVE)


def person(*verbs, user_id=1, department=None):
    return Actor(user_id, 1, "alpha", "p", tuple(Grant(f"office:leave:{verb}", None, department) for verb in verbs), NOW)


STAFF, BOSS = person("ask"), person("approve", user_id=2)


@pytest.fixture
def asked(leave):
    return start(leave, CaseSnapshot(id=1, state="", department_path="d.one", reporter_id=1), STAFF, {"days": 3}, **TIMES).case


class TestMove:
    def test_start_gives_state_task_clock_and_timer(self, leave):
        outcome = start(leave, CaseSnapshot(id=1, state=""), STAFF, {"days": 3}, **TIMES)
        case = outcome.case
        assert (case.state, outcome.category, case.version, case.data) == ("asked", "open", 1, {"days": 3})
        assert (NOW, datetime(2026, 3, 2, 10, tzinfo=UTC)) == (case.state_entered_at, case.due_at)
        assert case.milestones == {"asked": NOW}
        # Half of one day's eight hours: the office closes for lunch exactly then.
        assert [("escalate.0", datetime(2026, 3, 2, 4, tzinfo=UTC))] == [(timer.key, timer.due_at) for timer in outcome.timers]
        assert [("task", Receiver("department", "office:leave:approve"))] == [(notice.topic, notice.to) for notice in outcome.notices]
        assert (outcome.event.from_state, outcome.event.to_state, outcome.event.seconds_in_state, outcome.event.span) == (
            "",
            "asked",
            None,
            None,
        )

    def test_snapshot_given_is_never_changed(self, leave, asked):
        before = repr(asked)
        move(leave, asked, "wait", BOSS, {"until": "2026-03-03"}, **TIMES)
        move(leave, asked, "ask_change", STAFF, {}, **TIMES)
        assert before == repr(asked)

    def test_changed_names_what_changed(self, leave, asked):
        assert {"requests"} == move(leave, asked, "ask_change", STAFF, {}, **TIMES).changed

    def test_first_way_that_fits_is_taken(self, leave, asked):
        outcome = move(leave, asked, "decide", person("approve", "approve_long"), {}, **TIMES)
        assert (outcome.state, outcome.case.closed_at) == ("granted", NOW)

    def test_second_way_is_taken_when_the_guard_of_the_first_fails(self, leave, asked):
        long = replace(asked, data={"days": 30})
        assert move(leave, long, "decide", person("approve", "approve_long"), {}, **TIMES).state == "granted"
        with pytest.raises(Refused, match=r"facts.days <= 5"):
            move(leave, long, "decide", person("approve"), {}, **TIMES)

    def test_span_knows_whether_it_was_kept(self, leave, asked):
        late = NOW + timedelta(days=3)
        span = move(leave, asked, "refuse", BOSS, {}, now=late, calendar=CALENDAR).event.span
        assert (span.key, span.in_time, span.started_at) == ("decide", False, NOW)
        on_time = move(leave, asked, "refuse", BOSS, {}, **TIMES)
        assert (on_time.event.span.in_time, on_time.case.counts) == (True, {})

    def test_late_end_is_counted(self, leave, asked):
        assert move(leave, asked, "refuse", BOSS, {}, now=NOW + timedelta(days=3), calendar=CALENDAR).case.counts == {"late_decide": 1}

    def test_no_filing_rule_no_limit(self):
        content = {**LEAVE, "limits": {"decide": {**LEAVE["limits"]["decide"], "limit": "filing_rule"}}}
        with pytest.raises(Refused, match="filing condition first"):
            start(compile_workflow(content), CaseSnapshot(id=1, state=""), STAFF, {}, **TIMES)


class TestRefusals:
    def test_unknown_verb_is_invalid(self, leave, asked):
        with pytest.raises(Invalid):
            move(leave, asked, "fly", BOSS, {}, **TIMES)

    def test_right_comes_before_state(self, leave, asked):
        with pytest.raises(NotEntitled):
            move(leave, asked, "go_on", STAFF, {}, **TIMES)
        with pytest.raises(Refused):
            move(leave, asked, "go_on", BOSS, {}, **TIMES)

    def test_right_in_another_department_is_no_right(self, leave, asked):
        with pytest.raises(NotEntitled):
            move(leave, asked, "refuse", person("approve", department="d.two"), {}, **TIMES)
        assert move(leave, asked, "refuse", person("approve", department="d"), {}, **TIMES).state == "refused"

    def test_refusal_names_what_is_possible_instead(self, leave, asked):
        with pytest.raises(Refused) as refused:
            move(leave, asked, "go_on", BOSS, {}, **TIMES)
        assert refused.value.allowed == ("wait", "decide", "refuse")

    def test_system_is_refused_by_the_state_too(self, leave, asked):
        with pytest.raises(Refused):
            move(leave, asked, "go_on", SYSTEM, {}, **TIMES)

    @pytest.mark.parametrize(("who", "user_id"), [("reporter", 1), ("assignee", 5)])
    def test_separation_of_duties_bars_the_person(self, asked, who, user_id):
        content = {**LEAVE, "transitions": {**LEAVE["transitions"], "refuse": {**LEAVE["transitions"]["refuse"], "not_by": [who]}}}
        case = replace(asked, assignee_id=5)
        with pytest.raises(NotEntitled):
            move(compile_workflow(content), case, "refuse", person("approve", user_id=user_id), {}, **TIMES)
        assert move(compile_workflow(content), case, "refuse", person("approve", user_id=9), {}, **TIMES).state == "refused"

    def test_asker_may_be_kept_from_answering(self, asked):
        level = {**LEAVE["requests"]["change"]["levels"][0], "not_by": ["asker"]}
        content = {**LEAVE, "requests": {"change": {**LEAVE["requests"]["change"], "levels": [level]}}}
        workflow = compile_workflow(content)
        both = person("ask", "approve", user_id=3)
        case = move(workflow, asked, "ask_change", both, {}, **TIMES).case
        with pytest.raises(NotEntitled):
            move(workflow, case, "grant_change", both, {}, **TIMES)
        assert move(workflow, case, "grant_change", BOSS, {}, **TIMES).case.counts == {"changes": 1}

    def test_bars_tells_what_move_would_refuse(self, leave, asked):
        for verb in leave.transitions:
            for actor in (STAFF, BOSS):
                try:
                    move(leave, asked, verb, actor, {}, **TIMES)
                except (Refused, NotEntitled):
                    assert bars(leave, asked, verb, actor, now=NOW), verb
                else:
                    assert not bars(leave, asked, verb, actor, now=NOW), verb
        assert bars(leave, asked, "fly", BOSS, now=NOW)


class TestClockAndTimers:
    def test_pause_stops_the_clock_and_the_warnings(self, leave, asked):
        outcome = move(leave, asked, "wait", BOSS, {"until": None}, **TIMES)
        assert outcome.cancelled == ("escalate.0", "escalate.1")
        assert [("go_on", NOW + timedelta(days=2))] == [(timer.key, timer.due_at) for timer in outcome.timers]
        assert outcome.case.clock.paused_at == NOW

    def test_timer_takes_its_step_as_the_system(self, leave, asked):
        paused = move(leave, asked, "wait", BOSS, {"until": "2026-03-03"}, **TIMES).case
        outcome = fire(leave, paused, "go_on", now=NOW + timedelta(hours=16), calendar=CALENDAR)
        assert (outcome.state, outcome.event.actor_id, outcome.event.seconds_in_state) == ("asked", None, 57_600)
        # Sixteen hours of the clock were one day of office time.
        assert datetime(2026, 3, 3, 10, tzinfo=UTC) == outcome.case.due_at

    def test_office_hours_only_are_given_back(self, leave, asked):
        paused = move(leave, asked, "wait", BOSS, {"until": None}, **TIMES).case
        friday = NOW + timedelta(days=4)
        resumed = move(leave, paused, "go_on", SYSTEM, {}, now=friday, calendar=CALENDAR).case
        assert datetime(2026, 3, 6, 10, tzinfo=UTC) == resumed.due_at
        assert [(NOW, friday)] == [tuple(pause) for pause in resumed.clock.pauses]

    def test_stale_timer_does_nothing(self, leave, asked):
        assert fire(leave, asked, "go_on", **TIMES) is None
        closed = move(leave, asked, "refuse", BOSS, {}, **TIMES).case
        assert fire(leave, closed, "escalate.0", **TIMES) is None
        paused = move(leave, asked, "wait", BOSS, {}, **TIMES).case
        assert fire(leave, paused, "escalate.0", **TIMES) is None
        assert fire(leave, asked, "escalate.7", **TIMES) is None

    def test_escalation_tells_and_sets_the_next_one(self, leave, asked):
        first = fire(leave, asked, "escalate.0", now=NOW + timedelta(hours=4), calendar=CALENDAR)
        assert (None, frozenset(), asked) == (first.event, first.changed, first.case)
        assert [("escalate.1", asked.due_at)] == [(timer.key, timer.due_at) for timer in first.timers]
        second = fire(leave, asked, "escalate.1", now=asked.due_at, calendar=CALENDAR)
        assert ([notice.to.at for notice in second.notices], second.timers) == (["department", "reporter"], ())

    def test_unpublished_year_makes_the_deadline_provisional(self, leave):
        calendar = Calendar(holidays=Holidays())
        assert start(leave, CaseSnapshot(id=1, state=""), STAFF, {}, now=NOW, calendar=calendar).case.clock.provisional


class TestOffers:
    def test_offers_are_for_the_actor(self, leave, asked):
        assert [offer.verb for offer in offers(leave, asked, STAFF, now=NOW)] == ["ask_change"]
        assert [offer.verb for offer in offers(leave, asked, BOSS, now=NOW)] == ["wait", "decide", "refuse"]

    def test_barred_offer_says_why(self, leave, asked):
        (decide,) = [offer for offer in offers(leave, replace(asked, data={"days": 9}), BOSS, now=NOW) if offer.verb == "decide"]
        assert "facts.days <= 5" in decide.reason_if_not.text("en")

    def test_open_request_is_offered_to_who_answers_it(self, leave, asked):
        case = move(leave, asked, "ask_change", STAFF, {}, **TIMES).case
        assert {offer.verb: offer.level for offer in offers(leave, case, BOSS, now=NOW) if offer.level} == {
            "grant_change": 1,
            "refuse_change": 1,
        }

    def test_receivers_are_owner_and_answerer(self, leave, asked):
        case = move(leave, asked, "ask_change", STAFF, {}, **TIMES).case
        assert (Receiver("department", "office:leave:approve"),) == receivers(leave, case)


def test_one_move_takes_at_most_100_microseconds(leave, asked):
    def once():
        paused = move(leave, asked, "wait", BOSS, {"until": "2026-03-03"}, **TIMES).case
        move(leave, paused, "go_on", BOSS, {}, **TIMES)

    once()
    best = min(_timed(once) for _ in range(20)) / 2
    assert best < 100e-6, f"{best * 1e6:.0f} µs"


def _timed(function, times=50):
    begun = thread_time()
    for _ in range(times):
        function()
    return (thread_time() - begun) / times
