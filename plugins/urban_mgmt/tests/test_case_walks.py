"""Random walks over the closed loop: nobody ever gets stuck, and the books always balance."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.workflow.engine import offers

ROLES = (
    "acceptor", "command_head", "department_clerk", "department_head", "dispatcher", "duty_lead", "evaluator", "handler", "inspector", "intake",
    "supervising_leader", "supervision_head",
)  # fmt: skip
CONDITIONS = ("c010101", "c010103", "e011301")


CHOICES = {
    "hours": [0, 0, 0.1, 0.1, 1, 9, 30, 400],
    "choice": range(10_000),
    "condition": CONDITIONS,
    "department": [1, 2],
    "self_assigned": [True, False],
    "result": ["true", "true", "true", "false"],
}
SELDOM = {"force_close", "grant_void", "mark_missed", "reject", "reopen", "request_void", "return", "urge"}
"""Drawn as often as the others these would end or undo nearly every walk."""

STEP = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHOICES.items()})


def possible(desk):
    """List (actor, offer) for everybody and everything that is possible now; seldom steps once, the others eight times."""
    found = []
    for role in ROLES:
        for department in (1, 2) if desk.roles[role]["scope"] == "department" else (1,):
            actor = desk.person(role, of=department)
            for offer in offers(desk.workflow, desk.case, actor, now=desk.now):
                if offer.reason_if_not is None:
                    found += [(actor, offer)] * (1 if offer.verb in SELDOM else 8)
    return found


def walk_on(desk, step):
    """Let time pass, fire what is due, take one possible step; the books must balance throughout."""
    desk.now += timedelta(hours=step["hours"])
    desk.fire_due()
    check_books(desk)
    ways = possible(desk)
    assert any(offer.to != desk.case.state for _, offer in ways) or desk.last.category == "closed", f"stuck in {desk.case.state}"
    if not ways:
        return None
    actor, way = ways[step["choice"] % len(ways)]
    before = desk.case
    desk.step(way.verb, actor, form(desk, step))
    assert before.version + 1 == desk.case.version
    check_books(desk)
    return way.verb


def form(desk, step):
    handler = desk.person("handler", of=desk.case.department_id or 1).user_id
    return {
        "source": "inspector",
        "kind": "event",
        "event_class": "e0110",
        "condition": step["condition"],
        "department": step["department"],
        "handler": handler if step["self_assigned"] else None,
        "result": step["result"],
        "until": None,
    }


def check_books(desk):
    """What must hold after every step."""
    case, workflow = desk.case, desk.workflow
    state = workflow.states[case.state]
    counts = case.counts
    assert (state.category == "closed") == (case.closed_at is not None)
    assert (case.clock.key if case.clock else None) == state.limit
    assert state.stopped == bool(case.clock and case.clock.paused_at)
    assert counts.get("extensions", 0) <= 2
    assert counts.get("suspensions", 0) <= 1
    assert counts.get("appeals", 0) <= 1
    assert counts.get("appeals_granted", 0) <= counts.get("appeals", 0)
    assert all(value >= 0 for value in counts.values())
    for kind, request in case.requests.items():
        assert case.state in workflow.requests[kind].states
        assert 1 <= request.level <= len(workflow.requests[kind].levels)
    escalating = [key for key in desk.timers if key.startswith("escalate")]
    assert len(escalating) <= (0 if state.stopped or case.clock is None else 1)
    assert ("resume" in desk.timers) == (case.state == "suspended")
    if case.clock:
        assert case.clock.started_at <= case.clock.warn_at <= case.clock.due_at
        assert all(pause.end is not None for pause in case.clock.pauses[:-1])
    if case.assignee_id is not None:
        assert case.state in {"verifying", "handling", "suspended", "checking"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(walk=st.lists(STEP, min_size=10, max_size=60))
def test_random_walk_never_gets_stuck_and_books_balance(new_desk, walk):
    desk = new_desk().report()
    for step in walk:
        walk_on(desk, step)


def test_long_walks_come_through_every_state_and_verb(new_desk, workflow):
    states, verbs = Counter(), Counter(["report"])
    for seed in range(60):
        rng = Random(seed)
        desk = new_desk()
        if seed % 2:
            desk.do("report", "intake", source="hotline", kind="event", event_class="e0110")
        else:
            desk.report(self_handled=seed % 10 == 0)
        for _ in range(80):
            states[desk.case.state] += 1
            verbs[walk_on(desk, {name: rng.choice(values) for name, values in CHOICES.items()})] += 1
    assert set(workflow.states) == set(states)
    assert set(workflow.transitions) <= set(verbs)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pauses=st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 200_000)), min_size=1, max_size=1), worked=st.integers(1, 100))
def test_pause_never_eats_or_adds_time(new_desk, pauses, worked):
    desk = new_desk().handling("c010101")
    due = desk.case.due_at
    desk.now += timedelta(minutes=worked)
    minutes = sum(length for _, length in pauses)
    desk.do("request_suspend", "department_clerk", cause="season", reason="x")
    desk.do("grant_suspend", "dispatcher")
    desk.now += timedelta(minutes=minutes)
    desk.do("resume", "dispatcher")
    assert due + timedelta(minutes=minutes) == desk.case.due_at
