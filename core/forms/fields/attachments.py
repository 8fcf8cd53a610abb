"""What photo, audio, file and signature share: a list of attachments, by UUID."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, refuse, shown
from core.forms.fields.named import UUID_PATTERN
from core.forms.types import Named
from core.lib.errors import FieldError
from core.lib.text import msg

_COUNT = {"type": "integer", "minimum": 1, "maximum": 50}
_UUID = re.compile(UUID_PATTERN, re.ASCII)

MIN_COUNT = Option("min_count", _COUNT, "至少几个", "Fewest attachments")
MAX_COUNT = Option("max_count", _COUNT, "至多几个", "Most attachments")
STAGE = Option(
    "stage",
    {"enum": ["report", "handle", "verify", "check"]},
    "在哪个环节拍摄：上报、处置、核实、核查",
    "At which step it is taken: report, handle, verify or check",
)


class AttachmentList(FieldType):
    """Base of types whose value is a list of attachment UUIDs, uploaded before."""

    common = ("help", "required", "visible", "personal", "sensitive")
    default_count: ClassVar[int] = 9

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield an error when more are demanded than allowed."""
        low, high = self._bounds(field)
        if low > high:
            yield FieldError("min_count", msg("forms.bounds_crossed", low=low, high=high))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of count and writing."""
        low, high = self._bounds(field)

        def check(value: Any, _moment: Moment) -> list[str]:
            if type(value) is not list:
                raise refuse("not_list", found=shown(value))
            if not low <= len(value) <= high:
                raise refuse("count_out_of_bounds", low=low, high=high)
            found = [one.lower() if type(one) is str and len(one) == 36 else "" for one in value]
            for one, given in zip(found, value, strict=True):
                if not _UUID.fullmatch(one):
                    raise refuse("not_attachment", found=shown(given))
            if len(set(found)) != len(found):
                raise refuse("attachment_twice")
            return found

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe a list of UUIDs."""
        low, high = self._bounds(field)
        items = {"type": "string", "format": "uuid", "pattern": f"^{UUID_PATTERN}$"}
        return {"type": "array", "items": items, "uniqueItems": True, "minItems": low, "maxItems": high}

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give as few made-up UUIDs as allowed."""
        return [f"00000000-0000-7000-8000-{number:012d}" for number in range(self._bounds(field)[0])]

    def render(self, field: FieldDefinition) -> dict[str, Any]:
        """Tell the browser the count even where the definition leaves it open."""
        low, high = self._bounds(field)
        return {**super().render(field), "min_count": low, "max_count": high}

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write the UUIDs, separated by spaces."""
        return " ".join(value or ())

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read UUIDs separated by spaces: the attachments have to be there already."""
        return text.split()

    def references(self, field: FieldDefinition, value: Any) -> Iterable[Named]:  # noqa: ARG002
        """Name every attachment."""
        return (Named("attachment", None, one) for one in value)

    def _bounds(self, field: FieldDefinition) -> tuple[int, int]:
        low = field.settings.get("min_count", 1)
        return low, field.settings.get("max_count", max(low, self.default_count))
