"""Whole numbers."""

from __future__ import annotations

import re
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown

LARGEST = 2**53 - 1
"""Beyond it a browser cannot tell neighbouring whole numbers apart."""

_WRITTEN = re.compile(r"[-+]?[0-9]{1,16}(\.0+)?", re.ASCII)


class Integer(FieldType):
    """A whole number."""

    name = "integer"
    title = bilingual("整数", "Integer")
    summary = bilingual("整数；3.0 视为 3。", "A whole number; 3.0 counts as 3.")
    options = (
        Option("min", {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}, "最小值", "Smallest value"),
        Option("max", {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}, "最大值", "Largest value"),
        Option("unit", {"$ref": "#/$defs/title"}, "单位，显示在输入框后", "Unit, shown behind the input"),
    )

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of type and bounds."""
        low, high = field.settings.get("min", -LARGEST), field.settings.get("max", LARGEST)

        def check(value: Any, _moment: Moment) -> int:
            if type(value) is float and value.is_integer():
                value = int(value)
            if type(value) is not int:
                raise refuse("not_integer", found=shown(value))
            if not low <= value <= high:
                raise refuse("number_out_of_bounds", low=low, high=high)
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the number by its bounds."""
        return {"type": "integer", "minimum": field.settings.get("min", -LARGEST), "maximum": field.settings.get("max", LARGEST)}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or the allowed number nearest to one."""
        if field.default is not None:
            return field.default
        return min(max(1, field.settings.get("min", 1)), field.settings.get("max", LARGEST))

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read digits, with thousands separators allowed."""
        plain = text.strip().replace(",", "").replace("，", "")
        if not _WRITTEN.fullmatch(plain):
            raise refuse("not_integer", found=shown(text))
        return int(plain.split(".")[0])
