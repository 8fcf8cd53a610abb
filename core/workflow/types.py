"""The words of the workflow engine: what it is given and what it gives back.

Everything here is frozen and plain. The service builds a ``CaseSnapshot`` from
a row, the engine answers with an ``Outcome`` or raises ``Refused``, and the
service writes the outcome down. Nothing here knows rows or requests.

Conflict 409
└── Refused              the case's state, a guard or an open request forbids the step
Forbidden 403
└── NotEntitled          the step is possible, but not for this actor
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from core.calendar import Pause
from core.lib.errors import Conflict, Forbidden
from core.lib.text import Message, Title

EMPTY: Mapping[str, Any] = MappingProxyType({})


class ActorView(Protocol):
    """What the engine must know of whoever acts."""

    @property
    def user_id(self) -> int | None:
        """The user, or None for the system."""

    @property
    def is_system(self) -> bool:
        """Whether a timer or the seeding acts."""

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:
        """Say whether the actor holds ``right`` for a thing at this place."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A time allowed: so many of one of the calendar's four units."""

    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class FilingRule:
    """One filing condition of a catalogue: its small class and its time limit."""

    class_code: str
    condition: str
    limit: Limit
    kind: str | None = None


class FilingRules(Protocol):
    """Finds the filing rule of a condition; the agency's catalogue stands behind it."""

    def __call__(self, condition: str) -> FilingRule | None:
        """Give the rule, or None when the catalogue has no such condition."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time limit that runs now, named by ``key``.

    ``total`` grows with each extension. ``warn_at`` is when 80 % is used up (the
    yellow light of the field). While the clock is paused both are where they
    stood; resuming moves them later by the pause.
    """

    key: str
    started_at: datetime
    total: float
    unit: str
    due_at: datetime
    warn_at: datetime
    paused_at: datetime | None = None
    provisional: bool = False
    pauses: tuple[Pause, ...] = ()

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the limit is used up at ``now``; a paused clock does not run on."""
        return (self.paused_at or now) > self.due_at


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """An application that waits for its answer at ``level`` (1 is the first to answer)."""

    kind: str
    level: int
    asked_by: int | None
    asked_at: datetime
    answered_by: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class CaseSnapshot:
    """All that the engine knows of one case.

    ``state`` is empty for a case that is just being reported. ``data`` holds
    the facts that transitions have set; ``milestones`` the times of states that
    are milestones (``filed``, ``handled``, ``checked`` …).
    """

    id: int
    state: str
    version: int = 0
    kind: str | None = None
    class_code: str | None = None
    condition: str | None = None
    source: str | None = None
    grid_path: str | None = None
    department_path: str | None = None
    department_id: int | None = None
    assignee_id: int | None = None
    reporter_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    limit: Limit | None = None
    state_entered_at: datetime | None = None
    clock: Clock | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    requests: Mapping[str, OpenRequest] = field(default_factory=lambda: EMPTY)
    milestones: Mapping[str, datetime] = field(default_factory=lambda: EMPTY)
    closed_at: datetime | None = None
    parent_id: int | None = None
    open_sub_cases: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When the present step is due; None when no limit runs."""
        return self.clock.due_at if self.clock else None

    @property
    def filed_at(self) -> datetime | None:
        """When the case was first filed."""
        return self.milestones.get("filed")

    @property
    def handled_at(self) -> datetime | None:
        """When the department last passed it on as handled."""
        return self.milestones.get("handled")

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the present step is late at ``now``."""
        return self.clock is not None and self.clock.is_overdue(now)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is meant: holders of a right at the case's place, or one of its people.

    ``at`` is ``agency``, ``grid``, ``department`` (then ``right`` is set), or
    ``assignee``, ``reporter``, ``asker`` (one person: in a notice ``person_id``
    says who).
    """

    at: str
    right: str | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that is to reach somebody once the step is stored."""

    topic: str
    to: Receiver
    title: Title


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that happens by itself: at ``due_at`` the service calls ``engine.fire``."""

    key: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SpanEnd:
    """A limit that ended with this step: how long it ran and whether it was kept."""

    key: str
    started_at: datetime
    due_at: datetime
    in_time: bool


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What the history keeps of one step."""

    verb: str
    from_state: str
    to_state: str
    at: datetime
    actor_id: int | None
    seconds_in_state: float | None = None
    level: int | None = None
    span: SpanEnd | None = None
    department_id: int | None = None
    assignee_id: int | None = None


@dataclass(frozen=True, slots=True)
class SubCase:
    """A part of the case that another department handles: it starts in ``state``."""

    state: str
    department_id: int


@dataclass(frozen=True)
class Outcome:
    """Everything one step changes, complete: the case after it, and what to do beside it.

    ``case`` is the new snapshot (its ``version`` is one higher; ``department_path``
    is None when ``department_changed``: the service knows the tree). The service
    first deletes the case's timers whose keys are in ``cancelled``, then adds
    ``timers``. ``event`` is None when only notices go out (an escalation).
    """

    case: CaseSnapshot
    category: str
    event: EventFacts | None
    changed: frozenset[str] = frozenset()
    owner: Receiver | None = None
    timers: tuple[Timer, ...] = ()
    cancelled: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    sub_cases: tuple[SubCase, ...] = ()

    @property
    def state(self) -> str:
        """The state after the step."""
        return self.case.state

    @property
    def department_changed(self) -> bool:
        """Whether another department has the case now."""
        return "department_id" in self.changed


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that this actor could take; ``reason_if_not`` says why it is barred just now."""

    verb: str
    title: Title
    form: str | None
    right: str
    to: str
    level: int | None = None
    reason_if_not: Message | None = None


class Refused(Conflict):
    """The step is not possible now; ``allowed`` are the verbs that are, for this actor."""

    type = "transition-refused"

    def __init__(self, message: Message, *, state: str, verb: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message, extra={"state": state, "transition": verb, "allowed": list(allowed)})
        self.allowed = allowed


class NotEntitled(Forbidden):
    """The step is possible from this state, but the actor holds none of the rights it asks for."""

    type = "not-entitled"
