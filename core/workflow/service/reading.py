"""Reading cases: the one permission rule, as a door to one case and as a filter over all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, Row, Select, and_, bindparam, case, column, func, or_, select, table
from sqlalchemy.orm import Session

from core.accounts.service import reach
from core.attachments.models import Attachment
from core.attachments.service import register_visibility
from core.authz import Actor, scope
from core.db.base import Base
from core.db.prepared import Prepared
from core.grid import service as grids
from core.lib.errors import NotFound
from core.lib.text import msg
from core.workflow.models import Case, CaseAttachment, CaseEvent
from core.workflow.permissions import CaseRight

GRID = table("grid", column("id"), column("code"), column("name"), column("path"), column("valid_to"))
DEPARTMENT = table("department", column("agency_id"), column("id"), column("code"), column("name"), column("path"))
USER = table("ab_user", column("id"), column("first_name"))
MEMBER = table("member", column("user_id"))

if TYPE_CHECKING:

    class LockedCase(Case):
        """A locked row of ``cases`` as the driver gives it, and how many of its sub-cases are open."""

        open_sub_cases: int

else:
    LockedCase = Any


def visible(actor: Actor) -> ColumnElement[bool]:
    """Give the condition of the cases that ``actor`` may see: in scope, or his own task or report."""
    in_scope = scope(actor, CaseRight.READ).filter(Case.grid_id, Case.department_id)
    if actor.user_id is None:
        return in_scope
    return or_(in_scope, Case.assignee_id == actor.user_id, Case.reporter_id == actor.user_id)


def is_visible(session: Session, actor: Actor, case: Case | LockedCase) -> bool:
    """Say whether ``actor`` may see the case: the rule of ``visible`` as a yes or no."""
    if actor.user_id is not None and actor.user_id in (case.assignee_id, case.reporter_id):
        return True
    grid_path = grids.path_of(session, case.grid_id)
    return scope(actor, CaseRight.READ).allows(grid_path=grid_path, department_path=reach.department_path(session, case.department_id))


def get_visible(session: Session, actor: Actor, number: str) -> Case:
    """Give one case; raise NotFound when it is not there for ``actor``."""
    case = session.scalars(select(Case).where(Case.number == number, visible(actor))).one_or_none()
    if case is None:
        raise NotFound(msg("workflow.no_case", number=number))
    return case


def lock_visible(session: Session, actor: Actor, number: str) -> LockedCase:
    """Lock one case that is to be changed; raise NotFound when it is not there for ``actor``."""
    case: LockedCase | None = _LOCK.first(session, {"agency": actor.agency_id, "number": number})
    if case is None or not is_visible(session, actor, case):
        raise NotFound(msg("workflow.no_case", number=number))
    return case


def next_batch(session: Session, *conditions: ColumnExpressionArgument[bool], after: int, limit: int, lock: bool = True) -> Sequence[Case]:
    """Give the next cases by id that are to be changed one by one: as they are now, and locked unless they are only looked at."""
    query = select(Case).where(*conditions, Case.id > after).order_by(Case.id).limit(limit)
    if lock:
        query = query.with_for_update(of=Case)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def summaries() -> Select[*tuple[Any, ...]]:
    """Select what a list shows of each case, with the names of its grid and department."""
    return (
        select(
            Case.id,
            Case.number,
            Case.title,
            Case.workflow,
            Case.definition_id,
            Case.kind,
            Case.class_code,
            Case.state,
            Case.category,
            Case.version,
            Case.located,
            Case.lon,
            Case.lat,
            Case.reported_at,
            Case.state_entered_at,
            Case.due_at,
            Case.warn_at,
            Case.is_provisional,
            # Hardly any clock stands, so hardly any is sent.
            case((Case.clock.has_key("paused_at"), Case.clock), else_=None).label("stopped_clock"),
            Case.closed_at,
            Case.assignee_id,
            Case.requests,
            GRID.c.code.label("grid_code"),
            GRID.c.name.label("grid_name"),
            DEPARTMENT.c.code.label("department_code"),
            DEPARTMENT.c.name.label("department_name"),
        )
        .select_from(Case)
        .outerjoin(GRID, GRID.c.id == Case.grid_id)
        .outerjoin(DEPARTMENT, and_(DEPARTMENT.c.agency_id == Case.agency_id, DEPARTMENT.c.id == Case.department_id))
    )


def history(session: Session, case: Case) -> Sequence[Row[Any]]:
    """Give the steps of a case, first to last, with the name of whoever took them."""
    return session.execute(
        select(CaseEvent, USER.c.first_name.label("actor_name"))
        .outerjoin(USER, USER.c.id == CaseEvent.actor_id)
        .where(CaseEvent.case_id == case.id)
        .order_by(CaseEvent.sequence)
    ).all()


def names_of(session: Session, user_ids: Collection[int]) -> dict[str, str]:
    """Give the names of those of these people who are, or were, members of the session's agency, by id as text."""
    if not user_ids:
        return {}
    members = select(USER.c.id, USER.c.first_name).join(MEMBER, MEMBER.c.user_id == USER.c.id).where(USER.c.id.in_(user_ids))
    return {str(row.id): row.first_name for row in session.execute(members.order_by(USER.c.id))}


def attachments_of(session: Session, case: Case) -> Sequence[CaseAttachment]:
    """Give the photos and files of a case, in the order of its steps."""
    return session.scalars(
        select(CaseAttachment).where(CaseAttachment.case_id == case.id).order_by(CaseAttachment.sequence, CaseAttachment.id)
    ).all()


@register_visibility
def is_file_of_visible_case(session: Session, actor: Actor, file: Attachment) -> bool:
    """Say whether ``file`` hangs on a case that ``actor`` may see: its photos are part of the case."""
    hangs = select(CaseAttachment.id).join(Case, (Case.agency_id == CaseAttachment.agency_id) & (Case.id == CaseAttachment.case_id))
    return session.scalar(select(hangs.where(CaseAttachment.attachment_id == file.id, visible(actor)).exists())) is True


def count_open_sub_cases(session: Session, case: Case) -> int:
    """Count the sub-cases that are still open."""
    return session.scalar(select(func.count()).where(Case.parent_id == case.id, Case.category == "open")) or 0


_CASES = Base.metadata.tables[Case.__tablename__]
_SUB_CASES = _CASES.alias("sub_case")
_LOCK = Prepared(
    select(
        *(column for column in _CASES.c if column.computed is None),
        select(func.count())
        .where(_SUB_CASES.c.agency_id == _CASES.c.agency_id, _SUB_CASES.c.parent_id == _CASES.c.id, _SUB_CASES.c.category == "open")
        .scalar_subquery()
        .label("open_sub_cases"),
    )
    .where(_CASES.c.agency_id == bindparam("agency"), _CASES.c.number == bindparam("number"))
    .with_for_update(of=_CASES)
)
