"""Turn a tree of our profile into one that datalogic-py runs with our meaning.

The engine's own operators are looser than the profile: it compares "10" with
9, holds "60m" and "1h" for equal, throws where we say null. So each operand
is guarded by its type here, once, at compile time. Every operand is evaluated
once: what is more than a name is bound by a one-item ``reduce``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.rules.operators import OPERATORS, Kind
from core.rules.profile import single
from core.rules.types import TODAY, Tree

_MAGIC = re.compile(r"\d")
"""Only texts with a digit can look like a duration or an instant to the engine."""
_MARK = "x"
"""Put before both texts of a comparison so that they look like neither."""
_CURRENT: Tree = {"var": "current"}
_NUMBER, _STRING, _ARRAY = "number", "string", "array"
_TEXTS = (_STRING, "datetime", "duration")
"""What the engine calls a text: some look like a time to it."""


def kind_of(tree: Tree) -> Kind:
    """Say what ``tree`` gives as far as can be told without data."""
    if isinstance(tree, bool):
        return "boolean"
    if isinstance(tree, int | float):
        return "number"
    if isinstance(tree, str):
        return "text"
    if isinstance(tree, list):
        return "list"
    if isinstance(tree, dict):
        name = next(iter(tree))
        return OPERATORS[name].gives if name in OPERATORS else "any"
    return "any"


def lower(tree: Tree) -> Tree:
    """Give the tree for the engine; ``tree`` must have passed ``check``."""
    return _lower(tree, 0)


def _lower(tree: Tree, loops: int) -> Tree:
    if isinstance(tree, list):
        return [_lower(part, loops) for part in tree]
    if not isinstance(tree, dict):
        return tree
    name, arguments = single(tree)
    if name in {"var", "val"}:
        return tree
    if name == "today":
        return {"val": [[2 * loops], TODAY]} if loops else {"var": TODAY}
    if OPERATORS[name].loops:
        return _loop(name, arguments, loops)
    low = [_Operand(part, _lower(part, loops)) for part in arguments]
    return _RULES[name](*low) if name in _RULES else {name: [part.low for part in low]}


class _Operand:
    """One argument: what it gives, and its lowered tree."""

    __slots__ = ("kind", "literal", "low", "simple")

    def __init__(self, tree: Tree, low: Tree) -> None:
        self.kind = kind_of(tree)
        self.low = low
        self.literal = not isinstance(tree, dict | list)
        self.simple = self.literal or (isinstance(low, dict) and ("var" in low or "val" in low))


def _bind(operand: _Operand, body: Callable[[Tree], Tree]) -> Tree:
    """Use a value more than once without evaluating it more than once."""
    if operand.simple:
        return body(operand.low)
    return {"reduce": [[operand.low], body(_CURRENT), None]}


def _bind_two(one: _Operand, two: _Operand, body: Callable[[Tree, Tree], Tree]) -> Tree:
    if one.simple and two.simple:
        return body(one.low, two.low)
    return {"reduce": [[[one.low, two.low]], body({"var": "current.0"}, {"var": "current.1"}), None]}


def _is(value: Tree, engine_type: str) -> Tree:
    if engine_type == _STRING:
        return {"in": [{"type": value}, list(_TEXTS)]}
    return {"===": [{"type": value}, engine_type]}


def _guard(operand: _Operand, kind: Kind, engine_type: str, otherwise: Tree = None) -> Tree:
    if operand.kind == kind:
        return operand.low
    if operand.kind != "any" or operand.literal:
        return otherwise
    return _bind(operand, lambda value: {"if": [_is(value, engine_type), value, otherwise]})


def _number(operand: _Operand) -> Tree:
    return _guard(operand, "number", _NUMBER)


def _listing(operand: _Operand) -> Tree:
    return _guard(operand, "list", _ARRAY, [])


def _marked(value: Tree) -> Tree:
    return _MARK + value if isinstance(value, str) else {"cat": [_MARK, value]}


def _compare(name: str) -> Callable[[_Operand, _Operand], Tree]:
    def compare(one: _Operand, two: _Operand) -> Tree:
        if "number" in {one.kind, two.kind}:
            return {name: [_number(one), _number(two)]}
        if {one.kind, two.kind} & {"boolean", "list"}:
            return False

        def both(left: Tree, right: Tree) -> Tree:
            texts = {"and": [_is(left, _STRING), _is(right, _STRING), {name: [_marked(left), _marked(right)]}]}
            if "text" in {one.kind, two.kind}:
                return texts
            return {"if": [{"and": [_is(left, _NUMBER), _is(right, _NUMBER)]}, {name: [left, right]}, texts]}

        return _bind_two(one, two, both)

    return compare


def _equal(one: _Operand, two: _Operand) -> Tree:
    for literal in (one, two):
        if literal.literal and not (isinstance(literal.low, str) and _MAGIC.search(literal.low)):
            return {"===": [one.low, two.low]}
    if {one.kind, two.kind} & {"number", "boolean"}:
        return {"===": [one.low, two.low]}

    def same(left: Tree, right: Tree) -> Tree:
        texts = {"===": [_marked(left), _marked(right)]}
        if "text" in {one.kind, two.kind}:
            return (
                {"and": [_is(left, _STRING), _is(right, _STRING), texts]} if one.literal or two.literal else _equal_any(left, right, texts)
            )
        return _equal_any(left, right, texts)

    return _bind_two(one, two, same)


def _equal_any(left: Tree, right: Tree, texts: Tree) -> Tree:
    return {"if": [{"and": [_is(left, _STRING), _is(right, _STRING)]}, texts, {"$same": [left, right]}]}


def _unequal(one: _Operand, two: _Operand) -> Tree:
    return {"!": [_equal(one, two)]}


def _within(item: _Operand, among: _Operand) -> Tree:
    if isinstance(among.low, list) and all(not isinstance(part, dict | list) for part in among.low):
        parts = among.low
        if not any(isinstance(part, str) and _MAGIC.search(part) for part in parts):
            return {"in": [item.low, parts]}
        texts = [_marked(part) for part in parts if isinstance(part, str)]
        others = [part for part in parts if not isinstance(part, str)]
        return _bind(item, lambda value: {"if": [_is(value, _STRING), {"in": [_marked(value), texts]}, {"in": [value, others]}]})
    if item.literal and not (isinstance(item.low, str) and _MAGIC.search(item.low)):
        return {"in": [item.low, among.low]}
    return {"$in": [item.low, among.low]}


def _both(name: str) -> Callable[..., Tree]:
    def connect(*parts: _Operand) -> Tree:
        whole = {name: [part.low for part in parts]}
        return whole if all(part.kind == "boolean" for part in parts) else {"!!": [whole]}

    return connect


def _minus(one: _Operand, two: _Operand | None = None) -> Tree:
    """Subtract by adding the negative: the engine's ``+`` and ``*`` give null for null, its ``-`` throws."""
    if two is None:
        return {"*": [-1, _number(one)]}
    return {"+": [_number(one), {"*": [-1, _number(two)]}]}


