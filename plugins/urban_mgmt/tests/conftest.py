"""A desk at which a case is walked through the plugin's own workflow, without any database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import count
from typing import Any

import pytest

from core.authz import Actor, Grant
from core.calendar import Calendar, Holidays
from core.definitions.kinds import compile_catalogue
from core.definitions.load import load_folder
from core.workflow import engine
from core.workflow.compiler import compile_workflow
from core.workflow.types import CaseSnapshot, FilingRule, Limit

GRID = "scheme.d.s.c.g"
DEPARTMENTS = {1: "agency.water", 2: "agency.gas"}
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 09:00 in China, a working day


@pytest.fixture(scope="session")
def documents():
    loaded = load_folder(files("plugins.urban_mgmt"), origin="urban_mgmt", prefix="urban_mgmt")
    assert not loaded.problems
    return {(document.kind, document.key): document.content for document in loaded.documents}


@pytest.fixture(scope="session")
def roles(documents):
    return {key.removeprefix("urban_mgmt."): content for (kind, key), content in documents.items() if kind == "role"}


@pytest.fixture(scope="session")
def workflow(documents):
    return compile_workflow(documents["workflow", "urban_mgmt.case"])


@pytest.fixture(scope="session")
def filing_rules(documents):
    catalogue = compile_catalogue(documents["catalogue", "urban_mgmt.filing_rules"])

    def find(condition):
        item = catalogue.items.get(condition)
        if item is None or "limit" not in item.data:
            return None
        limit = item.data["limit"]
        return FilingRule(item.parent, condition, Limit(limit["amount"], limit["unit"]), item.data["kind"])

    return find


@dataclass
class Desk:
    """One case, one clock, and people of every role; ``do`` takes a step as somebody."""

    workflow: Any
    roles: Any
    filing_rules: Any
    case: CaseSnapshot = field(default_factory=lambda: CaseSnapshot(id=1, state="", grid_path=GRID))
    now: datetime = MONDAY
    calendar: Calendar = field(default_factory=lambda: Calendar(holidays=Holidays(published_years=frozenset({2026, 2027}))))
    last: Any = None
    timers: dict[str, datetime] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(100))

    def person(self, role: str, *, name: str = "", of: int = 1) -> Actor:
        """Give the person of this role (and name), the same one each time."""
        key = f"{role}{name}{of}"
        if key not in self.people:
            content = self.roles[role]
            grid = GRID if content["scope"] == "grid" else None
            path = DEPARTMENTS[of] if content["scope"] == "department" else None
            grants = tuple(Grant(right, grid, path) for right in content["rights"])
            self.people[key] = Actor(next(self.numbers), 1, "alpha", key, grants, self.now)
        return self.people[key]

    def do(self, verb: str, role: str, *, name: str = "", of: int = 1, **data: Any) -> Any:
        """Take one step; whoever is sent a case stays the one it was sent to."""
        return self.step(verb, self.person(role, name=name, of=of), data)

    def step(self, verb: str, actor: Actor, data: Any) -> Any:
        outcome = engine.move(
            self.workflow, self.case, verb, actor, data, now=self.now, calendar=self.calendar, filing_rules=self.filing_rules
        )
        return self.keep(outcome)

    def keep(self, outcome: Any) -> Any:
        """Store the outcome as the service would."""
        self.last = outcome
        self.case = outcome.case
        if outcome.department_changed:
            self.case = replace(self.case, department_path=DEPARTMENTS.get(self.case.department_id))
        for key in outcome.cancelled:
            self.timers.pop(key, None)
        self.timers |= {timer.key: timer.due_at for timer in outcome.timers}
        return outcome

    def fire_due(self) -> list[Any]:
        """Fire the timers that are due, earliest first, until none is."""
        fired = []
        while due := sorted((at, key) for key, at in self.timers.items() if at <= self.now):
            del self.timers[due[0][1]]
            outcome = engine.fire(self.workflow, self.case, due[0][1], now=self.now, calendar=self.calendar)
            if outcome is not None:
                fired.append(self.keep(outcome))
        return fired

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def report(self, **data: Any) -> Desk:
        self.do("report", "inspector", **{"source": "inspector", "kind": "event", "event_class": "e0110", **data})
        return self

    def filed(self, condition: str = "e011301") -> Desk:
        self.report().do("file", "duty_lead", condition=condition)
        return self

    def dispatched(self, condition: str = "e011301", **data: Any) -> Desk:
        self.filed(condition).do("dispatch", "dispatcher", department=1, **data)
        return self

    def handling(self, condition: str = "e011301", **data: Any) -> Desk:
        self.dispatched(condition).do("accept", "department_clerk", **data)
        return self

    def handled(self, condition: str = "e011301") -> Desk:
        self.handling(condition).do("handle", "department_clerk")
        return self

    def checking(self, condition: str = "e011301") -> Desk:
        self.handled(condition).do("request_check", "acceptor")
        return self

    def closed(self, condition: str = "e011301") -> Desk:
        self.checking(condition).do("check_pass", "inspector")
        self.do("close", "duty_lead")
        return self

    def closed_late(self) -> Desk:
        self.handling("c010101").wait(hours=3)
        self.do("handle", "department_clerk")
        self.do("request_check", "acceptor")
        self.do("check_pass", "inspector")
        self.do("close", "duty_lead")
        return self


@pytest.fixture
def desk(workflow, roles, filing_rules):
    return Desk(workflow, roles, filing_rules)


@pytest.fixture
def new_desk(workflow, roles, filing_rules):
    return lambda: Desk(workflow, roles, filing_rules)
