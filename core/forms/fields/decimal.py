"""Numbers with a set number of digits after the point.

A value is kept as a JSON number of at most 15 significant digits, which is as
many as a double holds exactly: what is written comes back digit for digit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.lib.errors import FieldError
from core.lib.text import msg

SIGNIFICANT = 15
_WRITTEN = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)


class Decimal(FieldType):
    """A number with digits after the point."""

    name = "decimal"
    title = bilingual("小数", "Decimal")
    summary = bilingual(
        "小数，小数位数由 digits 规定；位数过多会报错而不是四舍五入。",
        "A number with at most `digits` digits after the point; more are an error, never rounded away.",
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("min", {"type": "number"}, "最小值", "Smallest value"),
        Option("max", {"type": "number"}, "最大值", "Largest value"),
        Option("digits", {"type": "integer", "minimum": 0, "maximum": 8}, "小数位数，默认 2", "Digits after the point, 2 by default"),
        Option("unit", {"$ref": "#/$defs/title"}, "单位，显示在输入框后", "Unit, shown behind the input"),
    )

    def digits(self, field: FieldDefinition) -> int:
        """Give the number of digits after the point."""
        found: int = field.settings.get("digits", 2)
        return found

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield errors of bounds that are crossed or need more digits than there are."""
        yield from super().setting_errors(field)
        largest = self._largest(field)
        for name in ("min", "max"):
            if abs(field.settings.get(name, 0)) > largest:
                yield FieldError(name, msg("forms.number_out_of_bounds", low=-largest, high=largest))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of type, bounds and digits."""
        digits, largest = self.digits(field), self._largest(field)
        low, high = field.settings.get("min", -largest), field.settings.get("max", largest)

        def check(value: Any, _moment: Moment) -> float | int:
            kind = type(value)
            if (kind is not int and kind is not float) or value != value:  # noqa: PLR0124  # only NaN differs from itself
                raise refuse("not_number", found=shown(value))
            if not low <= value <= high:
                raise refuse("number_out_of_bounds", low=low, high=high)
            if kind is int:
                return int(value)
            if round(value, digits) != value:
                raise refuse("too_many_digits", limit=digits)
            return float(value)

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the number by its bounds; ``multipleOf`` is left out, since 19.99 is no multiple of 0.01 to a computer."""
        largest = self._largest(field)
        return {"type": "number", "minimum": field.settings.get("min", -largest), "maximum": field.settings.get("max", largest)}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or the allowed number nearest to one."""
        if field.default is not None:
            return field.default
        return min(max(1, field.settings.get("min", 1)), field.settings.get("max", self._largest(field)))

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write the number with all its digits."""
        return "" if value is None else f"{value:.{self.digits(field)}f}"

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read digits, with thousands separators allowed."""
        plain = text.strip().replace(",", "").replace("，", "")
        if not _WRITTEN.fullmatch(plain):
            raise refuse("not_number", found=shown(text))
        value = float(plain)
        return int(value) if value.is_integer() else value

    def _largest(self, field: FieldDefinition) -> int:
        return int(math.pow(10, SIGNIFICANT - self.digits(field))) - 1
