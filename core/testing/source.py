"""A plugin's own Python, read without running it: what it imports and what it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """The package of one plugin, its tests left out."""

    package: str

    @cached_property
    def folder(self) -> Path:
        """Folder of the package."""
        return Path(str(import_module(self.package).__file__)).parent

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax tree of every file, by its path in the package."""
        found = ((path.relative_to(self.folder), path) for path in sorted(self.folder.rglob("*.py")))
        return {str(name): ast.parse(path.read_text("utf-8")) for name, path in found if name.parts[0] != "tests"}

    def imports(self) -> Iterator[tuple[str, str]]:
        """Yield (file and line, module) for every import, wherever it stands."""
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                for module in _imported(node):
                    yield f"{name}:{getattr(node, 'lineno', 0)}", module

    def messages(self) -> Iterator[tuple[str, str, set[str] | None]]:
        """Yield (file and line, key, names of the parameters) for every ``msg("…")``; None when they are not written out."""
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and _is_msg(node.func) and node.args and isinstance(node.args[0], ast.Constant):
                    given = {keyword.arg for keyword in node.keywords}
                    names = None if None in given else {str(one) for one in given}
                    yield f"{name}:{node.lineno}", str(node.args[0].value), names

    def words(self) -> set[str]:
        """Give every text constant: what a message's key may be put together from."""
        nodes = (node for tree in self.trees.values() for node in ast.walk(tree))
        return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        # `from core import authz` names a module as well as `from core.authz import …`.
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _is_msg(function: ast.expr) -> bool:
    return (isinstance(function, ast.Name) and function.id == "msg") or (isinstance(function, ast.Attribute) and function.attr == "msg")
