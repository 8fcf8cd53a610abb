"""A survey, compiled: which form is asked, what each choice is worth, when it is asked, and what a bad answer does. Plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.lib.text import Title
from core.rules import CompiledRule

AUTOMATIC = "automatic"
"""The system itself takes the step that opens the case again."""

CASE_NAMES: Mapping[str, str] = {
    "state": "the state the case was closed in",
    "kind": "component or event",
    "class_code": "the small class",
    "condition": "the filing condition",
    "source": "where the report came from",
    "department": "the id of the department that has the case, or null",
    "reporter": "the id of the user who reported it, or null",
    "is_sub_case": "whether the case is itself a sub-case",
    "counts": "`counts.<name>`: how often something was counted",
    "facts": "`facts.<name>`: what a step has set",
}
"""What the rule that chooses whom to ask may read."""

ANSWER = "answer"
"""`answer.<field>`: what was answered; read by the rule that opens a case again, and in the words of its form."""

CLOSED_FIELDS = frozenset({"boolean", "choice", "date", "decimal", "integer", "multi_choice", "time"})
"""Types of field that anybody can fill in, and whose values say nothing of a person."""

WORDS = frozenset({"long_text", "text"})
"""Types of field in which people write what they like: asked for only as personal values."""


@dataclass(frozen=True, slots=True)
class Points:
    """What each option of one field is worth."""

    field: str
    options: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class After:
    """Whom to ask when a case was closed."""

    workflow: str
    states: frozenset[str]
    when: CompiledRule | None
    personal: str | None
    """The personal field that holds a telephone number."""
    to_reporter: bool
    valid_days: int
    text: Title


@dataclass(frozen=True, slots=True)
class Frame:
    """The register that a round draws people from."""

    ledger: str
    phone: str


@dataclass(frozen=True, slots=True)
class Sample:
    """How a round is drawn over the land."""

    level: str
    wanted: int
    codes: int
    """How many codes a grid gets where nobody is on record."""
    at_least: int
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Reopen:
    """When an answer opens the case again, by which step, and who decides."""

    when: CompiledRule
    verb: str
    form: Mapping[str, Title]
    within_days: int
    at_most: int
    decides: str


@dataclass(frozen=True)
class Survey:
    """A compiled survey."""

    key: str
    title: Title
    form: str
    points: Points
    after: After | None
    sample: Sample | None
    reopen: Reopen | None
