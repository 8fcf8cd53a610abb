"""Cases for plugins: the engine's words, and the bulk import of past cases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

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
    "CaseView",
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


class CaseView(Protocol):
    """What a hook may read of a ``case``, and nothing may be written to; what is not here may change in any release."""

    id: int
    """Number in the database, for tables of your own that refer to it."""
    number: str
    """What people call it."""
    workflow: str
    """Key of its workflow."""
    state: str
    """Key of its state."""
    category: str
    """``open`` or ``closed``."""
    title: str
    """What it is about, in a few words."""
    version: int
    """Counts its steps; the ``If-Match`` of the next one."""
    kind: str | None
    """What the step's ``set`` has kept as ``kind``."""
    class_code: str | None
    """Code of its class in a catalogue."""
    condition: str | None
    """Code of its filing condition."""
    source: str | None
    """Where the report came from."""
    grid_id: int | None
    """The grid that it lies in; None outside every grid."""
    lon: float | None
    """Longitude, WGS84."""
    lat: float | None
    """Latitude, WGS84."""
    department_id: int | None
    """The department that has it."""
    assignee_id: int | None
    """The person who has it."""
    reporter_id: int | None
    """The user who reported it."""
    record_id: int | None
    """The ledger record that it is about."""
    parent_id: int | None
    """The case that it is a sub-case of."""
    data: Mapping[str, Any]
    """The facts that steps have set."""
    counts: Mapping[str, int]
    """How often something was counted."""
    milestones: Mapping[str, str]
    """When it entered the states that are milestones."""
    reported_at: datetime
    """When it was born."""
    due_at: datetime | None
    """When the running limit is used up."""
    closed_at: datetime | None
    """When it was closed."""
