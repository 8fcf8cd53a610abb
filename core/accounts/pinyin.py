"""The key by which Chinese names are sorted on a screen."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def sort_key(name: str) -> str:
    """Write ``name`` in pinyin without tones, in lower case; other letters stay."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  # its dictionary takes 30 MB, which only writers of names need

    return " ".join(lazy_pinyin(name)).lower()[:400]
