"""Reading cases: the one permission rule, as a door to one case and as a filter over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, column, func, or_, select, table, tuple_
from sqlalchemy.orm import Session, aliased

from core.accounts.service import reach
from core.attachments.models import Attachment
from core.attachments.service import register_visibility
from core.authz import Actor, scope
from core.db.base import Base
from core.db.prepared import Prepared
from core.db.rules_sql import filter_sql
from core.grid import service as grids
from core.http.paging import decode_cursor, encode_cursor
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg
from core.rules.parse import parse
from core.workflow.models import Case, CaseAttachment, CaseEvent
from core.workflow.permissions import CaseRight

GRID = table("grid", column("id"), column("code"), column("name"), column("path"))
DEPARTMENT = table("department", column("agency_id"), column("id"), column("code"), column("name"), column("path"))
USER = table("ab_user", column("id"), column("first_name"))

FILTERABLE: Mapping[str, Any] = {
    "state": Case.state,
    "category": Case.category,
    "kind": Case.kind,
    "class_code": Case.class_code,
    "source": Case.source,
    "number": Case.number,
    "title": Case.title,
    "grid": GRID.c.code,
    "department": DEPARTMENT.c.code,
    "reported_at": Case.reported_at,
    "due_at": Case.due_at,
    "closed_at": Case.closed_at,
    "located": Case.located,
    "version": Case.version,
}
"""The names that a ``filter`` over cases may use."""


if TYPE_CHECKING:

    class LockedCase(Case):
        """A locked row of ``cases`` as the driver gives it, and how many of its sub-cases are open."""

        open_sub_cases: int

else:
    LockedCase = Any


@dataclass(frozen=True)
class CaseQuery:
    """What a list of cases is narrowed to."""

    state: str | None = None
    class_code: str | None = None
    grid: str | None = None
    department: str | None = None
    text: str | None = None
    open: bool | None = None
    filter: str | None = None
    sort: str = "-reported_at"
    limit: int = 25
    after: str | None = None


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


def list_cases(session: Session, actor: Actor, query: CaseQuery) -> tuple[Sequence[Row[Any]], str | None]:
    """List visible cases, newest first (or by ``due_at``); give the rows and the mark of the next page."""
    statement = _ordered(summaries().where(visible(actor), *_conditions(query)), query)
    rows = session.execute(statement.limit(query.limit + 1)).all()
    if len(rows) <= query.limit:
        return rows, None
    rows = rows[: query.limit]
    last = rows[-1]
    at: datetime = last.reported_at if query.sort == "-reported_at" else last.due_at
    return rows, encode_cursor(at.isoformat(), last.id)


def _ordered(statement: Select[*tuple[Any, ...]], query: CaseQuery) -> Select[*tuple[Any, ...]]:
    mark = decode_cursor(query.after, (str, int))
    moment = _instant(mark[0]) if mark else None
    if query.sort == "due_at":
        statement = statement.where(Case.due_at.is_not(None))
        if mark:
            statement = statement.where(tuple_(Case.due_at, Case.id) > (moment, mark[1]))
        return statement.order_by(Case.due_at, Case.id)
    if mark:
        statement = statement.where(tuple_(Case.reported_at, Case.id) < (moment, mark[1]))
    return statement.order_by(Case.reported_at.desc(), Case.id.desc())


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(msg("http.bad_cursor"), path="after") from None


def _conditions(query: CaseQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.state:
        conditions.append(Case.state == query.state)
    if query.class_code:
        conditions.append(Case.class_code == query.class_code)
    if query.department:
        conditions.append(DEPARTMENT.c.code == query.department)
    if query.open is not None:
        conditions.append(Case.category == ("open" if query.open else "closed"))
    if query.grid:
        above = aliased(GRID)
        conditions.append(
            Case.grid_id.in_(
                select(GRID.c.id).where(
                    GRID.c.path.op("<@")(
                        select(above.c.path).where(above.c.code == query.grid).order_by(above.c.id).limit(1).scalar_subquery()
                    )
                )
            )
        )
    if query.text:
        wanted = query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append(or_(Case.number.startswith(query.text, autoescape=True), Case.title.ilike(f"%{wanted}%")))
    if query.filter:
        conditions.append(filter_sql(parse(query.filter), _column_of))
    return conditions


def _column_of(name: str) -> ColumnElement[Any]:
    if name not in FILTERABLE:
        raise Invalid(msg("workflow.filter_name", name=name, names=", ".join(sorted(FILTERABLE))), path="filter")
    found: ColumnElement[Any] = FILTERABLE[name]
    return found


def history(session: Session, case: Case) -> Sequence[Row[Any]]:
    """Give the steps of a case, first to last, with the name of whoever took them."""
    return session.execute(
        select(CaseEvent, USER.c.first_name.label("actor_name"))
        .outerjoin(USER, USER.c.id == CaseEvent.actor_id)
        .where(CaseEvent.case_id == case.id)
        .order_by(CaseEvent.sequence)
    ).all()


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
        *_CASES.c,
        select(func.count())
        .where(_SUB_CASES.c.agency_id == _CASES.c.agency_id, _SUB_CASES.c.parent_id == _CASES.c.id, _SUB_CASES.c.category == "open")
        .scalar_subquery()
        .label("open_sub_cases"),
    )
    .where(_CASES.c.agency_id == bindparam("agency"), _CASES.c.number == bindparam("number"))
    .with_for_update(of=_CASES)
)
