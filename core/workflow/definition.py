"""A workflow definition, compiled: what the engine walks on.

``compile_workflow`` takes content that fits the meta-schema and answers with a
frozen ``Workflow``, or raises Invalid naming every wrong field. Whether the
workflow can get stuck is asked in ``soundness``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from core.lib.text import Title
from core.rules import CompiledRule
from core.workflow.types import EMPTY, Limit, Receiver

OWNER = Receiver("owner")
"""Stands for whoever has the task in the state that a step leads to."""

TASK = "task"
REQUEST_OPENED = "request_opened"
"""The notices that the engine sends of its own accord: to the owner of a state, to who answers a request."""

FORM = "form."
NOBODY = "nobody"

COLUMNS = frozenset({"class_code", "condition", "kind", "source"})
"""Facts that live in columns of their own; every other one goes into ``data``."""

FILING_RULE = "filing_rule"
"""Setting this fact looks the condition up and sets class, condition and limit from it."""

GUARD_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "state": "the state the case is in",
        "kind": "component or event, once known",
        "class_code": "the small class",
        "condition": "the filing condition",
        "source": "where the report came from",
        "department": "the id of the department that has the case, or null",
        "assignee": "the id of the person who has it, or null",
        "reporter": "the id of the user who reported it, or null",
        "actor": "the id of whoever takes the step; null for a timer",
        "overdue": "whether the running limit is used up",
        "open_requests": "how many applications wait for an answer",
        "open_sub_cases": "how many sub-cases are not closed",
        "is_sub_case": "whether the case is itself a sub-case",
        "counts": "`counts.<name>`: how often something was counted; `counts.late_<limit>`: how often that limit was missed",
        "facts": "`facts.<name>`: what an earlier step has set",
        "form": "`form.<field>`: what the step's own form holds",
    }
)
"""What a guard may read."""

Actorship = Literal["asker", "answerer", "assignee", "reporter"]


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition on a way, and the sentence for who meets it unfulfilled."""

    rule: CompiledRule
    text: str
    message: Title | None
    form_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told what when ``at`` (1 = all) of a limit is used up."""

    at: float
    topic: str
    to: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """A named time limit; without a ``limit`` of its own it takes the case's filing rule."""

    key: str
    title: Title
    limit: Limit | None
    source: str
    escalations: tuple[Escalation, ...]
    timer_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StateTimer:
    """A step the system takes by itself: on the day of a fact, or after a limit at the latest."""

    verb: str
    at: str | None
    at_most: Limit | None


@dataclass(frozen=True, slots=True)
class State:
    """One state of a case."""

    key: str
    title: Title
    step: str | None
    axis: str | None
    category: str
    owner: Receiver | None
    party: str | None
    limit: str | None
    stopped: bool
    milestone: str | None
    timers: tuple[StateTimer, ...]

    @property
    def is_open(self) -> bool:
        """Whether a case in this state still waits for somebody."""
        return self.category == "open"


@dataclass(frozen=True, slots=True)
class Level:
    """Who answers a request at one level."""

    right: str
    to: Receiver
    party: str
    not_by: tuple[Actorship, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """A kind of application: where it may stay open, and who answers it, level by level."""

    key: str
    title: Title
    states: frozenset[str]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class NoticeSpec:
    """What is said to whom when a step was taken."""

    topic: str
    to: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class SubCases:
    """That a step opens a sub-case for each department in a field of its form."""

    field: str
    state: str
    unless: CompiledRule | None


@dataclass(frozen=True)
class Way:
    """One edge: from which states, to which (None stays), by whom, and what it changes.

    ``sets`` takes facts from form fields, ``keeps_assignee_as`` from whoever had
    the case. ``assign`` hands it over by a form field (empty: to nobody),
    ``assign_facts`` by a fact kept before.
    """

    path: str
    states: frozenset[str]
    to: str | None
    right: str
    by: str | None = None
    not_by: tuple[Actorship, ...] = ()
    guards: tuple[Guard, ...] = ()
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    keeps_assignee_as: tuple[str, ...] = ()
    assign: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    assign_facts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    counts: tuple[str, ...] = ()
    extend: float = 0
    notices: tuple[NoticeSpec, ...] = ()
    milestones: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    sub_cases: SubCases | None = None


@dataclass(frozen=True)
class Transition:
    """A verb: its form, its ways, and the request it asks, grants or refuses."""

    verb: str
    title: Title
    form: str | None
    ways: tuple[Way, ...]
    asks: str | None = None
    grants: str | None = None
    refuses: str | None = None
    by_timer: bool = False

    @property
    def answers(self) -> str | None:
        """The kind of request that this verb answers."""
        return self.grants or self.refuses


@dataclass(frozen=True)
class Workflow:
    """A compiled workflow; ``ways`` finds the edges of a verb from a state."""

    key: str
    title: Title
    start: str
    steps: Mapping[str, Title]
    parties: Mapping[str, Receiver]
    party_titles: Mapping[str, Title]
    limits: Mapping[str, LimitSpec]
    counts: Mapping[str, Title]
    states: Mapping[str, State]
    requests: Mapping[str, RequestSpec]
    transitions: Mapping[str, Transition]
    notices: Mapping[str, Title]
    duplicate: Mapping[str, Any]
    zero_counts: Mapping[str, int]
    ways: Mapping[tuple[str, str], tuple[Way, ...]]
    verbs_from: Mapping[str, tuple[str, ...]]

    def open_states(self) -> tuple[str, ...]:
        """List the states in which a case is open, in the order of the file."""
        return tuple(key for key, state in self.states.items() if state.is_open)

    def rights(self) -> frozenset[str]:
        """Name every right the workflow asks for."""
        return frozenset(right for _, right in rights_asked(self))

    def edges(self) -> Iterator[tuple[str, str, Transition, Way]]:
        """Yield each edge as (from, to, transition, way); from is empty for the start."""
        for transition in self.transitions.values():
            for way in transition.ways:
                for state in sorted(way.states) or [""]:
                    yield state, way.to or state, transition, way


def rights_asked(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield (path in the file, right) for every right that some step, request or party names."""
    for transition in workflow.transitions.values():
        for way in transition.ways:
            if way.right:
                yield f"{way.path}.right", way.right
    for request in workflow.requests.values():
        for index, level in enumerate(request.levels):
            yield f"requests.{request.key}.levels[{index}].right", level.right
    for key, receiver in workflow.parties.items():
        if receiver.right:
            yield f"parties.{key}.right", receiver.right


def frozen(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a view of ``mapping`` that nobody can write through."""
    return MappingProxyType(dict(mapping))
