"""The open cases of a person who leaves or a department that ends: listed, and handed to a successor one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core.accounts.service import Holder, OpenItem, register_hand_over
from core.authz import Actor
from core.workflow.definition import TASK, Workflow
from core.workflow.models import Case
from core.workflow.service import amending, known, moving, reading
from core.workflow.service.amending import Amendment
from core.workflow.types import Notice, Receiver

VERB = "hand_over"
BATCH = 500


def list_cases(session: Session, holder: Holder, now: datetime) -> Sequence[OpenItem]:  # noqa: ARG001  # an open case has no period
    """List the open cases that ``holder`` has, or that would come back to him."""
    rows = session.execute(select(Case.number, Case.title).where(*_held(session, holder)).order_by(Case.id))
    return [OpenItem(f"case:{row.number}", row.title) for row in rows]


def move_cases(session: Session, actor: Actor, source: Holder, target: Holder) -> int:
    """Hand every open case of ``source`` to ``target``, each as a step of its history; say how many.

    The successor is told of each; a case that was only to come back to the
    one who leaves comes back to the successor, who is told then.
    """
    moved, last = 0, 0
    while batch := reading.next_batch(session, *_held(session, source), after=last, limit=BATCH):
        last = batch[-1].id
        for case in batch:
            _hand_over(session, actor, case, source, target)
        moved += len(batch)
    return moved


def _hand_over(session: Session, actor: Actor, case: Case, source: Holder, target: Holder) -> None:
    definition = known.workflow(session, case.definition_id)
    snapshot = moving.snapshot_for(session, case)
    changes: dict[str, Any] = {}
    told: list[Notice] = []
    if source.kind == "department":
        changes["department_id"] = target.id
        owner = definition.states[case.state].owner
        if owner is not None and owner.at == "department" and case.assignee_id is None:
            told = [Notice(TASK, owner, definition.notices[TASK])]
    else:
        if case.assignee_id == source.id:
            changes["assignee_id"] = target.id
            told = [Notice(TASK, Receiver("assignee", person_id=target.id), definition.notices[TASK])]
        facts = {name: target.id for name in _kept_people(definition) if case.data.get(name) == source.id}
        if facts:
            changes["data"] = {**case.data, **facts}
    data = {"kind": source.kind, "from": source.id, "to": target.id}
    amending.amend(session, actor, case, definition, snapshot, Amendment(VERB, changes, data, notices=told))


def _held(session: Session, holder: Holder) -> tuple[ColumnElement[bool], ...]:
    if holder.kind == "department":
        return Case.category == "open", Case.department_id == holder.id
    names = sorted({name for one in known.all_workflows(session) for name in _kept_people(one.workflow)})
    kept = [Case.data[name].as_string() == str(holder.id) for name in names]
    return Case.category == "open", or_(Case.assignee_id == holder.id, *kept)


def _kept_people(definition: Workflow) -> set[str]:
    """Name the facts in which a workflow keeps the person that a case goes back to."""
    return {
        fact
        for transition in definition.transitions.values()
        for way in transition.ways
        for column, fact in way.assign_facts.items()
        if column == "assignee"
    }


register_hand_over("cases", list_cases, move_cases)
