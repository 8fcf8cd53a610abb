"""Oneself: who I am, my password, my language, my second factor."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from core.accounts.models import Agency
from core.accounts.signin import passwords, recovery_codes, second_factor, sessions, throttle
from core.accounts.signin import service as signin
from core.accounts.signin.authenticator import SignedIdentity
from core.accounts.signin.models import AuthSession
from core.accounts.signin.schemas import (
    CodeSchema,
    EnrolmentSchema,
    LocaleSchema,
    MeSchema,
    OwnPasswordSchema,
    ProofSchema,
    RecoveryCodesSchema,
)
from core.accounts.signin.seals import seals_of
from core.accounts.signin.standing import agencies_of, standing_of
from core.accounts.views.group import routes
from core.db import uow
from core.db.base import User
from core.http.work import Work
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg, say


@routes.get("/me", answers={200: MeSchema}, for_agency=False)
def show_me(work: Work) -> dict[str, Any]:
    """Show who you are, for which agency you act, and your rights there."""
    identity, user = _identity(work), _user(work)
    agencies = agencies_of(work.session, user.id)
    acting = work.session.get(Agency, work.actor.agency_id) if work.actor.roles else None
    return {
        "user": {"id": user.id, "username": user.username, "name": user.name},
        "agencies": [{"key": key, "title": say(title, work.locale)} for key, title in agencies],
        "agency": None if acting is None else _write_agency(acting, work.locale),
        "roles": sorted(work.actor.roles),
        "rights": sorted(work.actor.by_right),
        "department_id": work.actor.department_id,
        "locale": work.locale,
        "csrf_token": seals_of(work.settings).csrf_token(identity.auth_session_id) if identity.by_cookie else None,
        "must_change_password": user.must_change_password,
        "is_installation_admin": user.is_installation_admin,
        "second_factor": {
            "enrolled": second_factor.is_enrolled(work.session, user.id),
            "proven": identity.second_factor,
            "demanded": _is_demanded(work),
            "recovery_codes_left": recovery_codes.left(work.session, user.id),
        },
    }


@routes.put("/me/password", body=OwnPasswordSchema, answers={204: None}, errors=(429,), for_agency=False)
def change_password(work: Work, body: dict[str, Any]) -> None:
    """Change your password; every other session of yours ends."""
    user = _prove(work, body["current"], path="current")
    passwords.check_policy(body["password"], username=user.username)
    now, mine = work.actor.now, _identity(work).auth_session_id
    signin.change_own_password(work.session, user.id, new=body["password"], current=body["current"], but=mine, now=now)


@routes.put("/me/locale", body=LocaleSchema, answers={204: None}, for_agency=False)
def choose_locale(work: Work, body: dict[str, Any]) -> None:
    """Choose the language of texts."""
    work.session.execute(update(User).where(User.id == work.actor.user_id).values(locale=body["locale"]))


@routes.post("/me/second-factor", body=ProofSchema, answers={200: EnrolmentSchema}, errors=(409, 429), for_agency=False)
def enrol_second_factor(work: Work, body: dict[str, Any]) -> dict[str, str]:
    """Begin to set up an authenticator app; nothing counts before a code has confirmed it."""
    user = _prove(work, body["password"])
    return second_factor.enrol(work.session, seals_of(work.settings), user_id=user.id, username=user.username, now=work.actor.now)


@routes.post("/me/second-factor/confirm", body=CodeSchema, answers={200: RecoveryCodesSchema}, errors=(409,), for_agency=False)
def confirm_second_factor(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Confirm the authenticator app with its first code, and get recovery codes; this session counts as proven from now on."""
    user = _user(work)
    if second_factor.is_enrolled(work.session, user.id):
        raise Conflict(msg("accounts.second_factor_already"))
    second_factor.confirm(work.session, seals_of(work.settings), user_id=user.id, code=body["code"], now=work.actor.now)
    mine = _identity(work).auth_session_id
    work.session.execute(update(AuthSession).where(AuthSession.id == mine).values(second_factor=True))
    return _make_recovery_codes(work)


@routes.post("/me/second-factor/recovery-codes", body=ProofSchema, answers={200: RecoveryCodesSchema}, errors=(409, 429), for_agency=False)
def make_recovery_codes(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Get a new set of recovery codes; the old ones are good no more."""
    _require_proven(work, _prove(work, body["password"]))
    return _make_recovery_codes(work)


@routes.post("/me/second-factor/disable", body=ProofSchema, answers={204: None}, errors=(409, 429), for_agency=False)
def disable_second_factor(work: Work, body: dict[str, Any]) -> None:
    """Forget the authenticator app, unless a role of yours demands it."""
    user = _prove(work, body["password"])
    _require_proven(work, user)
    if _is_demanded(work):
        raise Conflict(msg("accounts.second_factor_demanded"))
    signin.disable_second_factor(work.session, user.id, now=work.actor.now, but=_identity(work).auth_session_id)


def _prove(work: Work, password: str, *, path: str = "password") -> User:
    """Ask for the current password again, counted like a sign-in: a stolen session must not serve to guess it."""
    user, seals, address = _user(work), seals_of(work.settings), work.address
    refusal = throttle.begin_try(work.session, seals, username=user.username, address=address, now=work.actor.now)
    uow.commit(work.session)
    if refusal is not None:
        raise refusal
    if not signin.is_own_password(work.session, user.id, password):
        raise Invalid(msg("accounts.wrong_password"), path=path)
    throttle.forgive(work.session, seals, username=user.username, address=address)
    return user


def _require_proven(work: Work, user: User) -> None:
    """Raise Conflict without a second factor, or in a session that was opened without it: a password alone must not weaken it."""
    if not second_factor.is_enrolled(work.session, user.id):
        raise Conflict(msg("accounts.second_factor_none"))
    mine = _identity(work).auth_session_id
    if not work.session.scalar(select(AuthSession.second_factor).where(AuthSession.id == mine)):
        raise Conflict(msg("accounts.second_factor_unproven"))


def _make_recovery_codes(work: Work) -> dict[str, Any]:
    user, now = _user(work), work.actor.now
    codes = recovery_codes.make_set(work.session, seals_of(work.settings), user_id=user.id, now=now)
    kind = "cookie" if _identity(work).by_cookie else "token"
    sessions.record_try(work.session, user_id=user.id, outcome="recovery_codes_made", kind=kind, address=work.address, now=now)
    return {"recovery_codes": codes}


def _is_demanded(work: Work) -> bool:
    agency_id, user_id = work.actor.agency_id, work.actor.user_id
    if not agency_id or user_id is None:
        return False
    return standing_of(work.session, agency_id=agency_id, user_id=user_id).wants_second_factor(work.actor.now)


def _identity(work: Work) -> SignedIdentity:
    found: SignedIdentity = work.session.info["identity"]
    return found


def _user(work: Work) -> User:
    return work.session.get_one(User, work.actor.user_id)


def _write_agency(agency: Agency, locale: str) -> dict[str, Any]:
    origin = {"lon": agency.origin_lon, "lat": agency.origin_lat}
    return {
        "key": agency.key,
        "title": say(agency.title, locale),
        "origin": origin,
        "time_zone": agency.time_zone,
        "scheme": agency.scheme_key,
    }
