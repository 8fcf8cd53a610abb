"""Times of the day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.lib.errors import FieldError
from core.lib.text import msg

PATTERN = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_WRITTEN = re.compile(PATTERN, re.ASCII)
_BOUND = {"type": "string", "pattern": f"^{PATTERN}$"}


class Time(FieldType):
    """A time of the day, written 08:30."""

    name = "time"
    title = bilingual("时刻", "Time")
    summary = bilingual("一天中的时刻，写作 08:30 或 08:30:15。", "A time of the day, written 08:30 or 08:30:15.")
    options = (Option("min", _BOUND, "最早时刻", "Earliest time"), Option("max", _BOUND, "最晚时刻", "Latest time"))

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield an error when the bounds are crossed."""
        low, high = _full(field.settings.get("min", "00:00")), _full(field.settings.get("max", "23:59:59"))
        if low > high:
            yield FieldError("min", msg("forms.bounds_crossed", low=low, high=high))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of form and bounds; the value is stored with its seconds."""
        low, high = _full(field.settings.get("min", "00:00")), _full(field.settings.get("max", "23:59:59"))

        def check(value: Any, _moment: Moment) -> str:
            if type(value) is not str or not _WRITTEN.fullmatch(value):
                raise refuse("not_time", found=shown(value))
            full = _full(value)
            if not low <= full <= high:
                raise refuse("number_out_of_bounds", low=low, high=high)
            return full

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the writing; JSON Schema's own ``time`` demands a zone."""
        return {"type": "string", "pattern": f"^{PATTERN}$"}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or the earliest time."""
        return field.default or field.settings.get("min", "08:30")

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read 8:30 as 08:30."""
        return text.strip().zfill(5) if len(text.strip()) == 4 else text.strip()


def _full(text: str) -> str:
    return text if len(text) == 8 else f"{text}:00"
