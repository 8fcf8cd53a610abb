"""Headers that every answer carries, and proxies that may speak for a client."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from core.settings import Settings

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


def install_headers(app: Flask, settings: Settings) -> None:
    """Add the security headers, and believe X-Forwarded-* from named proxies only."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "geolocation=(self), camera=(self), microphone=(self)")
        if settings.secure_cookies:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    if settings.trusted_proxies:
        app.wsgi_app = _TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign, assignment]


class _TrustedProxies:
    """Applies ProxyFix to requests whose peer is one of the named proxies."""

    def __init__(self, application: object, trusted: tuple[str, ...]) -> None:
        self._plain = application
        self._fixed = ProxyFix(application, x_for=1, x_proto=1, x_host=1)  # type: ignore[arg-type]
        self._trusted = frozenset(trusted)

    def __call__(self, environ: dict[str, object], start_response: object) -> object:
        chosen = self._fixed if environ.get("REMOTE_ADDR") in self._trusted else self._plain
        return chosen(environ, start_response)  # type: ignore[operator]
