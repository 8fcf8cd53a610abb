"""The routes of scores, which the modules beside this one fill."""

from __future__ import annotations

from core.http.routes import Routes

routes = Routes("scores")
