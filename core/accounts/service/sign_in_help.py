"""Helping somebody else to sign in again: only at the person's home, and never somebody who may do more than the helper."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.accounts.permissions import AccountRight
from core.accounts.service.agencies import is_installation_admin
from core.accounts.service.people import get_visible_member, path_of_department, require_home
from core.accounts.signin import second_factor, sessions, throttle
from core.accounts.signin import service as signin
from core.accounts.signin.seals import Seals
from core.accounts.signin.standing import agencies_of, standing_of
from core.audit import service as audit
from core.authz import Actor, require
from core.db.base import User
from core.lib.errors import Conflict, Forbidden
from core.lib.text import msg


def reset_password(session: Session, actor: Actor, seals: Seals, user_id: int, password: str) -> None:
    """Set a password that the person must change at the next sign-in; what is signed in ends, a lockout too.

    Raises Invalid for a password that breaks the policy.
    """
    user = _helped(session, actor, user_id)
    signin.set_password(session, user_id, password, must_change=True, why="password_reset", now=actor.now)
    throttle.unlock(session, seals, username=user.username)
    audit.record(session, actor, "accounts:user:password_reset", subject=f"user:{user_id}")


def reset_second_factor(session: Session, actor: Actor, user_id: int) -> None:
    """Forget a lost second factor; raise Conflict when there is none."""
    _helped(session, actor, user_id)
    if not second_factor.is_enrolled(session, user_id):
        raise Conflict(msg("accounts.second_factor_none"))
    signin.disable_second_factor(session, user_id, now=actor.now)
    audit.record(session, actor, "accounts:user:second_factor_reset", subject=f"user:{user_id}")


def end_sign_ins(session: Session, actor: Actor, user_id: int) -> int:
    """End everything a person has signed in; give how many."""
    _helped(session, actor, user_id)
    ended = sessions.end_sessions_of(session, user_id, "ended_by_administrator", now=actor.now)
    audit.record(session, actor, "accounts:user:sign_ins_ended", subject=f"user:{user_id}", new={"count": ended})
    return ended


def _helped(session: Session, actor: Actor, user_id: int) -> User:
    """Give the user when the actor may help: whoever sets a password can sign in with it, and so gets every right of its owner."""
    member, user = get_visible_member(session, actor, user_id)
    require(actor, AccountRight.MEMBER_RESET_SIGN_IN, department_path=path_of_department(session, member.department_id))
    require_home(actor, user)
    if is_installation_admin(session, actor):
        return user
    works_elsewhere = {key for key, _ in agencies_of(session, user_id)} - {actor.agency_key}
    if user.is_installation_admin or works_elsewhere or not _may_as_much(session, actor, user_id):
        raise Forbidden(msg("accounts.may_do_more"))
    return user


def _may_as_much(session: Session, actor: Actor, user_id: int) -> bool:
    if actor.may(AccountRight.AGENCY_ADMINISTER):
        return True
    return all(
        actor.may(right, grid_path=held.grid_path, department_path=held.department_path)
        for held in standing_of(session, agency_id=actor.agency_id, user_id=user_id).holdings
        for right in held.rights
    )
