"""The reference page cannot drift from the profile."""

from __future__ import annotations

import re
from pathlib import Path

from cogapp import Cog

from core.rules import parse, reference
from core.rules.operators import FUNCTIONS

PAGE = Path("docs/reference/rules.md")


def test_page_equals_what_the_profile_generates(capsys):
    assert Cog().main(["cog", "--check", str(PAGE)]) == 0, capsys.readouterr()


def test_table_names_every_function_with_both_languages():
    table = reference.functions()
    for name, function in FUNCTIONS.items():
        assert f"| `{name}` | `{function.example}` |" in table
        assert function.zh_CN in table


def test_rules_shown_on_the_page_can_be_read():
    block = re.search(r"```\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block
    for line in block[1].splitlines():
        parse(line)
