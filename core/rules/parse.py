"""Read the text of a rule into its JsonLogic tree.

A Pratt parser over our own tokens: each operator has a binding power, each
construct is one small method. A long ``a and b and c`` becomes one node, so
that the depth of a tree is the nesting its author wrote.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from core.rules.operators import FUNCTIONS, ITEM, KEYWORDS, LISTING_SHORTHANDS, OPERATORS, ROOT
from core.rules.profile import check
from core.rules.tokens import Source, Token, tokens
from core.rules.types import MAX_DEPTH, MAX_LOOPS, RuleError, Tree

_TERNARY, _OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _MINUS = range(1, 9)
_INFIX: dict[str, int] = {
    "?": _TERNARY, "or": _OR, "and": _AND, "not": _COMPARE, "in": _COMPARE, "==": _COMPARE, "!=": _COMPARE, "<": _COMPARE, "<=": _COMPARE,
    ">": _COMPARE, ">=": _COMPARE, "+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY,
}  # fmt: skip
_FLAT = frozenset({"and", "or", "+", "*"})
_CONSTANTS = {"true": True, "false": False, "null": None}
_NESTING = MAX_DEPTH * 3
"""Parentheses cost no depth in the tree, yet they may not exhaust the stack."""


def parse(text: str, *, known: AbstractSet[str] | None = None) -> Tree:
    """Parse ``text`` to a JsonLogic tree of our profile.

    With ``known`` (field ids, ``group.field`` for those inside repeat groups)
    every name must be among them. Raises RuleError with line and column of
    the character that does not fit.
    """
    source = Source(text)
    reader = _Reader(source, known)
    tree = reader.whole()
    try:
        check(tree)
    except RuleError as error:
        raise source.refusal(reader.place_of(tree, error.errors[0].path), error.message) from error
    return tree


class _Reader:
    def __init__(self, source: Source, known: AbstractSet[str] | None) -> None:
        self.source = source
        self.known = known
        self.tokens = list(tokens(source))
        self.at = 0
        self.nesting = 0
        self.rows: list[str | None] = []
        self.places: dict[int, int] = {}

    def whole(self) -> Tree:
        tree = self.expression(0)
        if self.now.kind != "end":
            raise self.error("expected_operator")
        return tree

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def error(self, key: str, **params: object) -> RuleError:
        if self.now.kind == "end":
            return self.source.error(self.now.offset, "ended_early")
        return self.source.error(self.now.offset, key, **params)

    def take(self) -> Token:
        token = self.now
        self.at += 1
        return token

    def is_sign(self, sign: str) -> bool:
        return self.now.kind in {"sign", "name"} and self.now.text == sign

    def expect(self, sign: str) -> None:
        if not self.is_sign(sign):
            raise self.error("expected", sign=sign)
        self.take()

    def expression(self, power: int) -> Tree:
        self.nesting += 1
        if self.nesting > _NESTING:
            raise self.error("too_deep", limit=MAX_DEPTH)
        start = self.now.offset
        left, flat = self.operand(), None
        self.places.setdefault(id(left), start)
        while (binding := self.binding()) > power:
            left, flat = self.infix(left, flat, binding)
            self.places.setdefault(id(left), start)
        self.nesting -= 1
        return left

    def place_of(self, tree: Tree, path: str) -> int:
        """Find where the part of ``tree`` at ``path`` (``/and/1``) begins, or the nearest part around it."""
        offset = 0
        for step in path.split("/")[1:]:
            if not isinstance(tree, dict | list) or (isinstance(tree, dict) and step not in tree):
                break
            tree = tree[step] if isinstance(tree, dict) else tree[int(step)]
            if isinstance(tree, dict):
                offset = self.places.get(id(tree), offset)
        return offset

    def binding(self) -> int:
        return _INFIX.get(self.now.text, 0) if self.now.kind in {"sign", "name"} else 0

    def infix(self, left: Tree, flat: str | None, binding: int) -> tuple[Tree, str | None]:
        token = self.take()
        if token.text == "?":
            return self.ternary(left), None
        if token.text == "not":
            self.expect("in")
            return {"!": [{"in": [left, self.comparand()]}]}, None
        if binding == _COMPARE:
            return {token.text: [left, self.comparand()]}, None
        right = self.expression(binding)
        if token.text in _FLAT and flat == token.text:
            left[token.text].append(right)
            return left, flat
        return {token.text: [left, right]}, token.text

    def comparand(self) -> Tree:
        right = self.expression(_COMPARE)
        if self.binding() == _COMPARE:
            raise self.error("chained_comparison")
        return right

    def ternary(self, condition: Tree) -> Tree:
        then = self.expression(0)
        self.expect(":")
        return {"if": [condition, then, self.expression(0)]}

    def operand(self) -> Tree:
        token = self.now
        if token.kind in {"number", "text"}:
            return self.take().value
        if token.kind == "name":
            return self.word()
        if self.is_sign("("):
            return self.group()
        if self.is_sign("["):
            self.take()
            return self.arguments("]")
        if self.is_sign("-"):
            return self.minus()
        raise self.error("expected_value")

    def group(self) -> Tree:
        self.take()
        inner = self.expression(0)
        self.expect(")")
        return inner

    def minus(self) -> Tree:
        self.take()
        if self.now.kind == "number":
            value = self.take().value
            assert not isinstance(value, str)
            return -value
        return {"-": [self.expression(_MINUS)]}

    def word(self) -> Tree:
        token = self.now
        if token.text in _CONSTANTS:
            self.take()
            return _CONSTANTS[token.text]
        if token.text == "not":
            self.take()
            return {"!": [self.expression(_NOT)]}
        if token.text in KEYWORDS:
            raise self.error("expected_value")
        if self.tokens[self.at + 1].text == "(":
            return self.call()
        return self.name()

    def name(self) -> Tree:
        start = self.now.offset
        parts = [self.take().text]
        while self.is_sign("."):
            self.take()
            if self.now.kind != "name":
                raise self.error("expected_name")
            parts.append(self.take().text)
        if parts[0] == ROOT:
            return self.root_name(parts[1:], start)
        if not self.rows:
            self.know(parts, "", start)
            return {"var": ".".join(parts)}
        if parts[0] == ITEM:
            parts = parts[1:]
        if parts:
            self.know(parts, self.rows[-1], start)
        return {"var": ".".join(parts)}

    def root_name(self, parts: list[str], start: int) -> Tree:
        if not parts:
            raise self.source.error(start, "root_alone")
        self.know(parts, "", start)
        return {"val": [[2 * len(self.rows)], *parts]} if self.rows else {"var": ".".join(parts)}

    def know(self, parts: list[str], base: str | None, start: int) -> None:
        """Refuse a name that is not known; ``base`` is the group whose row it is in, None when that cannot be said."""
        if self.known is None or base is None:
            return
        prefix = f"{base}." if base else ""
        if base and not any(name.startswith(prefix) for name in self.known):
            return
        if not any(prefix + ".".join(parts[:length]) in self.known for length in range(1, len(parts) + 1)):
            raise self.source.error(start, "unknown_name", name=".".join(parts))

    def call(self) -> Tree:
        token = self.take()
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise self.source.error(token.offset, "unknown_function", name=token.text, known=", ".join(FUNCTIONS))
        self.take()
        loops = OPERATORS[function.operator].loops or token.text in LISTING_SHORTHANDS
        found = self.loop_arguments(token) if loops else self.arguments(")")
        self.count_arguments(token, len(found))
        if token.text in LISTING_SHORTHANDS and len(found) > 1:
            found = [{"map": found}]
        if token.text == "contains":
            found.reverse()
        return {function.operator: found}

    def count_arguments(self, token: Token, count: int) -> None:
        operator = OPERATORS[FUNCTIONS[token.text].operator]
        most = 2 if token.text in LISTING_SHORTHANDS else operator.most
        if count < operator.least or (most is not None and count > most):
            raise self.source.error(token.offset, "argument_count", name=token.text, least=operator.least, most=most or "…", count=count)

    def arguments(self, end: str) -> list[Tree]:
        found: list[Tree] = []
        while not self.is_sign(end):
            if found:
                self.expect(",")
            found.append(self.expression(0))
        self.take()
        return found

    def loop_arguments(self, token: Token) -> list[Tree]:
        if self.is_sign(")"):
            self.take()
            return []
        rows = self.expression(0)
        if self.is_sign(")"):
            self.take()
            return [rows]
        self.expect(",")
        if len(self.rows) >= MAX_LOOPS:
            raise self.source.error(token.offset, "too_many_loops", limit=MAX_LOOPS)
        self.rows.append(self.row_name(rows))
        try:
            return [rows, *self.arguments(")")]
        finally:
            self.rows.pop()

    def row_name(self, rows: Tree) -> str | None:
        """Say under which name the fields of a row are known, when that can be said."""
        while isinstance(rows, dict) and "filter" in rows:
            rows = rows["filter"][0]
        if isinstance(rows, dict) and "val" in rows:
            return ".".join(rows["val"][1:])
        if isinstance(rows, dict) and "var" in rows:
            if not self.rows:
                return str(rows["var"])
            return f"{self.rows[-1]}.{rows['var']}" if self.rows[-1] else None
        return None
