"""What of the facts somebody may see: the rule of the lists, so that a tile shows what the list behind it would."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select, true

from core.authz import Actor, scope
from core.ledgers.permissions import LedgerRight
from core.scoring.service.naming import AGENCY, Grain
from core.workflow.permissions import CaseRight


def seen(actor: Actor, grain: Grain) -> ColumnElement[bool]:
    """Give the condition of the facts that ``actor`` may see: of cases in scope, or his own task or report; of records in their scope."""
    facts = grain.facts
    if grain.name == "record":
        return scope(actor, LedgerRight.READ).filter(facts.c.grid_id, facts.c.department_id)
    reach = scope(actor, CaseRight.READ)
    if reach.allows():
        return true()
    cases = grain.tables.case
    visible = reach.filter(cases.c.grid_id, cases.c.department_id)
    if actor.user_id is not None:
        visible = or_(visible, cases.c.assignee_id == actor.user_id, cases.c.reporter_id == actor.user_id)
    if grain.name == "case":
        return visible
    among = facts.c.case_id.in_(select(cases.c.case_id).where(cases.c.agency_id == AGENCY, visible))
    if grain.name != "answer":
        return among
    # An answer of a survey round is about a place, not a case.
    return or_(among, and_(facts.c.case_id.is_(None), reach.filter(facts.c.grid_id, facts.c.department_id)))
