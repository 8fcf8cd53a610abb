"""What a rule can only hold with."""

from __future__ import annotations

import pytest

from core.rules import equalities, parse


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('state == "handling"', [("state", "handling")]),
        ('"handling" == state', [("state", "handling")]),
        ('version > 1 and state == "a" and kind == "b"', [("state", "a"), ("kind", "b")]),
        ('state == "a" or kind == "b"', []),
        ('not (state == "a")', []),
        ("version == 1", []),
        ("state == kind", []),
        ("true", []),
    ],
)
def test_equalities_are_those_of_the_whole_rule(rule: str, expected: list[tuple[str, str]]) -> None:
    assert list(equalities(parse(rule))) == expected
