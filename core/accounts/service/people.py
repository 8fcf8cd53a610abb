"""People: users of the installation and their membership in an agency.

Who a person is (name, password, whether they may sign in) belongs to the home
agency. Another agency may make the person a member and give roles of its own;
it can never take over the sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from core.accounts.masking import PERSONAL, unmasked_input
from core.accounts.models import Department, Member, Post, RoleAssignment, TeamMember
from core.accounts.permissions import AccountRight
from core.accounts.pinyin import sort_key
from core.accounts.service.agencies import is_installation_admin
from core.accounts.service.changes import Change, apply, record_change
from core.accounts.service.holders import Holder, open_work
from core.accounts.signin import passwords, sessions
from core.audit import service as audit
from core.authz import Actor, require, scope
from core.db import epoch
from core.db.base import User
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from core.lib.text import msg

_USERNAME = re.compile(r"^[\w.@+-]{2,64}$")
_OF_USER = ("name", "email", "locale")
_OF_MEMBER = ("phone", "id_number", "employee_number", "department_id", "post_id")


@dataclass(frozen=True)
class NewUser:
    """A person to be taken in; ``repr`` shows no personal value."""

    username: str
    name: str
    password: str | None = None
    """None: the person cannot sign in until a password is set."""
    email: str | None = None
    phone: str | None = None
    id_number: str | None = None
    employee_number: str | None = None
    department_id: int | None = None
    post_id: int | None = None
    locale: str | None = None
    must_change_password: bool = True

    def __repr__(self) -> str:
        return "NewUser()"


def create_user(session: Session, actor: Actor, new: NewUser) -> Member:
    """Make a user whose home is the actor's agency, and a member of it.

    Raises Invalid for a bad name or a weak password, Conflict for a user name,
    e-mail or employee number in use.
    """
    require(actor, AccountRight.MEMBER_MANAGE, department_path=_path_of(session, new.department_id))
    if not _USERNAME.match(new.username):
        raise Invalid(msg("accounts.bad_username"), path="username")
    if new.password is not None:
        passwords.check_policy(new.password, username=new.username)
    _require_free(session, new.username, new.email)
    user = User(
        username=new.username,
        first_name=new.name,
        last_name="",
        email=new.email or None,
        password=None if new.password is None else passwords.hash_password(new.password),
        password_changed_at=None if new.password is None else actor.now,
        must_change_password=new.must_change_password and new.password is not None,
        home_agency_id=actor.agency_id,
        locale=new.locale,
        active=True,
    )
    session.add(user)
    session.flush()
    return _join(session, actor, user, new, "accounts:member:created")


def add_member(session: Session, actor: Actor, username: str, *, department_id: int | None = None) -> Member:
    """Make a user of another agency a member of the actor's; it gains no power over the sign-in.

    Raises NotFound for an unknown name and Conflict for a member.
    """
    require(actor, AccountRight.MEMBER_MANAGE, department_path=_path_of(session, department_id))
    user = session.execute(select(User).where(User.username == username, User.active)).scalar_one_or_none()
    if user is None:
        raise NotFound(msg("accounts.no_such_user"))
    known = session.execute(select(Member).where(Member.user_id == user.id)).scalar_one_or_none()
    if known is not None and known.active:
        raise Conflict(msg("accounts.member_already", username=username))
    if known is not None:
        values = {"active": True, "left_at": None, "department_id": department_id}
        return apply(session, actor, known, Change("accounts:member:returned", f"user:{user.id}", values, None))
    return _join(session, actor, user, NewUser(username, user.name, department_id=department_id), "accounts:member:joined")


def _join(session: Session, actor: Actor, user: User, new: NewUser, action: str) -> Member:
    _require_free_number(session, new.employee_number)
    _require_post(session, new.post_id)
    values = {name: getattr(new, name) or None for name in _OF_MEMBER}
    member = Member(agency_id=actor.agency_id, user_id=user.id, name_pinyin=sort_key(user.name), **values)
    session.add(member)
    session.flush()
    record_change(session, actor, action, f"user:{user.id}", new={"department_id": new.department_id})
    return member


def visible_members(actor: Actor) -> Select[Member, User]:
    """Select the members, with their users, that the actor may see."""
    inside = scope(actor, AccountRight.MEMBER_READ).filter(None, Member.department_id)
    return select(Member, User).join(User, User.id == Member.user_id).where(inside)


def get_visible_member(session: Session, actor: Actor, user_id: int) -> tuple[Member, User]:
    """Give a member; raise NotFound outside the actor's scope."""
    found = session.execute(visible_members(actor).where(Member.user_id == user_id)).one_or_none()
    if found is None:
        raise NotFound(msg("accounts.no_such_user"))
    return found[0], found[1]


def read_contact(session: Session, actor: Actor, user_id: int) -> dict[str, str | None]:
    """Give a member's contact data in full, and write into the audit log that it was looked at."""
    member, user = get_visible_member(session, actor, user_id)
    require(actor, AccountRight.MEMBER_READ_CONTACT, department_path=_path_of(session, member.department_id))
    audit.record(session, actor, "accounts:member:contact_read", subject=f"user:{user_id}", new={"fields": [*PERSONAL, "email"]})
    return {**{name: getattr(member, name) for name in PERSONAL}, "email": user.email}


