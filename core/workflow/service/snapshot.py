"""Between a row of ``cases`` and the engine's snapshot; both ways, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.calendar import Pause
from core.workflow.models import Case
from core.workflow.types import CaseSnapshot, Clock, Limit, OpenRequest, Outcome


def snapshot_of(case: Case, *, grid_path: str | None, department_path: str | None, open_sub_cases: int = 0) -> CaseSnapshot:
    """Show the engine the case; the caller knows the trees and has counted the sub-cases."""
    return CaseSnapshot(
        id=case.id,
        state=case.state,
        version=case.version,
        kind=case.kind,
        class_code=case.class_code,
        condition=case.condition,
        source=case.source,
        grid_path=grid_path,
        department_path=department_path,
        department_id=case.department_id,
        assignee_id=case.assignee_id,
        reporter_id=case.reporter_id,
        data=case.data,
        limit=Limit(case.limit["amount"], case.limit["unit"]) if case.limit else None,
        state_entered_at=case.state_entered_at,
        clock=clock_of(case.clock) if case.clock else None,
        counts=case.counts,
        requests={kind: _request_of(kind, stored) for kind, stored in case.requests.items()},
        milestones={name: datetime.fromisoformat(at) for name, at in case.milestones.items()},
        closed_at=case.closed_at,
        parent_id=case.parent_id,
        open_sub_cases=open_sub_cases,
    )


def columns_of(outcome: Outcome) -> dict[str, Any]:
    """Give the columns of ``cases`` that the engine decides."""
    case = outcome.case
    clock = case.clock
    return {
        "state": case.state,
        "category": outcome.category,
        "kind": case.kind,
        "class_code": case.class_code,
        "condition": case.condition,
        "source": case.source,
        "department_id": case.department_id,
        "assignee_id": case.assignee_id,
        "data": dict(case.data),
        "limit": {"amount": case.limit.amount, "unit": case.limit.unit} if case.limit else None,
        "state_entered_at": case.state_entered_at,
        "clock": _stored_clock(clock) if clock else None,
        "counts": dict(case.counts),
        "requests": {kind: _stored_request(request) for kind, request in case.requests.items()},
        "milestones": {name: at.isoformat() for name, at in case.milestones.items()},
        "due_at": None if clock is None or clock.paused_at else clock.due_at,
        "warn_at": None if clock is None or clock.paused_at else clock.warn_at,
        "is_provisional": bool(clock and clock.provisional),
        "closed_at": case.closed_at,
        "version": case.version,
    }


def clock_of(stored: Mapping[str, Any]) -> Clock:
    """Read the stored clock of a case."""
    return Clock(
        key=stored["key"],
        started_at=datetime.fromisoformat(stored["started_at"]),
        total=stored["total"],
        unit=stored["unit"],
        due_at=datetime.fromisoformat(stored["due_at"]),
        warn_at=datetime.fromisoformat(stored["warn_at"]),
        paused_at=_moment(stored.get("paused_at")),
        provisional=stored.get("provisional", False),
        pauses=tuple(Pause(datetime.fromisoformat(since), _moment(until)) for since, until in stored.get("pauses", ())),
    )


def _stored_clock(clock: Clock) -> dict[str, Any]:
    stored: dict[str, Any] = {
        "key": clock.key,
        "started_at": clock.started_at.isoformat(),
        "total": clock.total,
        "unit": clock.unit,
        "due_at": clock.due_at.isoformat(),
        "warn_at": clock.warn_at.isoformat(),
    }
    if clock.paused_at:
        stored["paused_at"] = clock.paused_at.isoformat()
    if clock.provisional:
        stored["provisional"] = True
    if clock.pauses:
        stored["pauses"] = [[pause.start.isoformat(), pause.end.isoformat() if pause.end else None] for pause in clock.pauses]
    return stored


def _request_of(kind: str, stored: Mapping[str, Any]) -> OpenRequest:
    return OpenRequest(
        kind=kind,
        level=stored["level"],
        asked_by=stored["asked_by"],
        asked_at=datetime.fromisoformat(stored["asked_at"]),
        answered_by=tuple(stored.get("answered_by", ())),
    )


def _stored_request(request: OpenRequest) -> dict[str, Any]:
    return {
        "level": request.level,
        "asked_by": request.asked_by,
        "asked_at": request.asked_at.isoformat(),
        "answered_by": list(request.answered_by),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
