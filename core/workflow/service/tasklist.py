"""My tasks: the open cases that wait for a step of mine.

A case waits for the owner of its state, or for whoever answers an open
request. When somebody is named as its assignee it waits for that person alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, and_, false, func, or_, select, tuple_
from sqlalchemy.orm import Session

from core.authz import Actor, scope
from core.http.paging import decode_cursor, encode_cursor
from core.workflow.definition import Workflow
from core.workflow.models import Case
from core.workflow.service import known, reading
from core.workflow.types import Receiver

FAR = 10**12
"""A task without a deadline comes after every task with one."""


def list_tasks(session: Session, actor: Actor, *, limit: int, after: str | None) -> tuple[Sequence[Row[Any]], str | None]:
    """List my tasks, the one that is due first first; give the rows and the mark of the next page."""
    urgency = func.coalesce(func.extract("epoch", Case.due_at).cast(BigInteger), FAR).label("urgency")
    statement = reading.summaries().add_columns(urgency).where(waiting_for(session, actor))
    mark = decode_cursor(after, (int, int))
    if mark:
        statement = statement.where(tuple_(urgency, Case.id) > tuple(mark))
    rows = session.execute(statement.order_by(urgency, Case.id).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(rows[limit - 1].urgency, rows[limit - 1].id)


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """Count my tasks: all, nearly due (80 % of the limit used) and overdue."""
    late = func.count().filter(Case.due_at < actor.now)
    warned = func.count().filter(Case.warn_at <= actor.now, Case.due_at >= actor.now)
    row = session.execute(select(func.count(), warned, late).select_from(Case).where(waiting_for(session, actor))).one()
    return {"all": row[0], "yellow": row[1], "red": row[2]}


def waiting_for(session: Session, actor: Actor) -> ColumnElement[bool]:
    """Give the condition of the cases that wait for ``actor``."""
    mine = [part for version in known.all_workflows(session) for part in _parts(version.id, version.workflow, actor)]
    assigned = and_(Case.category == "open", Case.assignee_id == actor.user_id)
    return or_(assigned, *mine)


def _parts(definition_id: int, workflow: Workflow, actor: Actor) -> Iterator[ColumnElement[bool]]:
    owned: dict[Receiver, list[str]] = {}
    for state in workflow.states.values():
        if state.category == "open" and state.owner is not None and state.owner.right:
            owned.setdefault(state.owner, []).append(state.key)
    for owner, states in owned.items():
        unassigned = and_(Case.category == "open", Case.assignee_id.is_(None))
        yield and_(unassigned, Case.definition_id == definition_id, Case.state.in_(states), _reached(actor, owner.right))
    for request in workflow.requests.values():
        for number, level in enumerate(request.levels, start=1):
            at_level = Case.requests[request.key]["level"].as_integer() == number
            asked = and_(Case.requests != {}, Case.requests.has_key(request.key), at_level)
            yield and_(asked, Case.definition_id == definition_id, _reached(actor, level.right))


def _reached(actor: Actor, right: str | None) -> ColumnElement[bool]:
    return scope(actor, right).filter(Case.grid_id, Case.department_id) if right else false()
