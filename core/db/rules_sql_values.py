"""Values while a rule becomes SQL: their kinds, their conversions, how they compare.

A conversion that does not fit gives null, never an error: a case in SQL
guards every cast. Used by ``core.db.rules_sql`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.db.types import UTCDateTime
from core.rules.natives import as_date

Kind = Literal["boolean", "date", "json", "list", "moment", "null", "number", "text"]
_NONE: Any = object()
_ISO_DAY = r"^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ].*)?$"
_EMPTY: tuple[Any, ...] = (None, False, 0, "", [], {})
_NUMBERS = (Integer, Float, Numeric)
_KINDS: tuple[tuple[Any, Kind], ...] = (
    (Boolean, "boolean"),
    (_NUMBERS, "number"),
    ((UTCDateTime, DateTime), "moment"),
    (Date, "date"),
    (String, "text"),
)
_TRUTH: dict[Kind, Callable[[ColumnElement[Any]], ColumnElement[bool]]] = {
    "boolean": lambda column: column,
    "number": lambda column: column != 0,
    "text": lambda column: column != "",
    "date": lambda column: column.is_not(None),
    "moment": lambda column: column.is_not(None),
    "list": lambda column: column != json_literal([]),
    "null": lambda _column: false(),
}
_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


@dataclass(frozen=True)
class Value:
    """A compiled value: its kind, its SQL, and its Python value when it is a literal."""

    kind: Kind
    sql: ColumnElement[Any]
    literal: Any = _NONE

    @property
    def is_literal(self) -> bool:
        """Say whether the value stood in the rule itself."""
        return self.literal is not _NONE


# -- kinds --------------------------------------------------------------------


def of_column(column: ColumnElement[Any]) -> Value:
    """Take a column as it is typed; JSONB is asked for its type row by row."""
    for types, kind in _KINDS:
        if isinstance(column.type, types):
            return Value(kind, column)
    if isinstance(column.type, JSONB):
        return of_json(column)
    if isinstance(column.type, ARRAY):
        return Value("list", func.to_jsonb(column, type_=JSONB))
    return Value("text", cast(column, Text))


def of_json(column: ColumnElement[Any]) -> Value:
    """Take a JSONB column; its null and SQL's are one."""
    return Value("json", func.nullif(column, json_literal(None), type_=JSONB))


def of_literal(value: Any) -> Value:
    """Take a scalar that stands in the rule; it becomes a bound parameter."""
    if value is None:
        return Value("null", null(), None)
    if isinstance(value, bool):
        return Value("boolean", true() if value else false(), value)
    if isinstance(value, str):
        return Value("text", literal(value, Text), value)
    return Value("number", double(value), value)


def double(value: float) -> ColumnElement[Any]:
    """Bind a number as double precision, the numbers of every engine."""
    return cast(literal(float(value), Double), Double)


def json_literal(value: Any) -> ColumnElement[Any]:
    """Bind a JSON value as JSONB."""
    return cast(literal(value, JSONB(none_as_null=False)) if value is not None else literal("null", Text), JSONB)


def _is(value: Value, json_type: str) -> ColumnElement[bool]:
    return func.jsonb_typeof(value.sql) == json_type


def as_number(value: Value) -> ColumnElement[Any]:
    """Give the value as double precision, null when it is no number."""
    if value.kind == "number":
        return value.sql if value.is_literal else cast(value.sql, Double)
    if value.kind == "json":
        return cast(case((_is(value, "number"), value.sql.op("#>>")(cast([], ARRAY(Text))))), Double)
    return cast(null(), Double)


def as_text(value: Value) -> ColumnElement[Any] | None:
    """Give the value as text, null when this row's is none, None when no row's is."""
    if value.kind == "text":
        return value.sql
    if value.kind == "date":
        return func.to_char(value.sql, "YYYY-MM-DD", type_=Text)
    if value.kind == "moment":
        return func.to_char(func.timezone("UTC", value.sql), 'YYYY-MM-DD"T"HH24:MI:SS"Z"', type_=Text)
    if value.kind == "json":
        return case((_is(value, "string"), value.sql.op("#>>", return_type=Text())(cast([], ARRAY(Text)))))
    return None


def as_list(value: Value) -> ColumnElement[Any]:
    """Give the value as a JSONB array, empty when it is none."""
    if value.kind == "list":
        return func.coalesce(value.sql, json_literal([]), type_=JSONB)
    if value.kind == "json":
        return case((_is(value, "array"), value.sql), else_=json_literal([]))
    return json_literal([])


def as_json(value: Value) -> ColumnElement[Any]:
    """Give the value as JSONB."""
    if value.kind in {"json", "list"}:
        return value.sql
    if value.kind == "null":
        return cast(null(), JSONB)
    text = as_text(value)
    return func.to_jsonb(value.sql if text is None else cast(text, Text), type_=JSONB)


def unified(values: list[Value]) -> tuple[Kind, list[ColumnElement[Any]]]:
    """Bring values to one kind, so that they can be the branches of one expression."""
    kinds = {value.kind for value in values} - {"null"}
    if len(kinds) == 1:
        (kind,) = kinds
        if kind == "number":
            return kind, [as_number(value) for value in values]
        return kind, [value.sql for value in values]
    if not kinds:
        return "null", [value.sql for value in values]
    return "json", [as_json(value) for value in values]