def _choose(*parts: _Operand) -> Tree:
    low = [part.low for part in parts]
    return {"if": low if len(low) % 2 else [*low, None]}


def _of_numbers(name: str) -> Callable[..., Tree]:
    def pick(*parts: _Operand) -> Tree:
        listing = _listing(parts[0]) if len(parts) == 1 and parts[0].kind in {"list", "any"} else [part.low for part in parts]
        if len(parts) == 1 and parts[0].kind == "any":
            listing = _bind(parts[0], lambda value: {"if": [_is(value, _ARRAY), value, [value]]})
        return {"try": [{name: [_numbers(listing)]}, None]}

    return pick


def _numbers(listing: Tree) -> Tree:
    return {"filter": [listing, _is({"var": ""}, _NUMBER)]}


def _sum(listing: _Operand) -> Tree:
    return {"reduce": [_numbers(_listing(listing)), {"+": [{"var": "accumulator"}, _CURRENT]}, 0]}


def _avg(listing: _Operand) -> Tree:
    numbers = _Operand({"filter": []}, _numbers(_listing(listing)))
    return _bind(
        numbers,
        lambda values: {"try": [{"/": [{"reduce": [values, {"+": [{"var": "accumulator"}, _CURRENT]}, 0]}, {"length": [values]}]}, None]},
    )


def _length(operand: _Operand) -> Tree:
    return {"try": [{"length": [_bind(operand, lambda value: {"if": [{"in": [{"type": value}, [*_TEXTS, _ARRAY]]}, value, ""]})]}, 0]}


def _text_function(name: str) -> Callable[[_Operand], Tree]:
    return lambda operand: _bind(operand, lambda value: {"if": [_is(value, _STRING), {name: [value]}, None]})


def _affix(name: str) -> Callable[[_Operand, _Operand], Tree]:
    return lambda one, two: _bind_two(one, two, lambda text, part: {"and": [_is(text, _STRING), _is(part, _STRING), {name: [text, part]}]})


def _number_function(name: str) -> Callable[[_Operand], Tree]:
    return lambda operand: {"try": [{name: [_number(operand)]}, None]}


def _native(name: str) -> Callable[..., Tree]:
    return lambda *parts: {name: [part.low for part in parts]}


def _loop(name: str, arguments: list[Tree], loops: int) -> Tree:
    rows = _listing(_Operand(arguments[0], _lower(arguments[0], loops)))
    if len(arguments) == 1:
        return {"length": [rows]}
    body = _lower(arguments[1], loops + 1)
    if name == "all":
        return {"!": [{"some": [rows, {"!": [body]}]}]}
    if name == "count":
        return {"length": [{"filter": [rows, body]}]}
    return {name: [rows, body]}


_RULES: dict[str, Callable[..., Tree]] = {
    **{name: _both(name) for name in ("and", "or")},
    **{name: _compare(name) for name in ("<", "<=", ">", ">=")},
    **{name: _number_function(name) for name in ("abs", "floor", "ceil")},
    **{name: _text_function(name) for name in ("lower", "upper")},
    **{name: _affix(name) for name in ("starts_with", "ends_with")},
    **{name: _of_numbers(name) for name in ("min", "max")},
    "==": _equal,
    "!=": _unequal,
    "in": _within,
    "+": lambda *parts: {"+": [_number(part) for part in parts]},
    "*": lambda *parts: {"*": [_number(part) for part in parts]},
    "-": _minus,
    "/": lambda one, two: {"try": [{"/": [_number(one), _number(two)]}, None]},
    "%": lambda one, two: {"try": [{"%": [_number(one), _number(two)]}, None]},
    "if": _choose,
    "is_empty": lambda operand: {"in": [operand.low, [None, "", []]]},
    "length": _length,
    "sum": _sum,
    "avg": _avg,
    **{name: _native(f"${name}") for name in ("cat", "trim", "round", "days_between", "years_between", "add_days")},
}
