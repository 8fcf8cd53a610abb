"""The text by which a title is found: the title in small letters, and the pinyin initials of its Chinese."""

from __future__ import annotations

from functools import cache

from core.lib.spacing import spaced


class _Initials(dict[int, str]):
    """Pinyin initial by code point, worked out when first met; what is no Chinese character falls out."""

    def __missing__(self, code: int) -> str:
        from pypinyin import Style, lazy_pinyin  # noqa: PLC0415  # its dictionary takes 30 MB, which only writers need

        char = chr(code)
        initial = lazy_pinyin(char, style=Style.FIRST_LETTER)[0] if "\u3400" <= char <= "\u9fff" else ""
        self[code] = initial if initial.isascii() else ""
        return self[code]


@cache
def _initials() -> _Initials:
    return _Initials()


def search_text(title: str) -> str:
    """Make the text that a search by name looks through, spread out for the index."""
    lower = title.lower()
    initials = "" if lower.isascii() else lower.translate(_initials())
    return spaced(f"{lower} {initials}" if initials else lower)
