"""Who asks: the hot path of every request, one SQL statement and no more.

The signature is checked first and without the database. The statement that
then opens the transaction sets the agency, checks session, user and agency,
and reads the configuration epoch; the grants come from the cache of that epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.accounts.signin import service as signin
from core.accounts.signin import sessions, throttle
from core.accounts.signin.seals import Claims, Seals, seals_of
from core.accounts.signin.standing import Standing, actor_of, standing_of
from core.authz import Actor
from core.db.engine import AgencySession, Database
from core.db.prepared import Prepared
from core.db.uow import unit_of_work
from core.http.work import Identity
from core.lib import clock
from core.lib.errors import Forbidden, NotFound, Unauthenticated
from core.lib.text import msg
from core.settings import Settings

COOKIE = "wangge_session"
CSRF_HEADER = "X-CSRF-Token"
AGENCY_HEADER = "X-Wangge-Agency"
_AGENCY_SAID = "HTTP_X_WANGGE_AGENCY"
_NONE = UUID(int=0)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_OPENING = Prepared("""
SELECT set_config('wangge.agency', %(agency)s, true), e.value AS epoch, s.second_factor, s.last_seen_at,
       u.id AS user_id, u.must_change_password, u.locale, a.key AS agency_key
FROM configuration_epoch e
LEFT JOIN auth_session s ON s.id = %(session)s AND s.user_id = %(user)s AND s.revoked_at IS NULL AND s.expires_at > %(now)s
LEFT JOIN ab_user u ON u.id = s.user_id AND u.active
LEFT JOIN agency a ON a.id = %(agency_id)s AND a.active
""")


@dataclass(frozen=True)
class SignedIdentity(Identity):
    """What the cookie or the token says, with the person's home agency."""

    home_agency_id: int | None = None
    auth_session_id: UUID = _NONE
    second_factor: bool = False
    """Known only once the session has been looked up."""


class SignIn:
    """Finds the person behind a request (``core.http.work.Authenticator``)."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._seals: Seals = seals_of(settings)
        self._database = database
        self._agency_ids: dict[str, int] = {}

    def identify(self, request: Request) -> Identity:
        """Read the token, or else the cookie and on unsafe methods its CSRF token.

        Raises Unauthenticated without either, Forbidden for a wrong CSRF token.
        """
        said = request.environ  # read as it came: werkzeug's view of the headers translates each name anew
        agency_key = said.get(_AGENCY_SAID)
        scheme, _, token = said.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "bearer":  # any other scheme is a proxy's own affair
            return _identity(self._seals.read_token(token.strip(), "access"), agency_key, by_cookie=False)
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise Unauthenticated(msg("accounts.not_signed_in"))
        claims = self._seals.read_cookie(cookie)
        if request.method not in _SAFE and not self._seals.is_csrf_token(claims.session_id, request.headers.get(CSRF_HEADER, "")):
            raise Forbidden(msg("accounts.wrong_csrf_token", header=CSRF_HEADER))
        return _identity(claims, agency_key, by_cookie=True)

    def agency_id(self, identity: Identity) -> int | None:
        """Give the agency named by the request, else the person's home; raise NotFound for one that does not exist."""
        key = identity.agency_key
        if not key:
            return identity.home_agency_id if isinstance(identity, SignedIdentity) else None
        known = self._agency_ids.get(key)
        if known is None:
            # Keys never change and are never used again, so what was found once stays true.
            with self._database.session(None) as session:
                known = session.scalar(select(Agency.id).where(Agency.key == key))
            if known is None:
                raise NotFound(msg("accounts.no_such_agency"))
            self._agency_ids[key] = known
        return known

    def actor(self, session: Session, identity: Identity, *, now: datetime, request_id: str, locale: str, needs_role: bool = True) -> Actor:
        """Check that the sign-in still holds and give the actor with its grants.

        Raises Unauthenticated when it has ended, NotFound without a role in
        the agency (unless ``needs_role`` is false), Forbidden while a password
        must be changed or a second factor is missing.
        """
        if not isinstance(session, AgencySession) or not isinstance(identity, SignedIdentity):
            raise TypeError("a request needs a session of its agency and an identity made by identify()")
        row = self._open(session, identity, now)
        if row.user_id is None:
            raise Unauthenticated(msg("accounts.not_signed_in"))
        session.info["epoch"] = row.epoch
        session.info["identity"] = (
            identity if row.second_factor == identity.second_factor else replace(identity, second_factor=row.second_factor)
        )
        if now - row.last_seen_at >= sessions.SEEN_EVERY:
            sessions.mark_seen(session, identity.auth_session_id, now=now)
        spoken = row.locale or locale
        if session.agency_id is None or row.agency_key is None:
            if needs_role:
                raise NotFound(msg("accounts.no_role"))
            return Actor(row.user_id, 0, "", "", (), now, locale=spoken, request_id=request_id)
        standing = standing_of(session, agency_id=session.agency_id, user_id=row.user_id)
        actor = actor_of(
            standing,
            user_id=row.user_id,
            agency=(session.agency_id, row.agency_key),
            now=now,
            second_factor=row.second_factor,
            locale=spoken,
            request_id=request_id,
        )
        if needs_role:
            _admit(actor, standing, row)
        return actor

    def check_password(self, username: str, password: str, *, address: str) -> int | None:
        """Count a try, check it in constant time and give the user's id; raise TooMany when locked, and open no session."""
        now = clock.now()
        with unit_of_work(self._database, None) as session:
            refusal = throttle.begin_try(session, self._seals, username=username, address=address, now=now)
        if refusal is not None:
            raise refusal
        with unit_of_work(self._database, None) as session:
            found = signin.find_user_by_password(session, username, password)
            if found is not None:
                throttle.forgive(session, self._seals, username=username, address=address)
            return found

    def _open(self, session: AgencySession, identity: SignedIdentity, now: datetime) -> Any:
        agency_id = session.agency_id
        return session.open_with(
            _OPENING,
            {
                "agency": "" if agency_id is None else str(agency_id),
                "agency_id": agency_id,
                "session": identity.auth_session_id,
                "user": identity.user_id,
                "now": now,
            },
        )


def _identity(claims: Claims, agency_key: str | None, *, by_cookie: bool) -> SignedIdentity:
    return SignedIdentity(claims.user_id, claims.session_id.hex, agency_key, by_cookie, claims.home_agency_id, claims.session_id)


def _admit(actor: Actor, standing: Standing, row: Any) -> None:
    if row.must_change_password and standing.is_member:
        raise Forbidden(msg("accounts.must_change_password"), extra={"reason": "must_change_password"})
    if not actor.roles:
        if standing.wants_second_factor(actor.now):
            raise Forbidden(msg("accounts.second_factor_needed"), extra={"reason": "second_factor_needed"})
        raise NotFound(msg("accounts.no_role"))
