"""Random walks of cases through the real engine into the database, and what their facts should be, worked out in plain Python.

The oracle knows the words of urban management by heart; the product knows none of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.uow import unit_of_work
from core.facts.models import FactCase, FactHolding, FactTask
from core.lib.errors import Conflict, Forbidden
from core.workflow import engine
from core.workflow.models import Case, CaseEvent
from core.workflow.service import known, moving, reporting, step
from tests.journeys.town import HERE, Town

OUTSIDE = {"lon": 121.61, "lat": 31.31}
DEPARTMENTS = ("E01", "E02", "E03")
PEOPLE = ("inspector", "second_inspector", "duty_lead", "dispatcher", "acceptor", "handler", "department_clerk", "department_head")
SELDOM = dict.fromkeys(("urge", "mark_missed", "force_close", "reject", "request_void", "request_verify"), 0.1) | {"return": 0.4}
"""Steps that would otherwise take up most of a walk, or end it, and how often they are taken into account."""


@dataclass(frozen=True)
class Anybody(Actor):
    """One of the people, whom every right is granted; who must be another for a step still must be."""

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:  # noqa: ARG002
        return True


@dataclass
class Walks:
    """Some cases on their way, and the clock that goes on with every step."""

    town: Town
    chance: random.Random
    now: datetime
    place: Mapping[str, float] = field(default_factory=lambda: HERE)
    cases: list[int] = field(default_factory=list)
    taken: int = 0
    verbs: set[str] = field(default_factory=set)

    @contextmanager
    def work(self, username: str | None = None) -> Iterator[tuple[Session, Actor]]:
        """Open a unit of work as one of the people."""
        actor = Anybody(self.town.users[username or self.chance.choice(PEOPLE)], self.town.agency_id, "town", "walker", (), self.now)
        with unit_of_work(self.town.database, self.town.agency_id) as session:
            yield session, actor

    def report(self, *, outside: bool = False) -> None:
        """Report a case, one in six outside every grid."""
        data = {
            "source": self.chance.choice(["hotline", "superior", "video"]),
            "kind": "event",
            "event_class": "e0113",
            "description": "路面破损",
            "position": OUTSIDE if outside or self.chance.random() < 1 / 6 else dict(self.place),
        }
        self._pass()
        with self.work() as (session, actor):
            reporter = replace(actor, is_system=True)  # outside every grid a right must be held somewhere
            self.cases.append(reporting.report_case(session, reporter, workflow="urban_mgmt.case", data=data).id)

    def step(self) -> None:
        """Take some step of some case, if it has one."""
        self._pass()
        case_id = self.chance.choice(self.cases)
        with self.work() as (session, actor):
            case = session.scalars(select(Case).where(Case.id == case_id).with_for_update()).one()
            definition = known.workflow(session, case.definition_id)
            snapshot = moving.snapshot_for(session, case)
            offers = [one.verb for one in engine.offers(definition, snapshot, actor, now=actor.now) if one.reason_if_not is None]
            offers = [one for one in offers if self.chance.random() < SELDOM.get(one, 1)]
            if not offers:
                return
            verb = self.chance.choice(sorted(offers))
            data = self._data(verb)
            rules = step.CatalogueRules(session, "urban_mgmt")
            calendar = step.calendar_of(session, actor)
            try:
                outcome = engine.move(definition, snapshot, verb, actor, data, now=actor.now, calendar=calendar, filing_rules=rules)
            except (Conflict, Forbidden):  # the form that was made up does not meet a guard
                return
            moving.write(session, actor, case, outcome, step.Submitted(data=data))
            for part in outcome.sub_cases:
                moving.open_sub_case(session, actor, case, definition, part, verb)
            if outcome.sub_cases:
                self.cases += session.scalars(select(Case.id).where(Case.parent_id == case_id, Case.id.not_in(self.cases))).all()
        self.taken += 1
        self.verbs.add(verb)

    def _pass(self) -> None:
        self.now += timedelta(minutes=self.chance.choice([1, 7, 20, 90, 600, 3000]))

    def _data(self, verb: str) -> dict[str, Any]:
        people, departments = self.town.users, [self.town.departments[code] for code in DEPARTMENTS]
        other = [{"department": self.chance.choice(departments)}] if self.chance.random() < 0.3 else []
        made: dict[str, dict[str, Any]] = {
            "verify": {"result": "true"},
            "file": {"condition": self.chance.choice(["e011301", "e011701"])},
            "dispatch": {"department": self.chance.choice(departments), "co_departments": other},
            "accept": {"handler": self.chance.choice([None, people["handler"]])},
            "request_verify": {"inspector": people["inspector"]},
            "request_check": {"inspector": self.chance.choice([people["inspector"], people["second_inspector"]])},
            "mark_missed": {"inspector": people["inspector"]},
        }
        return made.get(verb, {})


@dataclass
class _Span:
    holder: int | None
    event: CaseEvent
    told: dict[str, Any]


def expected(session: Session, case_id: int) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Work out the facts of a case from its events: its row, its holdings and its tasks."""
    case = session.scalars(select(Case).where(Case.id == case_id)).one()
    events = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.sequence)).all()
    spans, given, handed = _account(events)
    running = (
        case.clock if case.clock and (not case.clock.get("paused_at") or _at(case.clock["paused_at"]) > _at(case.clock["due_at"])) else None
    )
    handling = [one for one in spans if one.told["key"] == "handle"]
    running_due = _at(running["due_at"]) if running and running["key"] == "handle" else None
    whole = {
        "state": case.state,
        "department_id": case.department_id,
        "grid_id": case.grid_id,
        "counts": case.counts,
        "facts": case.data,
        "chain_length": len(events),
        "chain_head": events[-1].hash,
        "closed_at": case.closed_at,
        "done_at": min((one.at for one in events if _is_handled(one)), default=None),
        "missed_at": min((_at(one.told["due_at"]) for one in handling if not one.told["in_time"]), default=None),
        "running_due_at": running_due,
    }
    whole["owed_at"] = _least(whole["missed_at"], whole["done_at"], running_due)
    runs_at = case.department_id if case.clock and case.clock["key"] == "handle" else None
    holders = sorted({one.holder for one in handling if one.holder} | ({runs_at} if runs_at else set()))
    holdings = [
        _holding(case, holder, [one for one in handling if one.holder == holder], given, runs_at, running_due) for holder in holders
    ]
    tasks = [_task(case, one, handed) for one in spans]
    if case.clock:
        due = _at(running["due_at"]) if running else None
        tasks.insert(0, {"sequence": 0, "limit_key": case.clock["key"], "verb": None, "person_id": case.assignee_id, "due_at": due,
                         "department_id": case.department_id, "is_superseded": False, "owed_at": due})  # fmt: skip
    return whole, holdings, tasks


