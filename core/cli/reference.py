"""The pages of the reference that the command line and the settings print of themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

import core.settings
from core.cli.main import cli

_VARIABLE = re.compile(r"\s*\((WANGGE_[A-Z_]+)(=1)?(?:, )?([^)]*)\)\.?")


def command_page() -> str:
    """Write every command with its help, in alphabetical order."""
    return "\n".join(_commands(cli, "wangge"))


def _commands(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=110, terminal_width=110)
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(found, f"{path} {name}")
    else:
        yield f"## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"


def settings_table() -> str:
    """Write every setting: its variable, what it is for, its default."""
    rows = ["| variable | what | default, or form |", "|---|---|---|"]
    for text in _docstrings(Path(core.settings.__file__), "Settings"):
        if match := _VARIABLE.search(text):
            what = _VARIABLE.sub("", text).strip().replace("``", "`")
            form = "1 switches it on" if match[2] else match[3].removeprefix("default ").replace("``", "`")
            rows.append(f"| `{match[1]}` | {what} | {form} |")
    return "\n".join(rows)


def _docstrings(path: Path, name: str) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    for node in body[1:]:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
