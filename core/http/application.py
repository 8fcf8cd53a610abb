"""Flask as it is, without what every request would pay for and none here uses.

Sessions are rows on the server's side, kept by ``core.accounts``; so Flask's
own signed cookie is neither read nor written, and writing into it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class NoCookieSession(SessionInterface):
    """Gives every request an empty session that cannot be written."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002  # Flask's own signature
        """Give the empty session."""
        return NullSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Do nothing: there is never anything in it."""


class WebApplication(Flask):
    """The application class of the platform."""

    session_interface = NoCookieSession()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function itself: none of ours is asynchronous, and Flask would look at each one in each request."""
        return func


class WrittenResponse(Response):
    """An answer whose bytes are all there and whose headers are ASCII: both are sent as they stand."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; werkzeug would look through the headers for a length and a location to mend."""
        start_response(self.status, list(self.headers))
        body: Any = () if environ["REQUEST_METHOD"] == "HEAD" else self.response
        return ClosingIterator(body, self.close) if self._on_close else body
