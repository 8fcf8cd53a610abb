"""The field types: one module each, and the table of all of them."""

from __future__ import annotations

from core.forms.fields.audio import Audio
from core.forms.fields.base import Check, FieldType, Moment, Option
from core.forms.fields.boolean import Boolean
from core.forms.fields.catalogue import CatalogueCode
from core.forms.fields.choice import Choice
from core.forms.fields.computed import Computed
from core.forms.fields.date import Date
from core.forms.fields.datetime import DateTime
from core.forms.fields.decimal import Decimal
from core.forms.fields.department import Department
from core.forms.fields.file import File
from core.forms.fields.grid import GridCode
from core.forms.fields.group import Group
from core.forms.fields.integer import Integer
from core.forms.fields.long_text import LongText
from core.forms.fields.money import Money
from core.forms.fields.multi_choice import MultiChoice
from core.forms.fields.person import Person
from core.forms.fields.photo import Photo
from core.forms.fields.point import Point
from core.forms.fields.record import Record
from core.forms.fields.repeat import Repeat
from core.forms.fields.signature import Signature
from core.forms.fields.text import Text
from core.forms.fields.time import Time

__all__ = ["FIELD_TYPES", "Check", "FieldType", "Moment", "Option", "type_of"]

FIELD_TYPES: dict[str, FieldType] = {
    one.name: one
    for one in (
        Text(), LongText(), Integer(), Decimal(), Money(), Boolean(), Date(), Time(), DateTime(), Choice(), MultiChoice(), CatalogueCode(),
        GridCode(), Point(), Photo(), Audio(), File(), Signature(), Person(), Department(), Record(), Computed(), Group(), Repeat(),
    )
}  # fmt: skip


def type_of(name: str) -> FieldType:
    """Give the field type called ``name``; raises KeyError for one that does not exist."""
    return FIELD_TYPES[name]
