"""Everything that is signed with the installation's secrets: cookies, CSRF tokens, JWTs, digests of names and addresses.

Each purpose has a key of its own, derived from the secret, so that a value of
one kind can never pass as another. Nothing here touches the database.
"""

from __future__ import annotations

import hmac
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt

from core.lib import clock
from core.lib.errors import Unauthenticated
from core.lib.text import msg
from core.settings import Settings

SHORTEST_SECRET = 32
ACCESS_LIFE = timedelta(hours=1)
_REQUIRED = {"require": ["exp", "sub", "sid", "typ"]}


@dataclass(frozen=True)
class Claims:
    """What a cookie or a token says, proven by its signature but not yet looked up."""

    user_id: int
    session_id: UUID
    home_agency_id: int | None
    refresh_number: int = 0


class Seals:
    """The signatures of one installation; made by :func:`seals_of`."""

    def __init__(self, secret_key: str, jwt_secret_key: str) -> None:
        for name, secret in (("WANGGE_SECRET_KEY", secret_key), ("WANGGE_JWT_SECRET_KEY", jwt_secret_key)):
            if len(secret) < SHORTEST_SECRET:
                raise ValueError(f"{name} must have at least {SHORTEST_SECRET} characters; `wangge init` makes one")
        self._cookie, self._csrf, self._digest, self._totp = (
            hmac.digest(secret_key.encode(), purpose, "sha256") for purpose in (b"cookie", b"csrf", b"digest", b"totp")
        )
        self._jwt = hmac.digest(jwt_secret_key.encode(), b"jwt", "sha256")

    def cookie(self, claims: Claims) -> str:
        """Write the session cookie."""
        text = f"{claims.user_id}.{claims.home_agency_id or 0}.{claims.session_id.hex}"
        return f"{text}.{_mac(self._cookie, text)}"

    def read_cookie(self, cookie: str) -> Claims:
        """Read a session cookie; raise Unauthenticated when it is not one of ours."""
        text, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(_mac(self._cookie, text).encode(), mac.encode()):
            raise Unauthenticated(msg("accounts.not_signed_in"))
        user, home, session_id = text.split(".")
        return Claims(int(user), UUID(hex=session_id), int(home) or None)

    def csrf_token(self, session_id: UUID) -> str:
        """Give the CSRF token that belongs to one session and to no other."""
        return _mac(self._csrf, session_id.hex)

    def is_csrf_token(self, session_id: UUID, token: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.csrf_token(session_id).encode(), token.encode())

    def access_token(self, claims: Claims, *, now: datetime) -> str:
        """Write an access token."""
        return self._token(claims, "access", now + ACCESS_LIFE)

    def refresh_token(self, claims: Claims, *, expires_at: datetime) -> str:
        """Write the refresh token with the number in ``claims``."""
        return self._token(claims, "refresh", expires_at)

    def read_token(self, token: str, kind: str) -> Claims:
        """Read a token of ``kind``; raise Unauthenticated when it is forged, of another kind, or out of date."""
        try:
            said = _proven(token, self._jwt)
            if said["typ"] != kind or said["exp"] <= clock.now().timestamp():
                raise Unauthenticated(msg("accounts.not_signed_in"))
            return Claims(int(said["sub"]), UUID(said["sid"]), said.get("home"), said.get("num", 0))
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Unauthenticated(msg("accounts.not_signed_in")) from error

    def digest(self, text: str) -> bytes:
        """Give a keyed digest: equal texts are found again, but the text cannot be."""
        return hmac.digest(self._digest, text.encode(), "sha256")

    def totp_secret(self, salt: bytes) -> str:
        """Derive a time-based code's secret, in base 32."""
        return b32encode(hmac.digest(self._totp, salt, "sha256")[:20]).decode()

    def _token(self, claims: Claims, kind: str, expires_at: datetime) -> str:
        said = {"sub": str(claims.user_id), "sid": claims.session_id.hex, "home": claims.home_agency_id, "typ": kind, "exp": expires_at}
        return jwt.encode({**said, "num": claims.refresh_number}, self._jwt, algorithm="HS256")


@lru_cache(maxsize=4096)
def _proven(token: str, key: bytes) -> Mapping[str, Any]:
    """Read a token whose signature is ours; a phone sends the same one many times, so it is proven once."""
    found: dict[str, Any] = jwt.decode(token, key, algorithms=["HS256"], options=_REQUIRED)  # type: ignore[arg-type]
    return found


def _mac(key: bytes, text: str) -> str:
    return urlsafe_b64encode(hmac.new(key, text.encode(), sha256).digest()).decode().rstrip("=")


@cache
def _seals(secret_key: str, jwt_secret_key: str) -> Seals:
    return Seals(secret_key, jwt_secret_key)


def seals_of(settings: Settings) -> Seals:
    """Give the seals of an installation; raise ValueError when a secret is missing or too short."""
    return _seals(settings.secret_key, settings.jwt_secret_key)
