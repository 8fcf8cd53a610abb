"""A person's data, shown whole or erased: each package registers what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from core.accounts.models import Member, Responsibility, RoleAssignment, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.service.holders import Holder, open_work
from core.accounts.signin.models import AuthSession, SecondFactor, SignInRecord
from core.audit import service as audit
from core.authz import Actor, require
from core.db import epoch
from core.db.base import User
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg

Exporter = Callable[[Session, int], Any]
Eraser = Callable[[Session, Actor, int], int]


@dataclass(frozen=True)
class _Source:
    exporter: Exporter
    eraser: Eraser


_sources: dict[str, _Source] = {}


def register_personal_data(name: str, exporter: Exporter, eraser: Eraser) -> None:
    """Register what a package keeps about people; two of one name are a mistake (ValueError).

    ``exporter(session, user_id)`` gives JSON data of the session's agency;
    ``eraser(session, actor, user_id)`` erases it and says how many values went.
    """
    source = _Source(exporter, eraser)
    if _sources.setdefault(name, source) != source:
        raise ValueError(f"personal data {name!r} is registered already")


@dataclass(frozen=True)
class _Callers:
    finder: Callable[[Session, str], Sequence[Mapping[str, Any]]]
    eraser: Callable[[Session, Actor, str], int]


_callers: dict[str, _Callers] = {}
FEWEST_DIGITS = 7
"""A number shorter than this belongs to many: nobody is found by it."""


def register_callers(
    name: str, finder: Callable[[Session, str], Sequence[Mapping[str, Any]]], eraser: Callable[[Session, Actor, str], int]
) -> None:
    """Register what a package keeps about people who have no account, found by the digits of their telephone.

    ``finder(session, digits)`` gives JSON data of the session's agency;
    ``eraser(session, actor, digits)`` erases it and says how many values went.
    """
    callers = _Callers(finder, eraser)
    if _callers.setdefault(name, callers) != callers:
        raise ValueError(f"callers {name!r} are registered already")


def export_caller(session: Session, actor: Actor, phone: str) -> Mapping[str, Any]:
    """Give what the session's agency keeps about whoever left this telephone number; the look is audited, without the number."""
    require(actor, AccountRight.PERSON_EXPORT)
    digits = _digits(phone)
    found = {name: list(callers.finder(session, digits)) for name, callers in _callers.items()}
    audit.record(session, actor, "accounts:caller:exported", subject="caller:-", new={name: len(values) for name, values in found.items()})
    return found


def erase_caller(session: Session, actor: Actor, phone: str) -> Mapping[str, int]:
    """Erase what the session's agency keeps about whoever left this telephone number; what was done stays."""
    require(actor, AccountRight.PERSON_ERASE)
    digits = _digits(phone)
    # Last registered, first erased: what stands on a package finds its own by what that package still holds.
    counts = {name: callers.eraser(session, actor, digits) for name, callers in reversed(_callers.items())}
    audit.record(session, actor, "accounts:caller:erased", subject="caller:-", new=counts)
    return counts


def _digits(phone: str) -> str:
    """Give the digits of a number, without the country's own code; raise Invalid when they are too few to mean one person."""
    digits = "".join(one for one in phone if one.isascii() and one.isdigit())
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) - len(prefix) >= FEWEST_DIGITS + 3:
            digits = digits.removeprefix(prefix)
            break
    if len(digits) < FEWEST_DIGITS:
        raise Invalid(msg("accounts.phone_too_short", digits=FEWEST_DIGITS), path="phone")
    return digits


def digits_of(written: ColumnElement[str]) -> ColumnElement[str]:
    """Give in SQL what ``_digits`` gives of a number: its digits, without the country's own code."""
    return func.regexp_replace(func.regexp_replace(written, "\\D", "", "g"), "^(0086|86)(?=\\d{10})", "")


def export_person(session: Session, actor: Actor, user_id: int) -> Mapping[str, Any]:
    """Give everything that the session's agency keeps about a person; the look is audited."""
    require(actor, AccountRight.PERSON_EXPORT)
    _require_member(session, user_id)
    audit.record(session, actor, "accounts:person:exported", subject=f"user:{user_id}")
    return {name: source.exporter(session, user_id) for name, source in _sources.items()}


