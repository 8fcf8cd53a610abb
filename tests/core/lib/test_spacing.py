"""Text spread out for the index over trigrams."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lib.spacing import FILLER, spaced, spaced_pattern


def like(text: str, pattern: str) -> bool:
    """Match as LIKE does."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    return re.fullmatch("".join(signs.get(part, re.escape(part[-1])) for part in parts), text, re.DOTALL) is not None


@given(st.text("aAb%_\\路灯 ", max_size=8), st.text("aAb%_\\路灯 ", max_size=3))
def test_what_stands_in_the_text_stands_in_the_spread_text(title: str, query: str) -> None:
    assert (query.lower() in title.lower()) == like(spaced(title), spaced_pattern(query))


@pytest.mark.parametrize(("text", "expected"), [("", ""), ("路灯", f"路{FILLER}灯{FILLER}"), ("A1", f"a{FILLER}1{FILLER}")])
def test_filler_stands_behind_every_character(text: str, expected: str) -> None:
    assert spaced(text) == expected
