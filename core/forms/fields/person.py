"""A user of the agency."""

from __future__ import annotations

from core.forms.fields.base import bilingual
from core.forms.fields.named import NamedByNumber


class Person(NamedByNumber):
    """A person who can sign in, by the user's number."""

    name = "person"
    title = bilingual("人员", "Person")
    summary = bilingual("本机构的一名用户，保存用户编号。", "A user of the agency, by number.")
    kind = "person"
    refusal = "not_person"
