"""Cut the text of a rule into tokens, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.lib.text import Message, msg
from core.rules.types import LARGEST_WHOLE, MAX_TEXT, RuleError

TokenKind = Literal["number", "text", "name", "sign", "end"]

_PATTERN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<sign>==|!=|<=|>=|[-+*/%<>()\[\],.?:])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_SUGGESTIONS = {
    "=": "==", "&": "and", "|": "or", "!": "not", "（": "(", "）": ")", "，": ",", "、": ",", "［": "[", "］": "]",
    "“": "'", "”": "'", "‘": "'", "’": "'", "？": "?", "：": ":", "×": "*", "÷": "/", "≥": ">=", "≤": "<=", "≠": "!=",
    "＋": "+", "－": "-", "＞": ">", "＜": "<", "＝": "==",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One token: its kind, what it says, its value, and where it starts."""

    kind: TokenKind
    text: str
    value: float | str
    offset: int


@dataclass(frozen=True)
class Source:
    """The text being read; it turns an offset into line and column."""

    text: str

    def place(self, offset: int) -> tuple[int, int]:
        """Give line and column of ``offset``, both from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - (self.text.rfind("\n", 0, offset) + 1) + 1

    def error(self, offset: int, key: str, **params: object) -> RuleError:
        """Make the error for the character at ``offset``."""
        return self.refusal(offset, msg(f"rules.{key}", **params))

    def refusal(self, offset: int, what: Message) -> RuleError:
        """Make the error that says ``what`` of the character at ``offset``."""
        line, column = self.place(offset)
        found = self.text[offset : offset + 1]
        return RuleError(msg("rules.at", line=line, column=column, found=found, what=what), line=line, column=column)


def tokens(source: Source) -> Iterator[Token]:
    """Yield the tokens of the text and an end token; refuse what is none."""
    text = source.text
    if len(text) > MAX_TEXT:
        raise source.error(MAX_TEXT, "too_long", limit=MAX_TEXT, count=len(text))
    offset = 0
    while offset < len(text):
        match = _PATTERN.match(text, offset)
        if match is None:
            raise _stray(source, offset)
        kind = match.lastgroup
        if kind != "blank":
            yield _token(source, kind or "", match[0], offset)
        offset = match.end()
    yield Token("end", "", "", len(text))


def _token(source: Source, kind: str, text: str, offset: int) -> Token:
    if kind == "number":
        return Token("number", text, _number(source, text, offset), offset)
    if kind == "text":
        return Token("text", text, _unescape(source, text, offset), offset)
    return Token("name" if kind == "name" else "sign", text, text, offset)


def _number(source: Source, text: str, offset: int) -> float:
    if not text.isascii():
        raise source.error(offset, "stray_character")
    value = int(text) if text.isdigit() else float(text)
    if abs(value) > LARGEST_WHOLE and isinstance(value, int):
        raise source.error(offset, "number_too_large", limit=LARGEST_WHOLE)
    if value == float("inf"):
        raise source.error(offset, "number_too_large", limit=LARGEST_WHOLE)
    return value


def _unescape(source: Source, text: str, offset: int) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise source.error(offset + 1 + match.start(), "unknown_escape", escape=f"\\{code}")
        return _ESCAPES[code]

    value = _ESCAPE.sub(one, text[1:-1])
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise source.error(offset, "bad_character")
    return value


def _stray(source: Source, offset: int) -> RuleError:
    char = source.text[offset]
    if char in "'\"":
        return source.error(offset, "open_text")
    if char in _SUGGESTIONS:
        return source.error(offset, "write_instead", instead=_SUGGESTIONS[char])
    return source.error(offset, "stray_character")
