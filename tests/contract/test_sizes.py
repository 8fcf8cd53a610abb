"""Modules and functions stay small enough to read at once, and every module says what it is for."""

from __future__ import annotations

import ast
import statistics

from tests.contract.source import ROOT, files, functions, tree

MOST_LINES = 500
MOST_FUNCTION_LINES = 50
MOST_POSITIONAL = 8


def lengths() -> list[int]:
    found = [len(path.read_text("utf-8").splitlines()) for path in files()]
    return sorted(length for length in found if length >= 10)


def function_lengths() -> list[int]:
    return sorted(node.end_lineno - node.lineno + 1 for _, node in functions())


def test_no_module_is_longer_than_500_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files()}
    assert {} == {name: length for name, length in long.items() if length > MOST_LINES}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1 for path, node in functions()}
    assert {} == {name: length for name, length in long.items() if length > MOST_FUNCTION_LINES}


def test_modules_are_small() -> None:
    found = lengths()
    assert statistics.median(found) <= 100
    assert found[int(len(found) * 0.9)] <= 300


def test_functions_are_small() -> None:
    found = function_lengths()
    assert statistics.median(found) <= 8
    assert found[int(len(found) * 0.9)] <= 25


def test_every_module_opens_with_a_docstring() -> None:
    assert [] == [str(path.relative_to(ROOT)) for path in files() if not ast.get_docstring(tree(path))]


def test_positional_parameters_are_few() -> None:
    """A command's parameters are its options, which only the command line fills in, by name."""
    named = [(path, node) for path, node in functions() if not any("command" in ast.dump(one) for one in node.decorator_list)]
    many = {f"{path.relative_to(ROOT)}:{node.name}": sum(one.arg != "self" for one in node.args.args) for path, node in named}
    assert {} == {name: count for name, count in many.items() if count > MOST_POSITIONAL}
