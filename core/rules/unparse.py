"""Write a JsonLogic tree as text again; parsing that text gives the same tree."""

from __future__ import annotations

from core.rules.operators import FUNCTIONS, ITEM, OPERATORS, ROOT
from core.rules.profile import check, single
from core.rules.types import Tree

_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _MINUS, _ATOM = range(2, 10)
_POWER = {
    "or": _OR, "and": _AND, "==": _COMPARE, "!=": _COMPARE, "<": _COMPARE, "<=": _COMPARE, ">": _COMPARE, ">=": _COMPARE, "in": _COMPARE,
    "+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY,
}  # fmt: skip
_FUNCTION_OF = {function.operator: name for name, function in FUNCTIONS.items() if name != "contains"}
_QUOTED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def unparse(tree: Tree) -> str:
    """Write ``tree`` as the shortest text that parses to it.

    Raises RuleError when the tree is outside the profile.
    """
    check(tree)
    return _write(tree, 0, loops=0)


def _write(tree: Tree, power: int, *, loops: int) -> str:
    """Write ``tree`` for a place that binds with ``power``; brackets only where needed."""
    if isinstance(tree, list):
        return f"[{', '.join(_write(part, 0, loops=loops) for part in tree)}]"
    if not isinstance(tree, dict):
        return _literal(tree)
    text, own = _operation(*single(tree), loops)
    return f"({text})" if own <= power else text


def _operation(name: str, arguments: Tree, loops: int) -> tuple[str, int]:
    if name in {"var", "val"}:
        return _name(name, arguments, loops), _ATOM
    if name == "!":
        return f"not {_write(arguments[0], _NOT, loops=loops)}", _NOT
    if name == "-" and len(arguments) == 1:
        inner = _write(arguments[0], _MINUS, loops=loops)
        return f"-({inner})" if inner[0] in "-.0123456789" else f"-{inner}", _MINUS
    if name in _POWER:
        return _infix(name, arguments, loops)
    parts = [_write(part, 0, loops=loops + 1 if OPERATORS[name].loops and index == 1 else loops) for index, part in enumerate(arguments)]
    return f"{_FUNCTION_OF[name]}({', '.join(parts)})", _ATOM


def _infix(name: str, arguments: list[Tree], loops: int) -> tuple[str, int]:
    power = _POWER[name]
    first, *rest = arguments
    # A first operand that is itself a flat chain of this operator keeps its brackets,
    # else it would melt into this one; other left operands of equal power need none.
    melts = isinstance(first, dict) and name in first and name in {"and", "or", "+", "*"}
    left = power if power == _COMPARE or melts else power - 1
    parts = [_write(first, left, loops=loops), *(_write(part, power, loops=loops) for part in rest)]
    return f" {name} ".join(parts), power


def _name(name: str, arguments: Tree, loops: int) -> str:
    if name == "val":
        return ".".join([ROOT, *arguments[1:]])
    if not arguments:
        return ITEM
    first = arguments.split(".")[0]
    if loops and first in {ITEM, ROOT}:
        return f"{ITEM}.{arguments}"
    return f"{ROOT}.{arguments}" if first == ROOT else str(arguments)


def _literal(value: Tree) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + "".join(_QUOTED.get(char) or (char if char >= " " else f"\\u{ord(char):04x}") for char in value) + "'"
    return repr(value)
