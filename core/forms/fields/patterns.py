"""Which regular expressions a form may use: those that cannot take forever and mean the same in a browser.

Python and browsers search by backtracking, so ``(a+)+$`` on forty characters
never ends. Allowed is what people write for codes and numbers: no open repeat
or choice inside an open repeat, at most three open repeats and eight optional
parts, no look-around, no back-reference; and the text is short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import _parser as parser  # type: ignore[attr-defined]  # the only way to see a pattern's structure; sre_parse is its deprecated name
from typing import Any

from core.lib.text import Message, msg

MAX_SUBJECT = 200
_MAX_OPEN, _MAX_OPTIONAL, _MAX_COUNT = 3, 8, 200
_PORTABLE = {"literal", "not_literal", "in", "any", "max_repeat", "min_repeat", "subpattern", "branch", "at"}
_PORTABLE_ANCHORS = {"at_beginning", "at_end", "at_boundary", "at_non_boundary"}


@dataclass(frozen=True)
class _Step:
    """One step of a pattern, in how many copies, and whether inside an open repeat."""

    name: str
    argument: Any
    copies: int
    is_inside: bool

    @property
    def is_repeat(self) -> bool:
        return self.name in {"max_repeat", "min_repeat"}

    @property
    def is_optional(self) -> bool:
        return self.is_repeat and int(self.argument[1]) == 1 and self.argument[0] == 0

    @property
    def is_open(self) -> bool:
        return self.is_repeat and not self.is_optional and self.argument[0] != self.argument[1]

    @property
    def is_foreign(self) -> bool:
        if self.name == "at":
            return str(self.argument).lower() not in _PORTABLE_ANCHORS
        if self.name == "subpattern":
            return bool(self.argument[1] or self.argument[2])
        return self.name not in _PORTABLE


def pattern_problem(pattern: str) -> Message | None:
    """Say why ``pattern`` may not be used, or None when it may."""
    try:
        re.compile(pattern, re.ASCII)
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return msg("forms.pattern_broken", detail=str(error)[:100])
    steps = list(_steps(tree, copies=1, is_inside=False))
    if any(step.is_foreign for step in steps) or tree.state.groupdict or tree.state.flags & ~re.UNICODE:
        return msg("forms.pattern_not_portable")
    if any(step.is_inside and (step.is_open or step.name == "branch") for step in steps):
        return msg("forms.pattern_too_hard")
    too_many = sum(step.copies for step in steps if step.is_open) > _MAX_OPEN
    too_many |= sum(step.copies for step in steps if step.is_optional) > _MAX_OPTIONAL
    too_many |= any(step.copies > _MAX_COUNT for step in steps)
    return msg("forms.pattern_too_hard") if too_many else None


def _steps(tree: Any, *, copies: int, is_inside: bool) -> Iterator[_Step]:
    for operator, argument in tree:
        step = _Step(str(operator).lower(), argument, copies, is_inside)
        yield step
        if step.is_repeat:
            times = 1 if step.is_open or step.is_optional else int(argument[1])
            yield from _steps(argument[2], copies=copies * times, is_inside=is_inside or step.is_open)
        elif step.name == "subpattern":
            yield from _steps(argument[-1], copies=copies, is_inside=is_inside)
        elif step.name == "branch":
            for branch in argument[1]:
                yield from _steps(branch, copies=copies, is_inside=is_inside)
