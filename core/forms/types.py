"""What goes in and out of a form check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.lib.errors import FieldError, Invalid
from core.lib.text import Message

MAX_TEXT = 10_000
MAX_REPEAT_ITEMS = 500
MAX_FORM_BYTES = 1_000_000


class Refused(Exception):  # noqa: N818
    """A value does not fit its field; ``message`` says what would."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class FieldContext(Protocol):
    """Answers for values that name something outside the form."""

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist and may be named by the actor.

        ``kind`` is person, department, grid, record, catalogue or attachment;
        ``within`` is the scheme, ledger or catalogue where the field names one,
        ``level`` the grid level, or ``leaf`` or ``any`` for a catalogue. Called once for each of
        these combinations, with all ids of the form.
        """


@dataclass(frozen=True, slots=True)
class Named:
    """Something outside the form that a value names."""

    kind: str
    within: str | None
    id: Any
    level: str | None = None


@dataclass(slots=True)
class Checked:
    """The outcome of a check.

    ``data`` is what to store, normalised; ``personal`` holds the values of
    personal and sensitive fields by path (``people[0].phone``), which are not in
    ``data``. With ``errors`` nothing may be stored.
    """

    data: dict[str, Any]
    personal: dict[str, Any] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def raise_invalid(self) -> None:
        """Raise Invalid with every error, if there is one."""
        if self.errors:
            raise Invalid.many(self.errors)


class Accepts:
    """A context for tests and previews: everything named exists."""

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:  # noqa: ARG002
        """Give back all ids."""
        return ids


def joined(data: Mapping[str, Any], personal: Mapping[str, Any]) -> dict[str, Any]:
    """Put personal values back into a copy of the data; paths that no longer exist are left out."""
    whole = _copy(data)
    for path, value in personal.items():
        _put(whole, path, value)
    found: dict[str, Any] = whole
    return found


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_copy(inner) for inner in value]
    return value


def _put(whole: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    here: Any = whole
    for step in above:
        name, _, index = step.partition("[")
        here = here.setdefault(name, []) if index else here.setdefault(name, {})
        if index:
            position = int(index.rstrip("]"))
            if position >= len(here):
                return
            here = here[position]
    here[last] = value