def _account(events: Any) -> tuple[list[_Span], dict[int, datetime], list[tuple[int, int]]]:
    """Go through the steps: the limits that ended, when each department was first given the case, and every giving."""
    holder: int | None = None
    spans, given, handed = [], {}, []
    for event in events:
        span, told = event.facts.get("span"), event.facts.get("department_id")
        if span:
            mine = holder if holder is not None and span["key"] == "handle" else told
            spans.append(_Span(mine, event, span))
        if event.verb in {"assign_grid", "follow_grid"}:
            continue
        taken = (event.verb, event.to_state) == ("return", "returned") or (event.verb, event.to_state) == ("reopen", "filed")
        holder = None if taken else told
        if holder is not None:
            given.setdefault(holder, event.at)
        if event.verb == "dispatch" and event.from_state:
            handed.append((event.sequence, holder))
    return spans, given, handed


def _is_handled(event: CaseEvent) -> bool:
    return (event.verb == "handle" and event.to_state == "handled") or (event.verb == "close" and event.from_state == "self_handled")


def _holding(
    case: Case, holder: int, spans: list[_Span], given: dict[int, datetime], runs_at: int | None, due: datetime | None
) -> dict[str, Any]:
    done = [one for one in spans if _is_handled(one.event)]
    runs = runs_at == holder
    later = [one for one in spans if done and one.event.sequence > done[0].event.sequence]
    found = {
        "department_id": holder,
        "limit_key": "handle",
        "given_at": given[holder],
        "ended_by": None if runs else spans[-1].event.verb,
        "missed_at": min((_at(one.told["due_at"]) for one in spans if not one.told["in_time"]), default=None),
        "done_at": done[0].event.at if done else None,
        "running_due_at": due if runs else None,
        "times_done": len(done),
        "times_given_back": sum(one.event.verb == "return" for one in spans),
        "times_held_again": len(later) + (runs and bool(done)),
        "seconds_held": sum((one.event.at - _at(one.told["started_at"])).total_seconds() for one in spans),
        "is_present": case.department_id == holder,
        "case_state": case.state,
        "case_counts": case.counts,
    }
    return {**found, "owed_at": _least(found["missed_at"], found["done_at"], found["running_due_at"])}


def _task(case: Case, span: _Span, handed: list[tuple[int, int]]) -> dict[str, Any]:
    event, due = span.event, _at(span.told["due_at"])
    gave = next((to for sequence, to in handed if sequence == event.sequence), None)
    later = [to for sequence, to in handed if sequence > event.sequence]
    pairs = zip([gave, *later], later, strict=False)
    return {
        "sequence": event.sequence,
        "limit_key": span.told["key"],
        "verb": event.verb,
        "person_id": event.actor_id,
        "due_at": due,
        "department_id": span.holder,
        "is_superseded": gave is not None and any(one != other for one, other in pairs),
        "owed_at": min(due, event.at),
        "in_time": span.told["in_time"],
        "grid_id": case.grid_id,
    }


def stored(session: Session, case_id: int) -> tuple[FactCase, list[FactHolding], list[FactTask]]:
    """Read the facts of a case that are kept."""
    whole = session.scalars(select(FactCase).where(FactCase.case_id == case_id)).one()
    holdings = session.scalars(select(FactHolding).where(FactHolding.case_id == case_id).order_by(FactHolding.department_id)).all()
    tasks = session.scalars(select(FactTask).where(FactTask.case_id == case_id).order_by(FactTask.sequence)).all()
    return whole, list(holdings), list(tasks)


def assert_facts(session: Session, case_id: int) -> None:
    """Assert that the facts of a case are what its events say."""
    whole, holdings, tasks = stored(session, case_id)
    should = expected(session, case_id)
    assert should[0] == {name: getattr(whole, name) for name in should[0]}
    for wanted, found in ((should[1], holdings), (should[2], tasks)):
        assert wanted == [{name: getattr(one, name) for name in names} for one, names in zip(found, wanted, strict=True)]


def _at(told: str) -> datetime:
    return datetime.fromisoformat(told)


def _least(*moments: datetime | None) -> datetime | None:
    return min((one for one in moments if one is not None), default=None)
