"""Cases for plugins: the engine's words, and the bulk import of past cases."""

from core.calendar import Calendar
from core.workflow.definition import Workflow
from core.workflow.engine import fire, move, start
from core.workflow.service.bulk import ImportReport, PastCase, PastStep, import_chunk, import_history
from core.workflow.service.known import catalogue_items, current_workflow, form
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
    "current_workflow",
    "fire",
    "form",
    "import_chunk",
    "import_history",
    "move",
    "start",
]
