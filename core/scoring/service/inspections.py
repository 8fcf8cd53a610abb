"""Inspection scores: the newest step of a kind about each record in the period, and what its form says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.base import Base
from core.lib.errors import NotFound
from core.lib.text import msg
from core.scoring.definition import Inspection, Scorecard
from core.scoring.engine import inspect
from core.scoring.service.counting import Work
from core.scoring.service.naming import AGENCY, STARTS_AT, UNTIL, Tables
from core.scoring.service.sources import Source, Window
from core.scoring.service.subjects import layout_of
from core.scoring.types import EMPTY, Fact, FactPage, Row, Subject
from core.workflow.models import Case, CaseEvent

_EVENTS = Base.metadata.tables[CaseEvent.__tablename__]
_CASES = Base.metadata.tables[Case.__tablename__]


def inspected(work: Work, card: Scorecard) -> list[Row]:
    """Score the records that were inspected in the period."""
    assert card.inspection is not None
    scale = work.formula.scale(card)
    found = work.session.execute(newest(card.inspection, work.source.tables), work.window.parameters(work.actor, work.source)).all()
    forms = {row.record_id: row.data for row in found}
    layout = layout_of(work.session, work.actor, card, work.window, work.source, list(forms))
    return [Row(subject, inspect(card, scale, forms[subject.id]), EMPTY) for subject in layout.everybody() if subject.id is not None]


def newest(sheet: Inspection, tables: Tables) -> Select[Any]:
    """Give the statement of the newest step of each record: its form's data, and where it stands."""
    cases = tables.case
    query = (
        select(
            cases.c.record_id,
            cases.c.case_id,
            cases.c.grid_id,
            cases.c.department_id,
            cases.c.class_code,
            cases.c.state,
            _EVENTS.c.at,
            _EVENTS.c.data,
        )
        .join_from(cases, _EVENTS, and_(_EVENTS.c.agency_id == cases.c.agency_id, _EVENTS.c.case_id == cases.c.case_id))
        .where(cases.c.agency_id == AGENCY, cases.c.workflow == sheet.workflow, cases.c.record_id.is_not(None))
        .where(_EVENTS.c.verb == sheet.verb, _EVENTS.c.at >= STARTS_AT, _EVENTS.c.at < UNTIL, _EVENTS.c.sequence <= cases.c.chain_length)
    )
    if sheet.only_in:
        query = query.where(cases.c.state.in_(sheet.only_in))
    order = (cases.c.record_id, _EVENTS.c.at.desc(), _EVENTS.c.sequence.desc(), cases.c.case_id.desc())
    return query.ext(distinct_on(cases.c.record_id)).order_by(*order)


def inspection_behind(
    session: Session, actor: Actor, card: Scorecard, window: Window, source: Source, code: str
) -> tuple[Subject, FactPage]:
    """Give the one step that a record's score is read off, with the record; raises NotFound when there was none."""
    assert card.inspection is not None
    records = source.tables.record
    found = newest(card.inspection, source.tables).subquery()
    query = (
        select(found, _CASES.c.number)
        .join_from(found, records, and_(records.c.agency_id == AGENCY, records.c.id == found.c.record_id))
        .join(_CASES, and_(_CASES.c.agency_id == AGENCY, _CASES.c.id == found.c.case_id))
        .where(records.c.ledger_key == card.subjects.ledger, records.c.code == code)
    )
    row = session.execute(query, window.parameters(actor, source)).one_or_none()
    if row is None:
        raise NotFound(msg("scoring.no_subject", subject=f"record:{code}"[:80]))
    (subject,) = layout_of(session, actor, card, window, source, [row.record_id]).everybody()
    fact = Fact(
        case_id=row.case_id, record_id=row.record_id, verdict="counted", exemptions=(), grid_id=row.grid_id, department_id=row.department_id,
        person_id=None, class_code=row.class_code, state=row.state, limit=None, verb=card.inspection.verb, began_at=None, due_at=None,
        ended_at=row.at, closed_at=None, is_late=None, value=None, number=row.number,
    )  # fmt: skip
    return subject, FactPage(1, [fact], None)
