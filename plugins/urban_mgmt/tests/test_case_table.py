"""The whole table of the closed loop: every step that is allowed works, every other (state, verb) pair is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.authz import Actor, Grant
from core.workflow import clockwork
from core.workflow.engine import move, offers
from core.workflow.types import CaseSnapshot, Clock, Limit, NotEntitled, OpenRequest, Refused

# Written from the rule book (practice.md 1.9), not from the file under test: verb -> {from: to}.
FILED = ("filed", "sent_back", "dispatched", "returned", "handling", "worked", "rework", "suspended")
OPEN = ("reported", "verifying", "verified", "self_handled", *FILED, "handled", "checking", "checked")
MARKED = ("filed", "dispatched", "handling", "worked", "rework", "handled", "checking", "checked", "closed", "force_closed")
CLOSED = ("rejected", "closed", "force_closed", "void")
TABLE = {
    "report": {"": "reported"},
    "request_verify": {"reported": "verifying", "sent_back": "verifying"},
    "verify": {"verifying": "verified"},
    "file": {"reported": "filed", "verified": "filed", "sent_back": "filed"},
    "reject": {"reported": "rejected", "verified": "rejected", "self_handled": "rejected"},
    "dispatch": {"filed": "dispatched", "returned": "dispatched"},
    "accept": {"dispatched": "handling", "rework": "handling", "handling": "handling"},
    "return": {
        "dispatched": "returned", "rework": "returned", "handling": "returned", "worked": "handling",
        "filed": "sent_back", "returned": "sent_back", "verifying": "reported", "checking": "handled",
    },
    "handle": {"handling": "handled", "worked": "handled"},
    "request_extension": {state: state for state in ("dispatched", "rework", "handling")},
    "grant_extension": {state: state for state in ("dispatched", "rework", "handling", "worked")},
    "refuse_extension": {state: state for state in ("dispatched", "rework", "handling", "worked")},
    "request_suspend": {"handling": "handling"},
    "grant_suspend": {"handling": "suspended"},
    "refuse_suspend": {"handling": "handling"},
    "resume": {"suspended": "handling"},
    "request_check": {"handled": "checking"},
    "check_pass": {"checking": "checked"},
    "check_fail": {"checking": "rework"},
    "close": {"checked": "closed", "self_handled": "closed"},
    "force_close": dict.fromkeys((*FILED, "handled", "checking", "checked"), "force_closed"),
    "request_void": {state: state for state in FILED},
    "grant_void": dict.fromkeys(FILED, "void"),
    "refuse_void": {state: state for state in FILED},
    "urge": {state: state for state in OPEN},
    "appeal": {"closed": "closed", "force_closed": "force_closed"},
    "grant_appeal": {"closed": "closed", "force_closed": "force_closed"},
    "refuse_appeal": {"closed": "closed", "force_closed": "force_closed"},
    "mark_missed": {state: state for state in MARKED},
    "reopen": {"closed": "filed", "force_closed": "filed", "void": "filed", "rejected": "reported"},
}  # fmt: skip
ANSWERED = {
    "grant_extension": ("extension", 2), "refuse_extension": ("extension", 2), "grant_suspend": ("suspension", 1),
    "refuse_suspend": ("suspension", 1), "grant_void": ("void", 1), "refuse_void": ("void", 1), "grant_appeal": ("appeal", 2),
    "refuse_appeal": ("appeal", 2),
}  # fmt: skip
PAIRS = [(state, verb) for state in ("", *OPEN, *CLOSED) for verb in TABLE]
FORM = {"source": "inspector", "kind": "event", "event_class": "e0110", "condition": "e011301", "department": 1}


@pytest.fixture
def case_in(desk):
    """A case in any state, with everything else so that only the state decides."""

    def build(state, verb):
        key = desk.workflow.states[state].limit if state else None
        clock = Clock(key, desk.now, 5, "work_day", desk.now.replace(day=9), desk.now.replace(day=6)) if key else None
        if state == "suspended":
            clock = clockwork.pause(clock, desk.now)
        kind, level = ANSWERED.get(verb, ("", 0))
        return CaseSnapshot(
            id=1, state=state, kind="event", class_code="e0113", condition="e011301",
            source="hotline" if verb == "mark_missed" else "inspector", grid_path="scheme.d",
            department_path="agency.water" if state else None, department_id=1 if state else None, data={"verify_result": "true"},
            limit=Limit(5, "work_day"), state_entered_at=desk.now if state else None, clock=clock, counts={"late_handle": 1},
            requests={kind: OpenRequest(kind, level, 7, desk.now)} if kind else {},
        )  # fmt: skip

    return build


@pytest.fixture
def everybody(desk):
    """Somebody who holds every right of every role."""
    rights = {right for content in desk.roles.values() for right in content["rights"]}
    return Actor(9, 1, "alpha", "everybody", tuple(Grant(right) for right in sorted(rights)), desk.now)


def test_table_names_every_state_and_verb(workflow):
    assert set(workflow.states) == {*OPEN, *CLOSED}
    assert set(workflow.transitions) == set(TABLE)


@pytest.mark.parametrize(("state", "verb"), PAIRS, ids=[f"{verb}-from-{state or 'nothing'}" for state, verb in PAIRS])
def test_every_pair_is_allowed_or_refused(desk, case_in, everybody, state, verb):
    case = case_in(state, verb)
    take = lambda: move(  # noqa: E731
        desk.workflow, case, verb, everybody, FORM, now=desk.now, calendar=desk.calendar, filing_rules=desk.filing_rules
    )
    if state in TABLE[verb]:
        outcome = take()
        assert TABLE[verb][state] == outcome.state
        assert case.version + 1 == outcome.case.version
        assert (verb, state, outcome.state) == (outcome.event.verb, outcome.event.from_state, outcome.event.to_state)
    else:
        with pytest.raises(Refused) as refused:
            take()
        assert verb not in refused.value.allowed


@pytest.mark.parametrize("state", [*OPEN, *CLOSED])
def test_offers_are_the_steps_that_work(desk, case_in, everybody, state):
    case = case_in(state, "")
    offered = {offer.verb for offer in offers(desk.workflow, case, everybody, now=desk.now) if offer.reason_if_not is None}
    expected = {verb for verb, edges in TABLE.items() if state in edges and verb not in ANSWERED and verb != "mark_missed"}
    assert expected == offered


def test_what_an_inspector_reported_himself_was_not_missed(desk, case_in, everybody):
    case = replace(case_in("closed", "mark_missed"), source="inspector")
    with pytest.raises(Refused):
        move(
            desk.workflow, case, "mark_missed", everybody, {"inspector": 8, "reason": "巡查当日路过"}, now=desk.now, calendar=desk.calendar
        )


def test_mark_names_the_inspector_who_missed_it(desk, case_in, everybody):
    data = {"inspector": 8, "reason": "巡查当日路过"}
    outcome = move(desk.workflow, case_in("closed", "mark_missed"), "mark_missed", everybody, data, now=desk.now, calendar=desk.calendar)
    assert (8, "closed", None) == (outcome.case.data["missed_by"], outcome.state, outcome.case.due_at)


@pytest.mark.parametrize("verb", list(TABLE))
def test_no_step_without_its_right(desk, case_in, verb):
    nobody = Actor(9, 1, "alpha", "nobody", (), desk.now)
    for state in TABLE[verb]:
        with pytest.raises(NotEntitled):
            move(
                desk.workflow,
                case_in(state, verb),
                verb,
                nobody,
                FORM,
                now=desk.now,
                calendar=desk.calendar,
                filing_rules=desk.filing_rules,
            )
