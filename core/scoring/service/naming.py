"""What the names of indicators' rules are in the database: one place for every grain, over live or frozen tables.

A name is a column, a condition of columns, or a field of JSON. What must know
the time is told it (``AS_OF``): a fact itself never says what the time is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    cast,
    extract,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.db.base import Base
from core.db.rules_sql import filter_sql, to_sql
from core.db.types import UTCDateTime
from core.facts.models import FactCase, FactHolding, FactTask
from core.feedback.models import FeedbackAnswer
from core.ledgers.models import Record
from core.lib.errors import Invalid
from core.lib.text import msg
from core.rules import Tree, reads
from core.scoring.definition import INSTANTS

AGENCY = bindparam("agency", type_=Integer)
STARTS_AT = bindparam("starts_at", type_=UTCDateTime)
UNTIL = bindparam("until", type_=UTCDateTime)
AS_OF = bindparam("as_of", type_=UTCDateTime)
FIRST_DAY = bindparam("first_day", type_=Text)
LAST_DAY = bindparam("last_day", type_=Text)

_COPIED = {"case.state": "case_state"}
_TEXTS: ARRAY[str] = ARRAY(Text)


@dataclass(frozen=True)
class Tables:
    """Where the facts are counted: the live tables, or frozen ones with the same columns."""

    case: FromClause
    holding: FromClause
    task: FromClause
    answer: FromClause
    record: FromClause

    def of(self, grain: str) -> FromClause:
        """Give the table of a grain."""
        found: FromClause = getattr(self, grain)
        return found


def _table(model: Any) -> FromClause:
    return Base.metadata.tables[model.__tablename__]


LIVE = Tables(_table(FactCase), _table(FactHolding), _table(FactTask), _table(FeedbackAnswer), _table(Record))


@dataclass
class Grain:
    """One grain of facts as rules see it; remembers what its statement has to bring along."""

    name: str
    tables: Tables
    extra: Mapping[str, Callable[[str], ColumnElement[Any]]] = field(default_factory=dict)
    """What else rules may read, by the beginning of its names."""
    joins_case: bool = False
    _found: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def facts(self) -> FromClause:
        """The table whose rows are counted."""
        return self.tables.of(self.name)

    @property
    def source(self) -> Any:
        """What is selected from, once every rule was compiled: the facts, and their cases where a rule reads both."""
        if not self.joins_case:
            return self.facts
        cases = self.tables.case
        return self.facts.outerjoin(cases, and_(cases.c.agency_id == self.facts.c.agency_id, cases.c.case_id == self.facts.c.case_id))

    def instant(self, at: str) -> ColumnElement[Any]:
        """Give the column that puts a fact into a period."""
        return self.facts.c[INSTANTS[self.name][at]]

    def condition(self, tree: Tree) -> ColumnElement[bool]:
        """Give the condition of a rule; NULL means that it does not hold."""
        if self._is_of_few_cases(tree):
            return self._among_cases(tree)
        return filter_sql(tree, self.column)

    def value(self, tree: Tree) -> ColumnElement[Any]:
        """Give the value of a rule as a number, NULL for whatever is none."""
        return to_sql({"+": [tree, 0]}, self.column)

    def column(self, name: str) -> ColumnElement[Any]:
        """Give what a name stands for; raises Invalid for an unknown one."""
        for begin, give in self.extra.items():
            if name.startswith(begin):
                return give(name.removeprefix(begin))
        found = _NAMED[self.name](self, name)
        if found is None:
            raise Invalid(msg("scoring.unknown_name", what=self.name, name=name, known="-"))
        return found

    def _is_of_few_cases(self, tree: Tree) -> bool:
        """Say whether a rule asks for nothing but the state of the case, and the facts do not have it themselves."""
        return self.name in {"task", "answer"} and reads(tree) == {"case.state"}

    def _among_cases(self, tree: Tree) -> ColumnElement[bool]:
        """Ask for the state of few cases by their index, once for the whole statement, instead of joining every case there ever was.

        For ``!=`` the few are those that it leaves out.
        """
        operator, arguments = next(iter(tree.items())) if isinstance(tree, dict) else ("", None)
        turned = operator == "!="
        asked = {"==": arguments} if turned else tree
        key = repr(asked)
        if key not in self._found:
            cases = self.tables.case
            of_case = filter_sql(asked, lambda _: cases.c.state)
            found = select(cases.c.case_id).where(cases.c.agency_id == AGENCY, of_case)
            self._found[key] = found.cte(f"cases_{len(self._found)}").prefix_with("MATERIALIZED", dialect="postgresql")
        among = self.facts.c.case_id.in_(select(self._found[key].c.case_id))
        return or_(self.facts.c.case_id.is_(None), not_(among)) if turned else among


def _is_late(facts: FromClause) -> ColumnElement[bool]:
    return func.coalesce(or_(facts.c.missed_at <= AS_OF, facts.c.running_due_at <= AS_OF), false())


def json_path(column: ColumnElement[Any], path: str) -> ColumnElement[Any]:
    """Give what stands at a path of a JSON column."""
    found: ColumnElement[Any] = type_coerce(column, JSONB())
    for step in path.split("."):
        found = type_coerce(found.op("->", return_type=JSONB())(literal(step, Text)), JSONB())
    return found


def json_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a JSON scalar as text."""
    found: ColumnElement[Any] = column.op("#>>", return_type=Text())(cast([], _TEXTS))
    return found


