"""Headers that every answer carries, and proxies that may speak for a client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002  # one directive a line
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


_EVERYWHERE = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(self), camera=(self), microphone=(self)"),
)
_SECURE = ("Strict-Transport-Security", "max-age=31536000")
_API = ("Cache-Control", "no-store")


def install_headers(app: Flask, settings: Settings) -> None:
    """Add the security headers, and believe X-Forwarded-* from named proxies only."""
    fixed = (*_EVERYWHERE, _SECURE) if settings.secure_cookies else _EVERYWHERE
    app.wsgi_app = _Headers(app.wsgi_app, fixed)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        app.wsgi_app = _TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign, assignment]


class _Headers:
    """Adds what an answer does not say itself; at the last moment, so that no answer gets by."""

    def __init__(self, application: WSGIApplication, fixed: tuple[tuple[str, str], ...]) -> None:
        self._application = application
        self._page = [(pair, pair[0].lower()) for pair in fixed]
        self._api = [*self._page, (_API, _API[0].lower())]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = self._api if environ.get("PATH_INFO", "").startswith("/api/") else self._page

        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            return start_response(status, [*headers, *(pair for pair, name in wanted if name not in said)], *problem)

        return self._application(environ, start)


class _TrustedProxies:
    """Applies ProxyFix to requests whose peer is one of the named proxies."""

    def __init__(self, application: object, trusted: tuple[str, ...]) -> None:
        self._plain = application
        self._fixed = ProxyFix(application, x_for=1, x_proto=1, x_host=1)  # type: ignore[arg-type]
        self._trusted = frozenset(trusted)

    def __call__(self, environ: dict[str, object], start_response: object) -> object:
        chosen = self._fixed if environ.get("REMOTE_ADDR") in self._trusted else self._plain
        return chosen(environ, start_response)  # type: ignore[operator]
