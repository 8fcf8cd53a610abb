"""Text of several lines."""

from __future__ import annotations

from core.forms.fields.base import bilingual
from core.forms.fields.text import Text
from core.forms.types import MAX_TEXT


class LongText(Text):
    """Text of several lines; line ends are stored as one newline."""

    name = "long_text"
    title = bilingual("多行文本", "Long text")
    summary = bilingual("多行文字，换行统一保存。", "Text of several lines; line ends are stored as one newline.")
    options = tuple(option for option in Text.options if option.name in {"min_length", "max_length"})
    default_length = MAX_TEXT
    is_multiline = True
