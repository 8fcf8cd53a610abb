"""`wangge user` and `wangge person`: people from the command line, under the same rules as over HTTP."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import service
from core.accounts.models import Agency, Member
from core.accounts.service.personal_data import find_user_id, require_nothing_in_hand
from core.accounts.signin.passwords import make_password
from core.accounts.signin.seals import seals_of
from core.accounts.signin.standing import system_actor
from core.authz import Actor
from core.authz.console import Console
from core.db.base import User
from core.db.uow import unit_of_work
from core.lib import clock
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")


@click.group()
def user() -> None:
    """Make people, list them, and help them to sign in."""


@user.command("create")
@click.argument("username")
@click.option("--name", required=True, help="The whole name as it is written.")
@click.option("--department", help="Code of the department.")
@click.option("--role", "roles", multiple=True, help="Key of a role to give everywhere in the agency; may be said again.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a random one is made and shown once.")
@click.option("--installation-admin", is_flag=True, help="May make and close agencies.")
@_AGENCY
@click.pass_obj
def create_user(  # one argument an option, as click wants it
    console: Console,
    username: str,
    name: str,
    department: str | None,
    roles: tuple[str, ...],
    agency: str | None,
    *,
    password_stdin: bool,
    installation_admin: bool,
) -> None:
    """Make a person whose home is the agency; the password must be changed at the first sign-in."""
    password = _read_password() if password_stdin else make_password()
    with console.work(agency) as (session, actor):
        department_id = service.get_visible_department(session, actor, department).id if department else None
        member = service.create_user(session, actor, service.NewUser(username, name, password=password, department_id=department_id))
        for role in roles:
            service.assign_role(session, actor, user_id=member.user_id, role_key=role)
        if installation_admin:
            session.get_one(User, member.user_id).is_installation_admin = True
            session.flush()
        answer: dict[str, Any] = {"id": member.user_id, "username": username}
    if not password_stdin:
        answer["password"] = password
    console.terminal.answer(answer, msg("accounts.user_made", username=username, password="" if password_stdin else password))


@user.command("list")
@click.option("--all", "everyone", is_flag=True, help="Also those who have left.")
@_AGENCY
@click.pass_obj
def list_users(console: Console, agency: str | None, *, everyone: bool) -> None:
    """List the people of the agency."""
    with console.work(agency) as (session, actor):
        query = service.visible_members(actor).order_by(Member.name_pinyin, Member.user_id)
        found = session.execute(query if everyone else query.where(Member.active))
        rows = [
            {"id": one.id, "username": one.username, "name": one.name, "active": member.active, "last_login": _moment(one.last_login)}
            for member, one in found
        ]
    columns = {"id": "id", "username": "user name", "name": "name", "active": "active", "last_login": "last sign-in"}
    console.terminal.table(rows, columns)


@user.command("password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a random one is made and shown once.")
@_AGENCY
@click.pass_obj
def set_password(console: Console, username: str, agency: str | None, *, password_stdin: bool) -> None:
    """Set a password that must be changed at the next sign-in; ends sessions and a lockout."""
    password = _read_password() if password_stdin else make_password()
    with console.work(agency) as (session, actor):
        service.reset_password(session, actor, seals_of(console.settings), find_user_id(session, username), password)
    shown = {} if password_stdin else {"password": password}
    sentence = msg("accounts.password_set", username=username, password="" if password_stdin else password)
    console.terminal.answer({"username": username, **shown}, sentence)


@user.command()
@click.argument("username")
@_AGENCY
@click.pass_obj
def deactivate(console: Console, username: str, agency: str | None) -> None:
    """End a person's membership; at home it closes the sign-in at once. Work in hand is handed over first."""
    with console.work(agency) as (session, actor):
        user_id = find_user_id(session, username)
        member, _ = service.get_visible_member(session, actor, user_id)
        service.end_membership(session, actor, user_id, version=member.version)
    console.terminal.answer({"username": username, "active": False}, msg("accounts.user_left", username=username))


@user.command("hand-over")
@click.argument("username")
@click.argument("successor", required=False)
@_AGENCY
@click.pass_obj
def hand_over(console: Console, username: str, successor: str | None, agency: str | None) -> None:
    """Hand everything that a person has in hand to a successor; without one, only list it."""
    with console.work(agency) as (session, actor):
        source = service.Holder("user", find_user_id(session, username))
        if successor is None:
            found = service.list_open_work(session, actor, source)
            rows = [{"kind": kind, "subject": item.subject, "title": item.title} for kind, items in found.items() for item in items]
            console.terminal.table(rows, {"kind": "kind", "subject": "what", "title": "as"})
            return
        counts = dict(service.hand_over(session, actor, source, service.Holder("user", find_user_id(session, successor))))
    sentence = msg("accounts.handed_over", count=sum(counts.values()), to=successor)
    console.terminal.answer({"username": username, "to": successor, "counts": counts}, sentence)


@click.group()
def person() -> None:
    """Show or erase everything that is kept about a person."""


_PHONE = click.option("--phone", help="A telephone number that somebody without an account left.")


