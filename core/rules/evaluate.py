"""Evaluate rules: compiled once, always on a budget, the same answer everywhere.

What is missing is null; null is not greater, smaller or equal to anything
but null; arithmetic with null, or with anything that is no number, is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, cast

import orjson
from datalogic_py import DataHandle, DataLogicError, Engine, ParseError, Rule

from core.lib.text import msg
from core.rules.lower import lower
from core.rules.natives import NATIVES, SPENT, fill_meter
from core.rules.profile import check, reads
from core.rules.types import BUDGET, TODAY, RuleError, Tree

_ENGINE = Engine(
    config={
        "arithmetic_nan_handling": "return_null",
        "division_by_zero": "return_null",
        "truthy_evaluator": "javascript",
        "ops_budget": BUDGET,
        "numeric_coercion": {"empty_string_to_zero": False, "null_to_zero": False, "bool_to_number": False, "reject_non_numeric": True},
    },
    families=["ExtString", "ExtArray", "ExtControl", "ExtMath", "ErrorHandling"],
    custom_operators=NATIVES,
)


class CompiledRule:
    """A checked rule, ready to run on any thread; ``reads`` names its fields."""

    __slots__ = ("_engine_rule", "_uses_natives", "needs_today", "reads", "tree")

    def __init__(self, tree: Tree) -> None:
        check(tree)
        self.tree = tree
        self.reads = reads(tree)
        lowered = lower(tree)
        text = orjson.dumps(lowered).decode()
        self.needs_today = f'"{TODAY}"' in text
        self._uses_natives = '{"$' in text
        self._engine_rule: Rule = _ENGINE.compile(text)

    def evaluate(self, data: Mapping[str, Any], *, today: date | None = None) -> Any:
        """Give the rule's value for ``data`` (plain JSON values).

        Raises RuleError when the budget is spent, when the rule needs
        ``today`` and has none, and when the data holds what JSON has not.
        """
        if self._uses_natives:
            fill_meter()
        try:
            return self._engine_rule.evaluate(self._with_today(data, today) if self.needs_today else data)
        except DataLogicError as error:
            raise _explain(error) from error

    def truthy(self, data: Mapping[str, Any], *, today: date | None = None) -> bool:
        """Say whether the rule holds; null, false, 0, '' and [] do not."""
        return bool(self.evaluate(data, today=today))

    def run(self, handle: DataHandle) -> Any:
        """Give the value for data parsed before; see ``evaluate_many``."""
        if self._uses_natives:
            fill_meter()
        try:
            return self._engine_rule.evaluate_data(handle)
        except DataLogicError as error:
            raise _explain(error) from error

    @staticmethod
    def _with_today(data: Mapping[str, Any], today: date | None) -> dict[str, Any]:
        if today is None:
            raise RuleError(msg("rules.needs_today"))
        return {**data, TODAY: today.isoformat()}


def compile_rule(tree: Tree) -> CompiledRule:
    """Compile a tree of the profile, or give the one compiled before; raises RuleError."""
    try:
        return _compiled(orjson.dumps(tree))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise RuleError(msg("rules.bad_value")) from error


def evaluate(rule: Tree | CompiledRule, data: Mapping[str, Any], *, today: date | None = None) -> Any:
    """Give the value of ``rule`` for ``data``; raises RuleError as ``CompiledRule.evaluate``."""
    compiled = rule if isinstance(rule, CompiledRule) else compile_rule(rule)
    return compiled.evaluate(data, today=today)


def truthy(rule: Tree | CompiledRule, data: Mapping[str, Any], *, today: date | None = None) -> bool:
    """Say whether ``rule`` holds for ``data``; raises RuleError as ``CompiledRule.evaluate``."""
    return bool(evaluate(rule, data, today=today))


def evaluate_many(rules: Sequence[Tree | CompiledRule], data: Mapping[str, Any], *, today: date | None = None) -> list[Any]:
    """Give the values of many rules for one ``data``, which is parsed once.

    Raises RuleError for the first rule that cannot be computed.
    """
    compiled = [rule if isinstance(rule, CompiledRule) else compile_rule(rule) for rule in rules]
    if any(rule.needs_today for rule in compiled):
        if today is None:
            raise RuleError(msg("rules.needs_today"))
        data = {**data, TODAY: today.isoformat()}
    try:
        handle = DataHandle(data)
    except DataLogicError as error:
        raise _explain(error) from error
    return [rule.run(handle) for rule in compiled]


@lru_cache(maxsize=8192)
def _compiled(text: bytes) -> CompiledRule:
    return CompiledRule(cast("Tree", orjson.loads(text)))


def _explain(error: DataLogicError) -> RuleError:
    if error.error_type == "BudgetExceeded" or SPENT in str(error):
        return RuleError(msg("rules.budget", limit=BUDGET))
    if isinstance(error, ParseError):
        return RuleError(msg("rules.not_json", why=str(error)))
    return RuleError(msg("rules.failed", why=str(error)))
