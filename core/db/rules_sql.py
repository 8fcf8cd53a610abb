"""Compile a rule to SQL, for filters and indicators.

The meaning is that of ``core.rules.evaluate``; the shared vectors run here
too. Values are bound parameters, never text of the statement. What the caller
gives as a column may be typed (an integer, a date, a text) or JSONB; JSONB is
asked for its type row by row, so a wrong type is null and never an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.db import rules_sql_values as sql
from core.lib.text import msg
from core.rules.natives import BLANKS
from core.rules.profile import check, single
from core.rules.types import RuleError, Tree

ColumnOf = Callable[[str], ColumnElement[Any]]
"""Gives the column of a field name (``rooms``, ``point.lon``); raises for one that cannot be queried."""


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

    def value(self, tree: Tree) -> sql.Value:
        if isinstance(tree, list):
            return sql.Value("list", func.jsonb_build_array(*(sql.as_json(self.value(part)) for part in tree), type_=JSONB))
        if not isinstance(tree, dict):
            return sql.of_literal(tree)
        name, arguments = single(tree)
        if name in {"var", "val"}:
            return self.name(name, arguments)
        if name in _CONDITIONS:
            return sql.Value("boolean", func.coalesce(self.condition(tree), false()))
        method = _VALUES.get(name)
        if method is None:
            raise RuleError(msg("rules.sql_operator", operator=name))
        return method(self, arguments)

    def name(self, name: str, arguments: Tree) -> sql.Value:
        if name == "val":
            return sql.of_column(self.column_of(".".join(arguments[1:])))
        if not self.rows:
            return sql.of_column(self.column_of(arguments))
        row = self.rows[-1]
        return sql.of_json(row.op("#>")(cast(arguments.split("."), ARRAY(Text))) if arguments else row)

    def numbers(self, arguments: list[Tree]) -> list[ColumnElement[Any]]:
        return [sql.as_number(self.value(part)) for part in arguments]

    # -- conditions -----------------------------------------------------------

    def condition(self, tree: Tree) -> ColumnElement[bool]:
        """Compile to a condition in which NULL means false."""
        if isinstance(tree, dict):
            name, arguments = single(tree)
            if name in _CONDITIONS:
                return _CONDITIONS[name](self, name, arguments)
        return sql.as_truth(self.value(tree))

    def both(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        parts = [self.condition(part) for part in arguments]
        return and_(*parts) if name == "and" else or_(*parts)

    def negated(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        return not_(func.coalesce(self.condition(arguments[0]), false()))

    def compared(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        return sql.compared(name, *(self.value(part) for part in arguments))

    def equal(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        found = sql.equal(*(self.value(part) for part in arguments))
        return found if name == "==" else not_(func.coalesce(found, false()))

    def within(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        item = self.value(arguments[0])
        if isinstance(arguments[1], list) and all(not isinstance(part, dict | list) for part in arguments[1]):
            return sql.in_literals(item, arguments[1])
        return self.in_value(item, self.value(arguments[1]))

    def in_value(self, item: sql.Value, among: sql.Value) -> ColumnElement[bool]:
        part, text = sql.as_text(item), sql.as_text(among)
        in_text = false() if part is None or text is None else func.strpos(text, part) > 0
        if among.kind not in {"json", "list"}:
            return in_text
        listing = sql.as_list(among)
        if item.is_literal:
            in_list: ColumnElement[bool] = listing.op("@>", is_comparison=True)(cast(literal(item.literal, JSONB), JSONB))
        else:
            element = self.elements(listing)
            in_list = exists(element.select(1).where(sql.equal(sql.of_json(element.value), item)))
        return in_list if among.kind == "list" else or_(in_list, in_text)

    def affix(self, name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        one, two = (self.value(part) for part in arguments)
        text, part = sql.as_text(one), sql.as_text(two)
        if text is None or part is None:
            return false()
        if name == "starts_with":
            return text.startswith(two.literal, autoescape=True) if two.is_literal else func.starts_with(text, part)
        return func.right(text, func.char_length(part)) == part

    def empty(self, _name: str, arguments: list[Tree]) -> ColumnElement[bool]:
        value = self.value(arguments[0])
        if value.kind == "json":
            return func.coalesce(value.sql, sql.json_literal(None)).in_(
                [sql.json_literal(None), sql.json_literal(""), sql.json_literal([])]
            )
        nothing = value.sql.is_(None)
        if value.kind == "text":
            return or_(nothing, value.sql == "")
        return or_(nothing, value.sql == sql.json_literal([])) if value.kind == "list" else nothing

    # -- loops ----------------------------------------------------------------

    def elements(self, listing: ColumnElement[Any]) -> _Elements:
        self.aliases += 1
        table = func.jsonb_array_elements(listing).table_valued("value", name=f"row_{self.aliases}")
        return _Elements(table, type_coerce(table.c.value, JSONB))

    def loop(self, arguments: list[Tree]) -> tuple[_Elements, Callable[[Callable[[], Any]], Any]]:
        rows = self.elements(sql.as_list(self.value(arguments[0])))

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
        found = exists(rows.select(1).where(not_(holds) if name == "all" else holds))
        return found if name == "some" else not_(found)

    def counted(self, arguments: list[Tree]) -> sql.Value:
        rows, inside = self.loop(arguments)
        query = rows.select(func.count())
        if len(arguments) > 1:
            query = query.where(inside(lambda: self.condition(arguments[1])))
        return sql.Value("number", query.scalar_subquery())

    def mapped(self, arguments: list[Tree]) -> sql.Value:
        rows, inside = self.loop(arguments)
        value = func.coalesce(inside(lambda: sql.as_json(self.value(arguments[1]))), sql.json_literal(None))
        # The filter is always true, but names this row: an aggregate of outer columns alone would belong to an outer query.
        own_row = rows.table.c.value.is_not(None)
        return _gathered(rows.select(func.jsonb_agg(value, type_=JSONB).filter(own_row)))

    def filtered(self, arguments: list[Tree]) -> sql.Value:
        rows, inside = self.loop(arguments)
        query = rows.select(func.jsonb_agg(rows.value, type_=JSONB))
        return _gathered(query.where(inside(lambda: self.condition(arguments[1]))))

    def aggregate(self, function: Any, listing: sql.Value) -> ColumnElement[Any]:
        rows = self.elements(sql.as_list(listing))
        return rows.select(function(sql.as_number(sql.of_json(rows.value)))).scalar_subquery()

    # -- functions ------------------------------------------------------------

    def summed(self, arguments: list[Tree]) -> sql.Value:
        return sql.Value("number", func.coalesce(self.aggregate(func.sum, self.value(arguments[0])), sql.double(0)))

    def averaged(self, arguments: list[Tree]) -> sql.Value:
        return sql.Value("number", self.aggregate(func.avg, self.value(arguments[0])))

    def extreme(self, arguments: list[Tree], *, least: bool) -> sql.Value:
        values = [self.value(part) for part in arguments]
        aggregate = func.min if least else func.max
        if len(values) > 1 or values[0].kind not in {"list", "json"}:
            function = func.least if least else func.greatest
            return sql.Value("number", function(*(sql.as_number(value) for value in values)))
        found = self.aggregate(aggregate, values[0])
        return sql.Value("number", found if values[0].kind == "list" else func.coalesce(found, sql.as_number(values[0])))

    def chosen(self, arguments: list[Tree]) -> sql.Value:
        pairs = list(zip(arguments[::2], arguments[1::2], strict=False))
        values = [self.value(part) for _, part in pairs]
        last = self.value(arguments[-1]) if len(arguments) % 2 else sql.of_literal(None)
        kind, parts = sql.unified([*values, last])
        whens = [(self.condition(condition), part) for (condition, _), part in zip(pairs, parts, strict=False)]
        return sql.Value(kind, case(*whens, else_=parts[-1]))

    def coalesced(self, arguments: list[Tree]) -> sql.Value:
        kind, parts = sql.unified([self.value(part) for part in arguments])
        return sql.Value(kind, func.coalesce(*parts) if len(parts) > 1 else parts[0])

    def length(self, arguments: list[Tree]) -> sql.Value:
        value = self.value(arguments[0])
        text = sql.as_text(value)
        of_text = sql.double(0) if text is None else func.coalesce(func.char_length(text), 0)
        if value.kind not in {"json", "list"}:
            return sql.Value("number", of_text)
        of_list = func.jsonb_array_length(sql.as_list(value))
        return sql.Value("number", of_list if value.kind == "list" else of_list + of_text)

    def arithmetic(self, name: str, arguments: list[Tree]) -> sql.Value:
        first, *rest = self.numbers(arguments)
        if name == "-" and not rest:
            return sql.Value("number", -first)
        total = first
        for part in rest:
            total = _ARITHMETIC[name](total, part)
        return sql.Value("number", total)

    def rounded(self, arguments: list[Tree]) -> sql.Value:
        digits = arguments[1] if len(arguments) > 1 else 0
        if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 10:  # as natives.rounded
            raise RuleError(msg("rules.sql_types", operator="round", why="digits 0–10"))
        return sql.Value("number", cast(func.round(_decimal(self.numbers(arguments[:1])[0]), digits), Double))

    def number_function(self, function: Any, arguments: list[Tree]) -> sql.Value:
        return sql.Value("number", function(self.numbers(arguments)[0]))

    def text_function(self, function: Any, arguments: list[Tree]) -> sql.Value:
        text = sql.as_text(self.value(arguments[0]))
        return sql.of_literal(None) if text is None else sql.Value("text", function(text))

    def present_day(self, _arguments: list[Tree]) -> sql.Value:
        if self.today is None:
            raise RuleError(msg("rules.needs_today"))
        return sql.of_literal(self.today.isoformat())

    def days_between(self, arguments: list[Tree]) -> sql.Value:
        start, end = (sql.as_day(self.value(part)) for part in arguments)
        return sql.Value("number", end - start)

    def years_between(self, arguments: list[Tree]) -> sql.Value:
        start, end = (sql.as_day(self.value(part)) for part in arguments)
        return sql.Value("number", case((end < start, -sql.full_years(end, start)), else_=sql.full_years(start, end)))

    def add_days(self, arguments: list[Tree]) -> sql.Value:
        start, days = sql.as_day(self.value(arguments[0])), self.numbers(arguments[1:])[0]
        whole = and_(days == func.floor(days), func.abs(days) < 4_000_000)
        moved = start + cast(case((whole, days)), Integer)
        in_range = moved.between(date.min, date.max)
        return sql.Value("text", case((in_range, func.to_char(moved, "YYYY-MM-DD"))))


@dataclass(frozen=True)
class _Elements:
    """The elements of a JSON array as rows of a FROM."""

    table: Any
    value: ColumnElement[Any]

    def select(self, what: Any) -> Select[Any]:
        """Select from these elements alone; every other table belongs to a query around, however far out."""
        return select(what).select_from(self.table).correlate_except(self.table)


def _decimal(number: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a double as the decimal it is written as; a plain cast to numeric would keep 15 digits only."""
    return cast(cast(number, Text), Numeric)


def _gathered(query: Any) -> sql.Value:
    return sql.Value("list", func.coalesce(query.scalar_subquery(), sql.json_literal([]), type_=JSONB))


_ARITHMETIC: dict[str, Callable[[Any, Any], ColumnElement[Any]]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "/": lambda one, two: one / func.nullif(two, 0),
    "%": lambda one, two: cast(func.mod(_decimal(one), _decimal(func.nullif(two, 0))), Double),
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


def _arithmetic(name: str) -> Callable[[_Compiler, list[Tree]], sql.Value]:
    return lambda compiler, arguments: compiler.arithmetic(name, arguments)


_VALUES: dict[str, Callable[[_Compiler, list[Tree]], sql.Value]] = {
    **{name: _arithmetic(name) for name in ("+", "-", "*", "/", "%")},
    "if": _Compiler.chosen,
    "??": _Compiler.coalesced,
    "length": _Compiler.length,
    "lower": lambda compiler, arguments: compiler.text_function(func.lower, arguments),
    "upper": lambda compiler, arguments: compiler.text_function(func.upper, arguments),
    "trim": lambda compiler, arguments: compiler.text_function(lambda text: func.btrim(text, BLANKS), arguments),
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