@person.command("export")
@click.argument("username", required=False)
@_PHONE
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; standard output when left out.")
@click.pass_obj
def export_person(console: Console, username: str | None, phone: str | None, output: Path | None) -> None:
    """Write what every agency and the installation keep about a person, as JSON.

    A person with an account is named by USERNAME, anybody else by --phone.
    """
    kept = _kept_of_caller(console, phone) if _is_caller(username, phone) else _kept_of_person(console, str(username))
    text = json.dumps(kept, ensure_ascii=False, indent=2, default=str)
    if output is None:
        click.echo(text)
        return
    # Personal data: readable by nobody else, from the first byte on.
    output.touch(mode=0o600)
    output.chmod(0o600)
    output.write_text(text, "utf-8")
    who = username or "--phone"
    console.terminal.answer({"username": username, "file": str(output)}, msg("accounts.person_exported", username=who, file=str(output)))


def _is_caller(username: str | None, phone: str | None) -> bool:
    if (username is None) == (phone is None):
        raise Invalid(msg("accounts.person_or_phone"), path="username")
    return phone is not None


def _kept_of_person(console: Console, username: str) -> dict[str, Any]:
    with unit_of_work(console.database, None) as session:
        user_id = find_user_id(session, username)
        account = service.export_account(session, user_id)
    kept: dict[str, Any] = {"account": account, "agencies": {}}
    for agency_id, key in _agencies(console):
        with unit_of_work(console.database, agency_id) as session:
            if _is_known(session, user_id):
                kept["agencies"][key] = service.export_person(session, _system(agency_id, key), user_id)
    return kept


def _kept_of_caller(console: Console, phone: str | None) -> dict[str, Any]:
    kept: dict[str, Any] = {"agencies": {}}
    for agency_id, key in _agencies(console):
        with unit_of_work(console.database, agency_id) as session:
            kept["agencies"][key] = service.export_caller(session, _system(agency_id, key), str(phone))
    return kept


@person.command("erase")
@click.argument("username", required=False)
@_PHONE
@click.option("--yes", is_flag=True, help="Do not ask; it cannot be undone.")
@click.pass_obj
def erase_person(console: Console, username: str | None, phone: str | None, *, yes: bool) -> None:
    """Erase what every agency and the installation keep about a person who has left, or about a caller; what was done stays.

    A person with an account is named by USERNAME, anybody else by --phone.
    """
    is_caller = _is_caller(username, phone)
    if not is_caller:
        with unit_of_work(console.database, None) as session:
            user_id = find_user_id(session, str(username))
    if not yes:
        click.confirm(f"Erase the personal data of {username or phone} for good?", abort=True)
    if is_caller:
        _erase_caller(console, str(phone))
    else:
        _erase_person(console, user_id)


def _erase_caller(console: Console, phone: str) -> None:
    counts: dict[str, Any] = {}
    for agency_id, key in _agencies(console):
        with unit_of_work(console.database, agency_id) as session:
            counts[key] = dict(service.erase_caller(session, _system(agency_id, key), phone))
    total = sum(sum(one.values()) for one in counts.values())
    console.terminal.answer({"agencies": counts}, msg("accounts.caller_erased", count=total))


def _erase_person(console: Console, user_id: int) -> None:
    counts: dict[str, Any] = {}
    known = [(agency_id, key) for agency_id, key in _agencies(console) if _known_in(console, agency_id, user_id)]
    for agency_id, key in known:
        _require_left(console, agency_id, key, user_id)
    for agency_id, key in known:
        with unit_of_work(console.database, agency_id) as session:
            counts[key] = dict(service.erase_person(session, _system(agency_id, key), user_id))
    with unit_of_work(console.database, None) as session:
        service.erase_account(session, user_id)
    console.terminal.answer({"user_id": user_id, "agencies": counts}, msg("accounts.person_erased", number=user_id))


def _require_left(console: Console, agency_id: int, key: str, user_id: int) -> None:
    """Look everywhere before anything goes: half an erasure would be worse than none."""
    with console.database.session(agency_id) as session:
        if session.scalar(select(Member.active).where(Member.user_id == user_id)):
            raise Conflict(msg("accounts.still_member_of", agency=key))
        require_nothing_in_hand(session, _system(agency_id, key), user_id)


def _agencies(console: Console) -> list[tuple[int, str]]:
    with console.database.session(None) as session:
        return [(row.id, row.key) for row in session.execute(select(Agency.id, Agency.key).order_by(Agency.key))]


def _known_in(console: Console, agency_id: int, user_id: int) -> bool:
    with console.database.session(agency_id) as session:
        return _is_known(session, user_id)


def _is_known(session: Session, user_id: int) -> bool:
    return session.scalar(select(Member.id).where(Member.user_id == user_id)) is not None


def _system(agency_id: int, key: str) -> Actor:
    return system_actor((agency_id, key), now=clock.now())


def _read_password() -> str:
    given = sys.stdin.readline().rstrip("\n")
    if not given:
        raise Invalid(msg("accounts.no_password_given"), path="password")
    return given


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(" ", "minutes")
