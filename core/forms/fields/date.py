"""Days of the calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.lib.errors import FieldError
from core.lib.text import msg

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WRITTEN = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", re.ASCII)
_BOUND = {"type": "string", "pattern": "^(today|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}


class Date(FieldType):
    """A day, written 2026-11-23."""

    name = "date"
    title = bilingual("日期", "Date")
    summary = bilingual("日期，写作 2026-11-23。", "A day, written 2026-11-23.")
    options = (
        Option("min", _BOUND, "最早日期，可写 today", "First day allowed; `today` is possible"),
        Option("max", _BOUND, "最晚日期，可写 today", "Last day allowed; `today` is possible"),
    )

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield errors of bounds that are no days or crossed."""
        for name in ("min", "max"):
            bound = field.settings.get(name, "today")
            if bound != "today" and _day(bound) is None:
                yield FieldError(name, msg("forms.not_date", found=bound))
        low, high = field.settings.get("min", "today"), field.settings.get("max", "today")
        if "today" not in {low, high} and low > high:
            yield FieldError("min", msg("forms.bounds_crossed", low=low, high=high))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of form, calendar and bounds."""
        low, high = field.settings.get("min"), field.settings.get("max")

        def check(value: Any, moment: Moment) -> str:
            if type(value) is not str or _day(value) is None:
                raise refuse("not_date", found=shown(value))
            # ISO days sort as text.
            if low is not None and value < (first := moment.today.isoformat() if low == "today" else low):
                raise refuse("date_too_early", limit=first)
            if high is not None and value > (last := moment.today.isoformat() if high == "today" else high):
                raise refuse("date_too_late", limit=last)
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe a full date."""
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default or a bound; a form with both bounds moving needs samples of its own."""
        bounds = [bound for bound in (field.default, field.settings.get("min"), field.settings.get("max")) if bound and bound != "today"]
        if bounds:
            return bounds[0]
        return "2999-12-31" if field.settings.get("min") == "today" else "2020-01-31"

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read 2026-1-5, 2026/1/5, 2026.1.5 and 2026年1月5日; a spreadsheet's midnight is dropped."""
        found = _WRITTEN.fullmatch(text.strip().removesuffix(" 00:00:00").removesuffix("T00:00:00"))
        if not found:
            raise refuse("not_date", found=shown(text))
        year, month, day = found.groups()
        return f"{year}-{int(month):02d}-{int(day):02d}"


def _day(text: str) -> date | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
