"""Several of a list of options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.forms.fields.choice import OPTIONS, label_text, labels_of, option_of, repeated_options
from core.lib.errors import FieldError
from core.lib.text import msg

_COUNT = {"type": "integer", "minimum": 1, "maximum": 500}
_BETWEEN = re.compile(r"[;；,，、|]")


class MultiChoice(FieldType):
    """Several options of a list; stored in the order of the list, each once."""

    name = "multi_choice"
    title = bilingual("多选", "Multiple choice")
    summary = bilingual("从选项中选多个，按选项顺序保存。", "Several options of a list, stored in the order of the list.")
    options = (
        OPTIONS,
        Option("min_count", _COUNT, "至少选几项", "Fewest options"),
        Option("max_count", _COUNT, "至多选几项", "Most options"),
    )

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield errors of repeated options and of counts that nobody can meet."""
        yield from repeated_options(field)
        low, high = self._bounds(field)
        if low > min(high, len(field.settings["options"])):
            yield FieldError("min_count", msg("forms.bounds_crossed", low=low, high=min(high, len(field.settings["options"]))))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of options and count."""
        order = tuple(labels_of(field))
        low, high = self._bounds(field)

        def check(value: Any, _moment: Moment) -> list[str]:
            if type(value) is not list:
                raise refuse("not_list", found=shown(value))
            if not low <= len(value) <= high:
                raise refuse("count_out_of_bounds", low=low, high=high)
            for one in value:
                if type(one) is not str or one not in order:
                    raise refuse("not_an_option", found=shown(one))
            chosen = set(value)
            if len(chosen) != len(value):
                raise refuse("option_chosen_twice")
            return [one for one in order if one in chosen]

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe a set of the options."""
        low, high = self._bounds(field)
        items = {"type": "string", "enum": list(labels_of(field))}
        return {"type": "array", "items": items, "uniqueItems": True, "minItems": low, "maxItems": high}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give the default, or as few options as allowed."""
        return field.default or list(labels_of(field))[: self._bounds(field)[0]]

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:
        """Write the labels, separated as the language does."""
        return ("、" if locale == "zh_CN" else "; ").join(label_text(field, one, locale) for one in value or ())

    def from_text(self, field: FieldDefinition, text: str) -> Any:
        """Read values or labels with any usual separator between."""
        return [option_of(field, part) for part in _BETWEEN.split(text) if part.strip()]

    def _bounds(self, field: FieldDefinition) -> tuple[int, int]:
        return field.settings.get("min_count", 1), field.settings.get("max_count", len(field.settings["options"]))