def _count(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return func.coalesce(cast(column.op("->>", return_type=Text())(literal(name, Text)), Integer), 0, type_=Integer)


def _of_case(cases: FromClause, name: str) -> ColumnElement[Any] | None:
    if name.startswith("counts."):
        return _count(cases.c.counts, name.removeprefix("counts."))
    if name.startswith("facts."):
        return json_path(cases.c.facts, name.removeprefix("facts."))
    made = _CASE.get(name)
    if made is not None:
        return made(cases)
    return cases.c[name] if name in _CASE_COLUMNS else None


def _case_name(grain: Grain, name: str) -> ColumnElement[Any] | None:
    return _of_case(grain.facts, name)


def _joined(grain: Grain, name: str) -> ColumnElement[Any] | None:
    grain.joins_case = True
    return _of_case(grain.tables.case, name.removeprefix("case."))


def _holding_name(grain: Grain, name: str) -> ColumnElement[Any] | None:
    held = grain.facts
    if name in _COPIED:
        return held.c[_COPIED[name]]
    if name.startswith("case.counts."):
        return _count(held.c.case_counts, name.removeprefix("case.counts."))
    if name.startswith("case."):
        return _joined(grain, name)
    made = _HOLDING.get(name)
    return made(held) if made is not None else held.c[name]


def _task_name(grain: Grain, name: str) -> ColumnElement[Any] | None:
    if name.startswith("case."):
        return _joined(grain, name)
    made = _TASK.get(name)
    return made(grain.facts) if made is not None else grain.facts.c[name]


def _answer_name(grain: Grain, name: str) -> ColumnElement[Any] | None:
    if name.startswith("case."):
        return _joined(grain, name)
    if name.startswith("data."):
        return json_path(grain.facts.c.data, name.removeprefix("data."))
    return grain.facts.c[{"survey": "survey_key", "department": "department_id", "grid": "grid_id"}.get(name, name)]


def _record_name(grain: Grain, name: str) -> ColumnElement[Any] | None:
    column = {"state": "state", "code": "code", "department": "department_id", "grid": "grid_id"}.get(name)
    return json_path(grain.facts.c.data, name) if column is None else grain.facts.c[column]


_NAMED: Mapping[str, Callable[[Grain, str], ColumnElement[Any] | None]] = {
    "case": _case_name,
    "holding": _holding_name,
    "task": _task_name,
    "answer": _answer_name,
    "record": _record_name,
}
_CASE_COLUMNS = frozenset({"state", "kind", "class_code", "condition", "source", "workflow", "category"})
_CASE: Mapping[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "is_late": _is_late,
    "is_done": lambda cases: cases.c.done_at.is_not(None),
    "is_handled": lambda cases: cases.c.done_at.is_not(None),
    "is_sub_case": lambda cases: cases.c.parent_id.is_not(None),
    "is_filed": lambda cases: cases.c.filed_at.is_not(None),
    "is_dispatched": lambda cases: cases.c.dispatched_at.is_not(None),
    "seconds_to_close": lambda cases: extract("epoch", cases.c.closed_at - cases.c.reported_at),
    "reporter": lambda cases: cases.c.reporter_id,
    "assignee": lambda cases: cases.c.assignee_id,
    "department": lambda cases: cases.c.department_id,
    "grid": lambda cases: cases.c.grid_id,
}
_HOLDING: Mapping[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "limit": lambda held: held.c.limit_key,
    "is_late": _is_late,
    "is_done": lambda held: held.c.done_at.is_not(None),
    "is_given_back": lambda held: and_(
        not_(held.c.is_present), held.c.done_at.is_(None), held.c.missed_at.is_(None), held.c.running_due_at.is_(None)
    ),
    "department": lambda held: held.c.department_id,
    "grid": lambda held: held.c.grid_id,
}
_TASK: Mapping[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "limit": lambda task: task.c.limit_key,
    "is_done": lambda task: task.c.verb.is_not(None),
    "is_late": lambda task: func.coalesce(func.coalesce(task.c.ended_at, AS_OF) > task.c.due_at, false()),
    "seconds_taken": lambda task: extract("epoch", task.c.ended_at - task.c.started_at),
    "person": lambda task: task.c.person_id,
    "department": lambda task: task.c.department_id,
    "grid": lambda task: task.c.grid_id,
}


def person_of(grain: Grain, names: tuple[str, ...]) -> ColumnElement[Any]:
    """Give whose a fact is: the first of these that is a person."""
    found = [_person(grain, name) for name in names]
    return found[0] if len(found) == 1 else func.coalesce(*found, type_=Integer)


def _person(grain: Grain, name: str) -> ColumnElement[Any]:
    column = grain.column(name)
    if not isinstance(column.type, JSONB):
        return column
    # A form keeps a person as a number; whatever else stands there is nobody.
    return cast(case((func.jsonb_typeof(column) == "number", json_text(column))), Integer)
