"""A definition mangled anywhere is refused with its place, or still right; it never breaks the check."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.definitions.check import prepare_one
from core.definitions.installed import check_installed, load_installed
from core.definitions.metaschema import has_schema
from core.lib.errors import Invalid
from core.lib.text import LOCALES

LOADED = load_installed()
SMALL = {}
for part in LOADED:
    for document in part.documents:
        SMALL.setdefault(document.kind, []).append(document.content)
SOURCES = {(document.kind, document.key): document.content for part in LOADED for document in part.documents}

VALUES = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            1.5,
            "",
            "x",
            "a > 1",
            "a",
            [],
            {},
            [{}],
            {"zh_CN": "甲", "en": "A"},
            "group",
            "repeat",
            "computed",
            [[]],
            2**60,
            "\N{GRINNING FACE}",
        ]
    ),
    st.text(max_size=5),
)


class Installed:
    """The installation's own definitions, without a database."""

    def find(self, kind, key):
        return SOURCES.get((kind, key))

    def every(self, kind):
        return (content for (known, _), content in SOURCES.items() if known == kind)


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:20]):
            yield from places(inner, (*path, index))


def mangle(data, content):
    where = data.draw(st.sampled_from([path for path in places(content) if path]))
    here = content
    for step in where[:-1]:
        here = here[step]
    action = data.draw(st.sampled_from(["replace", "remove", "double", "swap"]))
    if action == "remove":
        del here[where[-1]]
    elif action == "double" and isinstance(here, list):
        here.append(copy.deepcopy(here[where[-1]]))
    elif action == "swap" and isinstance(here, dict):
        other = data.draw(st.sampled_from(sorted(here)))
        here[where[-1]], here[other] = here[other], here[where[-1]]
    else:
        here[where[-1]] = copy.deepcopy(data.draw(VALUES))


def test_installed_definitions_are_right():
    assert [problem.text("en") for problem in check_installed(LOADED).problems] == []


@pytest.mark.parametrize("kind", sorted(kind for kind in SMALL if has_schema(kind)))
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_mangled_definition_is_refused_or_right(kind, data):
    whole = data.draw(st.sampled_from(sorted(SMALL[kind], key=lambda one: len(json.dumps(one)))[:4]))
    content = copy.deepcopy(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        mangle(data, content)
    try:
        prepare_one(kind, content, origin="agency", source=Installed())
    except Invalid as refused:
        for error in refused.errors:
            assert all(error.message.text(locale) for locale in LOCALES)
