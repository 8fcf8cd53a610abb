"""The personal values of cases: shown to the person who brought them, and erased without hurting the proof.

The chain holds only salted digests. Erasing takes the value and leaves the
digest, so the history still proves itself and the value cannot be found again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, null, select, update
from sqlalchemy.orm import Session

from core.accounts.permissions import AccountRight
from core.accounts.service import register_personal_data
from core.audit import service as audit
from core.authz import Actor, require
from core.workflow.models import Case, CasePersonal
from core.workflow.service import reading


def export_values(session: Session, user_id: int) -> list[dict[str, Any]]:
    """Give the personal values of the cases that a user reported, case by case."""
    rows = session.execute(
        select(Case.number, Case.reported_at, CasePersonal.field, CasePersonal.value)
        .join(Case, (Case.agency_id == CasePersonal.agency_id) & (Case.id == CasePersonal.case_id))
        .where(Case.reporter_id == user_id)
        .order_by(Case.id, CasePersonal.sequence, CasePersonal.field)
    )
    return [{"case": row.number, "reported_at": row.reported_at, "field": row.field, "value": row.value} for row in rows]


def erase_values(session: Session, actor: Actor, user_id: int) -> int:  # noqa: ARG001  # erase_person has asked for the right
    """Erase the personal values of the cases that a user reported; say how many went."""
    mine = select(Case.id).where(Case.reporter_id == user_id)
    return _erase(session, CasePersonal.case_id.in_(mine))


def erase_case(session: Session, actor: Actor, number: str) -> int:
    """Erase the personal values of one case, for somebody who called and has no account; say how many went.

    Raises NotFound outside the scope, Forbidden without the right.
    """
    case = reading.lock_visible(session, actor, number)
    require(actor, AccountRight.PERSON_ERASE)
    erased = _erase(session, CasePersonal.case_id == case.id)
    audit.record(session, actor, "core:case:personal_erased", subject=f"case:{number}", new={"values": erased})
    return erased


def _erase(session: Session, which: ColumnElement[bool]) -> int:
    gone = session.execute(
        update(CasePersonal)
        .where(which, CasePersonal.value.is_not(None))
        .values(value=null())
        .returning(CasePersonal.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


register_personal_data("cases", export_values, erase_values)
