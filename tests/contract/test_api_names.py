"""What plugins may import from core: exactly the names of a committed list, sorted, each with a docstring."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import core.api

LIST = Path(__file__).with_name("api_names.txt")


def modules() -> list[ModuleType]:
    return [core.api, *(import_module(f"core.api.{found.name}") for found in pkgutil.iter_modules(core.api.__path__))]


def test_public_names_are_those_of_the_committed_list() -> None:
    """A name that disappears breaks plugins; one that appears is promised for years. Change the list with a changelog entry."""
    names = sorted(f"{module.__name__}:{name}" for module in modules() for name in module.__all__)
    assert LIST.read_text("utf-8").splitlines() == names


def test_public_lists_are_sorted_and_true() -> None:
    for module in modules():
        assert sorted(module.__all__) == list(module.__all__), module.__name__
        assert [] == [name for name in module.__all__ if not hasattr(module, name)]


def test_public_functions_and_classes_say_what_they_do() -> None:
    named = {f"{module.__name__}:{name}": getattr(module, name) for module in modules() for name in module.__all__}
    silent = {name for name, found in named.items() if callable(found) and not found.__doc__}
    assert {"core.api.db:Base"} == silent  # it is Flask-AppBuilder's, which has none
