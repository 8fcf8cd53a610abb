"""Instants: a day and a time, with their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown

PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
_WRITTEN = re.compile(PATTERN, re.ASCII)
_LOCAL = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII)
_BEIJING = timezone(timedelta(hours=8))
_BOUND = {"const": "now"}


class DateTime(FieldType):
    """An instant, written 2026-11-23T08:30:00+08:00; stored in UTC."""

    name = "datetime"
    title = bilingual("日期时间", "Date and time")
    summary = bilingual("带时区的时间，按 UTC 保存。", "An instant with its zone (RFC 3339), stored in UTC.")
    options = (
        Option("min", _BOUND, "now 表示不得早于现在", "`now`: not before the present"),
        Option("max", _BOUND, "now 表示不得晚于现在", "`now`: not after the present"),
    )

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of form, zone and bounds."""
        not_before, not_after = "min" in field.settings, "max" in field.settings

        def check(value: Any, moment: Moment) -> str:
            if type(value) is not str or not _WRITTEN.fullmatch(value):
                raise refuse("not_datetime", found=shown(value))
            try:
                instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                raise refuse("not_datetime", found=shown(value)) from None
            if not_before and instant < moment.now:
                raise refuse("datetime_before_now")
            if not_after and instant > moment.now:
                raise refuse("datetime_after_now")
            return instant.isoformat().replace("+00:00", "Z")

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe an RFC 3339 instant."""
        return {"type": "string", "format": "date-time", "pattern": f"^{PATTERN}$"}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default or an instant on the allowed side of the present."""
        if field.default is not None:
            return field.default
        return "2999-12-31T08:30:00+08:00" if "min" in field.settings else "2020-01-31T08:30:00+08:00"

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read a spreadsheet's local time as China's; anything with a zone as it stands."""
        found = _LOCAL.fullmatch(text.strip())
        if not found:
            return text.strip()
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=_BEIJING).isoformat()
        except ValueError:
            raise refuse("not_datetime", found=shown(text)) from None
