"""Yes or no."""

from __future__ import annotations

from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Schema, bilingual, refuse, shown

_YES = frozenset({"是", "有", "yes", "y", "true", "1", "√"})
_NO = frozenset({"否", "无", "no", "n", "false", "0", "×"})


class Boolean(FieldType):
    """Yes or no; a required one has to be answered either way."""

    name = "boolean"
    title = bilingual("是否", "Boolean")
    summary = bilingual("是或否；必填时两者都算已填。", "Yes or no; when required, either answer will do.")

    def checker(self, field: FieldDefinition) -> Check:  # noqa: ARG002
        """Make the check: nothing but true and false."""

        def check(value: Any, _moment: Moment) -> bool:
            if value is not True and value is not False:
                raise refuse("not_boolean", found=shown(value))
            return bool(value)

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe a boolean."""
        return {"type": "boolean"}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or true."""
        return True if field.default is None else field.default

    def is_empty(self, value: Any) -> bool:
        """Only null is no answer."""
        return value is None

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write 是 or 否, yes or no."""
        if value is None:
            return ""
        return ("是" if value else "否") if locale == "zh_CN" else ("yes" if value else "no")

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read the usual words for yes and no."""
        word = text.strip().lower()
        if word in _YES:
            return True
        if word in _NO:
            return False
        raise refuse("not_boolean", found=shown(text))
