"""A grid, by its code."""

from __future__ import annotations

from core.forms.fields.base import Option, bilingual
from core.forms.fields.named import CODE_PATTERN, NamedByText


class GridCode(NamedByText):
    """One grid of a scheme; its code is stored."""

    name = "grid"
    title = bilingual("网格", "Grid")
    summary = bilingual("选择一个网格，保存网格编码。", "One grid; its code is stored.")
    options = (
        Option(
            "scheme", {"$ref": "#/$defs/key"}, "网格体系的 key，默认本机构的体系", "Key of the grid scheme, the agency's own by default"
        ),
        Option("level", {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, "哪一级网格，如 community", "Which level, such as community"),
    )
    kind = "grid"
    within_key = "scheme"
    pattern = CODE_PATTERN
    refusal = "not_code"
    sample = "110101001001"
