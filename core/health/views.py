"""The probe `GET /api/v1/health` for anybody, and `GET /metrics` for named readers."""

from __future__ import annotations

import hmac
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from time import perf_counter
from typing import Any

from flask import Flask, Response, current_app, g, request
from marshmallow import Schema, fields
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from core.db import migrate
from core.health import metrics, service
from core.health.access import AccessLog
from core.health.types import Condition, Report
from core.http.routes import Answer, Routes
from core.http.work import Work, frame
from core.lib import clock
from core.lib.errors import Forbidden
from core.lib.text import msg
from core.pluginmanager import plugins

routes = Routes("health")


class HealthSchema(Schema):
    """How the installation is, part by part; reasons are for `wangge health` on the server."""

    condition = fields.String(required=True, metadata={"enum": [str(one) for one in Condition]})
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@routes.get("/health", answers={200: HealthSchema, 503: HealthSchema}, public=True)
def show_health(work: Work) -> Answer:
    """Say whether every part is well; 503 when the installation cannot serve."""
    found = look(now=work.actor.now)
    status = 503 if found.condition is Condition.FAILING else 200
    body = {"condition": str(found.condition), "parts": {check.name: str(check.condition) for check in found.checks}}
    return Answer(body, status=status, headers={"Cache-Control": "no-store"})


def look(*, now: Any) -> Report:
    """Make the report of the running application."""
    failed = [one.key for one in plugins().failed]
    return service.report(frame().database, now=now, failed_plugins=failed, components=components())


@cache
def components() -> tuple[migrate.Component, ...]:
    """Give core and the plugins with tables; what is installed changes only with a restart."""
    found = plugins().manifests.values()
    return (migrate.CORE, *(migrate.plugin_component(one.key, Path(str(one.migrations))) for one in found if one.migrations))


def install_metrics(app: Flask) -> None:
    """Count and log every request of `app` and serve the counts at /metrics."""
    app.extensions["wangge.access"] = AccessLog(app.extensions["wangge"].settings.var / "log")
    app.before_request(_begin)
    app.after_request(_count)
    app.after_request(_log)
    app.add_url_rule("/metrics", "metrics", show_metrics)


def _begin() -> None:
    g.began = perf_counter()


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "unmatched"
    metrics.observe(request.method, route, response.status_code, g.get("began", perf_counter()))
    return response


def _log(response: Response) -> Response:
    log: AccessLog = current_app.extensions["wangge.access"]
    log.write(
        clock.now(),
        address=request.remote_addr,
        user_id=g.get("user_id"),
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round((perf_counter() - g.get("began", perf_counter())) * 1000, 1),
        request_id=request.headers.get("X-Request-ID", "")[:64],
        agent=request.headers.get("User-Agent", "")[:200],
    )
    return response


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
    return look(now=now), backlog


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
