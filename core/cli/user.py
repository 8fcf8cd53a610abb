"""`wangge user`: making users from the server's own terminal."""

from __future__ import annotations

import click

from core import parts
from core.accounts.service.assignments import assign_role
from core.accounts.service.people import NewUser, create_user
from core.accounts.signin import passwords
from core.authz.console import Console
from core.lib.text import msg


@click.group()
def user() -> None:
    """Make users."""


@user.command()
@click.argument("username")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", multiple=True, help="A role to hold everywhere in the agency; may be repeated.")
@click.option("--email", help="E-mail address.")
@click.option("--agency", help="Key of the agency; needed when there are several.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and shown once.")
@click.pass_obj
def create(
    console: Console, username: str, *, name: str, roles: tuple[str, ...], email: str | None, agency: str | None, password_stdin: bool
) -> None:
    """Make a user of an agency; a password that was made here must be changed at the first sign-in."""
    parts.load()
    password = click.get_text_stream("stdin").readline().rstrip("\n") if password_stdin else passwords.make_password()
    with console.work(agency) as (session, actor):
        new = NewUser(username, name, password=password, email=email, must_change_password=not password_stdin)
        member = create_user(session, actor, new)
        for role in roles:
            assign_role(session, actor, user_id=member.user_id, role_key=role)
        key = actor.agency_key
    answer = {"agency": key, "username": username, **({} if password_stdin else {"password": password})}
    console.terminal.answer(answer, msg("cli.user_made", agency=key, username=username))
    if not password_stdin:
        console.terminal.say(msg("cli.password_once", password=password))
