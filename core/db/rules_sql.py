"""Compile a rule to SQL, for filters and indicators.

The meaning is that of ``core.rules.evaluate``; the shared vectors run here
too. Values are bound parameters, never text of the statement. What the caller
gives as a column may be typed (an integer, a date, a text) or JSONB; JSONB is
asked for its type row by row, so a wrong type is null and never an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
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
    Integer,
    Numeric,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.db.types import UTCDateTime
from core.lib.text import msg
from core.rules.natives import as_date
from core.rules.profile import check, single
from core.rules.types import RuleError, Tree

ColumnOf = Callable[[str], ColumnElement[Any]]
"""Gives the column of a field name (``rooms``, ``point.lon``); raises for one that cannot be queried."""

Kind = Literal["boolean", "date", "json", "list", "moment", "null", "number", "text"]
_NONE: Any = object()
_BLANKS = " \t\n\r\f\v\u00a0\u3000"
_ISO_DAY = r"^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ].*)?$"
_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


@dataclass(frozen=True)
class _Value:
    """A compiled value: its kind, its SQL, and its Python value when it is a literal."""

    kind: Kind
    sql: ColumnElement[Any]
    literal: Any = _NONE

    @property
    def is_literal(self) -> bool:
        return self.literal is not _NONE


def to_sql(tree: Tree, column_of: ColumnOf, *, today: date | None = None) -> ColumnElement[Any]:
    """Compile a rule to the SQL of its value.

    A condition gives true or false, never NULL. Raises RuleError naming the
    operator that the database cannot compute.
    """
    check(tree)
    return _Compiler(column_of, today).value(tree).sql


def filter_sql(tree: Tree, column_of: ColumnOf, *, today: date | None = None) -> ColumnElement[bool]:
    """Compile a rule to a WHERE condition that can use the indexes of its columns.

    NULL means that the rule does not hold, so it must not be negated. Raises
    RuleError as ``to_sql``.
    """
    check(tree)
    return _Compiler(column_of, today).condition(tree)


class _Compiler:
    def __init__(self, column_of: ColumnOf, today: date | None) -> None:
        self.column_of = column_of
        self.today = today
        self.rows: list[ColumnElement[Any]] = []
        self.aliases = 0

    # -- values ---------------------------------------------------------------

    def value(self, tree: Tree) -> _Value:
        if isinstance(tree, list):
            return _Value("list", func.jsonb_build_array(*(_as_json(self.value(part)) for part in tree), type_=JSONB))
        if not isinstance(tree, dict):
            return _scalar(tree)
        name, arguments = single(tree)
        if name in {"var", "val"}:
            return self.name(name, arguments)
        if name in _CONDITIONS:
            return _Value("boolean", func.coalesce(self.condition(tree), false()))
        method = _VALUES.get(name)
        if method is None:
            raise RuleError(msg("rules.sql_operator", operator=name))
        return method(self, arguments)

    def name(self, name: str, arguments: Tree) -> _Value:
        if name == "val":
            return _column(self.column_of(".".join(arguments[1:])))
        if not self.rows:
            return _column(self.column_of(arguments))
        row = self.rows[-1]
        return _json(row.op("#>")(cast(arguments.split("."), ARRAY(Text))) if arguments else row)

    def numbers(self, arguments: list[Tree]) -> list[ColumnElement[Any]]:
        return [_number(self.value(part)) for part in arguments]

    # -- conditions -----------------------------------------------------------

    def condition(self, tree: Tree) -> ColumnElement[bool]:
        """Compile to a condition in which NULL means false."""
        if isinstance(tree, dict):
            name, arguments = single(tree)
            if name in _CONDITIONS:
                return _CONDITIONS[name](self, name, arguments)
        return _truth(self.value(tree))

    def both(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        parts = [self.condition(part) for part in arguments]
        return and_(*parts) if name == "and" else or_(*parts)

    def negated(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        return not_(func.coalesce(self.condition(arguments[0]), false()))

    def compared(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        return _compared(name, *(self.value(part) for part in arguments))

    def equal(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        found = _equal(*(self.value(part) for part in arguments))
        return found if name == "==" else not_(func.coalesce(found, false()))

    def within(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        item = self.value(arguments[0])
        if isinstance(arguments[1], list) and all(not isinstance(part, dict | list) for part in arguments[1]):
            return _in_literals(item, arguments[1])
        return self.in_value(item, self.value(arguments[1]))

    def in_value(self, item: _Value, among: _Value) -> ColumnElement[bool]:
        part, text = _text(item), _text(among)
        in_text = false() if part is None or text is None else func.strpos(text, part) > 0
        if among.kind not in {"json", "list"}:
            return in_text
        listing = _list(among)
        if item.is_literal:
            in_list: ColumnElement[bool] = listing.op("@>", is_comparison=True)(cast(literal(item.literal, JSONB), JSONB))
        else:
            element = self.elements(listing)
            in_list = exists(select(1).select_from(element.table_valued_from).where(_equal(_json(element.value), item)))
        return in_list if among.kind == "list" else or_(in_list, in_text)

    def affix(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        one, two = (self.value(part) for part in arguments)
        text, part = _text(one), _text(two)
        if text is None or part is None:
            return false()
        if name == "starts_with":
            return text.startswith(two.literal, autoescape=True) if two.is_literal else func.starts_with(text, part)
        return func.right(text, func.char_length(part)) == part

    def empty(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        value = self.value(arguments[0])
        if value.kind == "json":
            return func.coalesce(value.sql, _json_literal(None)).in_([_json_literal(None), _json_literal(""), _json_literal([])])
        nothing = value.sql.is_(None)
        if value.kind == "text":
            return or_(nothing, value.sql == "")
        return or_(nothing, value.sql == _json_literal([])) if value.kind == "list" else nothing

    # -- loops ----------------------------------------------------------------

    def elements(self, listing: ColumnElement[Any]) -> _Elements:
        self.aliases += 1
        table = func.jsonb_array_elements(listing).table_valued("value", name=f"row_{self.aliases}")
        return _Elements(table, type_coerce(table.c.value, JSONB))

    def loop(self, arguments: list[Tree]) -> tuple[_Elements, Callable[[Callable[[], Any]], Any]]:
        rows = self.elements(_list(self.value(arguments[0])))

        def inside(compile_body: Callable[[], Any]) -> Any:
            self.rows.append(rows.value)
            try:
                return compile_body()
            finally:
                self.rows.pop()

        return rows, inside

    def some(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        rows, inside = self.loop(arguments)
        holds = inside(lambda: func.coalesce(self.condition(arguments[1]), false()))
        found = exists(select(1).select_from(rows.table_valued_from).where(not_(holds) if name == "all" else holds))
        return found if name == "some" else not_(found)

    def counted(self, arguments: list[Tree]) -> _Value:
        rows, inside = self.loop(arguments)
        query = select(func.count()).select_from(rows.table_valued_from)
        if len(arguments) > 1:
            query = query.where(inside(lambda: self.condition(arguments[1])))
        return _Value("number", query.scalar_subquery())

    def mapped(self, arguments: list[Tree]) -> _Value:
        rows, inside = self.loop(arguments)
        value = func.coalesce(inside(lambda: _as_json(self.value(arguments[1]))), _json_literal(None))
        return _gathered(select(func.jsonb_agg(value, type_=JSONB)).select_from(rows.table_valued_from))

    def filtered(self, arguments: list[Tree]) -> _Value:
        rows, inside = self.loop(arguments)
        query = select(func.jsonb_agg(rows.value, type_=JSONB)).select_from(rows.table_valued_from)
        return _gathered(query.where(inside(lambda: self.condition(arguments[1]))))

    def aggregate(self, function: Any, listing: _Value) -> ColumnElement[Any]:
        rows = self.elements(_list(listing))
        return select(function(_number(_json(rows.value)))).select_from(rows.table_valued_from).scalar_subquery()

    # -- functions ------------------------------------------------------------

    def summed(self, arguments: list[Tree]) -> _Value:
        return _Value("number", func.coalesce(self.aggregate(func.sum, self.value(arguments[0])), _float(0)))

    def averaged(self, arguments: list[Tree]) -> _Value:
        return _Value("number", self.aggregate(func.avg, self.value(arguments[0])))

    def extreme(self, arguments: list[Tree], *, least: bool) -> _Value:
        values = [self.value(part) for part in arguments]
        aggregate = func.min if least else func.max
        if len(values) > 1 or values[0].kind not in {"list", "json"}:
            function = func.least if least else func.greatest
            return _Value("number", function(*(_number(value) for value in values)))
        found = self.aggregate(aggregate, values[0])
        return _Value("number", found if values[0].kind == "list" else func.coalesce(found, _number(values[0])))

    def chosen(self, arguments: list[Tree]) -> _Value:
        pairs = list(zip(arguments[::2], arguments[1::2], strict=False))
        values = [self.value(part) for _, part in pairs]
        last = self.value(arguments[-1]) if len(arguments) % 2 else _scalar(None)
        kind, parts = _unified([*values, last])
        whens = [(self.condition(condition), part) for (condition, _), part in zip(pairs, parts, strict=False)]
        return _Value(kind, case(*whens, else_=parts[-1]))

    def coalesced(self, arguments: list[Tree]) -> _Value:
        kind, parts = _unified([self.value(part) for part in arguments])
        return _Value(kind, func.coalesce(*parts) if len(parts) > 1 else parts[0])

    def length(self, arguments: list[Tree]) -> _Value:
        value = self.value(arguments[0])
        text = _text(value)
        of_text = _float(0) if text is None else func.coalesce(func.char_length(text), 0)
        if value.kind not in {"json", "list"}:
            return _Value("number", of_text)
        of_list = func.jsonb_array_length(_list(value))
        return _Value("number", of_list if value.kind == "list" else of_list + of_text)

    def arithmetic(self, name: str, arguments: list[Tree]) -> _Value:
        first, *rest = self.numbers(arguments)
        if name == "-" and not rest:
            return _Value("number", -first)
        total = first
        for part in rest:
            total = _ARITHMETIC[name](total, part)
        return _Value("number", total)

    def rounded(self, arguments: list[Tree]) -> _Value:
        digits = arguments[1] if len(arguments) > 1 else 0
        if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 10:  # as natives.rounded
            raise RuleError(msg("rules.sql_types", operator="round", why="digits 0–10"))
        return _Value("number", cast(func.round(cast(self.numbers(arguments[:1])[0], Numeric), digits), Double))

    def number_function(self, function: Any, arguments: list[Tree]) -> _Value:
        return _Value("number", function(self.numbers(arguments)[0]))

    def text_function(self, function: Any, arguments: list[Tree]) -> _Value:
        text = _text(self.value(arguments[0]))
        return _scalar(None) if text is None else _Value("text", function(text))

    def present_day(self, _arguments: list[Tree]) -> _Value:
        if self.today is None:
            raise RuleError(msg("rules.needs_today"))
        return _scalar(self.today.isoformat())

    def days_between(self, arguments: list[Tree]) -> _Value:
        start, end = (_day(self.value(part)) for part in arguments)
        return _Value("number", end - start)

    def years_between(self, arguments: list[Tree]) -> _Value:
        start, end = (_day(self.value(part)) for part in arguments)
        return _Value("number", case((end < start, -_full_years(end, start)), else_=_full_years(start, end)))

    def add_days(self, arguments: list[Tree]) -> _Value:
        start, days = _day(self.value(arguments[0])), self.numbers(arguments[1:])[0]
        whole = and_(days == func.floor(days), func.abs(days) < 4_000_000)
        moved = start + cast(case((whole, days)), Integer)
        in_range = moved.between(date.min, date.max)
        return _Value("text", case((in_range, func.to_char(moved, "YYYY-MM-DD"))))


@dataclass(frozen=True)
class _Elements:
    """The elements of a JSON array as rows of a FROM."""

    table_valued_from: Any
    value: ColumnElement[Any]


# -- kinds --------------------------------------------------------------------


def _column(column: ColumnElement[Any]) -> _Value:
    kind = column.type
    if isinstance(kind, JSONB):
        return _json(column)
    if isinstance(kind, Boolean):
        return _Value("boolean", column)
    if isinstance(kind, Integer | Numeric):
        return _Value("number", column)
    if isinstance(kind, UTCDateTime | DateTime):
        return _Value("moment", column)
    if isinstance(kind, Date):
        return _Value("date", column)
    if isinstance(kind, ARRAY):
        return _Value("list", func.to_jsonb(column, type_=JSONB))
    return _Value("text", column if isinstance(kind, Text) or kind.python_type is str else cast(column, Text))


def _json(column: ColumnElement[Any]) -> _Value:
    return _Value("json", func.nullif(column, _json_literal(None), type_=JSONB))


def _scalar(value: Any) -> _Value:
    if value is None:
        return _Value("null", null(), None)
    if isinstance(value, bool):
        return _Value("boolean", true() if value else false(), value)
    if isinstance(value, str):
        return _Value("text", literal(value, Text), value)
    return _Value("number", _float(value), value)


def _float(value: float) -> ColumnElement[Any]:
    return cast(literal(float(value), Double), Double)


def _json_literal(value: Any) -> ColumnElement[Any]:
    return cast(literal(value, JSONB(none_as_null=False)) if value is not None else literal("null", Text), JSONB)


def _is(value: _Value, json_type: str) -> ColumnElement[bool]:
    return func.jsonb_typeof(value.sql) == json_type


def _number(value: _Value) -> ColumnElement[Any]:
    """Give the value as double precision, null when it is no number."""
    if value.kind == "number":
        return value.sql if value.is_literal else cast(value.sql, Double)
    if value.kind == "json":
        return cast(case((_is(value, "number"), value.sql.op("#>>")(cast([], ARRAY(Text))))), Double)
    return cast(null(), Double)


def _text(value: _Value) -> ColumnElement[Any] | None:
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


def _list(value: _Value) -> ColumnElement[Any]:
    if value.kind == "list":
        return func.coalesce(value.sql, _json_literal([]), type_=JSONB)
    if value.kind == "json":
        return case((_is(value, "array"), value.sql), else_=_json_literal([]))
    return _json_literal([])


def _as_json(value: _Value) -> ColumnElement[Any]:
    if value.kind in {"json", "list"}:
        return value.sql
    if value.kind == "null":
        return cast(null(), JSONB)
    text = _text(value)
    return func.to_jsonb(value.sql if text is None else cast(text, Text), type_=JSONB)


def _unified(values: list[_Value]) -> tuple[Kind, list[ColumnElement[Any]]]:
    kinds = {value.kind for value in values} - {"null"}
    if len(kinds) == 1:
        (kind,) = kinds
        if kind == "number":
            return kind, [_number(value) for value in values]
        return kind, [value.sql for value in values]
    if not kinds:
        return "null", [value.sql for value in values]
    return "json", [_as_json(value) for value in values]


def _truth(value: _Value) -> ColumnElement[bool]:
    if value.kind == "boolean":
        return value.sql
    if value.kind == "number":
        return value.sql != 0
    if value.kind == "text":
        return value.sql != ""
    if value.kind in {"date", "moment"}:
        return value.sql.is_not(None)
    if value.kind == "list":
        return value.sql != _json_literal([])
    if value.kind == "json":
        empties = [_json_literal(empty) for empty in (None, False, 0, "", [], {})]
        return func.coalesce(value.sql, _json_literal(None)).not_in(empties)
    return false()


# -- comparisons --------------------------------------------------------------


def _compared(name: str, one: _Value, two: _Value) -> ColumnElement[bool]:
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
    left, right = _text(one), _text(two)
    assert left is not None
    assert right is not None
    texts = compare(left.collate("C"), right.collate("C"))
    return or_(compare(_number(one), _number(two)), texts) if kinds == {"json"} else texts


def _equal(one: _Value, two: _Value) -> ColumnElement[bool]:
    for given, other in ((one, two), (two, one)):
        if given.kind == "null":
            return other.sql.is_(None) if other.kind != "null" else true()
        if given.is_literal:
            return _equals_literal(other, given)
    if one.kind == two.kind:
        left, right = _numbers_alike(one, two) if one.kind == "number" else (one.sql, two.sql)
        return left.is_not_distinct_from(right)
    if {one.kind, two.kind} & {"json", "list"}:
        return _as_json(one).is_not_distinct_from(_as_json(two))
    left_text, right_text = _text(one), _text(two)
    if left_text is not None and right_text is not None:
        return left_text.is_not_distinct_from(right_text)
    return and_(one.sql.is_(None), two.sql.is_(None))


def _equals_literal(value: _Value, given: _Value) -> ColumnElement[bool]:
    if value.kind == "boolean" or given.kind == "boolean":
        if value.kind == "json":
            return value.sql == _json_literal(given.literal)
        return value.sql == given.sql if value.kind == given.kind else false()
    if given.kind == "number":
        return _numbers_alike(value, given)[0] == _numbers_alike(value, given)[1] if value.kind in {"number", "json"} else false()
    if value.kind in {"date", "moment"}:
        bound = _bound_moment(given.literal, value.kind)
        return false() if bound is None else value.sql == bound
    text = _text(value)
    return false() if text is None else text == given.sql


def _in_literals(item: _Value, parts: list[Any]) -> ColumnElement[bool]:
    if item.kind == "text" and not item.is_literal and parts and all(isinstance(part, str) for part in parts):
        return item.sql.in_([literal(part, Text) for part in parts])
    return or_(false(), *(_equal(item, _scalar(part)) for part in parts))


def _numbers_alike(one: _Value, two: _Value) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Give two numbers to compare; a column beside a literal stays bare, so that its index serves."""
    for given, other in ((one, two), (two, one)):
        if given.is_literal and other.kind == "number" and not other.is_literal and isinstance(other.sql.type, Integer | Numeric):
            bound = _bound_number(given.literal, other.sql)
            return (bound, other.sql) if given is one else (other.sql, bound)
    return _number(one), _number(two)


