"""What facts must know of workflows is read off their definitions, and a new version forgets nothing that cases were moved under before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from core.facts.service.shapes import Effect, Shape, _after, shape_of
from core.workflow.compiler import compile_workflow
from core.workflow.definition import Workflow
from tests.contract.source import ROOT


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return compile_workflow(yaml.safe_load((ROOT / "plugins/urban_mgmt/workflows/case.yaml").read_text("utf-8")))


def test_department_holds_a_case_in_the_states_of_its_limit(workflow: Workflow) -> None:
    states = ("dispatched", "handling", "worked", "rework", "suspended")
    assert dict(shape_of(workflow).holding) == dict.fromkeys(states, "handle")


@pytest.mark.parametrize(
    ("edge", "effect"),
    [
        (("dispatch", "filed", "dispatched"), Effect(gives=True)),
        (("return", "handling", "returned"), Effect(takes=True, ends="handle")),
        (("return", "handling", "dispatched"), Effect()),
        (("return", "checking", "handled"), Effect()),
        (("handle", "handling", "worked"), Effect()),
        (("handle", "worked", "handled"), Effect(reaches=True, ends="handle")),
        (("close", "self_handled", "closed"), Effect(reaches=True)),
        (("close", "checked", "closed"), Effect()),
        (("force_close", "suspended", "force_closed"), Effect(ends="handle")),
        (("reopen", "closed", "filed"), Effect(takes=True)),
        (("grant_extension", "handling", "handling"), Effect()),
    ],
)
def test_edge_does_what_its_way_says(workflow: Workflow, edge: tuple[str, str, str], effect: Effect) -> None:
    assert shape_of(workflow).edges[edge] == effect


def test_version_knows_the_verbs_and_limits_that_it_has_no_more(workflow: Workflow) -> None:
    old = shape_of(workflow)
    new = Shape({("finish", "doing", "handled"): Effect(reaches=True, ends="doing")}, {"doing": "doing"})
    both = _after(old, new)
    assert both.edges[("handle", "worked", "handled")] == Effect(reaches=True, ends="handle")
    assert both.edges[("finish", "doing", "handled")].reaches
    assert (both.holding["doing"], both.holding["handling"]) == ("doing", "handle")


def test_verb_that_a_version_knows_means_what_it_says_there(workflow: Workflow) -> None:
    old = shape_of(workflow)
    changed = replace(old, edges={("handle", "handling", "handled"): Effect()})
    both = _after(old, changed)
    assert ("handle", "worked", "handled") not in both.edges
    assert both.edges[("handle", "handling", "handled")] == Effect()
