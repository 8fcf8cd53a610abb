"""What a rule can only hold with: the names that it compares with one text, for whoever finds rows by index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.rules.types import Tree


def equalities(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield the fields that a rule compares with one text, wherever the whole rule can only hold with that text."""
    if not isinstance(tree, Mapping) or len(tree) != 1:
        return
    ((operator, arguments),) = tree.items()
    if operator == "and":
        for part in arguments:
            yield from equalities(part)
    elif operator == "==" and isinstance(arguments, list) and len(arguments) == 2:
        one, two = arguments
        if isinstance(one, str):
            one, two = two, one
        if isinstance(one, Mapping) and set(one) == {"var"} and isinstance(one["var"], str) and isinstance(two, str):
            yield one["var"], two
