"""The one rule language: text, JsonLogic tree, evaluation, and where they agree.

Authors write ``rooms > 3 and fire_exit == true``. The text is parsed once to
a JsonLogic tree, which is what is stored. The same tree is evaluated here,
in the browser (``frontend/src/rules``) and, compiled to SQL, by
``core.db.rules_sql``; ``vectors.json`` proves that the three agree.
"""

from __future__ import annotations

from core.rules.equalities import equalities
from core.rules.evaluate import CompiledRule, compile_rule, evaluate, evaluate_many, truthy
from core.rules.parse import parse
from core.rules.profile import check, reads
from core.rules.types import RuleError, Tree
from core.rules.unparse import unparse

__all__ = [
    "CompiledRule",
    "RuleError",
    "Tree",
    "check",
    "compile_rule",
    "equalities",
    "evaluate",
    "evaluate_many",
    "parse",
    "reads",
    "truthy",
    "unparse",
]
