"""A record of a ledger."""

from __future__ import annotations

from core.forms.fields.base import Option, bilingual
from core.forms.fields.named import UUID_PATTERN, NamedByText


class Record(NamedByText):
    """One record of a ledger, by its UUID."""

    name = "record"
    title = bilingual("台账记录", "Record")
    summary = bilingual("某台账的一条记录，保存其 UUID。", "One record of a ledger, by UUID.")
    options = (Option("ledger", {"$ref": "#/$defs/key"}, "台账的 key", "Key of the ledger", is_required=True),)
    kind = "record"
    within_key = "ledger"
    pattern = UUID_PATTERN
    refusal = "not_record"
    sample = "00000000-0000-7000-8000-000000000001"
