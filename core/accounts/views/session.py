"""Signing in and out: the browser's session, and Flask-AppBuilder's two token routes."""

from __future__ import annotations

from typing import Any

from werkzeug.http import dump_cookie

from core.accounts.signin import service as signin
from core.accounts.signin import sessions, throttle
from core.accounts.signin.authenticator import COOKIE, SignedIdentity
from core.accounts.signin.schemas import SessionSchema, SignInSchema, TokenSchema, TokenSignInSchema
from core.accounts.signin.seals import seals_of
from core.accounts.views.group import routes
from core.db import uow
from core.http.routes import Answer
from core.http.work import Work
from core.lib.errors import Unauthenticated
from core.lib.text import msg
from core.settings import Settings


@routes.post("/session", body=SignInSchema, answers={200: SessionSchema}, errors=(401, 429), public=True)
def open_session(work: Work, body: dict[str, Any]) -> Answer:
    """Sign a browser in: the session comes as a cookie that scripts cannot read."""
    signed_in = _sign_in(work, body, "cookie")
    seals = seals_of(work.settings)
    answer = {
        "user": {"id": signed_in.user_id, "username": signed_in.username, "name": signed_in.name},
        "csrf_token": seals.csrf_token(signed_in.claims.session_id),
        "must_change_password": signed_in.must_change_password,
    }
    return Answer(answer, headers={"Set-Cookie": _cookie(seals.cookie(signed_in.claims), work.settings)})


@routes.delete("/session", answers={204: None}, for_agency=False)
def close_session(work: Work) -> Answer:
    """Sign out: the cookie or token is worth nothing from now on, in every process."""
    identity: SignedIdentity = work.session.info["identity"]
    sessions.end_session(work.session, identity.auth_session_id, "signed_out", now=work.actor.now)
    return Answer(None, 204, headers={"Set-Cookie": _cookie("", work.settings)})


@routes.post("/security/login", body=TokenSignInSchema, answers={200: TokenSchema}, errors=(401, 429), public=True)
def log_in(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Sign a program in: the access token goes into the header `Authorization: Bearer …`."""
    signed_in = _sign_in(work, body, "token")
    seals, now = seals_of(work.settings), work.actor.now
    answer = {"access_token": seals.access_token(signed_in.claims, now=now)}
    if body["refresh"]:
        answer["refresh_token"] = seals.refresh_token(signed_in.claims, expires_at=signed_in.opened.expires_at)
    return answer


@routes.post("/security/refresh", answers={200: TokenSchema}, errors=(401,), public=True)
def refresh(work: Work) -> dict[str, Any]:
    """Trade the refresh token, sent as the bearer, for a new pair; a refresh token used twice ends the sign-in."""
    seals, now = seals_of(work.settings), work.actor.now
    scheme, _, token = work.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(msg("accounts.not_signed_in"))
    outcome = signin.renew(work.session, seals.read_token(token.strip(), "refresh"), now=now)
    uow.commit(work.session)
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return {
        "access_token": seals.access_token(outcome, now=now),
        "refresh_token": seals.refresh_token(outcome, expires_at=now + sessions.REFRESH_LIFE),
    }


def _sign_in(work: Work, body: dict[str, Any], kind: str) -> signin.SignedIn:
    """Count the try and commit, then look at the password and commit again: neither trace is lost to a refusal."""
    seals, now, address = seals_of(work.settings), work.actor.now, work.address
    refusal = throttle.begin_try(work.session, seals, username=body["username"], address=address, now=now)
    uow.commit(work.session)
    if refusal is not None:
        raise refusal
    attempt = signin.Attempt(body["username"], body["password"], body["code"], kind, address, body.get("refresh", False))
    outcome = signin.sign_in(work.session, seals, attempt, now=now)
    uow.commit(work.session)
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return outcome


def _cookie(value: str, settings: Settings) -> str:
    life = sessions.COOKIE_LIFE if value else 0
    return dump_cookie(COOKIE, value, max_age=life, httponly=True, secure=settings.secure_cookies, samesite="Lax", path="/")
