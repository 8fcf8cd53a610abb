"""Cases of the last ninety days, each walked by the real engine with the clock injected.

Every step is a form checked as a user's would be and a move of the engine; a
walk ends when its next step would lie in the future, so the demo has cases in
every state. Delays, reworks, suspensions and the hours of the day are drawn
from one seeded source: the same seed walks the same cases.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.api.cases import Calendar, CaseSnapshot, FilingRules, Outcome, PastStep, Timer, Workflow, fire, move, start
from plugins.urban_mgmt.demo.opinions import is_unsolved, said_of

PUBLIC = ("hotline", "web", "public_app")

Check = Callable[[str | None, dict[str, Any], datetime], Mapping[str, Any]]
"""Checks a step's form: ``(form key, data, now) -> stored data``."""


@dataclass(frozen=True)
class Walker:
    """Somebody who takes a step; the cast has seen to it that the role is right."""

    user_id: int | None
    is_system: bool = False
    pace: float = 1.0
    """How long somebody takes, beside the others of the post."""

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:  # noqa: ARG002
        """Say yes: each walker is only asked for the steps of the role it was cast in."""
        return True


@dataclass(frozen=True)
class Cast:
    """The people of one case."""

    inspector: Walker
    intake: Walker
    acceptor: Walker
    duty_lead: Walker
    dispatcher: Walker
    clerk: Walker
    head: Walker
    leader: Walker
    evaluator: Walker
    department_id: int
    department_path: str
    wrong_department_id: int | None = None
    trouble: float = 1.0
    """How often the department is late at this place, beside the others."""


SYSTEM = Walker(None, is_system=True)


@dataclass(frozen=True)
class Said:
    """Whether somebody who reported answered after a closing, and what."""

    closing_sequence: int
    closed_at: datetime
    answered_at: datetime | None = None
    data: Mapping[str, Any] | None = None
    reopened_sequence: int | None = None


@dataclass(frozen=True)
class Matter:
    """What a case is about."""

    kind: str
    class_code: str
    condition: str
    position: Mapping[str, float]
    grid_path: str | None
    description: str
    photo: str
    source: str = "inspector"
    component: str | None = None


@dataclass(frozen=True)
class Stage:
    """What every walk shares."""

    workflow: Workflow
    calendar: Calendar
    filing_rules: FilingRules
    check: Check
    until: datetime


