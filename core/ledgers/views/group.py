"""The one group of routes of the ledgers."""

from __future__ import annotations

from core.http.routes import Routes

routes = Routes("ledgers")
