"""Who a notice is meant for, resolved when it is delivered: people change, rules stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.service import reach
from core.grid import service as grids
from core.holidays import service as holidays
from core.lib.text import say
from core.workflow.models import Case
from core.workflow.service import known


def recipients(session: Session, agency_id: int, payload: Mapping[str, Any], *, now: datetime) -> list[int]:
    """Give the users meant by the notice in ``payload``; a case that is gone has none."""
    to = payload["to"]
    if to["person_id"] is not None:
        return [to["person_id"]]
    case = session.scalars(select(Case).where(Case.agency_id == agency_id, Case.id == payload["case_id"])).one_or_none()
    if case is None:
        return []
    if to["at"] == "assignee":
        return [case.assignee_id] if case.assignee_id is not None else []
    if to["at"] == "reporter":
        return [case.reporter_id] if case.reporter_id is not None else []
    return holders(session, to["right"], grid_id=case.grid_id, department_id=case.department_id, now=now)


def holders(session: Session, right: str, *, grid_id: int | None, department_id: int | None, now: datetime) -> list[int]:
    """Give the users who hold a right for a case of this grid and department."""
    return reach.who_holds(
        session,
        right,
        grid_path=grids.path_of(session, grid_id),
        department_path=reach.department_path(session, department_id),
        now=now,
    )


def spoken(session: Session, payload: Mapping[str, Any]) -> dict[str, str]:
    """Fill the notice's sentence with the case's number, state and deadline, in each language."""
    case = session.scalars(select(Case).where(Case.id == payload["case_id"])).one()
    states = known.workflow(session, case.definition_id).states
    state = payload["state"] if payload["state"] in states else case.state  # the case may have been moved to another version since
    zone = holidays.calendar_for(session, case.agency_id).zone
    due = datetime.fromisoformat(payload["due"]).astimezone(zone).strftime("%Y-%m-%d %H:%M") if payload["due"] else "-"
    return {
        locale: sentence.format_map({"number": case.number, "state": say(states[state].title, locale), "due": due, "title": case.title})
        for locale, sentence in payload["title"].items()
    }
