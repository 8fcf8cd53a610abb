"""`wangge backup` and `wangge restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from core.authz.console import Console
from core.cli.database import bring_up_to_date, components
from core.db import backup as archives
from core.db.backup import Place
from core.lib import clock
from core.lib.text import msg


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--secrets", "with_secrets", is_flag=True, help="Also the keys of var/secrets.env; without them second factors must be set up again."
)
@click.pass_obj
def backup(console: Console, file: Path, *, with_secrets: bool) -> None:
    """Write database and attachments into one archive FILE; the installation may go on meanwhile."""
    place = Place.of(console.settings, console.database.owner_engine)
    console.terminal.say(msg("cli.backing_up"))
    manifest = archives.backup(place, file.absolute(), components(), now=clock.now(), with_secrets=with_secrets)
    found = {"file": str(file), "bytes": file.stat().st_size, **asdict(manifest)}
    console.terminal.answer(
        found, msg("cli.backed_up", file=str(file), count=len(manifest.checksums), megabytes=file.stat().st_size // 1_000_000)
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def restore(console: Console, file: Path) -> None:
    """Read an archive FILE into an empty installation; one that holds anything is refused."""
    place = Place.of(console.settings, console.database.owner_engine)
    console.terminal.say(msg("cli.restoring"))
    manifest = archives.restore(place, file.absolute(), components())
    bring_up_to_date(console)
    console.terminal.answer(asdict(manifest), msg("cli.restored", file=str(file), made_at=manifest.made_at, version=manifest.version))
