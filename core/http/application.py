"""Flask as it is, without what every request would pay for and none here uses.

A route of ours is given the request itself and answers with a WSGI
application, so it is served before Flask makes its contexts; whatever else is
asked for (pages, files, metrics, automatic OPTIONS, an unknown address) goes
the whole way through Flask. Sessions are rows on the server's side, kept by
``core.accounts``; so Flask's own signed cookie is neither read nor written,
and writing into it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.exceptions import HTTPException

from core.http import errors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Served = Callable[[Request], "WSGIApplication"]
"""A route as it is served: the request, with its ``view_args``, in; the answer out."""

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class NoCookieSession(SessionInterface):
    """Gives every request an empty session that cannot be written."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002  # Flask's own signature
        """Give the empty session."""
        return NullSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Do nothing: there is never anything in it."""


class WebApplication(Flask):
    """The application class of the platform; every error is answered as a problem document."""

    session_interface = NoCookieSession()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._served: dict[str, Served] = {}
        self._adapter = self.url_map.bind("")
        errors.install(self)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function itself: none of ours is asynchronous, and Flask would look at each one in each request."""
        return func

    def serve(self, rule: str, name: str, method: str, served: Served) -> None:
        """Add a route that is served without Flask's contexts: ``flask.request`` and ``current_app`` are not there."""
        self.add_url_rule(rule, name, methods=[method])
        self._served[name] = served

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        asked = self.request_class(environ)
        served = self._find(asked)
        if served is None:
            return super().wsgi_app(environ, start_response)
        asked.max_content_length = self.config["MAX_CONTENT_LENGTH"]
        try:
            answer = served(asked)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is answered
            answer = errors.answer_to(error, asked)
        finally:
            asked.close()  # of the files that it brought
        return answer(environ, start_response)

    def _find(self, asked: Request) -> Served | None:
        try:
            rule, named = self._adapter.match(asked.path, asked.method, return_rule=True)
        except HTTPException:  # a redirect to the right spelling is one, too
            return None
        asked.url_rule, asked.view_args = rule, dict(named)
        return None if asked.method == "OPTIONS" else self._served.get(rule.endpoint)


class Written:
    """An answer whose bytes are all there and whose headers are ASCII: a WSGI application that sends both as they stand."""

    def __init__(self, body: bytes, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self._body, self._status = body, status
        self._headers = [("Content-Length", str(len(body))), *headers]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer."""
        start_response(_STATUS_LINES[self._status], self._headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self._body]
