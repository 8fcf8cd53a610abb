"""How a grid is found by name: its sort key in pinyin and the text that searches look in."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["like_pattern", "names_of"]


def names_of(codes_and_names: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Give for each grid its `name_pinyin` and `search` columns."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  # its dictionary takes 30 MB, which only importing processes need

    rows = []
    for code, name in codes_and_names:
        syllables = [syllable.lower() for syllable in lazy_pinyin(name)]
        initials = "".join(syllable[:1] for syllable in syllables)
        search = " ".join([code.lower(), name.lower(), "".join(syllables), initials])
        rows.append({"name_pinyin": " ".join(syllables)[:400], "search": search})
    return rows


def like_pattern(query: str) -> str:
    """Make the LIKE pattern that finds `query` anywhere, with its own wildcards taken literally."""
    escaped = query.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
