"""A department of the agency."""

from __future__ import annotations

from core.forms.fields.base import bilingual
from core.forms.fields.named import NamedByNumber


class Department(NamedByNumber):
    """A department of the agency, by its number."""

    name = "department"
    title = bilingual("部门", "Department")
    summary = bilingual("本机构的一个部门，保存部门编号。", "A department of the agency, by number.")
    kind = "department"
    refusal = "not_department"
