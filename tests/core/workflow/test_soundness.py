"""A workflow that can get stuck is refused, with the reason."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from core.definitions.check import prepare_one
from core.lib.errors import Invalid
from core.rules import compile_rule, parse
from core.workflow.compiler import compile_workflow
from core.workflow.satisfiable import can_hold
from core.workflow.soundness import problems, require_sound

LEAVE = yaml.safe_load((Path(__file__).parent / "leave.yaml").read_text("utf-8"))
ROLES = {"staff": {"office:leave:ask"}, "boss": {"office:leave:approve", "office:leave:approve_long"}}
TITLE = {"zh_CN": "某", "en": "Some"}


@pytest.fixture
def content():
    return deepcopy(LEAVE)


def found(content, roles=ROLES):
    return {error.path: error.message.text("en") for error in problems(compile_workflow(content), roles)}


def test_sound_workflow_has_no_problem(content):
    assert found(content) == {}
    require_sound(compile_workflow(content), ROLES)


class Shelf:
    """The definitions beside the one being checked."""

    def __init__(self, **roles):
        self.roles = [{"key": key, "rights": sorted(rights)} for key, rights in roles.items()]

    def find(self, _kind, key):
        return {"key": key}

    def every(self, kind):
        return self.roles if kind == "role" else []


def test_unsound_workflow_is_never_stored(content):
    assert prepare_one("workflow", content, origin="agency", source=Shelf(**ROLES)).content == content
    with pytest.raises(Invalid, match="No role holds office:leave:approve_long"):
        prepare_one("workflow", content, origin="agency", source=Shelf(staff=ROLES["staff"]))


def test_wrong_role_beside_a_workflow_is_not_its_problem(content):
    shelf = Shelf(**ROLES)
    shelf.roles += [{"key": "broken"}, {"rights": 5}, {"key": "odd", "rights": [{}]}]
    assert prepare_one("workflow", content, origin="agency", source=shelf).content == content


def test_unsound_workflow_is_refused_with_every_reason(content):
    del content["transitions"]["go_on"]
    content["states"]["paused"].pop("timers")
    content["states"]["island"] = {"title": TITLE, "category": "closed"}
    content["transitions"]["refuse"]["from"] = ["asked"]
    with pytest.raises(Invalid) as invalid:
        require_sound(compile_workflow(content), ROLES)
    assert {"states.paused", "states.island"} <= {error.path for error in invalid.value.errors}


def test_state_nobody_can_leave_is_found(content):
    content["transitions"]["refuse"]["from"] = ["asked"]
    content["transitions"]["go_on"]["to"] = "paused"
    del content["states"]["paused"]["timers"]
    assert "no way out" in found(content)["states.paused"]


def test_way_out_that_nobody_may_take_is_no_way_out(content):
    content["transitions"]["refuse"]["from"] = ["asked"]
    content["transitions"]["go_on"]["right"] = "office:leave:magic"
    del content["states"]["paused"]["timers"]
    told = found(content)
    assert "no way out" in told["states.paused"]
    assert "No role holds office:leave:magic" in told["transitions.go_on.right"]


def test_timer_alone_is_a_way_out(content):
    content["transitions"]["refuse"]["from"] = ["asked"]
    content["transitions"]["go_on"]["right"] = "office:leave:magic"
    assert "states.paused" not in found(content)


def test_unreachable_state_is_found(content):
    content["states"]["island"] = {"title": TITLE, "category": "closed"}
    assert "No way leads to" in found(content)["states.island"]


def test_loop_that_never_closes_is_found(content):
    content["transitions"]["refuse"]["from"] = ["asked"]
    del content["transitions"]["decide"]
    content["transitions"]["refuse"]["right"] = "office:leave:magic"
    told = found(content)
    assert "no closed state can be reached" in told["states.asked"]
    assert "no closed state can be reached" in told["states.paused"]


def test_right_that_no_role_holds_is_found_everywhere(content):
    told = found(content, {"staff": ROLES["staff"]})
    assert {"transitions.wait.right", "transitions.decide.ways[0].right", "requests.change.levels[0].right", "parties.boss.right"} <= set(
        told
    )


def test_timer_to_a_step_that_does_not_start_there_is_found(content):
    content["states"]["paused"]["timers"][0]["verb"] = "decide"
    assert "does not start from" in found(content)["states.paused.timers[0].verb"]


def test_timer_to_a_step_left_to_one_person_is_found(content):
    content["transitions"]["go_on"]["by"] = "assignee"
    assert "system cannot take it" in found(content)["states.paused.timers[0].verb"]


@pytest.mark.parametrize(("verb", "says"), [("grant_change", "grants"), ("refuse_change", "refuses")])
def test_request_that_cannot_be_answered_is_found(content, verb, says):
    del content["transitions"][verb]
    if verb == "grant_change":
        content["counts"] = {}
    assert says in found(content)["requests.change"]


def test_request_that_nobody_asks_is_found(content):
    del content["transitions"]["ask_change"]
    assert "No transition asks" in found(content)["requests.change"]


def test_request_that_lapses_at_once_is_found(content):
    content["transitions"]["ask_change"]["to"] = "paused"
    assert "lapses at once" in found(content)["transitions.ask_change"]


def test_owner_who_can_do_nothing_is_found(content):
    content["parties"]["clerk"] = {"title": TITLE, "right": "office:leave:ask", "at": "grid"}
    content["states"]["paused"]["owner"] = "clerk"
    assert "may do nothing" in found(content)["states.paused.owner"]


def test_count_that_nothing_counts_is_found(content):
    content["counts"]["sheep"] = TITLE
    assert "ever counts sheep" in found(content)["counts.sheep"]


def test_way_behind_an_open_one_is_found(content):
    content["transitions"]["decide"]["ways"].insert(0, {"from": ["asked"], "to": "granted", "right": "office:leave:approve"})
    assert "ways[0] before it" in found(content)["transitions.decide.ways[1]"]


@pytest.mark.parametrize(
    "guard",
    [
        "state == 'paused'",
        "facts.days > 3 and facts.days < 2",
        "facts.days in [1, 2] and facts.days > 2",
        "counts.changes < 0",
        "facts.days == 1 and facts.days == '1'",
        "overdue == 'yes'",
        "not (facts.days == 1 or facts.days != 1)",
        "form.kind == 'a' and not (form.kind in ['a', 'b'])",
        "false",
    ],
)
def test_guard_that_can_never_hold_is_found(content, guard):
    content["transitions"]["decide"]["ways"][0]["guard"] = guard
    assert "can never hold" in found(content)["transitions.decide.ways[0].guard"]


def test_guards_that_exclude_each_other_are_found(content):
    content["transitions"]["decide"]["ways"][0]["guard"] = [{"rule": "facts.days > 3"}, {"rule": "facts.days < 2"}]
    assert "can never hold" in found(content)["transitions.decide.ways[0].guard"]


@pytest.mark.parametrize(
    "rule",
    [
        "x > 3 and x < 4",
        "x != 1 and x != 2 and x != null",
        "x in ['a', 'b'] and x != 'a'",
        "x == null",
        "x + 1 == x",  # calculates: not decided, so not refused
        "x > y and y > x",
        "len(x) == 2",
        "true",
    ],
)
def test_guard_that_may_hold_is_left_alone(rule):
    assert can_hold([compile_rule(parse(rule))], {}, lambda _name, _value: True)