def erase_person(session: Session, actor: Actor, user_id: int) -> Mapping[str, int]:
    """Erase what the session's agency keeps about a person; what was done stays, without the person's data.

    Raises Conflict while the person is an active member or has work in hand.
    """
    require(actor, AccountRight.PERSON_ERASE)
    member = _require_member(session, user_id)
    if member.active:
        raise Conflict(msg("accounts.still_member"))
    require_nothing_in_hand(session, actor, user_id)
    counts = {name: source.eraser(session, actor, user_id) for name, source in _sources.items()}
    epoch.bump(session)
    audit.record(session, actor, "accounts:person:erased", subject=f"user:{user_id}", new=counts)
    return counts


def require_nothing_in_hand(session: Session, actor: Actor, user_id: int) -> None:
    """Raise Conflict while somebody has work in hand."""
    work = sum(len(items) for items in open_work(session, Holder("user", user_id), now=actor.now).values())
    if work:
        raise Conflict(msg("accounts.member_has_work", work=work))


def export_account(session: Session, user_id: int) -> dict[str, Any]:
    """Give what the installation itself keeps: the account, its sessions and its sign-ins."""
    user = _get_user(session, user_id)
    records = session.execute(select(SignInRecord).where(SignInRecord.user_id == user_id).order_by(SignInRecord.id)).scalars()
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "locale": user.locale,
        "last_login": user.last_login,
        "sign_ins": [{"at": one.at, "outcome": one.outcome, "address": one.address} for one in records],
        "sessions": list(session.scalars(select(AuthSession.created_at).where(AuthSession.user_id == user_id))),
    }


def erase_account(session: Session, user_id: int) -> None:
    """Close and empty the account: the row stays, for what was done points to it, and names nobody."""
    user = _get_user(session, user_id)
    for table in (AuthSession, SecondFactor):
        session.execute(delete(table).where(table.user_id == user_id))
    session.execute(update(SignInRecord).where(SignInRecord.user_id == user_id).values(address=""))
    user.username, user.first_name, user.last_name = f"erased-{user_id}", "—", ""
    user.email = user.password = user.locale = user.last_login = None
    user.active, user.is_installation_admin = False, False
    session.flush()
    epoch.bump(session)


def find_user_id(session: Session, username: str) -> int:
    """Give a user's id by name; raise NotFound."""
    found: int | None = session.scalar(select(User.id).where(User.username == username))
    if found is None:
        raise NotFound(msg("accounts.no_such_user"))
    return found


def _get_user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(msg("accounts.no_such_user"))
    return user


def _require_member(session: Session, user_id: int) -> Member:
    member = session.execute(select(Member).where(Member.user_id == user_id)).scalar_one_or_none()
    if member is None:
        raise NotFound(msg("accounts.no_such_user"))
    return member


def _export_membership(session: Session, user_id: int) -> dict[str, Any]:
    member = _require_member(session, user_id)
    columns = ("employee_number", "phone", "id_number", "department_id", "post_id", "active", "left_at")
    return {
        **{name: getattr(member, name) for name in columns},
        "assignments": list(session.scalars(select(RoleAssignment.role_id).where(RoleAssignment.user_id == user_id))),
        "responsibilities": list(session.scalars(select(Responsibility.grid_id).where(Responsibility.user_id == user_id))),
    }


def _erase_membership(session: Session, _actor: Actor, user_id: int) -> int:
    for table in (TeamMember, RoleAssignment, Responsibility):
        session.execute(delete(table).where(table.user_id == user_id))
    member = _require_member(session, user_id)
    filled = [name for name in ("employee_number", "phone", "id_number") if getattr(member, name) is not None]
    member.employee_number = member.phone = member.id_number = None
    member.name_pinyin = ""
    session.flush()
    return len(filled)


register_personal_data("membership", _export_membership, _erase_membership)
