"""Fields that belong together."""

from __future__ import annotations

from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown

FIELDS = Option(
    "fields",
    {"type": "array", "minItems": 1, "maxItems": 200, "items": {"$ref": "#/$defs/field"}},
    "其中的字段",
    "The fields inside",
    is_required=True,
)
CHECKS = Option("checks", {"type": "array", "maxItems": 100, "items": {"$ref": "#/$defs/check"}}, "其中的校验", "The checks inside")


class Group(FieldType):
    """Fields that belong together; their values are an object of their own."""

    name = "group"
    title = bilingual("分组", "Group")
    summary = bilingual("把几个字段放在一起，值是一个对象。", "Fields that belong together; the value is an object.")
    common = ("help", "visible", "personal", "sensitive")
    options = (FIELDS, CHECKS)

    def checker(self, field: FieldDefinition) -> Check:  # noqa: ARG002
        """Make the check of the shape; the fields inside check themselves."""

        def check(value: Any, _moment: Moment) -> dict[str, Any]:
            if type(value) is not dict:
                raise refuse("not_object", found=shown(value))
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the object."""
        return inner

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the examples of the fields inside."""
        return inner