@dataclass
class Walk:
    """One case on its way."""

    stage: Stage
    matter: Matter
    cast: Cast
    chance: random.Random
    at: datetime
    snapshot: CaseSnapshot = field(default_factory=lambda: CaseSnapshot(id=0, state=""))
    steps: list[PastStep] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)
    outcome: Outcome | None = None
    said: list[Said] = field(default_factory=list)

    def run(self) -> Walk:
        """Walk until the case is closed and stays so, or the present is reached."""
        self._report()
        while True:
            while self.outcome is not None and self.outcome.category == "open" and self._next():
                pass
            if self.outcome is None or self.outcome.state != "closed" or not self._is_asked():
                break
        if self.outcome is not None and self.outcome.state == "closed":
            self._afterwards()
        return self

    def _is_asked(self) -> bool:
        """Ask who reported; True when the answer opens the case again."""
        if self.matter.source not in PUBLIC:
            return False
        closing, closed_at = len(self.steps), self.at
        data = said_of(self.chance, late=bool(self.snapshot.counts.get("late_handle"))) if self._by_chance(0.35) else None
        answered_at = closed_at + self._minutes(20, 4000)
        if data is None or answered_at > self.stage.until:
            self.said.append(Said(closing, closed_at))
            return False
        opens = is_unsolved(data) and not self.snapshot.counts.get("reopenings")
        reason = {"reason": "群众评价不满意（不满意），问题未解决（未解决）"}
        opened = opens and self._step("reopen", SYSTEM, reason, after=answered_at - self.at)
        self.said.append(Said(closing, closed_at, answered_at, data, len(self.steps) if opened else None))
        return opened

    def _report(self) -> None:
        matter = self.matter
        data: dict[str, Any] = {
            "source": matter.source,
            "kind": matter.kind,
            f"{matter.kind}_class": matter.class_code,
            "description": matter.description,
            "position": dict(matter.position),
        }
        if matter.source == "inspector":
            data["photos"] = [matter.photo]
        if matter.component:
            data["component"] = matter.component
        by = self.cast.inspector if matter.source == "inspector" else self.cast.intake
        workflow = self.stage.workflow
        self.snapshot = CaseSnapshot(id=0, state="", grid_path=matter.grid_path, reporter_id=by.user_id)
        checked = self.stage.check(workflow.transitions[workflow.start].form, data, self.at)
        self._take(start(workflow, self.snapshot, by, checked, now=self.at, calendar=self.stage.calendar), checked)

    def _step(self, verb: str, by: Walker, data: dict[str, Any] | None = None, *, after: timedelta) -> bool:
        """Take one step ``after`` a while; False when that lies in the future."""
        at = self.at + after * by.pace
        if at > self.stage.until:
            return False
        self.at = at
        stage = self.stage
        checked = stage.check(stage.workflow.transitions[verb].form, data or {}, at)
        self._take(
            move(stage.workflow, self.snapshot, verb, by, checked, now=at, calendar=stage.calendar, filing_rules=stage.filing_rules),
            checked,
        )
        return True

    def _take(self, outcome: Outcome, data: Mapping[str, Any]) -> None:
        assert outcome.event is not None
        self.outcome = outcome
        case = outcome.case
        if outcome.department_changed and case.department_id is not None:
            case = replace(case, department_path=self.cast.department_path)
        self.snapshot = case
        self.steps.append(PastStep(outcome.event, data))
        for key in outcome.cancelled:
            self.timers.pop(key, None)
        self.timers |= {timer.key: timer for timer in outcome.timers}

    def _next(self) -> bool:
        """Take the step that the state asks for."""
        return getattr(self, f"_when_{self.snapshot.state}")()  # type: ignore[no-any-return]

    def _minutes(self, low: float, high: float) -> timedelta:
        return timedelta(minutes=self.chance.uniform(low, high))

    def _by_chance(self, share: float) -> bool:
        return self.chance.random() < share

    # -- supervision: before filing

    def _when_reported(self) -> bool:
        if self.matter.source != "inspector":
            return self._step("request_verify", self.cast.acceptor, {"inspector": self.cast.inspector.user_id}, after=self._minutes(2, 25))
        if self._by_chance(0.04):
            return self._step("reject", self.cast.acceptor, {"cause": "no_condition"}, after=self._minutes(3, 20))
        return self._file()

    def _when_verifying(self) -> bool:
        result = "true" if self._by_chance(0.82) else "false"
        return self._step("verify", self.cast.inspector, {"result": result, "photos": [self.matter.photo]}, after=self._minutes(40, 900))

    def _when_verified(self) -> bool:
        if self.snapshot.data.get("verify_result") == "false":
            return self._step("reject", self.cast.duty_lead, {"cause": "not_found"}, after=self._minutes(3, 20))
        return self._file()

    def _when_sent_back(self) -> bool:
        return self._file()

    def _file(self) -> bool:
        late = self._by_chance(0.06)
        return self._step(
            "file", self.cast.duty_lead, {"condition": self.matter.condition}, after=self._minutes(30, 70) if late else self._minutes(2, 26)
        )

    # -- command: dispatch

    def _when_filed(self) -> bool:
        wrong = self.cast.wrong_department_id
        to = wrong if wrong is not None and self._by_chance(0.5) else self.cast.department_id
        return self._step("dispatch", self.cast.dispatcher, {"department": to}, after=self._minutes(2, 32))

    def _when_returned(self) -> bool:
        return self._step("dispatch", self.cast.dispatcher, {"department": self.cast.department_id}, after=self._minutes(5, 28))

    # -- department: handle

    def _when_dispatched(self) -> bool:
        if self.snapshot.department_id != self.cast.department_id:
            return self._step(
                "return", self.cast.clerk, {"cause": "not_ours", "reason": "经核对，不属于本部门职责。"}, after=self._minutes(20, 240)
            )
        return self._step("accept", self.cast.clerk, after=self._minutes(5, 90))

    def _when_rework(self) -> bool:
        return self._step("accept", self.cast.clerk, after=self._minutes(5, 60))

    def _when_handling(self) -> bool:
        snapshot = self.snapshot
        if "extension" in snapshot.requests:
            return self._answer_extension()
        if "suspension" in snapshot.requests:
            return self._step("grant_suspend", self.cast.dispatcher, after=self._minutes(30, 300))
        if "void" in snapshot.requests:
            return self._step("grant_void", self.cast.duty_lead, after=self._minutes(20, 200))
        if not snapshot.counts.get("reworks") and len(self.steps) < 12:
            asked = self._ask()
            if asked is not None:
                return asked
        return self._handle()

    def _ask(self) -> bool | None:
        """Now and then a department asks for something; None when it just goes to work."""
        draw = self.chance.random()
        counts, overdue = self.snapshot.counts, self.snapshot.is_overdue(self.at + timedelta(minutes=45))
        if draw < 0.05 and not counts.get("extensions") and not overdue:
            return self._step("request_extension", self.cast.clerk, {"reason": "需协调占道施工许可。"}, after=self._minutes(10, 40))
        if 0.05 <= draw < 0.065 and not counts.get("suspensions"):
            return self._step(
                "request_suspend",
                self.cast.clerk,
                {"cause": "project", "reason": "等待管线改造工程一并实施。"},
                after=self._minutes(10, 60),
            )
        if 0.065 <= draw < 0.075:
            return self._step(
                "request_void", self.cast.dispatcher, {"cause": "no_condition", "reason": "现场未达立案标准。"}, after=self._minutes(10, 60)
            )
        if 0.075 <= draw < 0.085 and not counts.get("urges"):
            return self._step("urge", self.cast.leader, {"note": "群众反映强烈，请尽快处置。"}, after=self._minutes(30, 200))
        return None

    def _answer_extension(self) -> bool:
        level = self.snapshot.requests["extension"].level
        by = self.cast.head if level == 1 else self.cast.dispatcher
        if self._by_chance(0.2):
            return self._step("refuse_extension", by, {"reason": "理由不充分，请按期处置。"}, after=self._minutes(5, 40))
        return self._step("grant_extension", by, after=self._minutes(5, 40))

    def _handle(self) -> bool:
        clock = self.snapshot.clock
        left = (clock.due_at - self.at).total_seconds() / 60 if clock else 240.0
        if left <= 0:
            return self._done(self._minutes(15, 240))
        late = self._by_chance(min(0.6, 0.1 * self.cast.trouble))
        share = self.chance.uniform(1.02, 1.8) if late else min(0.97, self.chance.lognormvariate(-1.1, 0.6))
        return self._done(timedelta(minutes=max(6.0, left * share)))

    def _done(self, after: timedelta) -> bool:
        return self._step("handle", self.cast.clerk, {"photos": [self.matter.photo], "result": "已处置完毕，现场恢复。"}, after=after)

    def _when_worked(self) -> bool:
        return self._done(self._minutes(10, 60))

    def _when_suspended(self) -> bool:
        if self._by_chance(0.5):
            return False
        return self._step("resume", self.cast.clerk, after=timedelta(days=self.chance.uniform(5, 40)))

    # -- supervision: check and close

    def _when_handled(self) -> bool:
        return self._step("request_check", self.cast.acceptor, {"inspector": self.cast.inspector.user_id}, after=self._minutes(2, 35))

    def _when_checking(self) -> bool:
        if self._by_chance(0.06) and self.snapshot.counts.get("reworks", 0) < 2:
            told = {"photos": [self.matter.photo], "reason": "现场仍未恢复，请重新处置。"}
            return self._step("check_fail", self.cast.inspector, told, after=self._minutes(10, 150))
        return self._step("check_pass", self.cast.inspector, {"photos": [self.matter.photo]}, after=self._minutes(10, 150))

    def _when_checked(self) -> bool:
        return self._step("close", self.cast.duty_lead, after=self._minutes(2, 35))

    def _afterwards(self) -> None:
        """After closing: an inspector may have missed it, and a late department may appeal, once."""
        if self.matter.source in PUBLIC and self._by_chance(0.01):
            told = {"inspector": self.cast.inspector.user_id, "reason": "巡查轨迹显示当日多次经过，未上报。"}
            self._step("mark_missed", self.cast.evaluator, told, after=self._minutes(600, 6000))
        if not self.snapshot.counts.get("late_handle") or not self._by_chance(0.12):
            return
        if not self._step("appeal", self.cast.clerk, {"reason": "处置期间遇极端天气，无法施工。"}, after=self._minutes(300, 4000)):
            return
        if self._by_chance(0.6):
            if self._step("grant_appeal", self.cast.dispatcher, after=self._minutes(60, 900)):
                self._step("grant_appeal", self.cast.acceptor, after=self._minutes(60, 900))
        else:
            self._step("refuse_appeal", self.cast.dispatcher, {"reason": "无气象证明材料。"}, after=self._minutes(60, 900))


def waiting_timers(walk: Walk, now: datetime) -> Sequence[Timer]:
    """Give the timers that still lie ahead; what would have fired before ``now`` told nobody, as notices were off.

    A due escalation sets the next one of its kind, so the chain is followed to
    the first that is not due.
    """
    ahead: dict[str, Timer] = {}
    waiting = list(walk.timers.values())
    while waiting:
        timer = waiting.pop()
        if timer.due_at > now:
            ahead[timer.key] = timer
            continue
        outcome = fire(walk.stage.workflow, walk.snapshot, timer.key, now=timer.due_at, calendar=walk.stage.calendar)
        if outcome is not None and outcome.event is None:
            waiting += outcome.timers
    return list(ahead.values())
