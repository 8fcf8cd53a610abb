"""A workflow file compiles, or every wrong place in it is named."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from core.definitions.metaschema import schema_errors
from core.definitions.types import path_text
from core.lib.errors import Invalid
from core.rules import parse
from core.workflow.compiler import compile_workflow, references
from core.workflow.definition import OWNER
from core.workflow.types import Limit, Receiver

LEAVE = yaml.safe_load((Path(__file__).parent / "leave.yaml").read_text("utf-8"))


@pytest.fixture
def content():
    return deepcopy(LEAVE)


def errors(content):
    with pytest.raises(Invalid) as invalid:
        compile_workflow(content)
    return {error.path: error.message.text("en") for error in invalid.value.errors}


def test_sample_fits_the_meta_schema(content):
    assert list(schema_errors("workflow", content)) == []


def test_states_transitions_and_limits_are_read(content):
    workflow = compile_workflow(content)
    assert workflow.open_states() == ("asked", "paused")
    assert Limit(1.0, "work_day") == workflow.limits["decide"].limit
    assert Receiver("department", "office:leave:approve") == workflow.states["asked"].owner
    assert workflow.limits["decide"].escalations[0].to == (OWNER,)
    assert workflow.verbs_from[""] == ("ask",)
    assert workflow.transitions["go_on"].by_timer


def test_ways_keep_their_order(content):
    ways = compile_workflow(content).ways["decide", "asked"]
    assert [way.right for way in ways] == ["office:leave:approve", "office:leave:approve_long"]


def test_from_open_means_every_open_state(content):
    assert {"asked", "paused"} == compile_workflow(content).transitions["refuse"].ways[0].states


def test_answers_start_from_where_the_request_may_be_open(content):
    assert {"asked"} == compile_workflow(content).transitions["grant_change"].ways[0].states


def test_every_limit_counts_its_late_ends(content):
    assert dict(compile_workflow(content).zero_counts) == {"changes": 0, "late_decide": 0}


def test_guard_may_be_a_tree_already(content):
    content["transitions"]["decide"]["ways"][0]["guard"] = [{"rule": parse("facts.days <= 5")}]
    assert compile_workflow(content).transitions["decide"].ways[0].guards[0].text == "facts.days <= 5"


def test_compiled_workflow_cannot_be_written(content):
    workflow = compile_workflow(content)
    with pytest.raises(TypeError):
        workflow.states["more"] = workflow.states["asked"]


def test_forms_are_references(content):
    assert [(one.path, one.kind, one.key) for one in references(content)] == [("transitions.ask.form", "form", "office.leave")]


def put(content, path, value):
    *walk, last = path
    for step in walk:
        content = content[step]
    content[last] = value


WRONG = [
    (("start",), "fly", "start", "no transition called fly"),
    (("states", "asked", "owner"), "cook", "states.asked.owner", "no party called cook"),
    (("states", "asked", "limit"), "eat", "states.asked.limit", "no limit called eat"),
    (("states", "asked", "step"), "eat", "states.asked.step", "no step called eat"),
    (("states", "granted", "owner"), "boss", "states.granted", "closed state"),
    (("states", "granted", "clock"), "stopped", "states.granted.clock", "no clock to stop"),
    (("states", "paused", "timers", 0, "verb"), "fly", "states.paused.timers[0].verb", "no transition called fly"),
    (("states", "paused", "timers", 0, "at"), "facts.never", "states.paused.timers[0].at", "no fact called never"),
    (("states", "paused", "timers", 0), {"verb": "go_on"}, "states.paused.timers[0]", "needs at or at_most"),
    (("transitions", "wait", "to"), "mars", "transitions.wait.to", "no state called mars"),
    (("transitions", "wait", "from"), ["mars"], "transitions.wait.from[0]", "no state called mars"),
    (("transitions", "wait", "count"), ["sheep"], "transitions.wait.count[0]", "no count called sheep"),
    (("transitions", "wait", "milestones"), {"mars": "last"}, "transitions.wait.milestones.mars", "no state called mars"),
    (("transitions", "wait", "set"), {"x": "days"}, "transitions.wait.set.x", "form.<field>"),
    (("transitions", "wait", "assign"), {"assignee": "facts.never"}, "transitions.wait.assign.assignee", "no fact called never"),
    (("transitions", "wait", "assign"), {"assignee": "boss"}, "transitions.wait.assign.assignee", "form.<field>"),
    (("transitions", "wait", "notify"), [{"topic": "gossip", "to": "boss"}], "transitions.wait.notify[0].topic", "no notice called gossip"),
    (("transitions", "wait", "notify"), [{"topic": "hurry", "to": "cook"}], "transitions.wait.notify[0].to", "no party called cook"),
    (("transitions", "wait", "guard"), "days >", "transitions.wait.guard", "ends"),
    (("transitions", "wait", "guard"), "weather == 'fine'", "transitions.wait.guard", "no name called weather"),
    (("transitions", "wait", "guard"), "facts.wether == 1", "transitions.wait.guard", "no fact called wether"),
    (("transitions", "wait", "guard"), "counts.sheep > 1", "transitions.wait.guard", "no count called sheep"),
    (("transitions", "wait", "guard"), "facts.until > today()", "transitions.wait.guard", "today"),
    (("transitions", "wait", "asks"), "leave", "transitions.wait.asks", "no request called leave"),
    (
        ("transitions", "wait", "sub_cases"),
        {"departments": "form.x", "state": "mars"},
        "transitions.wait.sub_cases.state",
        "no state called mars",
    ),
    (("transitions", "grant_change", "refuses"), "change", "transitions.grant_change", "not two of them"),
    (("transitions", "grant_change", "right"), "office:leave:approve", "transitions.grant_change", "from the request"),
    (("transitions", "decide", "from"), ["asked"], "transitions.decide.from", "stands in each"),
    (("transitions", "ask", "from"), ["asked"], "start", "cannot have a from"),
    (("requests", "change", "while"), ["mars"], "requests.change.while[0]", "no state called mars"),
    (("requests", "change", "levels", 0, "to"), "cook", "requests.change.levels[0].to", "no party called cook"),
    (("limits", "decide", "escalate", 1, "at"), 0.5, "limits.decide.escalate", "grow"),
    (("limits", "decide", "escalate", 0, "topic"), "gossip", "limits.decide.escalate[0].topic", "no notice called gossip"),
    (("parties", "staff", "right"), "office:leave:ask", "parties.staff.right", "one person"),
    (("parties", "boss"), {"title": {}, "at": "grid"}, "parties.boss", "name its right"),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "says"), WRONG, ids=[f"{'.'.join(map(str, path))}={value}"[:60] for path, value, _, _ in WRONG]
)
def test_wrong_name_is_refused_with_its_place(content, path, value, where, says):
    put(content, path, value)
    found = errors(content)
    assert where in found
    assert says in found[where]


@pytest.mark.parametrize("topic", ["task", "request_opened"])
def test_words_of_the_engine_have_to_be_there(content, topic):
    del content["notices"][topic]
    assert f"no notice called {topic}" in errors(content)["notices"]


def test_transition_without_from_is_not_a_second_start(content):
    del content["transitions"]["wait"]["from"]
    assert "only the start" in errors(content)["transitions.wait"]


def test_way_without_a_right_is_refused(content):
    del content["transitions"]["wait"]["right"]
    assert "who may do this" in errors(content)["transitions.wait"]


def test_start_has_to_lead_somewhere(content):
    del content["transitions"]["ask"]["to"]
    assert "to which state" in errors(content)["transitions.ask"]


def test_all_errors_come_at_once(content):
    content["states"]["asked"]["owner"] = "cook"
    content["transitions"]["wait"]["to"] = "mars"
    assert {"states.asked.owner", "transitions.wait.to"} <= set(errors(content))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("limits", "decide", "limit", "unit"), "fortnight", "limits.decide.limit"),
        (("limits", "decide", "limit", "amount"), 0, "limits.decide.limit"),
        (("states", "asked", "category"), "ajar", "states.asked.category"),
        (("states", "asked", "color"), "red", "states.asked"),
        (("transitions", "wait", "right"), "approve", "transitions.wait.right"),
        (("transitions", "wait", "to"), "Paused", "transitions.wait.to"),
        (("transitions", "wait", "assign"), {"boss": "form.x"}, "transitions.wait.assign"),
        (("transitions", "wait", "set"), {"x": "facts.y"}, "transitions.wait.set.x"),
        (("states", "asked", "title"), {"en": "Asked"}, "states.asked.title"),
    ],
)
def test_shape_is_the_meta_schemas_business(content, path, value, where):
    put(content, path, value)
    assert any(path_text(found).startswith(where) for found, _ in schema_errors("workflow", content))
