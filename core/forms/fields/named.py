"""What field types share whose value names something outside the form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Schema, refuse, shown
from core.forms.types import Named

UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CODE_PATTERN = "[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
_LARGEST_ID = 2**53 - 1


class NamedByText(FieldType):
    """Base of types whose value is a code or a UUID."""

    pattern: ClassVar[str]
    kind: ClassVar[str]
    within_key: ClassVar[str | None] = None
    default_level: ClassVar[str | None] = None
    refusal: ClassVar[str]
    sample: ClassVar[str]

    def checker(self, field: FieldDefinition) -> Check:  # noqa: ARG002
        """Make the check of the writing; whether the thing exists is asked of the context."""
        written, refusal, folds = re.compile(self.pattern, re.ASCII), self.refusal, self.pattern == UUID_PATTERN

        def check(value: Any, _moment: Moment) -> str:
            if type(value) is not str or len(value) > 64:
                raise refuse(refusal, found=shown(value))
            text = value.lower() if folds else value
            if not written.fullmatch(text):
                raise refuse(refusal, found=shown(value))
            return text

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the writing."""
        return {"type": "string", "pattern": f"^{self.pattern}$"}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give a well-written name; that it exists is for samples of the form's own to say."""
        return field.default or self.sample

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read the code, spaces off."""
        return text.strip()

    def references(self, field: FieldDefinition, value: Any) -> Iterable[Named]:
        """Name the one thing."""
        within = field.settings.get(self.within_key) if self.within_key else None
        yield Named(self.kind, within, value, field.settings.get("level", self.default_level))


class NamedByNumber(FieldType):
    """Base of types whose value is the number of a row."""

    kind: ClassVar[str]
    refusal: ClassVar[str]

    def checker(self, field: FieldDefinition) -> Check:  # noqa: ARG002
        """Make the check that it is a number a row can have."""
        refusal = self.refusal

        def check(value: Any, _moment: Moment) -> int:
            if type(value) is not int or not 1 <= value <= _LARGEST_ID:
                raise refuse(refusal, found=shown(value))
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe a row number; a whole number written 3.0 is none, which JSON Schema cannot say."""
        return {"type": "integer", "minimum": 1, "maximum": _LARGEST_ID}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give one."""
        return field.default or 1

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read the number."""
        word = text.strip()
        if not (word.isascii() and word.isdigit() and len(word) <= 16):
            raise refuse(self.refusal, found=shown(text))
        return int(word)

    def references(self, field: FieldDefinition, value: Any) -> Iterable[Named]:  # noqa: ARG002
        """Name the one row."""
        yield Named(self.kind, None, value)
