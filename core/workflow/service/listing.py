"""The list of cases: what it may be narrowed to, and a statement kept for every shape of question.

Which filters are given and which sides the actor's grants limit decide the text
of the statement; their values are its parameters. So the statement of a shape
is built once and sent prepared from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from core.authz import Actor, Grant, Scope, scope
from core.db.prepared import Prepared
from core.db.rules_sql import filter_sql
from core.db.types import UTCDateTime
from core.http.paging import decode_cursor, encode_cursor
from core.lib.errors import Invalid
from core.lib.text import msg
from core.rules import equalities, parse
from core.workflow.models import Case
from core.workflow.permissions import CaseRight
from core.workflow.service import known, narrowing
from core.workflow.service.reading import DEPARTMENT, GRID, summaries

FILTERABLE: Mapping[str, Any] = {
    "state": Case.state,
    "category": Case.category,
    "kind": Case.kind,
    "class_code": Case.class_code,
    "source": Case.source,
    "number": Case.number,
    "title": Case.title,
    "grid": GRID.c.code,
    "grid_retired": GRID.c.valid_to.is_not(None),
    "department": DEPARTMENT.c.code,
    "reported_at": Case.reported_at,
    "due_at": Case.due_at,
    "closed_at": Case.closed_at,
    "located": Case.located,
    "version": Case.version,
}
"""The names that a ``filter`` over cases may use."""

_KEPT = 256


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


@dataclass(frozen=True)
class _Shape:
    """Everything that decides the text of the statement."""

    scope: tuple[tuple[bool, bool], ...]
    given: frozenset[str]
    open: bool | None
    filter: str | None
    sort: str
    goes_on: bool
    is_few: bool
    rows: int


def list_cases(session: Session, actor: Actor, query: CaseQuery) -> tuple[Sequence[Any], str | None]:
    """List visible cases, newest first (or by ``due_at``); give the rows and the mark of the next page."""
    reach = scope(actor, CaseRight.READ)
    mark = decode_cursor(query.after, (str, int))
    values = {"state": query.state, "class_code": query.class_code, "grid": query.grid, "department": query.department, "text": query.text}
    given = frozenset(name for name, value in values.items() if value)
    among = _category(session, query)
    few = None if among else narrowing.few(session, values)
    statement = _statement(_Shape(reach.shape, given, among, query.filter, query.sort, mark is not None, few is not None, query.limit + 1))
    parameters = {
        **values,
        "ids": few,
        **reach.parameters(lambda path: narrowing.grids_below(session, path)),
        "me": actor.user_id,
        "after_at": _instant(mark[0]) if mark else None,
        "after_id": mark[1] if mark else None,
    }
    rows = statement.all(session, parameters)
    if len(rows) <= query.limit:
        return rows, None
    last = rows[query.limit - 1]
    at: datetime = last.reported_at if query.sort == "-reported_at" else last.due_at
    return rows[: query.limit], encode_cursor(at.isoformat(), last.id)


def _category(session: Session, query: CaseQuery) -> bool | None:
    """Say whether only open or only closed cases are asked for: by the query itself, by its state, or because only a running limit has an end."""
    if query.open is not None:
        return query.open
    if query.sort == "due_at":
        return True
    named = dict(equalities(parse(query.filter))) if query.filter else {}
    state = query.state or named.get("state")
    if state is None:
        return None
    known_as = {one.workflow.states[state].is_open for one in known.all_workflows(session) if state in one.workflow.states}
    return known_as.pop() if len(known_as) == 1 else None


@lru_cache(maxsize=_KEPT)
def _statement(shape: _Shape) -> Prepared:
    reach = Scope(tuple(Grant("", "x" if grid else None, "x" if department else None) for grid, department in shape.scope))
    me = bindparam("me", type_=Integer)
    visible = or_(reach.filter(Case.grid_id, Case.department_id, named=True), Case.assignee_id == me, Case.reporter_id == me)
    statement = summaries().where(visible, *_conditions(shape))
    # Written out: a plan that is kept for an unknown number of rows would sort all that fit.
    return Prepared(_ordered(statement, shape).limit(literal_column(str(shape.rows), Integer)))


def _ordered(statement: Select[*tuple[Any, ...]], shape: _Shape) -> Select[*tuple[Any, ...]]:
    mark = tuple_(bindparam("after_at", type_=UTCDateTime), bindparam("after_id", type_=BigInteger))
    if shape.sort == "due_at":
        statement = statement.where(Case.due_at.is_not(None))
        if shape.goes_on:
            statement = statement.where(tuple_(Case.due_at, Case.id) > mark)
        return statement.order_by(Case.due_at, Case.id)
    if shape.goes_on:
        statement = statement.where(tuple_(Case.reported_at, Case.id) < mark)
    return statement.order_by(Case.reported_at.desc(), Case.id.desc())


def _conditions(shape: _Shape) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if shape.open is not None:
        # Written out, for the indexes over open cases serve only a condition that names them.
        conditions.append(Case.category == literal_column("'open'" if shape.open else "'closed'"))
    if "state" in shape.given:
        conditions.append(Case.state == bindparam("state", type_=String))
    if "class_code" in shape.given:
        conditions.append(Case.class_code == bindparam("class_code", type_=String))
    if "department" in shape.given:
        conditions.append(DEPARTMENT.c.code == bindparam("department", type_=String))
    if "grid" in shape.given:
        conditions.append(Case.grid_id.in_(select(narrowing.grids_within(bindparam("grid", type_=String)))))
    if "text" in shape.given:
        wanted = bindparam("text", type_=Text)
        conditions.append(or_(narrowing.begins(Case.number, wanted), Case.title_search.like(func.case_title_pattern(wanted))))
    if shape.is_few:
        conditions.append(Case.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    if shape.filter:
        conditions.append(filter_sql(parse(shape.filter), _column_of))
    return conditions


def _column_of(name: str) -> ColumnElement[Any]:
    if name not in FILTERABLE:
        raise Invalid(msg("workflow.filter_name", name=name, names=", ".join(sorted(FILTERABLE))), path="filter")
    found: ColumnElement[Any] = FILTERABLE[name]
    return found


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid(msg("http.bad_cursor"), path="after")
    return found
