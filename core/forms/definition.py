"""What a form says, as plain immutable data.

A field's ``id`` never changes: it is the key in the data, the name in rules
and the column in exports. Labels and order may change freely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.lib.text import Title

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the text its author wrote, and the JsonLogic tree that is run."""

    text: str
    logic: Any


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """A condition that the filled-in form has to meet; ``at`` is the field that shows the message."""

    rule: Rule
    message: Title
    at: str


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field. What only some types take is in ``settings``, by its YAML key."""

    id: str
    type: str
    label: Title
    help: Title | None = None
    required: bool | Rule = False
    visible: Rule | None = None
    default: Any = None
    personal: bool = False
    sensitive: Mapping[str, Any] | None = None
    index: bool = False
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)  # a mapping proxy is unhashable before Python 3.12
    fields: Sequence[FieldDefinition] = ()
    checks: Sequence[CheckDefinition] = ()
    value: Rule | None = None
    result: FieldDefinition | None = None
    is_declared_open: bool = False
    """Whether the form says of a computed field that it is not personal, though it reads what is."""

    @property
    def is_personal(self) -> bool:
        """Whether its values are kept apart from the rest."""
        return self.personal or self.sensitive is not None


@dataclass(frozen=True, slots=True)
class FormDefinition:
    """One form: its fields in the order of the page, and the checks over all of them."""

    key: str
    title: Title
    fields: Sequence[FieldDefinition]
    checks: Sequence[CheckDefinition] = ()

    def walk(self) -> Iterator[tuple[tuple[str, ...], FieldDefinition]]:
        """Yield every field with its path of ids, parents before children."""
        yield from _walk((), self.fields)


def _walk(above: tuple[str, ...], fields: Sequence[FieldDefinition]) -> Iterator[tuple[tuple[str, ...], FieldDefinition]]:
    for one in fields:
        path = (*above, one.id)
        yield path, one
        yield from _walk(path, one.fields)