def update_member(session: Session, actor: Actor, user_id: int, changes: Mapping[str, Any], *, version: int) -> tuple[Member, User]:
    """Change a member; name, e-mail and language only where the person is at home.

    A masked value that comes back changes nothing.
    """
    member, user = get_visible_member(session, actor, user_id)
    require(actor, AccountRight.MEMBER_MANAGE, department_path=_path_of(session, member.department_id))
    values = {name: changes[name] for name in _OF_MEMBER if name in changes}
    if "department_id" in values:
        require(actor, AccountRight.MEMBER_MANAGE, department_path=_path_of(session, values["department_id"]))
    for name in PERSONAL:
        if name in values:
            values[name] = unmasked_input(values[name], getattr(member, name), path=name)
    if values.get("employee_number") and values["employee_number"] != member.employee_number:
        _require_free_number(session, values["employee_number"])
    _require_post(session, values.get("post_id"))
    of_user = {name: changes[name] for name in _OF_USER if name in changes}
    if of_user:
        _update_user(session, actor, user, of_user)
        values["name_pinyin"] = sort_key(user.name)
    personal = frozenset({*PERSONAL, "employee_number", "name_pinyin"})
    change = Change("accounts:member:updated", f"user:{user_id}", values, version, personal, touch=bool(of_user))
    return apply(session, actor, member, change), user


def _update_user(session: Session, actor: Actor, user: User, changes: Mapping[str, Any]) -> None:
    require_home(actor, user)
    if changes.get("email") and changes["email"] != user.email:
        _require_free(session, None, changes["email"])
    user.first_name = changes.get("name", user.first_name)
    user.email = changes.get("email", user.email) or None
    user.locale = changes.get("locale", user.locale)
    session.flush()
    record_change(session, actor, "accounts:user:updated", f"user:{user.id}", new={"fields": sorted(changes)})


def end_membership(session: Session, actor: Actor, user_id: int, *, version: int) -> Member:
    """End a membership: roles and teams are taken, and at home the sign-in is closed, at once.

    Raises Conflict while the person has work in hand: hand it over first.
    """
    member, user = get_visible_member(session, actor, user_id)
    require(actor, AccountRight.MEMBER_MANAGE, department_path=_path_of(session, member.department_id))
    if user.is_installation_admin and not is_installation_admin(session, actor):
        raise Forbidden(msg("accounts.installation_admin_only"))
    held = {name: len(items) for name, items in open_work(session, Holder("user", user_id), now=actor.now).items() if items}
    held.pop("assignments", None)  # roles are taken below, they need no heir
    if held:
        raise Conflict(msg("accounts.member_has_work", work=sum(held.values())), extra={"work": held})
    for table in (RoleAssignment, TeamMember):
        session.execute(delete(table).where(table.user_id == user_id))
    if user.home_agency_id == actor.agency_id:
        close_sign_in(session, user_id, actor=actor)
    values = {"active": False, "left_at": actor.now}
    return apply(session, actor, member, Change("accounts:member:left", f"user:{user_id}", values, version))


def close_sign_in(session: Session, user_id: int, *, actor: Actor) -> None:
    """Forbid a user to sign in, and end what is signed in."""
    session.execute(update(User).where(User.id == user_id).values(active=False))
    sessions.end_sessions_of(session, user_id, "deactivated", now=actor.now)
    epoch.bump(session)


def require_home(actor: Actor, user: User) -> None:
    """Raise Conflict unless the actor's agency is the user's home."""
    if user.home_agency_id != actor.agency_id:
        raise Conflict(msg("accounts.not_home"))


def _path_of(session: Session, department_id: int | None) -> str | None:
    if department_id is None:
        return None
    path = session.scalar(select(Department.path).where(Department.id == department_id, Department.active))
    if path is None:
        raise Invalid(msg("accounts.no_such_department", code=department_id), path="department")
    return path


def path_of_department(session: Session, department_id: int | None) -> str | None:
    """Give the path of a department, retired or not; None for none."""
    return None if department_id is None else session.scalar(select(Department.path).where(Department.id == department_id))


def _require_free(session: Session, username: str | None, email: str | None) -> None:
    if username is not None and session.scalar(select(User.id).where(func.lower(User.username) == username.lower())) is not None:
        raise Conflict(msg("accounts.username_in_use"))
    if email and session.scalar(select(User.id).where(User.email == email)) is not None:
        raise Conflict(msg("accounts.email_in_use"))


def _require_free_number(session: Session, number: str | None) -> None:
    if number and session.scalar(select(Member.id).where(Member.employee_number == number)) is not None:
        raise Conflict(msg("accounts.number_in_use"))


def _require_post(session: Session, post_id: int | None) -> None:
    if post_id is not None and session.scalar(select(Post.id).where(Post.id == post_id, Post.active)) is None:
        raise Invalid(msg("accounts.no_such_post"), path="post_id")
