"""A group whose commands are imported when they are called, and whose help needs no import at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from core.lib.errors import Unavailable
from core.lib.text import msg


@dataclass(frozen=True)
class Entry:
    """Where a command is found (`module:attribute`) and what it is for, in one line."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """The root group: it knows names and summaries, and imports the rest on demand."""

    def __init__(self, *arguments: Any, entries: Mapping[str, Entry] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.entries = dict(entries or {})

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Give the names in alphabetical order."""
        return sorted(self.entries)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import the command; raise Unavailable when its part is broken."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise Unavailable(msg("cli.broken_part", command=name, reason=f"{type(error).__name__}: {error}")) from error
        return with_json(command)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.entries[name].summary) for name in sorted(self.entries)])


def with_json(command: click.Command) -> click.Command:
    """Give `--json` to the command and to every command below it, unless it has it already."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            with_json(child)
    if not any("--json" in option.opts for option in command.params):
        command.params.append(
            click.Option(["--json"], is_flag=True, expose_value=False, is_eager=True, callback=_as_json, help="Answer with one JSON value.")
        )
    return command


def _as_json(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_root().obj.terminal.as_json = True
