"""Ledgers for plugins: imports as a user would order them."""

from core.ledgers.exchange.jobs import ImportOrder, create_import
from core.ledgers.exchange.running import run_import
from core.ledgers.types import ImportState

__all__ = ["ImportOrder", "ImportState", "create_import", "run_import"]
