"""A class of a catalogue, by its code."""

from __future__ import annotations

from core.forms.fields.base import Option, bilingual
from core.forms.fields.named import CODE_PATTERN, NamedByText


class CatalogueCode(NamedByText):
    """One class of a catalogue; its code is stored."""

    name = "catalogue"
    title = bilingual("目录选择", "Catalogue")
    summary = bilingual("从目录中选一类，保存编码。", "One class of a catalogue; its code is stored.")
    options = (
        Option("catalogue", {"$ref": "#/$defs/key"}, "目录的 key", "Key of the catalogue", is_required=True),
        Option("level", {"enum": ["leaf", "any"]}, "只选末级（默认）或任一级", "Only the lowest level (default), or any"),
    )
    kind = "catalogue"
    within_key = "catalogue"
    default_level = "leaf"
    pattern = CODE_PATTERN
    refusal = "not_code"
    sample = "0101"
