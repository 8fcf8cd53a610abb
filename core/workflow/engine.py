"""The workflow engine: what a step changes, or why it is refused. Pure.

It knows neither database nor clock: a snapshot, an actor, the data of the
step's form and the time come in; an ``Outcome`` goes out, or ``Refused`` (the
case forbids it), ``NotEntitled`` (the actor may not) or Invalid is raised.
The order is always: right, then state, then guard, then change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.calendar import Calendar
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.workflow import clockwork
from core.workflow.choice import Facts, bars, choose, level_of, offers
from core.workflow.definition import COLUMNS, FILING_RULE, OWNER, REQUEST_OPENED, TASK, State, Transition, Way, Workflow
from core.workflow.types import (
    EMPTY,
    ActorView,
    CaseSnapshot,
    Clock,
    EventFacts,
    FilingRules,
    Notice,
    OpenRequest,
    Outcome,
    Receiver,
    Refused,
    SpanEnd,
    SubCase,
    Timer,
)

__all__ = ["SYSTEM", "bars", "fire", "move", "offers", "open_sub_case", "receivers", "start"]


@dataclass(frozen=True, slots=True)
class _System:
    """The actor of timers."""

    user_id: int | None = None
    is_system: bool = True

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:  # noqa: ARG002
        return True


SYSTEM: ActorView = _System()


def start(
    workflow: Workflow,
    snapshot: CaseSnapshot,
    actor: ActorView,
    data: Mapping[str, Any],
    *,
    now: datetime,
    calendar: Calendar,
    filing_rules: FilingRules | None = None,
) -> Outcome:
    """Let a case be born: take the start verb on a snapshot whose ``state`` is empty.

    Raises as ``move`` does.
    """
    return move(workflow, snapshot, workflow.start, actor, data, now=now, calendar=calendar, filing_rules=filing_rules)


def move(
    workflow: Workflow,
    snapshot: CaseSnapshot,
    verb: str,
    actor: ActorView,
    data: Mapping[str, Any],
    *,
    now: datetime,
    calendar: Calendar,
    filing_rules: FilingRules | None = None,
) -> Outcome:
    """Take one step.

    ``data`` is the checked submission of the step's form, plain JSON values.
    Raises Invalid for an unknown verb or a filing condition the catalogue does
    not have, NotEntitled without the right, Refused when state, request or
    guard forbid it (with the verbs that are possible instead).
    """
    transition = workflow.transitions.get(verb)
    if transition is None:
        raise Invalid(msg("workflow.unknown_verb", verb=verb, known=", ".join(workflow.transitions)), path="transition")
    way, level = choose(workflow, snapshot, transition, actor, data, now)
    step = _Step(workflow, snapshot, transition, way, actor, data, now, calendar)
    if level is not None and transition.grants and level < len(workflow.requests[transition.grants].levels):
        step.pass_on(transition.grants, level)
    else:
        step.take(level, filing_rules)
    return step.outcome()


def open_sub_case(workflow: Workflow, snapshot: CaseSnapshot, verb: str, actor: ActorView, *, now: datetime, calendar: Calendar) -> Outcome:
    """Let a sub-case begin in the state its snapshot names; ``verb`` is the parent's step that opened it."""
    born = replace(snapshot, state="")
    way = Way(path="", states=frozenset(), to=snapshot.state, right="")
    step = _Step(workflow, born, workflow.transitions[verb], way, actor, EMPTY, now, calendar)
    step.take(None, None)
    return step.outcome()


def fire(workflow: Workflow, snapshot: CaseSnapshot, key: str, *, now: datetime, calendar: Calendar) -> Outcome | None:
    """Let a due timer act: an escalation tells people, any other takes its step as the system.

    None when the timer has nothing to do any more (the case has moved on).
    """
    kind, _, index = key.partition(".")
    state = workflow.states[snapshot.state]
    if kind == clockwork.ESCALATE:
        return _escalate(workflow, snapshot, state, int(index), now, calendar)
    if any(timer.verb == key for timer in state.timers):
        return move(workflow, snapshot, key, SYSTEM, EMPTY, now=now, calendar=calendar)
    return None


def receivers(workflow: Workflow, snapshot: CaseSnapshot) -> tuple[Receiver, ...]:
    """Name who has something to do: the owner of the state and whoever answers an open request."""
    owner = workflow.states[snapshot.state].owner
    answering = (level_of(workflow, request).to for request in snapshot.requests.values())
    return tuple(dict.fromkeys([*((owner,) if owner else ()), *answering]))


def _escalate(workflow: Workflow, snapshot: CaseSnapshot, state: State, index: int, now: datetime, calendar: Calendar) -> Outcome | None:
    clock = snapshot.clock
    spec = workflow.limits.get(clock.key) if clock else None
    if clock is None or spec is None or clock.paused_at is not None or index >= len(spec.escalations):
        return None
    escalation = spec.escalations[index]
    notices = tuple(_notices(workflow, escalation.topic, escalation.to, state, snapshot, None))
    timers = clockwork.escalations(spec, clock, now, calendar, after=index)
    return Outcome(case=snapshot, category=state.category, event=None, owner=state.owner, timers=timers, notices=notices)


