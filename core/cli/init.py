"""`wangge init`: a production start without the demo."""

from __future__ import annotations

import sys
from typing import Any

import click
from sqlalchemy import text

from core.accounts.service.founding import found_installation
from core.accounts.service.people import NewUser
from core.accounts.signin import passwords
from core.authz.console import Console
from core.cli.database import bring_up_to_date
from core.cli.secrets import ensure_secrets
from core.db.uow import unit_of_work
from core.definitions.commands import tell_left_out
from core.definitions.installed import sync_installed
from core.lib import clock
from core.lib.errors import Conflict
from core.lib.text import msg
from core.settings import Settings


@click.command()
@click.option("--agency", prompt="Agency key (lower-case letters)", help="Key of the first agency, such as dongcheng.")
@click.option("--title-zh", prompt="Agency name in Chinese", help="Its name in Chinese.")
@click.option("--title-en", prompt="Agency name in English", help="Its name in English.")
@click.option("--longitude", prompt="Longitude of its middle", type=float, help="Around this point its land is measured.")
@click.option("--latitude", prompt="Latitude of its middle", type=float, help="Around this point its land is measured.")
@click.option("--username", prompt="User name of the administrator", default="admin", show_default=True, help="The first administrator.")
@click.option("--name", prompt="Name of the administrator", help="The administrator's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and shown once.")
@click.pass_obj
def init(console: Console, /, *, password_stdin: bool, **given: Any) -> None:
    """Prepare an installation: secrets, database, first agency and administrator.

    Secrets go to var/secrets.env, readable by this user alone. An installation that has an agency is refused.
    """
    ensure_secrets(console.settings.var)
    console.settings = Settings.from_env()
    bring_up_to_date(console)
    _refuse_second(console)
    report = sync_installed(console.database, now=clock.now())
    password = sys.stdin.readline().rstrip("\n") if password_stdin else passwords.make_password()
    passwords.check_policy(password, username=given["username"])
    _found(console, given, password, must_change=not password_stdin)
    answer = {"agency": given["agency"], "username": given["username"], **({} if password_stdin else {"password": password})}
    console.terminal.answer(answer, msg("cli.initialised", agency=given["agency"], username=given["username"]))
    if not password_stdin:
        console.terminal.say(msg("cli.password_once", password=password))
    if report.left_out:  # The installation stands; what it lacks is brought in by the next sync.
        tell_left_out(console, report)
        raise click.exceptions.Exit(1)


def _refuse_second(console: Console) -> None:
    with console.database.session(None) as session:
        if count := session.scalar(text("SELECT count(*) FROM agency")):
            raise Conflict(msg("cli.initialised_already", count=count))


def _found(console: Console, given: dict[str, Any], password: str, *, must_change: bool) -> None:
    """Make agency, role and administrator in one transaction."""
    agency = {
        "key": given["agency"],
        "title": {"zh_CN": given["title_zh"], "en": given["title_en"]},
        "origin_lon": given["longitude"],
        "origin_lat": given["latitude"],
    }
    administrator = NewUser(given["username"], given["name"], password=password, must_change_password=must_change)
    with unit_of_work(console.database, None) as session:
        found_installation(session, agency, administrator, now=clock.now())
