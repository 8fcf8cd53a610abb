"""One of a list of options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.lib.errors import FieldError
from core.lib.text import msg, say

OPTIONS = Option(
    "options",
    {
        "type": "array",
        "minItems": 1,
        "maxItems": 500,
        "items": {
            "type": "object",
            "properties": {"value": {"type": "string", "minLength": 1, "maxLength": 100}, "label": {"$ref": "#/$defs/title"}},
            "required": ["value", "label"],
            "additionalProperties": False,
        },
    },
    "选项：value 存储，label 显示",
    "The options: `value` is stored, `label` is shown",
    is_required=True,
)


class Choice(FieldType):
    """One option of a list; its value is stored, its label is shown."""

    name = "choice"
    title = bilingual("单选", "Choice")
    summary = bilingual("从选项中选一个，保存选项的 value。", "One option of a list; its `value` is stored.")
    options = (OPTIONS, Option("display", {"enum": ["select", "radio"]}, "显示方式：下拉或单选按钮", "Shown as a drop-down or as buttons"))

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield an error for every option value that stands twice."""
        yield from repeated_options(field)

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check that the value is one of the options."""
        allowed = frozenset(labels_of(field))

        def check(value: Any, _moment: Moment) -> str:
            if type(value) is not str or value not in allowed:
                raise refuse("not_an_option", found=shown(value))
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the options as an enumeration."""
        return {"type": "string", "enum": list(labels_of(field))}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or the first option."""
        return field.default or next(iter(labels_of(field)))

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:
        """Write the label; a value that is no option any more stands for itself."""
        return label_text(field, value, locale)

    def from_text(self, field: FieldDefinition, text: str) -> Any:
        """Read a value or a label of either language."""
        return option_of(field, text)


def labels_of(field: FieldDefinition) -> Mapping[str, Mapping[str, str]]:
    """Give the labels by value, in the order of the options."""
    return {option["value"]: option["label"] for option in field.settings["options"]}


def repeated_options(field: FieldDefinition) -> Iterator[FieldError]:
    """Yield an error for every option value that stands twice."""
    seen: set[str] = set()
    for index, option in enumerate(field.settings["options"]):
        if option["value"] in seen:
            yield FieldError(f"options[{index}].value", msg("forms.option_repeated", value=option["value"]))
        seen.add(option["value"])


def label_text(field: FieldDefinition, value: Any, locale: str) -> str:
    """Write the label of one value."""
    label = labels_of(field).get(value) if isinstance(value, str) else None
    return say(label, locale) if label else "" if value is None else str(value)


def option_of(field: FieldDefinition, text: str) -> str:
    """Find the option that ``text`` names by value or label; raise Refused when there is none."""
    word = text.strip()
    for value, label in labels_of(field).items():
        if word == value or word in label.values():
            return value
    raise refuse("not_an_option", found=shown(text))