def _bound_number(value: float, beside: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(beside.type, Integer) and float(value).is_integer():
        return literal(int(value), BigInteger)
    if isinstance(beside.type, Double):
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


def _day(value: _Value) -> ColumnElement[Any]:
    if value.kind == "date":
        return value.sql
    if value.is_literal:
        day = as_date(value.literal)
        return cast(null() if day is None else literal(day, Date), Date)
    text = _text(value)
    if text is None:
        return cast(null(), Date)
    # make_date fails on a day the month does not have: the first is made, and the sum must read as it was written.
    first = func.make_date(cast(func.substr(text, 1, 4), Integer), cast(func.substr(text, 6, 2), Integer), 1, type_=Date)
    day = first + (cast(func.substr(text, 9, 2), Integer) - 1)
    found = case((func.to_char(day, "YYYY-MM-DD") == func.substr(text, 1, 10), day))
    return cast(case((text.regexp_match(_ISO_DAY), found)), Date)


def _full_years(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    early = func.to_char(end, "MMDD") < func.to_char(start, "MMDD")
    return func.extract("year", end) - func.extract("year", start) - cast(early, Integer)


def _gathered(query: Any) -> _Value:
    return _Value("list", func.coalesce(query.scalar_subquery(), _json_literal([]), type_=JSONB))


_ARITHMETIC: dict[str, Callable[[Any, Any], ColumnElement[Any]]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "/": lambda one, two: one / func.nullif(two, 0),
    "%": lambda one, two: cast(func.mod(cast(one, Numeric), cast(func.nullif(two, 0), Numeric)), Double),
}

_CONDITIONS: dict[str, Callable[[_Compiler, str, list[Tree]], ColumnElement[bool]]] = {
    "and": _Compiler.both,
    "or": _Compiler.both,
    "!": _Compiler.negated,
    "<": _Compiler.compared,
    "<=": _Compiler.compared,
    ">": _Compiler.compared,
    ">=": _Compiler.compared,
    "==": _Compiler.equal,
    "!=": _Compiler.equal,
    "in": _Compiler.within,
    "starts_with": _Compiler.affix,
    "ends_with": _Compiler.affix,
    "is_empty": _Compiler.empty,
    "some": _Compiler.some,
    "all": _Compiler.some,
    "none": _Compiler.some,
}


def _arithmetic(name: str) -> Callable[[_Compiler, list[Tree]], _Value]:
    return lambda compiler, arguments: compiler.arithmetic(name, arguments)


_VALUES: dict[str, Callable[[_Compiler, list[Tree]], _Value]] = {
    **{name: _arithmetic(name) for name in ("+", "-", "*", "/", "%")},
    "if": _Compiler.chosen,
    "??": _Compiler.coalesced,
    "length": _Compiler.length,
    "lower": lambda compiler, arguments: compiler.text_function(func.lower, arguments),
    "upper": lambda compiler, arguments: compiler.text_function(func.upper, arguments),
    "trim": lambda compiler, arguments: compiler.text_function(lambda text: func.btrim(text, _BLANKS), arguments),
    "abs": lambda compiler, arguments: compiler.number_function(func.abs, arguments),
    "floor": lambda compiler, arguments: compiler.number_function(func.floor, arguments),
    "ceil": lambda compiler, arguments: compiler.number_function(func.ceil, arguments),
    "round": _Compiler.rounded,
    "min": lambda compiler, arguments: compiler.extreme(arguments, least=True),
    "max": lambda compiler, arguments: compiler.extreme(arguments, least=False),
    "sum": _Compiler.summed,
    "avg": _Compiler.averaged,
    "count": _Compiler.counted,
    "map": _Compiler.mapped,
    "filter": _Compiler.filtered,
    "today": _Compiler.present_day,
    "days_between": _Compiler.days_between,
    "years_between": _Compiler.years_between,
    "add_days": _Compiler.add_days,
}
