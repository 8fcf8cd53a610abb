"""Everything the page of one case shows, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import column, or_, select, table
from sqlalchemy.orm import Session

from core.accounts.service import reach
from core.audit import service as audit
from core.authz import Actor
from core.grid import service as grids
from core.workflow.models import Case, CaseAttachment, CaseEvent, CasePersonal
from core.workflow.service import handing_over, presentation, reading

_ATTACHMENT = table("attachment", *(column(name) for name in ("agency_id", "id", "uuid", "name", "content_type", "has_thumbnail")))


def page(session: Session, actor: Actor, case: Case) -> dict[str, Any]:
    """Write a visible case whole; a look at unmasked personal values is audited."""
    words = presentation.Words(session, actor.locale)
    row = session.execute(reading.summaries().where(Case.id == case.id)).one()
    history = reading.history(session, case)
    return {
        **presentation.summary(row, words, actor),
        "uuid": str(case.uuid),
        "source": case.source,
        "condition": case.condition,
        "condition_title": words.of_class(case.workflow, case.condition),
        "data": {**(history[0].CaseEvent.data if history else {}), **case.data},
        "personal": _personal(session, actor, case),
        "counts": case.counts,
        "requests": sorted(case.requests),
        "closed_at": case.closed_at,
        "events": [presentation.event(one, case, words) for one in history],
        "people": _people(session, case, [one.CaseEvent for one in history], words),
        "departments": _departments(session, case, [one.CaseEvent for one in history]),
        "attachments": _attachments(session, case),
        "parent": session.scalar(select(Case.number).where(Case.id == case.parent_id)) if case.parent_id else None,
        "sub_cases": _sub_cases(session, case, words),
    }


def _people(session: Session, case: Case, events: Sequence[CaseEvent], words: presentation.Words) -> dict[str, str]:
    """Name everybody who has had to do with the case: whoever may read it may know who took its steps."""
    ids = {case.assignee_id, case.reporter_id}
    for event in events:
        ids |= {event.actor_id, event.facts.get("assignee_id")}
        form = words.form_version(event.form_id)
        for path in form.people if form else ():
            ids |= set(_values_at(event.data, path))
        if event.verb == handing_over.VERB and event.data.get("kind") == "user":
            ids |= {event.data["from"], event.data["to"]}
    return reading.names_of(session, {number for number in ids if isinstance(number, int)})


def _departments(session: Session, case: Case, events: Sequence[CaseEvent]) -> dict[str, str]:
    """Name every department that has had the case or a part of it: also to who works on the ground and may see no department."""
    ids = {case.department_id, *(event.facts.get("department_id") for event in events)}
    of_parts = select(Case.department_id).where(Case.parent_id == case.id)
    named = or_(reading.DEPARTMENT.c.id.in_([number for number in ids if number is not None]), reading.DEPARTMENT.c.id.in_(of_parts))
    columns = (reading.DEPARTMENT.c.id, reading.DEPARTMENT.c.name)
    rows = session.execute(select(*columns).where(reading.DEPARTMENT.c.agency_id == case.agency_id, named).order_by(columns[0]))
    return {str(row.id): row.name for row in rows}


def _values_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what stands at a path of field ids, in every row of the groups on the way."""
    if isinstance(value, list):
        for row in value:
            yield from _values_at(row, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def _personal(session: Session, actor: Actor, case: Case) -> dict[str, Any]:
    values = session.scalars(select(CasePersonal).where(CasePersonal.case_id == case.id).order_by(CasePersonal.id)).all()
    place = {"grid_path": grids.path_of(session, case.grid_id), "department_path": reach.department_path(session, case.department_id)}
    if values and presentation.may_read_personal(actor, **place):
        audit.record(
            session, actor, "core:case:personal_read", subject=f"case:{case.number}", new={"fields": sorted(one.field for one in values)}
        )
    return dict(presentation.personal(values, actor, **place))


def _attachments(session: Session, case: Case) -> list[dict[str, Any]]:
    stored = session.execute(
        select(CaseAttachment, *_ATTACHMENT.c)
        .join(_ATTACHMENT, (_ATTACHMENT.c.agency_id == CaseAttachment.agency_id) & (_ATTACHMENT.c.id == CaseAttachment.attachment_id))
        .where(CaseAttachment.case_id == case.id)
        .order_by(CaseAttachment.sequence, CaseAttachment.id)
    )
    return [presentation.attachment(one.CaseAttachment, one) for one in stored]


def _sub_cases(session: Session, case: Case, words: presentation.Words) -> list[dict[str, Any]]:
    rows = session.execute(select(Case.number, Case.state, Case.definition_id).where(Case.parent_id == case.id).order_by(Case.id))
    return [{"number": row.number, "state": words.state(row.definition_id, row.state)} for row in rows]
