"""The root command, and the one place where a failure becomes one clear line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from core.cli.lazy import Entry, LazyGroup
from core.lib.errors import WanggeError
from core.lib.terminal import Terminal
from core.lib.text import msg
from core.version import VERSION

if TYPE_CHECKING:
    from core.authz.console import Console

COMMANDS = {
    "audit": Entry("core.cli.audit:audit", "Verify the chains of recorded history."),
    "backup": Entry("core.cli.backup:backup", "Write database and attachments into one archive."),
    "config": Entry("core.definitions.commands:config", "Export, compare and apply an agency's configuration."),
    "db": Entry("core.cli.database:db", "Bring the database up to date, or say what is missing."),
    "definitions": Entry("core.definitions.commands:definitions", "Check definition files and store them."),
    "demo": Entry("core.cli.demo:demo", "Seed the demo district and start everything."),
    "export": Entry("core.ledgers.commands:export", "Write the records of a ledger to a file."),
    "facts": Entry("core.facts.commands:facts", "Keep and prove the facts that scores count."),
    "grid": Entry("core.grid.commands:grid", "Import, check and search the division of the land."),
    "health": Entry("core.cli.health:health", "Say whether every part of the installation is well."),
    "import": Entry("core.ledgers.commands:import_", "Read records of a ledger from a file."),
    "import-history": Entry("core.workflow.commands:import_history_", "Read past cases of a predecessor system from a file."),
    "init": Entry("core.cli.init:init", "Prepare an installation: secrets, database, first agency and administrator."),
    "person": Entry("core.accounts.commands:person", "Export or erase a person's data."),
    "plugin": Entry("core.cli.plugin:plugin", "List, check, switch and make plugins."),
    "restore": Entry("core.cli.backup:restore", "Read an archive of `backup` into an empty installation."),
    "run": Entry("core.cli.start:run", "Start database, web, worker and beat."),
    "score": Entry("core.scoring.commands:score", "Show scores, publish them, and prove what was published."),
    "task": Entry("core.cli.task:task", "See background tasks that were given up, and try them again."),
    "user": Entry("core.accounts.commands:user", "Make people, list them, and help them to sign in."),
}


@click.group(cls=LazyGroup, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(VERSION, message="%(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Wangge 网格: one configurable base for grid governance."""
    if ctx.obj is None:
        ctx.obj = _console()
        ctx.call_on_close(ctx.obj.close)


def _console() -> Console:
    # Imported here so that --help and --version stay fast.
    from core.authz.console import Console  # noqa: PLC0415
    from core.settings import Settings  # noqa: PLC0415

    return Console(Settings.from_env(), Terminal())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    terminal = Terminal(as_json="--json" in (sys.argv[1:] if arguments is None else arguments))
    sys.exit(run(terminal, arguments))


def run(terminal: Terminal, arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code: 0 done, 1 refused or failed, 2 wrongly called, 130 interrupted."""
    try:
        result = cli.main(args=arguments, prog_name="wangge", standalone_mode=False)
    except WanggeError as error:
        terminal.complain(str(error) if terminal.locale == "en" else error.message, kind=error.type)
        return 1
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        terminal.complain(msg("cli.interrupted"), kind="interrupted")
        return 130
    except click.ClickException as error:
        hint = f" (wangge {error.ctx.info_name} --help)" if isinstance(error, click.UsageError) and error.ctx and error.ctx.parent else ""
        terminal.complain(error.format_message() + hint, kind="usage")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - whatever happens, a person gets one clear line
        return _unexpected(terminal, error)
    return result if isinstance(result, int) else 0


def _unexpected(terminal: Terminal, error: Exception) -> int:
    if os.environ.get("WANGGE_DEBUG") == "1":
        raise error
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    key = "cli.database_unreachable" if type(error).__name__ == "OperationalError" else "cli.unexpected"
    terminal.complain(msg(key, reason=reason), kind="unexpected")
    return 1
