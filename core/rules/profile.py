"""Check that a tree stays inside the profile, and say what it reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from core.lib.text import msg
from core.rules.operators import KEYWORDS, OPERATORS
from core.rules.types import LARGEST_WHOLE, MAX_DEPTH, MAX_LOOPS, MAX_NODES, RuleError, Tree

_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def check(tree: Tree) -> None:
    """Refuse a tree with an unknown operator, wrong arguments, or beyond the limits.

    Raises RuleError whose path points into the tree (``/and/1/>``).
    """
    _Check().node(tree, depth=1, loops=0, path="")


def reads(tree: Tree) -> frozenset[str]:
    """Name every field the rule reads: ``rooms`` and, for its rows, ``rooms.area``.

    Rows of a computed list (other than a filtered one) have no name; their
    fields are then left out, the list they come from is not.
    """
    return frozenset(_reads(tree, ()))


def single(tree: Tree) -> tuple[str, Tree]:
    """Split a node into its operator and its arguments."""
    ((name, arguments),) = tree.items()
    return name, arguments


class _Check:
    def __init__(self) -> None:
        self.nodes = 0

    def node(self, tree: Tree, *, depth: int, loops: int, path: str) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _refuse("too_many_nodes", path, limit=MAX_NODES)
        if depth > MAX_DEPTH:
            raise _refuse("too_deep_tree", path, limit=MAX_DEPTH)
        if isinstance(tree, list):
            for index, part in enumerate(tree):
                self.node(part, depth=depth + 1, loops=loops, path=f"{path}/{index}")
        elif isinstance(tree, dict):
            self.operation(tree, depth=depth, loops=loops, path=path)
        else:
            _check_scalar(tree, path)

    def operation(self, tree: dict[str, Tree], *, depth: int, loops: int, path: str) -> None:
        if len(tree) != 1:
            raise _refuse("not_a_node", path)
        name, arguments = single(tree)
        path = f"{path}/{name}"
        if name in {"var", "val"}:
            return _check_name(name, arguments, loops, path)
        operator = OPERATORS.get(name)
        if operator is None:
            raise _refuse("unknown_operator", path, operator=name)
        if (
            not isinstance(arguments, list)
            or len(arguments) < operator.least
            or (operator.most is not None and len(arguments) > operator.most)
        ):
            raise _refuse("operator_arguments", path, operator=name, least=operator.least, most=operator.most or "…")
        if operator.loops and len(arguments) > 1 and loops >= MAX_LOOPS:
            raise _refuse("too_many_loops_tree", path, limit=MAX_LOOPS)
        if name == "map":
            _check_row_value(arguments[1], f"{path}/1")
        for index, part in enumerate(arguments):
            inside = loops + 1 if operator.loops and index == 1 else loops
            self.node(part, depth=depth + 1, loops=inside, path=f"{path}/{index}")
        return None


def _check_row_value(tree: Tree, path: str) -> None:
    """Refuse a value that is not the row's own: repeated for every row it would make a small rule give a giant answer."""
    if isinstance(tree, list):
        raise _refuse("repeats_outer", path)
    if not isinstance(tree, dict) or len(tree) != 1:
        return
    name, arguments = single(tree)
    if name in {"val", "map", "filter"}:
        raise _refuse("repeats_outer", path)
    if name in {"if", "??"} and isinstance(arguments, list):
        conditions = len(arguments) - len(arguments) % 2 if name == "if" else 0
        for index, part in enumerate(arguments):
            if index >= conditions or index % 2:
                _check_row_value(part, f"{path}/{name}/{index}")


def _check_name(name: str, arguments: Tree, loops: int, path: str) -> None:
    if name == "var":
        right = isinstance(arguments, str) and (_is_name(arguments) or (loops > 0 and arguments == ""))
    else:
        right = (
            isinstance(arguments, list)
            and len(arguments) > 1
            and loops > 0
            and arguments[0] == [2 * loops]
            and all(isinstance(part, str) and _NAME.fullmatch(part) and "." not in part for part in arguments[1:])
        )
    if not right:
        raise _refuse("bad_name", path)


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name.split(".", maxsplit=1)[0] not in KEYWORDS


def _check_scalar(value: Tree, path: str) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        right = abs(value) <= LARGEST_WHOLE
    elif isinstance(value, float):
        right = math.isfinite(value)
    elif isinstance(value, str):
        right = "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    else:
        right = False
    if not right:
        raise _refuse("bad_value", path)


def _reads(tree: Tree, rows: tuple[str | None, ...]) -> Iterator[str]:
    if isinstance(tree, list):
        for part in tree:
            yield from _reads(part, rows)
    if not isinstance(tree, dict):
        return
    name, arguments = single(tree)
    if name in {"var", "val"}:
        field = _field(tree, rows)
        if field:
            yield field
        return
    loops = OPERATORS[name].loops and len(arguments) > 1
    yield from _reads(arguments[:1] if loops else arguments, rows)
    if loops:
        yield from _reads(arguments[1], (*rows, _rows_of(arguments[0], rows)))


def _field(tree: dict[str, Tree], rows: tuple[str | None, ...]) -> str | None:
    """Give the full name of a ``var`` or ``val``; None inside nameless rows."""
    if "val" in tree:
        return ".".join(tree["val"][1:])
    name = str(tree["var"])
    if not rows:
        return name
    return (f"{rows[-1]}.{name}" if name else rows[-1]) if rows[-1] else None


def _rows_of(tree: Tree, rows: tuple[str | None, ...]) -> str | None:
    while isinstance(tree, dict) and "filter" in tree:
        tree = tree["filter"][0]
    return _field(tree, rows) if isinstance(tree, dict) and ("var" in tree or "val" in tree) else None


def _refuse(key: str, path: str, **params: object) -> RuleError:
    return RuleError(msg(f"rules.{key}", **params), path=path)
