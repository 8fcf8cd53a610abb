"""What the product says: every message that code asks for exists in both languages, and none is left over."""

from __future__ import annotations

import ast
import re
from string import Formatter

import pytest
import yaml

from core.lib.text import LOCALES
from tests.contract.source import ROOT, called, files, tree

KEY = re.compile(r"^[a-z_]+\.[a-z][a-z0-9_.]*$")
FILES = sorted([*ROOT.glob("core/*/messages.yaml"), *ROOT.glob("plugins/*/messages.yaml")])
SAID = {f"{path.parent.name}.{name}": texts for path in FILES for name, texts in yaml.safe_load(path.read_text("utf-8")).items()}
PACKAGES = {path.parent.name for path in FILES}


def strings() -> set[str]:
    """Every string constant of the code that could be a key."""
    return {
        node.value for path in files() for node in ast.walk(tree(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def beginnings() -> set[str]:
    """The fixed beginnings and ends of keys that code puts together, such as f"rules.{name}"."""
    found = set()
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                begin = str(node.values[0].value)
                if begin.partition(".")[0] in PACKAGES and "." in begin:
                    found.add(begin)
    return found


def calls() -> list[tuple[str, str, set[str]]]:
    """Every msg("key", name=…) written out: place, key, names of its parameters."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0].value, {str(keyword.arg) for keyword in node.keywords})
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called(node).split(".")[-1] == "msg" and node.args
        if isinstance(node.args[0], ast.Constant)
    ]


def test_every_message_asked_for_exists() -> None:
    assert len(calls()) > 100
    assert [] == [f"{place} {key}" for place, key, _ in calls() if key not in SAID]


def test_every_message_is_used() -> None:
    used, begun = strings(), tuple(beginnings())
    unused = [key for key in SAID if key not in used and not key.startswith(begun or ("\0",)) and key.partition(".")[2] not in used]
    assert [] == unused


@pytest.mark.parametrize("key", sorted(SAID))
def test_message_says_the_same_in_both_languages(key: str) -> None:
    texts = SAID[key]
    assert set(LOCALES) == set(texts)
    assert all(texts.values())
    names = [{name for _, name, _, _ in Formatter().parse(texts[locale]) if name} for locale in LOCALES]
    assert names[0] == names[1]


def test_every_parameter_of_a_message_is_given() -> None:
    short = []
    for place, key, given in calls():
        if key in SAID and "None" not in given:  # **params is known at run time only
            wanted = {name.partition(".")[0] for _, name, _, _ in Formatter().parse(SAID[key]["zh_CN"]) if name}
            short += [f"{place} {key} {sorted(wanted - given)}"] if wanted - given else []
    assert [] == short
