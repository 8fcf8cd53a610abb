"""The tables of the reference page, made from the profile itself."""

from __future__ import annotations

from collections.abc import Iterable

from core.rules.operators import FUNCTIONS, OPERATORS
from core.rules.types import BUDGET, MAX_DEPTH, MAX_LOOPS, MAX_NODES, MAX_TEXT

_GIVES = {"any": "any", "boolean": "true/false", "list": "list", "number": "number", "text": "text"}


def functions() -> str:
    """Write the table of functions as Markdown."""
    rows = (
        (f"`{name}`", f"`{function.example}`", _GIVES[OPERATORS[function.operator].gives], function.en, function.zh_CN)
        for name, function in FUNCTIONS.items()
    )
    return _table(("Function", "Example", "Gives", "Meaning", "含义"), rows)


def limits() -> str:
    """Write the limits as Markdown."""
    rows = (
        ("Characters of text", MAX_TEXT),
        ("Nodes of the tree", MAX_NODES),
        ("Nesting of the tree", MAX_DEPTH),
        ("Loops in each other", MAX_LOOPS),
        ("Operations of one evaluation", BUDGET),
    )
    return _table(("What", "At most"), ((name, f"{value:,}") for name, value in rows))


def not_in_sql() -> str:
    """Name the functions that the database cannot compute."""
    names = [f"`{name}`" for name, function in FUNCTIONS.items() if not OPERATORS[function.operator].sql]
    return ", ".join(names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
