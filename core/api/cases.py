"""Cases for plugins: the engine's words, and the bulk import of past cases."""

from core.calendar import Calendar
from core.workflow.definition import Workflow
from core.workflow.engine import fire, move, start
from core.workflow.service.bulk import ImportReport, PastCase, PastStep, import_chunk, import_history
from core.workflow.service.hints import count_open_of_record
from core.workflow.service.known import catalogue_items, current_workflow, form, items_of
from core.workflow.service.snapshot import columns_of
from core.workflow.service.step import CatalogueRules, calendar_of
from core.workflow.types import CaseSnapshot, FilingRules, Outcome, Timer

__all__ = [
    "Calendar",
    "CaseSnapshot",
    "CatalogueRules",
    "FilingRules",
    "ImportReport",
    "Outcome",
    "PastCase",
    "PastStep",
    "Timer",
    "Workflow",
    "calendar_of",
    "catalogue_items",
    "columns_of",
    "count_open_of_record",
    "current_workflow",
    "fire",
    "form",
    "import_chunk",
    "import_history",
    "items_of",
    "move",
    "start",
]
