"""Inspection scores: the newest step of a kind about each record in the period, and what its form says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.db.base import Base
from core.scoring.definition import Inspection, Scorecard
from core.scoring.engine import inspect
from core.scoring.service.counting import Work
from core.scoring.service.naming import AGENCY, STARTS_AT, UNTIL, Tables
from core.scoring.service.subjects import layout_of
from core.scoring.types import EMPTY, Row
from core.workflow.models import CaseEvent

_EVENTS = Base.metadata.tables[CaseEvent.__tablename__]


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
        select(cases.c.record_id, cases.c.case_id, _EVENTS.c.sequence, _EVENTS.c.at, _EVENTS.c.data)
        .join_from(cases, _EVENTS, and_(_EVENTS.c.agency_id == cases.c.agency_id, _EVENTS.c.case_id == cases.c.case_id))
        .where(cases.c.agency_id == AGENCY, cases.c.workflow == sheet.workflow, cases.c.record_id.is_not(None))
        .where(_EVENTS.c.verb == sheet.verb, _EVENTS.c.at >= STARTS_AT, _EVENTS.c.at < UNTIL)
    )
    if sheet.only_in:
        query = query.where(cases.c.state.in_(sheet.only_in))
    order = (cases.c.record_id, _EVENTS.c.at.desc(), _EVENTS.c.sequence.desc(), cases.c.case_id.desc())
    return query.ext(distinct_on(cases.c.record_id)).order_by(*order)
