"""What every field type answers for itself.

A type checks one value, describes it to machines (JSON Schema) and to the
browser (render plan), gives an example, writes it into a table cell and reads
it back from one. It knows neither the other fields nor a database.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from core.forms.definition import FieldDefinition
from core.forms.types import Named, Refused
from core.lib.errors import FieldError
from core.lib.text import Message, Title, msg

Schema = dict[str, Any]

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Moment:
    """When the form is checked: the instant, and the day it falls on at the place."""

    now: datetime
    today: date


Check = Callable[[Any, Moment], Any]
"""Gives the normalised value, or raises Refused."""


@dataclass(frozen=True)
class Option:
    """One YAML key that a type takes: its JSON Schema and what it means."""

    name: str
    schema: Mapping[str, Any]
    zh: str
    en: str
    is_required: bool = False


class FieldType(ABC):
    """One type of field; a single instance serves all fields of the type."""

    name: ClassVar[str]
    title: ClassVar[Title]
    summary: ClassVar[Title]
    options: ClassVar[tuple[Option, ...]] = ()
    common: ClassVar[tuple[str, ...]] = ("help", "required", "visible", "default", "personal", "sensitive", "index")
    """Which of the keys that most fields share this type takes."""

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield what is wrong with the settings beyond their single shapes; paths are relative to the field."""
        yield from bounds_errors(field)

    @abstractmethod
    def checker(self, field: FieldDefinition) -> Check:
        """Make the function that checks and normalises one value that is not empty."""

    @abstractmethod
    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:
        """Describe a valid value; ``inner`` is the schema of the fields inside, if there are any."""

    @abstractmethod
    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:
        """Give a valid value for generated samples."""

    def is_empty(self, value: Any) -> bool:
        """Say whether a value means that nothing was filled in."""
        return value is None or value in ("", [])

    def render(self, field: FieldDefinition) -> dict[str, Any]:
        """Give what the browser needs beyond what all fields have: the settings as written."""
        return dict(field.settings)

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write a stored value into a table cell."""
        return "" if value is None else str(value)

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read a table cell into a value to be checked; raises Refused when it cannot be one."""
        return text

    def references(self, field: FieldDefinition, value: Any) -> Iterable[Named]:  # noqa: ARG002
        """Name what must exist outside the form for a checked value to stand."""
        return ()


def bounds_errors(field: FieldDefinition) -> Iterator[FieldError]:
    """Yield an error when the lower bound lies above the upper one."""
    low, high = field.settings.get("min"), field.settings.get("max")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        yield FieldError("min", msg("forms.bounds_crossed", low=low, high=high))


def bilingual(zh: str, en: str) -> Title:
    """Make a bilingual title."""
    return {"zh_CN": zh, "en": en}


def refuse(key: str, **params: Any) -> Refused:
    """Make a refusal from a message of this package."""
    return Refused(msg(f"forms.{key}", **params))


def shown(value: Any) -> str:
    """Give a short harmless text of a hostile value, for a message."""
    if isinstance(value, str):
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value[:_SHOWN])
    if isinstance(value, (bool, float)) or (isinstance(value, int) and value.bit_length() < 128):
        return str(value)
    # Never the content: a list may be a thousand levels deep and an integer a million digits long.
    return type(value).__name__


__all__ = [
    "Check",
    "FieldType",
    "Message",
    "Moment",
    "Option",
    "Schema",
    "bilingual",
    "bounds_errors",
    "refuse",
    "shown",
]
