"""The probe `GET /api/v1/health` for anybody, and `GET /metrics` for named readers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request
from marshmallow import Schema, fields
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from core.db import migrate
from core.db.engine import Database
from core.health import metrics, service
from core.health.access import AccessLog
from core.health.types import Condition, Report
from core.http.routes import Answer, Routes
from core.http.work import Work, frame
from core.lib import clock
from core.lib.errors import Forbidden
from core.lib.text import msg
from core.pluginmanager import plugins

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

routes = Routes("health")


class HealthSchema(Schema):
    """How the installation is, part by part; reasons are for `wangge health` on the server."""

    condition = fields.String(required=True, metadata={"enum": [str(one) for one in Condition]})
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@routes.get("/health", answers={200: HealthSchema, 503: HealthSchema}, public=True)
def show_health(work: Work) -> Answer:
    """Say whether every part is well; 503 when the installation cannot serve."""
    found = look(work.frame.database, now=work.actor.now)
    status = 503 if found.condition is Condition.FAILING else 200
    body = {"condition": str(found.condition), "parts": {check.name: str(check.condition) for check in found.checks}}
    return Answer(body, status=status, headers={"Cache-Control": "no-store"})


def look(database: Database, *, now: Any) -> Report:
    """Make the report of the running application."""
    failed = [one.key for one in plugins().failed]
    return service.report(database, now=now, failed_plugins=failed, components=components())


@cache
def components() -> tuple[migrate.Component, ...]:
    """Give core and the plugins with tables; what is installed changes only with a restart."""
    found = plugins().manifests.values()
    return (migrate.CORE, *(migrate.plugin_component(one.key, Path(str(one.migrations))) for one in found if one.migrations))


def install_metrics(app: Flask) -> None:
    """Count and log every request of `app` and serve the counts at /metrics."""
    app.extensions["wangge.access"] = log = AccessLog(app.extensions["wangge"].settings.var / "log")
    app.wsgi_app = _Watched(app.wsgi_app, log)  # type: ignore[method-assign]
    app.add_url_rule("/metrics", "metrics", show_metrics)


class _Watched:
    """Counts and logs each request when its answer begins."""

    def __init__(self, application: WSGIApplication, log: AccessLog) -> None:
        self._application, self._log = application, log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            self._note(environ, int(status[:3]), began)
            return start_response(status, headers, *problem)

        return self._application(environ, start)

    def _note(self, environ: WSGIEnvironment, status: int, began: float) -> None:
        asked: Request = environ["werkzeug.request"]
        metrics.observe(asked.method, asked.url_rule.rule if asked.url_rule else "unmatched", status, began)
        self._log.write(
            clock.now(),
            address=asked.remote_addr,
            user_id=environ.get("wangge.user_id"),
            method=asked.method,
            path=asked.path,
            status=status,
            milliseconds=round((perf_counter() - began) * 1000, 1),
            request_id=environ.get("HTTP_X_REQUEST_ID", "")[:64],
            agent=environ.get("HTTP_USER_AGENT", "")[:200],
        )


def show_metrics() -> Response:
    """Answer in Prometheus' text format, to this machine or to who holds the token."""
    if not may_read_metrics():
        raise Forbidden(msg("health.metrics_denied"))
    return Response(metrics.exposition(_look_for_metrics), content_type=CONTENT_TYPE_LATEST)


def _look_for_metrics() -> tuple[Report, service.Backlog | None]:
    now = clock.now()
    try:
        backlog = service.backlog(frame().database, now)
    except SQLAlchemyError:
        backlog = None  # The report says that the database is away.
    return look(frame().database, now=now), backlog


def may_read_metrics() -> bool:
    """Tell whether the request may see the numbers.

    A request that a proxy passed on comes from this machine too, but not from a person
    on it: with a forwarding header left over, only the token opens.
    """
    token = frame().settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not passed_on and ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104 - stands for nowhere
