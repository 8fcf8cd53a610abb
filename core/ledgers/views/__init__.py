"""Ledgers over HTTP: records, and files in and out."""

from core.ledgers.views import imports, records
from core.ledgers.views.group import routes

__all__ = ["imports", "records", "routes"]
