"""Ledgers for plugins: what a record says, its state, and imports as a user would order them."""

from core.ledgers.exchange.jobs import ImportOrder, create_import
from core.ledgers.exchange.running import run_import
from core.ledgers.service.reading import data_of, surroundings
from core.ledgers.service.records import mark_record
from core.ledgers.types import ImportState

__all__ = ["ImportOrder", "ImportState", "create_import", "data_of", "mark_record", "run_import", "surroundings"]
