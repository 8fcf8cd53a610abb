"""Groups that are filled in any number of times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.forms.fields.group import CHECKS, FIELDS
from core.forms.types import MAX_REPEAT_ITEMS
from core.lib.errors import FieldError
from core.lib.text import msg

_COUNT = {"type": "integer", "minimum": 0, "maximum": MAX_REPEAT_ITEMS}


class Repeat(FieldType):
    """A group filled in once for each thing; conditions and checks run for each item."""

    name = "repeat"
    title = bilingual("重复组", "Repeat")
    summary = bilingual(
        "可填多条的分组；条件与校验逐条执行。", "A group filled in once for each thing; conditions and checks run for each item."
    )
    common = ("help", "required", "visible", "personal", "sensitive")
    options = (
        FIELDS,
        CHECKS,
        Option("min_items", _COUNT, "至少几条", "Fewest items"),
        Option("max_items", _COUNT, f"至多几条，上限 {MAX_REPEAT_ITEMS}", f"Most items, at most {MAX_REPEAT_ITEMS}"),
    )

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield an error when more items are demanded than allowed."""
        low, high = bounds(field)
        if low > high:
            yield FieldError("min_items", msg("forms.bounds_crossed", low=low, high=high))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of shape and count; each item checks itself."""
        low, high = bounds(field)

        def check(value: Any, _moment: Moment) -> list[Any]:
            if type(value) is not list:
                raise refuse("not_list", found=shown(value))
            if not low <= len(value) <= high:
                raise refuse("count_out_of_bounds", low=low, high=high)
            return value

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:
        """Describe the list of objects."""
        low, high = bounds(field)
        return {"type": "array", "items": inner, "minItems": low, "maxItems": high}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:
        """Give one item, or as many as demanded."""
        return [dict(inner) for _ in range(max(1, bounds(field)[0]))]

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write how many items there are; an export writes the items into a sheet of their own."""
        return "" if value is None else str(len(value))


def bounds(field: FieldDefinition) -> tuple[int, int]:
    """Give the fewest and the most items."""
    return field.settings.get("min_items", 0), field.settings.get("max_items", MAX_REPEAT_ITEMS)