def as_truth(value: Value) -> ColumnElement[bool]:
    """Say whether the value counts as true; NULL counts as false."""
    if value.kind == "json":
        return func.coalesce(value.sql, json_literal(None)).not_in([json_literal(empty) for empty in _EMPTY])
    return _TRUTH[value.kind](value.sql)


# -- comparisons --------------------------------------------------------------


def compared(name: str, one: Value, two: Value) -> ColumnElement[bool]:
    """Order two values: numbers, texts by character, days and moments; anything else does not hold."""
    compare = _COMPARISONS[name]
    kinds = {one.kind, two.kind}
    if kinds & {"boolean", "list", "null"}:
        return false()
    if "number" in kinds:
        return false() if not kinds <= {"number", "json"} else compare(*_numbers_alike(one, two))
    for given, other, flip in ((one, two, False), (two, one, True)):
        if given.is_literal and other.kind in {"date", "moment"}:
            bound = _bound_moment(given.literal, other.kind)
            if bound is not None:
                return compare(bound, other.sql) if not flip else compare(other.sql, bound)
    if one.kind == two.kind and one.kind in {"date", "moment"}:
        return compare(one.sql, two.sql)
    left, right = as_text(one), as_text(two)
    assert left is not None
    assert right is not None
    texts = compare(left.collate("C"), right.collate("C"))
    return or_(compare(as_number(one), as_number(two)), texts) if kinds == {"json"} else texts


def equal(one: Value, two: Value) -> ColumnElement[bool]:
    """Compare two values; null equals null alone. NULL means that it does not hold."""
    for given, other in ((one, two), (two, one)):
        if given.kind == "null":
            return other.sql.is_(None) if other.kind != "null" else true()
        if given.is_literal:
            return _equals_literal(other, given)
    if one.kind == two.kind:
        left, right = _numbers_alike(one, two) if one.kind == "number" else (one.sql, two.sql)
        return left.is_not_distinct_from(right)
    if {one.kind, two.kind} & {"json", "list"}:
        return as_json(one).is_not_distinct_from(as_json(two))
    left_text, right_text = as_text(one), as_text(two)
    if left_text is not None and right_text is not None:
        return left_text.is_not_distinct_from(right_text)
    return and_(one.sql.is_(None), two.sql.is_(None))


def _equals_literal(value: Value, given: Value) -> ColumnElement[bool]:
    if value.kind == "boolean" or given.kind == "boolean":
        if value.kind == "json":
            return value.sql == json_literal(given.literal)
        return value.sql == given.sql if value.kind == given.kind else false()
    if given.kind == "number":
        return _numbers_alike(value, given)[0] == _numbers_alike(value, given)[1] if value.kind in {"number", "json"} else false()
    if value.kind in {"date", "moment"}:
        bound = _bound_moment(given.literal, value.kind)
        return false() if bound is None else value.sql == bound
    text = as_text(value)
    return false() if text is None else text == given.sql


def in_literals(item: Value, parts: list[Any]) -> ColumnElement[bool]:
    """Look for a value among those written in the rule."""
    if item.kind == "text" and not item.is_literal and parts and all(isinstance(part, str) for part in parts):
        return item.sql.in_([literal(part, Text) for part in parts])
    return or_(false(), *(equal(item, of_literal(part)) for part in parts))


def _numbers_alike(one: Value, two: Value) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Give two numbers to compare; a column beside a literal stays bare, so that its index serves."""
    for given, other in ((one, two), (two, one)):
        if given.is_literal and other.kind == "number" and not other.is_literal and isinstance(other.sql.type, _NUMBERS):
            bound = _bound_number(given.literal, other.sql)
            return (bound, other.sql) if given is one else (other.sql, bound)
    return as_number(one), as_number(two)


def _bound_number(value: float, beside: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(beside.type, Integer) and float(value).is_integer():
        return literal(int(value), BigInteger)
    if isinstance(beside.type, Float):
        return literal(float(value), Double)
    return literal(Decimal(repr(value)), Numeric)


def _bound_moment(text: Any, kind: Kind) -> ColumnElement[Any] | None:
    """Bind a text literal as the day or moment it names; a bare day is its first moment in UTC."""
    if not isinstance(text, str):
        return None
    if kind == "date":
        day = as_date(text)
        return None if day is None or len(text) > len("2026-01-01") else literal(day, Date)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return literal(moment if moment.tzinfo else moment.replace(tzinfo=UTC), DateTime(timezone=True))


# -- days ---------------------------------------------------------------------


def as_day(value: Value) -> ColumnElement[Any]:
    """Give the written day of a date or date-time, null for anything else."""
    if value.kind == "date":
        return value.sql
    if value.is_literal:
        written = as_date(value.literal)
        return cast(null() if written is None else literal(written, Date), Date)
    text = as_text(value)
    if text is None:
        return cast(null(), Date)
    # make_date fails on a day the month does not have: the first is made, and the sum must read as it was written.
    first = func.make_date(cast(func.substr(text, 1, 4), Integer), cast(func.substr(text, 6, 2), Integer), 1, type_=Date)
    day = first + (cast(func.substr(text, 9, 2), Integer) - 1)
    found = case((func.to_char(day, "YYYY-MM-DD") == func.substr(text, 1, 10), day))
    return cast(case((text.regexp_match(_ISO_DAY), found)), Date)


def full_years(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    """Count full years between two days, the earlier first."""
    early = func.to_char(end, "MMDD") < func.to_char(start, "MMDD")
    return func.extract("year", end) - func.extract("year", start) - cast(early, Integer)
