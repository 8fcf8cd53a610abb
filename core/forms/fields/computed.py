"""A value that the server works out of others."""

from __future__ import annotations

import decimal
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual
from core.forms.fields.boolean import Boolean
from core.forms.fields.date import Date
from core.forms.fields.decimal import Decimal
from core.forms.fields.integer import Integer
from core.forms.fields.money import Money
from core.forms.fields.text import Text

RESULT_TYPES: dict[str, FieldType] = {one.name: one for one in (Text(), Integer(), Decimal(), Money(), Boolean(), Date())}
"""What a rule may work out."""


class Computed(FieldType):
    """A value worked out by a rule; what a client sends for it is thrown away."""

    name = "computed"
    title = bilingual("计算", "Computed")
    summary = bilingual("由规则算出的值；客户端送来的值一律不用。", "A value worked out by a rule; what a client sends for it is not used.")
    common = ("help", "visible", "personal", "sensitive", "index")
    options = (
        Option("value", {"$ref": "#/$defs/rule"}, "计算规则", "The rule that gives the value", is_required=True),
        Option("result", {"enum": list(RESULT_TYPES)}, "结果的类型", "Type of the result", is_required=True),
        Option(
            "digits",
            {"type": "integer", "minimum": 0, "maximum": 8},
            "结果为 decimal 时的小数位数（四舍五入）",
            "Digits of a decimal result; the value is rounded to them",
        ),
        Option("unit", {"$ref": "#/$defs/title"}, "单位", "Unit"),
    )

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of the result type, after rounding."""
        assert field.result is not None
        check_result = RESULT_TYPES[field.result.type].checker(field.result)
        digits = {"integer": 0, "money": 2, "decimal": field.settings.get("digits", 2)}.get(field.result.type)

        def check(value: Any, moment: Moment) -> Any:
            return check_result(_rounded(value, digits) if digits is not None and type(value) is float else value, moment)

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Say that a client need not send it, and that any value is let pass unused."""
        return {"readOnly": True}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give nothing: the server works it out."""
        return None

    def render(self, field: FieldDefinition) -> dict[str, Any]:
        """Tell the browser the rule and how to show the result."""
        plan: dict[str, Any] = {name: field.settings[name] for name in ("digits", "unit") if name in field.settings}
        assert field.value is not None
        assert field.result is not None
        return {**plan, "value": field.value.logic, "result": field.result.type}

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:
        """Write it as its result type does."""
        assert field.result is not None
        return RESULT_TYPES[field.result.type].export_text(field.result, value, locale)


def _rounded(value: float, digits: int) -> float:
    """Round as the rule language does: a half goes away from zero, judged by the digits that people see."""
    try:
        return float(decimal.Decimal(repr(value)).quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP))
    except decimal.InvalidOperation:
        return value  # too large to have so many digits: the result's own bounds refuse it
