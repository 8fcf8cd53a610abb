"""Amounts in yuan."""

from __future__ import annotations

from core.forms.definition import FieldDefinition
from core.forms.fields.base import bilingual
from core.forms.fields.decimal import Decimal


class Money(Decimal):
    """An amount in yuan and fen."""

    name = "money"
    title = bilingual("金额", "Money")
    summary = bilingual("人民币金额，单位元，精确到分。", "An amount in yuan (CNY), to the fen.")
    options = tuple(option for option in Decimal.options if option.name in {"min", "max"})

    def digits(self, field: FieldDefinition) -> int:  # noqa: ARG002
        """Two: yuan and fen."""
        return 2
