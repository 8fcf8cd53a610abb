"""From what a line of history tells to a whole case: its facts, counts, milestones, and the limit that still runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Actor
from core.calendar import Calendar
from core.grid import service as grids
from core.lib.text import say
from core.workflow import clockwork
from core.workflow.definition import State, Way, Workflow
from core.workflow.service import known, step
from core.workflow.service.bulk import PastCase, PastStep
from core.workflow.service.snapshot import columns_of
from core.workflow.types import CaseSnapshot, Clock, EventFacts, Limit, Outcome, SpanEnd, Timer


@dataclass(frozen=True)
class Told:
    """One checked line: names are ids now, times are times."""

    number: str
    version: known.KnownWorkflow
    kind: str | None
    class_code: str | None
    condition: str | None
    source: str | None
    title: str | None
    reporter_id: int | None
    place: grids.Place
    grid_id: int | None
    facts: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    """Each with at, verb, state, by, due_at, data, and department and assignee where the step changed them."""


def past_case(session: Session, actor: Actor, told: Told, calendar: Calendar) -> PastCase:
    """Make the case; an open one gets the limit of its state, counted from when it came into it."""
    rule = step.CatalogueRules(session, known.plugin_of(told.version.key))(told.condition) if told.condition else None
    class_code = rule.class_code if rule else told.class_code
    walk = _Walk(told.version.workflow)
    steps = [walk.take(one) for one in told.steps]
    state = told.version.workflow.states[walk.state]
    entered = walk.entered_at
    assert entered is not None
    snapshot = CaseSnapshot(
        id=0,
        state=state.key,
        version=len(steps),
        kind=told.kind or (rule.kind if rule else None),
        class_code=class_code,
        condition=told.condition,
        source=told.source,
        department_id=walk.department_id,
        assignee_id=walk.assignee_id,
        reporter_id=told.reporter_id,
        data=told.facts,
        limit=rule.limit if rule else None,
        state_entered_at=entered,
        counts=walk.counts,
        milestones=walk.milestones,
        closed_at=None if state.is_open else walk.closed_at,
    )
    clock = _clock(told.version.workflow, state, snapshot.limit, entered, calendar) if state.is_open else None
    timers = _timers(told.version.workflow, state, clock, told.facts, actor.now, entered, calendar) if state.is_open else []
    outcome = Outcome(case=replace(snapshot, clock=clock), category=state.category, event=None)
    item = known.catalogue_items(session, known.plugin_of(told.version.key)).get(class_code or "")
    return PastCase(
        number=told.number,
        workflow=told.version.key,
        definition_id=told.version.id,
        title=told.title or (say(item.title, "zh_CN") if item else ""),
        columns=columns_of(outcome),
        place=_place(told),
        reported_at=told.steps[0]["at"],
        steps=steps,
        reporter_id=told.reporter_id,
        timers=timers,
    )


def _place(told: Told) -> dict[str, Any]:
    place = told.place
    by_hand = told.grid_id is not None and told.grid_id != place.grid_id
    return {
        "grid_id": told.grid_id if by_hand else place.grid_id,
        "located": "assigned" if by_hand else place.located,
        "lon": place.lon,
        "lat": place.lat,
        "xy": place.xy,
    }


def _clock(workflow: Workflow, state: State, filed_under: Limit | None, entered: datetime, calendar: Calendar) -> Clock | None:
    if state.limit is None:
        return None
    limit = workflow.limits[state.limit].limit or filed_under
    if limit is None:
        return None
    clock = clockwork.begin(state.limit, limit, entered, calendar)
    return clockwork.pause(clock, entered) if state.stopped else clock


def _timers(
    workflow: Workflow, state: State, clock: Clock | None, facts: Mapping[str, Any], now: datetime, entered: datetime, calendar: Calendar
) -> list[Timer]:
    """Set what still lies ahead: an escalation that is over tells nobody."""
    found: list[Timer] = []
    if clock is not None and clock.paused_at is None:
        found += clockwork.escalations(workflow.limits[clock.key], clock, now, calendar)
    made = (clockwork.state_timer(timer, facts, entered, calendar) for timer in state.timers)
    return found + [timer for timer in made if timer is not None]


class _Walk:
    """Follows the steps of one case and keeps account."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.state = ""
        self.entered_at: datetime | None = None
        self.closed_at: datetime | None = None
        self.department_id: int | None = None
        self.assignee_id: int | None = None
        self.counts: dict[str, int] = {}
        self.milestones: dict[str, datetime] = {}

    def take(self, told: Mapping[str, Any]) -> PastStep:
        """Take one step as it was told, whether or not the present workflow would allow it."""
        before, at = self.state, told["at"]
        was_open = before != "" and self._workflow.states[before].is_open
        entered = self.entered_at
        self.department_id = told.get("department", self.department_id)
        self.assignee_id = told.get("assignee", self.assignee_id)
        span = self._span(before, told, entered)
        self.state = told["state"]
        way = self._way(told["verb"], before)
        for name in way.counts if way else ():
            self._count(name)
        if self.state != before:
            self.entered_at = at
            state = self._workflow.states[self.state]
            if state.is_open:
                self.closed_at = None
            elif was_open or self.closed_at is None:
                self.closed_at = at
            self._milestones({**({state.key: state.milestone} if state.milestone else {}), **(way.milestones if way else {})}, at)
        facts = EventFacts(
            verb=told["verb"],
            from_state=before,
            to_state=self.state,
            at=at,
            actor_id=told["by"],
            seconds_in_state=(at - entered).total_seconds() if entered else None,
            span=span,
            department_id=self.department_id,
            assignee_id=self.assignee_id,
        )
        return PastStep(facts, told["data"])

    def _way(self, verb: str, before: str) -> Way | None:
        ways = self._workflow.ways.get((verb, before), ())
        return next((way for way in ways if (way.to or before) == self.state), None)

    def _span(self, before: str, told: Mapping[str, Any], entered: datetime | None) -> SpanEnd | None:
        limit = self._workflow.states[before].limit if before else None
        if told["due_at"] is None or limit is None or entered is None:
            return None
        span = SpanEnd(limit, entered, told["due_at"], told["at"] <= told["due_at"])
        if not span.in_time:
            self._count(f"late_{limit}")
        return span

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def _milestones(self, reached: Mapping[str, str], at: datetime) -> None:
        for key, which in reached.items():
            if which == "last" or key not in self.milestones:
                self.milestones[key] = at
