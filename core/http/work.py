"""What one request carries, and who finds out who is asking.

The frame knows *that* requests are authenticated, not how: ``core.accounts``
implements :class:`Authenticator` and ``core.app`` puts it in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from flask import Request, current_app

from core.authz import Actor
from core.db.engine import Database
from core.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.http.routes import Route


@dataclass(frozen=True)
class Identity:
    """Who a request says it is from, proven by signature; not yet looked up."""

    user_id: int
    session_id: str
    agency_key: str | None
    by_cookie: bool = False


class Authenticator(Protocol):
    """Finds the person behind a request."""

    def identify(self, request: Request) -> Identity:
        """Read token or cookie (and its CSRF token on unsafe methods); raise Unauthenticated or Forbidden."""

    def agency_id(self, identity: Identity) -> int | None:
        """Give the agency that the request acts for; raise NotFound for one that does not exist."""

    def actor(self, session: Session, identity: Identity, *, now: datetime, request_id: str, locale: str, needs_role: bool = True) -> Actor:
        """Check that the sign-in still holds and resolve the grants; raise Unauthenticated, Forbidden or NotFound.

        Without ``needs_role`` a person without any role in the agency passes, with no grants.
        """

    def check_password(self, username: str, password: str, *, address: str) -> int | None:
        """Count a try, check it in constant time and give the user's id; opens no session."""


@dataclass
class Frame:
    """The parts of an application that every request uses."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    is_enabled: Any = field(default=None)
    """``(session, plugin key) -> bool``: whether a plugin is on for the session's agency."""


@dataclass
class Work:
    """One request's unit of work: everything a view may use."""

    session: Session
    actor: Actor
    frame: Frame
    route: Route
    request: Request

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        return self.frame.settings

    @property
    def address(self) -> str:
        """The client's address, which only a named proxy may speak for."""
        return self.request.remote_addr or ""

    @property
    def locale(self) -> str:
        """The language of the answer."""
        return self.actor.locale


def frame() -> Frame:
    """Give the frame of the running application; for what Flask serves itself, a view has it in its ``work``."""
    found: Frame = current_app.extensions["wangge"]
    return found
