"""What a rule is made of, its limits, and the error that names the character.

RuleError (an Invalid, 422)
    every refusal of a rule: it cannot be read, names nothing that exists,
    is larger than the limits, or costs more than its budget
"""

from __future__ import annotations

from typing import Any, ClassVar

from core.lib.errors import Invalid
from core.lib.text import Message

Tree = Any
"""A JsonLogic tree: a scalar, a list of trees, or ``{operator: arguments}``."""

MAX_TEXT = 4_000
MAX_NODES = 200
MAX_DEPTH = 16
MAX_LOOPS = 2
"""How deep loops over repeat groups may stand in each other: the browser has no budget."""

LARGEST_WHOLE = 2**53 - 1
"""Beyond it a browser cannot tell neighbouring whole numbers apart."""

BUDGET = 100_000
"""Operations one evaluation may cost; a form of 200 rows costs some hundreds."""

NATIVE_BUDGET = 500_000
"""Characters one evaluation may pass to and from the operators written in Python."""

TODAY = "@today"
"""The name under which ``today()`` finds the day; no field can be called so."""


class RuleError(Invalid):
    """A rule is refused; ``line`` and ``column`` count from 1 when it came as text."""

    type: ClassVar[str] = "rule"

    def __init__(self, message: Message, *, line: int | None = None, column: int | None = None, path: str = "") -> None:
        super().__init__(message, path=path)
        self.line = line
        self.column = column
        if line is not None and column is not None:
            self.extra = {"line": line, "column": column}
