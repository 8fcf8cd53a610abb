"""Rights: every one that code or data asks for is registered, titled in both languages, and named by its owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from typing import Any

import pytest
import yaml

from core import parts
from core.authz.catalogue import known_rights
from core.lib.text import LOCALES
from core.pluginmanager import plugins
from tests.contract.source import ROOT, files, module_name

SHAPE = re.compile(r"^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$")
# Besides rights, outbox topics and audit entries have this shape; only these keys of a definition file hold rights.
KEYS_OF_RIGHTS = {"right", "rights"}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    parts.load()


def enums() -> Iterator[type[StrEnum]]:
    for path in files():
        if path.stem == "permissions":
            module = import_module(module_name(path))
            yield from (
                found for found in vars(module).values() if isinstance(found, type) and issubclass(found, StrEnum) and found is not StrEnum
            )


def rights_in(node: Any, key: str = "") -> Iterator[str]:
    """Every value of a definition file that stands where a right stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from rights_in(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from rights_in(value, key)
    elif isinstance(node, str) and key in KEYS_OF_RIGHTS and SHAPE.match(node):
        yield node


def definition_files() -> Iterator[Any]:
    for folder in ("plugins", "forms/library"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            if path.parent.name in {"workflows", "roles", "forms", "ledgers"}:
                yield path


def test_every_right_of_code_is_registered() -> None:
    asked = {str(right) for enum in enums() for right in enum}
    assert len(asked) > 40
    assert asked == known_rights().keys()


def test_every_right_of_data_is_registered() -> None:
    found = {path: set(rights_in(yaml.safe_load(path.read_text("utf-8")))) for path in definition_files()}
    assert any(found.values())
    assert {} == {str(path): missing for path, asked in found.items() if (missing := asked - known_rights().keys())}


def test_every_right_is_titled_in_both_languages() -> None:
    assert [] == [key for key, right in known_rights().items() if set(right.title) != set(LOCALES) or not all(right.title.values())]


def test_titles_of_one_package_tell_its_rights_apart() -> None:
    for locale in LOCALES:
        by_owner: dict[str, list[str]] = {}
        for key, right in known_rights().items():
            by_owner.setdefault(key.partition(":")[0], []).append(right.title[locale])
        for owner, titles in by_owner.items():
            assert len(titles) == len(set(titles)), f"{owner}: {sorted(title for title in titles if titles.count(title) > 1)}"


def test_every_right_has_the_shape_owner_resource_action() -> None:
    assert [] == [key for key in known_rights() if not SHAPE.match(key)]
    owners = {key.partition(":")[0] for key in known_rights()}
    assert owners <= {path.name for path in (ROOT / "core").iterdir()} | plugins().manifests.keys() | {"core"}


def test_members_stand_in_the_order_of_the_alphabet() -> None:
    assert {} == {enum.__qualname__: list(enum.__members__) for enum in enums() if list(enum.__members__) != sorted(enum.__members__)}