def _notices(
    workflow: Workflow, topic: str, to: Sequence[Receiver], state: State, case: CaseSnapshot, asker: int | None
) -> Iterator[Notice]:
    """Address a topic; a task that has an assignee goes to that person, not to all who could do it."""
    people = {"asker": asker, "assignee": case.assignee_id, "reporter": case.reporter_id}
    for receiver in to:
        meant: Receiver | None = receiver
        if receiver is OWNER:
            meant = Receiver("assignee") if case.assignee_id is not None else state.owner
        if meant is not None and meant.at in people:
            person = people[meant.at]
            meant = None if person is None else Receiver(meant.at, person_id=person)
        if meant is not None:
            yield Notice(topic, meant, workflow.notices[topic])


class _Step:
    """One step being taken: collects what changes, then gives the outcome."""

    def __init__(
        self,
        workflow: Workflow,
        snapshot: CaseSnapshot,
        transition: Transition,
        way: Way,
        actor: ActorView,
        data: Mapping[str, Any],
        now: datetime,
        calendar: Calendar,
    ) -> None:
        self.workflow = workflow
        self.before = snapshot
        self.transition = transition
        self.way = way
        self.actor = actor
        self.data = data
        self.now = now
        self.calendar = calendar
        self.changes: dict[str, Any] = {}
        self.counts = snapshot.counts
        self.requests = snapshot.requests
        self.timers: tuple[Timer, ...] = ()
        self.cancelled: tuple[str, ...] = ()
        self.span: SpanEnd | None = None
        self.level: int | None = None
        self.asker: int | None = None
        self.said: list[tuple[str, Sequence[Receiver]]] = []
        self.sub_cases: tuple[SubCase, ...] = ()
        self.state = workflow.states[way.to or snapshot.state]
        self.moved = self.state.key != snapshot.state

    def pass_on(self, kind: str, level: int) -> None:
        """Send the request up one level: this one agreed, and nothing else changes."""
        request = self.before.requests[kind]
        answered = (*request.answered_by, self.actor.user_id)
        self._request(replace(request, level=level + 1, answered_by=answered))
        self.level = level
        self.state = self.workflow.states[self.before.state]
        self.moved = False
        self.said.append((REQUEST_OPENED, (self.workflow.requests[kind].levels[level].to,)))

    def take(self, level: int | None, filing_rules: FilingRules | None) -> None:
        """Work out everything the way changes."""
        self.level = level
        way = self.way
        if way.sets or way.keeps_assignee_as:
            self._set(filing_rules)
        if way.assign or way.assign_facts:
            self._assign()
        self._answer_and_ask()
        if self.way.counts:
            self._count(self.way.counts)
        if self.moved:
            self._enter()
        self._clock()
        if self.way.milestones:
            self._milestones(self.way.milestones)
        if self.way.sub_cases:
            self._open_sub_cases()
        self.said += [(notice.topic, notice.to) for notice in self.way.notices]

    def outcome(self) -> Outcome:
        """Put the changes onto the snapshot."""
        changes = self.changes
        if self.counts is not self.before.counts:
            changes["counts"] = self.counts
        if self.requests is not self.before.requests:
            changes["requests"] = self.requests
        case = replace(self.before, version=self.before.version + 1, **changes)
        notices = [notice for topic, to in self.said for notice in _notices(self.workflow, topic, to, self.state, case, self.asker)]
        return Outcome(
            case=case,
            category=self.state.category,
            event=self._event(case),
            changed=frozenset(changes),
            owner=self.state.owner,
            timers=self.timers,
            cancelled=self.cancelled,
            notices=tuple(notices),
            sub_cases=self.sub_cases,
        )

    def _event(self, case: CaseSnapshot) -> EventFacts:
        entered = self.before.state_entered_at
        return EventFacts(
            verb=self.transition.verb,
            from_state=self.before.state,
            to_state=case.state,
            at=self.now,
            actor_id=self.actor.user_id,
            seconds_in_state=(self.now - entered).total_seconds() if entered else None,
            level=self.level,
            span=self.span,
            department_id=case.department_id if case.department_id is not None else self.before.department_id,
            assignee_id=case.assignee_id if case.assignee_id is not None else self.before.assignee_id,
        )

    def _set(self, filing_rules: FilingRules | None) -> None:
        facts: dict[str, Any] = dict.fromkeys(self.way.keeps_assignee_as, self.before.assignee_id)
        for name, fields in self.way.sets.items():
            value = next((self.data[part] for part in fields if self.data.get(part) is not None), None)
            if name == FILING_RULE:
                self._file_under(fields[0], value, filing_rules)
            elif name in COLUMNS:
                self.changes[name] = value
            else:
                facts[name] = value
        if facts:
            self.changes["data"] = {**self.before.data, **facts}

    def _file_under(self, field: str, condition: Any, filing_rules: FilingRules | None) -> None:
        rule = filing_rules(condition) if filing_rules and isinstance(condition, str) else None
        if rule is None:
            raise Invalid.many([FieldError(field, msg("workflow.no_filing_rule", condition=condition))])
        self.changes.update(class_code=rule.class_code, condition=rule.condition, limit=rule.limit)
        if rule.kind is not None:
            self.changes["kind"] = rule.kind

    def _assign(self) -> None:
        for name, field in self.way.assign.items():
            self._hand_over(name, self.data.get(field) if field else None)
        for name, fact in self.way.assign_facts.items():
            self._hand_over(name, self.before.data.get(fact))

    def _hand_over(self, name: str, to: int | None) -> None:
        column = f"{name}_id"
        if to != getattr(self.before, column):
            self.changes[column] = to
            if name == "department":
                self.changes["department_path"] = None

    def _answer_and_ask(self) -> None:
        transition = self.transition
        if transition.answers:
            request = self.before.requests[transition.answers]
            self.asker = request.asked_by
            self.requests = {kind: other for kind, other in self.requests.items() if kind != transition.answers}
        if transition.asks:
            self.asker = self.actor.user_id
            self._request(OpenRequest(transition.asks, 1, self.actor.user_id, self.now))
            self.said.append((REQUEST_OPENED, (self.workflow.requests[transition.asks].levels[0].to,)))

    def _request(self, request: OpenRequest) -> None:
        self.requests = {**self.requests, request.kind: request}

    def _count(self, names: Sequence[str]) -> None:
        counts = dict(self.counts)
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        self.counts = counts

    def _enter(self) -> None:
        """Go to another state: its time, task, category, milestones and timers."""
        before = self.workflow.states.get(self.before.state)
        self.changes["state"] = self.state.key
        self.changes["state_entered_at"] = self.now
        if self.state.milestone:
            self._milestones({self.state.key: self.state.milestone})
        if before is None or before.category != self.state.category:
            self.changes["closed_at"] = None if self.state.is_open else self.now
        lapsed = [kind for kind in self.requests if self.state.key not in self.workflow.requests[kind].states]
        if lapsed:
            self.requests = {kind: request for kind, request in self.requests.items() if kind not in lapsed}
        if before and before.timers:
            self.cancelled += tuple(timer.verb for timer in before.timers)
        facts = self.changes.get("data", self.before.data)
        timers = (clockwork.state_timer(timer, facts, self.now, self.calendar) for timer in self.state.timers)
        self.timers += tuple(timer for timer in timers if timer is not None)
        if self.state.owner:
            self.said.append((TASK, (OWNER,)))

    def _milestones(self, reached: Mapping[str, str]) -> None:
        milestones = dict(self.changes.get("milestones", self.before.milestones))
        for key, which in reached.items():
            if which == "last" or key not in milestones:
                milestones[key] = self.now
        self.changes["milestones"] = milestones

    def _clock(self) -> None:
        """End, begin, pause, resume or extend the limit."""
        clock, key = self.before.clock, self.state.limit
        if self.moved and clock is not None and clock.key != key:
            self.span = clockwork.end(clock, self.now)
            if not self.span.in_time:
                self._count((f"late_{clock.key}",))
        changed = self._next_clock()
        if changed is clock:
            return
        self.changes["clock"] = changed
        spec = self.workflow.limits[clock.key] if clock else None
        if spec:
            self.cancelled += spec.timer_keys
        if changed is not None and changed.paused_at is None:
            self.timers += clockwork.escalations(self.workflow.limits[changed.key], changed, self.now, self.calendar)

    def _next_clock(self) -> Clock | None:
        clock, key = self.before.clock, self.state.limit
        if key is None:
            return None
        if clock is None or clock.key != key:
            spec = self.workflow.limits[key]
            limit = spec.limit or self.changes.get("limit", self.before.limit)
            if limit is None:
                raise Refused(msg("workflow.no_limit", limit=spec.title), state=self.before.state, verb=self.transition.verb)
            clock = clockwork.begin(key, limit, self.now, self.calendar)
        if self.way.extend:
            clock = clockwork.extend(clock, self.way.extend * self._one_limit(key), self.calendar)
        if self.state.stopped and clock.paused_at is None:
            return clockwork.pause(clock, self.now)
        if not self.state.stopped and clock.paused_at is not None:
            return clockwork.resume(clock, self.now, self.calendar)
        return clock

    def _one_limit(self, key: str) -> float:
        limit = self.workflow.limits[key].limit or self.before.limit
        assert limit is not None
        return limit.amount

    def _open_sub_cases(self) -> None:
        spec = self.way.sub_cases
        assert spec is not None
        if spec.unless is not None and spec.unless.truthy(Facts(self.workflow, self.before, self.actor, self.data, self.now).base):
            return
        rows = self.data.get(spec.field) or ()
        departments = dict.fromkeys(row["department"] if isinstance(row, Mapping) else row for row in rows)
        departments.pop(self.changes.get("department_id", self.before.department_id), None)
        self.sub_cases = tuple(SubCase(spec.state, department) for department in departments)
