"""The web application: the only place that wires things together."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from core import parts
from core.accounts.signin import SignIn
from core.db.engine import Database
from core.health.views import install_metrics
from core.http import openapi, serve
from core.http.application import WebApplication
from core.http.fab import install_security
from core.http.security import install_headers
from core.http.work import Frame
from core.http.workspace import blueprint as workspace
from core.pluginmanager import plugins
from core.settings import Settings
from core.version import VERSION


def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """Build the application; without arguments from the environment, as the server does."""
    settings = settings or Settings.from_env()
    database = database or Database.of(settings)
    app = WebApplication("core", static_folder="static/dist", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=settings.max_upload_bytes, SECRET_KEY=settings.secret_key)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    parts.load()
    sign_in = SignIn(settings, database)
    app.extensions["wangge"] = Frame(settings, database, sign_in, plugins().is_enabled)
    install_headers(app, settings)
    install_security(app, settings, database)
    install_metrics(app)
    routes = serve.mount(app, parts.routes())
    app.register_blueprint(workspace)
    _serve_document(app, openapi.document(routes, version=VERSION, extra_paths=openapi.THIS_DOCUMENT))
    return app


def _serve_document(app: Flask, document: dict[str, Any]) -> None:
    @app.get(f"{serve.PREFIX}/openapi.json")
    def openapi_document() -> Response:
        return jsonify(document)
