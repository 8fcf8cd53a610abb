"""The personal values of cases: they belong to whoever called, and are erased without hurting the proof.

The chain holds only salted digests. Erasing takes value and salt and leaves the
digest, so the history still proves itself and the value cannot be found again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, literal, null, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from core.accounts.permissions import AccountRight
from core.accounts.service import digits_of, register_callers, register_personal_data
from core.audit import service as audit
from core.authz import Actor, require
from core.workflow.models import Case, CasePersonal
from core.workflow.service import reading

CaseEraser = Callable[[Session, int], int]

_case_erasers: list[CaseEraser] = []


def register_case_eraser(eraser: CaseEraser) -> None:
    """Register how to erase what a package above keeps of whoever called about a case (session, case id); it says how many values went."""
    if eraser not in _case_erasers:
        _case_erasers.append(eraser)


def export_reports(session: Session, user_id: int) -> list[dict[str, Any]]:
    """Give the cases that a user reported; what callers left there is theirs and not his."""
    rows = session.execute(select(Case.number, Case.reported_at).where(Case.reporter_id == user_id).order_by(Case.id))
    return [{"case": row.number, "reported_at": row.reported_at} for row in rows]


def erase_nothing(_session: Session, _actor: Actor, _user_id: int) -> int:
    """Leave what a user did: without his name, which goes with his account, it says nothing of him."""
    return 0


def export_calls(session: Session, digits: str) -> list[dict[str, Any]]:
    """Give what was left together with this telephone number, case by case."""
    rows = session.execute(
        select(Case.number, Case.reported_at, CasePersonal.field, CasePersonal.value)
        .join(Case, (Case.agency_id == CasePersonal.agency_id) & (Case.id == CasePersonal.case_id))
        .where(_left_with(digits), CasePersonal.value.is_not(None))
        .order_by(Case.id, CasePersonal.sequence, CasePersonal.field)
    )
    return [{"case": row.number, "reported_at": row.reported_at, "field": row.field, "value": row.value} for row in rows]


def erase_calls(session: Session, _actor: Actor, digits: str) -> int:
    """Erase what was left together with this telephone number; say how many values went."""
    return _erase(session, _left_with(digits))


def _left_with(digits: str) -> ColumnElement[bool]:
    """Give the condition of the values that came in one step with a number of these digits, however it was written."""
    one = aliased(CasePersonal)
    written = one.value.op("#>>")(literal("{}").cast(ARRAY(Text)))
    steps = select(one.case_id, one.sequence).where(digits_of(written) == digits)
    return tuple_(CasePersonal.case_id, CasePersonal.sequence).in_(steps)


def erase_case(session: Session, actor: Actor, number: str) -> int:
    """Erase the personal values of one case, for somebody who called and has no account; say how many went.

    Raises NotFound outside the scope, Forbidden without the right.
    """
    case = reading.lock_visible(session, actor, number)
    require(actor, AccountRight.PERSON_ERASE)
    erased = _erase(session, CasePersonal.case_id == case.id) + sum(eraser(session, case.id) for eraser in _case_erasers)
    audit.record(session, actor, "core:case:personal_erased", subject=f"case:{number}", new={"values": erased})
    return erased


def _erase(session: Session, which: ColumnElement[bool]) -> int:
    gone = session.execute(
        update(CasePersonal)
        .where(which, CasePersonal.value.is_not(None))
        # Without the salt the digest tells nothing: whoever had it could try out every telephone number.
        .values(value=null(), salt=b"")
        .returning(CasePersonal.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


register_personal_data("cases", export_reports, erase_nothing)
register_callers("cases", export_calls, erase_calls)
