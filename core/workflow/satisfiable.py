"""Whether a rule can hold at all: decided by trying the values it can tell apart.

A rule that only compares names with constants cannot tell two numbers in the
same gap between its constants apart, nor two texts it does not mention. So a
few values for each name stand for all. Rules that calculate, or compare names
with each other, are not decided; they count as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product
from math import prod
from typing import Any

from core.rules import CompiledRule

MAX_TRIES = 20_000
_COMPARING = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_JOINING = frozenset({"and", "or", "!"})
_ELSE = "\x01"
"""A text that no rule mentions."""

Possible = Callable[[str, Any], bool]
"""Says whether a name can ever have a value."""


def can_hold(rules: Sequence[CompiledRule], known: Mapping[str, Any], possible: Possible) -> bool:
    """Say whether all ``rules`` can be true together, given the names that are known for certain.

    True also when that cannot be decided.
    """
    decided = [(rule, values) for rule in rules if (values := _constants(rule)) is not None]
    names = sorted({name for _, values in decided for name in values} - set(known))
    choices = []
    for name in names:
        constants = [constant for _, values in decided for constant in values.get(name, ())]
        choices.append([value for value in _standing_for(constants) if possible(name, value)])
    if prod(len(choice) for choice in choices) > MAX_TRIES:
        return True
    return any(
        all(rule.truthy(facts) for rule, _ in decided)
        for chosen in product(*choices)
        for facts in [_facts([*known.items(), *zip(names, chosen, strict=True)])]
    )


def _constants(rule: CompiledRule) -> dict[str, list[Any]] | None:
    """Collect what each name is compared with; None when the rule does more than compare."""
    values: dict[str, list[Any]] = {name: [] for name in rule.reads}
    return values if _gather(rule.tree, values) else None


def _gather(tree: Any, values: dict[str, list[Any]]) -> bool:
    if not isinstance(tree, dict):
        return not isinstance(tree, list)
    ((operator, arguments),) = tree.items()
    if operator in _JOINING:
        return all(_gather(part, values) for part in arguments)
    return operator == "var" or (operator in _COMPARING and _compare(operator, arguments, values))


def _compare(operator: str, arguments: list[Any], values: dict[str, list[Any]]) -> bool:
    names = [part["var"] for part in arguments if isinstance(part, dict) and set(part) == {"var"}]
    others = [part for part in arguments if not (isinstance(part, dict) and set(part) == {"var"})]
    if len(names) != 1 or (operator == "in") != isinstance(arguments[1], list):
        return False
    constants = others[0] if operator == "in" else others
    if any(isinstance(constant, dict | list) for constant in constants):
        return False
    values[names[0]] += constants
    return True


def _standing_for(constants: Sequence[Any]) -> list[Any]:
    """Give values that stand for all: the constants, the gaps between numbers, and everything else."""
    numbers = sorted({float(value) for value in constants if isinstance(value, int | float) and not isinstance(value, bool)})
    between = [(low + high) / 2 for low, high in pairwise(numbers)]
    around = [numbers[0] - 1.5, numbers[-1] + 1.5] if numbers else []
    return [None, True, False, _ELSE, *numbers, *between, *around, *(value for value in constants if isinstance(value, str))]


def _facts(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in values:
        place = facts
        *path, last = name.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return facts
