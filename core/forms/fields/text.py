"""One line of text, and text of several lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, ClassVar

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Option, Schema, bilingual, refuse, shown
from core.forms.fields.patterns import MAX_SUBJECT, pattern_problem
from core.forms.types import MAX_TEXT
from core.lib.errors import FieldError
from core.lib.text import msg

# C0 controls but tab and line ends, DEL, C1 controls, lone surrogates: no keyboard makes them and PostgreSQL refuses the first.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|\u2028|\u2029")
_LENGTH = {"type": "integer", "minimum": 1, "maximum": MAX_TEXT}


class Text(FieldType):
    """Text of one line; spaces around it are taken off."""

    name = "text"
    title = bilingual("单行文本", "Text")
    summary = bilingual("一行文字，首尾空格会去掉。", "One line of text; spaces around it are taken off.")
    options: ClassVar[tuple[Option, ...]] = (
        Option("min_length", _LENGTH, "最少字数", "Fewest characters"),
        Option("max_length", _LENGTH, "最多字数，默认 200（多行文本为 10,000）", "Most characters, by default 200 (long text: 10,000)"),
        Option(
            "pattern",
            {"type": "string", "minLength": 1, "maxLength": 200},
            "整段文字须符合的正则表达式",
            "Regular expression that the whole text has to match",
        ),
        Option("pattern_message", {"$ref": "#/$defs/title"}, "不符合时的提示", "What is said when it does not match"),
    )
    default_length = 200
    is_multiline = False

    def setting_errors(self, field: FieldDefinition) -> Iterator[FieldError]:
        """Yield errors of lengths and of a pattern that could take forever."""
        low, high = field.settings.get("min_length", 1), self._most(field)
        if low > high:
            yield FieldError("min_length", msg("forms.bounds_crossed", low=low, high=high))
        pattern = field.settings.get("pattern")
        if pattern is not None:
            problem = pattern_problem(pattern)
            if problem:
                yield FieldError("pattern", problem)
            elif high > MAX_SUBJECT:
                yield FieldError("max_length", msg("forms.pattern_needs_short_text", limit=MAX_SUBJECT))

    def checker(self, field: FieldDefinition) -> Check:
        """Make the check of length, characters and pattern."""
        least, most = field.settings.get("min_length", 1), self._most(field)
        pattern = re.compile(field.settings["pattern"], re.ASCII) if "pattern" in field.settings else None
        multiline = self.is_multiline
        pattern_message = field.settings.get("pattern_message")

        def check(value: Any, _moment: Moment) -> str:
            if type(value) is not str:
                raise refuse("not_text", found=shown(value))
            if len(value) > MAX_TEXT:
                raise refuse("text_too_long", limit=most)
            text = value.strip()
            if not text.isprintable():
                text = _cleaned(text, multiline=multiline)
            if not text.isascii():
                text = unicodedata.normalize("NFC", text)
            if len(text) > most:
                raise refuse("text_too_long", limit=most)
            if len(text) < least:
                raise refuse("text_too_short", limit=least)
            if pattern is not None and not pattern.fullmatch(text):
                raise (
                    refuse("pattern_said", said=pattern_message) if pattern_message else refuse("pattern_mismatch", pattern=pattern.pattern)
                )
            return text

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the text by length and pattern."""
        schema: Schema = {"type": "string", "minLength": field.settings.get("min_length", 1), "maxLength": self._most(field)}
        if "pattern" in field.settings:
            schema["pattern"] = f"^(?:{field.settings['pattern']})$"
        return schema

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give a text of an allowed length; a pattern needs a default or samples of its own."""
        if field.default is not None:
            return field.default
        least = field.settings.get("min_length", 1)
        return ("示例文字" * (least // 4 + 1))[: max(least, min(4, self._most(field)))]

    def is_empty(self, value: Any) -> bool:
        """Blank text counts as nothing."""
        return value is None or (type(value) is str and (not value or value.isspace()))

    def _most(self, field: FieldDefinition) -> int:
        most: int = field.settings.get("max_length", self.default_length)
        return most


def _cleaned(text: str, *, multiline: bool) -> str:
    text = _LINE_END.sub("\n", text)
    if _UNWANTED.search(text):
        raise refuse("unwanted_characters")
    if not multiline and ("\n" in text or "\t" in text):
        raise refuse("one_line_only")
    return text
