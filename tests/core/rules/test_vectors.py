"""The shared vectors on the server; the browser runs the same file, PostgreSQL those marked for it."""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files

import pytest

from core.rules import compile_rule, evaluate_many, parse, truthy, unparse
from core.rules.operators import OPERATORS
from core.rules.profile import single

SHARED = json.loads((files("core.rules") / "vectors.json").read_text("utf-8"))
DATA = SHARED["data"]
VECTORS = SHARED["vectors"]
IDS = [f"{vector['group']}: {vector['text']}" for vector in VECTORS]


def day_of(vector):
    return date.fromisoformat(vector["today"]) if "today" in vector else None


def alike(expected, given):
    """Compare with the type: 1 and true are equal in Python, but not in a rule."""
    if isinstance(expected, list):
        return isinstance(given, list) and len(expected) == len(given) and all(map(alike, expected, given))
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(expected) is type(given) and expected == given
    return not isinstance(given, bool) and expected == given


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_vector_on_server_gives_expected_value(vector):
    assert vector["tree"] == parse(vector["text"])
    assert vector["tree"] == parse(unparse(vector["tree"]))
    given = compile_rule(vector["tree"]).evaluate(DATA[vector["data"]], today=day_of(vector))
    assert alike(vector["gives"], given), given
    assert bool(vector["gives"]) is truthy(vector["tree"], DATA[vector["data"]], today=day_of(vector))


def test_vectors_evaluated_together_give_the_same():
    for name, data in DATA.items():
        chosen = [vector for vector in VECTORS if vector["data"] == name]
        given = evaluate_many([vector["tree"] for vector in chosen], data, today=date(2026, 3, 18))
        assert all(alike(vector["gives"], value) for vector, value in zip(chosen, given, strict=True))


def test_vectors_cover_every_operator():
    used = set()

    def walk(tree):
        if isinstance(tree, list):
            for part in tree:
                walk(part)
        elif isinstance(tree, dict):
            name, arguments = single(tree)
            used.add(name)
            walk(arguments)

    for vector in VECTORS:
        walk(vector["tree"])
    assert used - {"var", "val"} == OPERATORS.keys()
    assert {"var", "val"} <= used
