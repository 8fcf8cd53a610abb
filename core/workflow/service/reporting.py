"""Taking in a report: a case is born, located, numbered, and its workflow starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.authz import Actor
from core.grid import service as grids
from core.lib.ids import uuid7
from core.lib.text import say
from core.pluginmanager import plugins
from core.workflow import engine
from core.workflow.service import history, known, placing, step, store
from core.workflow.service.snapshot import columns_of
from core.workflow.types import Outcome

NUMBER_ZONE = ZoneInfo("Asia/Shanghai")
"""The day in a case number is the day in China, wherever the server stands."""


@dataclass(frozen=True)
class NewCase:
    """What a reporter is told."""

    id: int
    number: str
    state: str
    version: int


_PLACE = ("grid_id", "located", "lon", "lat", "xy")


def report_case(session: Session, actor: Actor, *, workflow: str, data: Mapping[str, Any]) -> NewCase:
    """Take in a report.

    A point outside every grid is kept and flagged for hand assignment, never
    refused: what an inspector saw must not be lost. Raises NotFound for an
    unknown workflow, Invalid for a wrong form, NotEntitled without the right.
    """
    version = known.current_workflow(session, workflow)
    definition = version.workflow
    transition = definition.transitions[definition.start]
    submitted = step.submit(session, actor, transition.form, data)
    place = grids.locate_for_agency(session, actor, submitted.point)
    asked = {"actor": actor, "workflow": workflow, "case": None, "transition": transition.verb, "data": submitted.data}
    plugins().check(session, "check_case_transition", **asked)
    outcome = engine.start(
        definition,
        step.empty_snapshot(grid_path=place.path, reporter_id=actor.user_id),
        placing.reporter_at(actor, place.path),
        submitted.data,
        now=actor.now,
        calendar=step.calendar_of(session, actor),
        filing_rules=step.CatalogueRules(session, known.plugin_of(workflow)),
    )
    assert outcome.event is not None
    uuid = uuid7()
    link = history.link(
        uuid, sequence=1, previous=None, event=outcome.event, form_id=submitted.form_id, data=submitted.data, personal=submitted.personal
    )
    columns = {
        **columns_of(outcome),
        "agency_id": actor.agency_id,
        "uuid": uuid,
        "number_day": actor.now.astimezone(NUMBER_ZONE).strftime("%Y%m%d"),
        "workflow": workflow,
        "definition_id": version.id,
        "title": _title(session, workflow, outcome),
        **{name: getattr(place, name) for name in _PLACE},
        "reporter_id": actor.user_id,
        "record_id": submitted.record_id,
        "reported_at": actor.now,
        "chain_length": 1,
        "chain_head": link.hash,
    }
    action = f"{workflow}:{outcome.event.verb}"
    try:
        case_id, number = store.insert_case(session, columns, link, step.beside(session, actor, outcome, submitted, action=action))
    except store.UnprovenFilesError:
        submitted = step.submit(session, actor, transition.form, data, look=True)
        case_id, number = store.insert_case(session, columns, link, step.beside(session, actor, outcome, submitted, action=action))
    return NewCase(case_id, number, outcome.state, outcome.case.version)


def _title(session: Session, workflow: str, outcome: Outcome) -> str:
    """Name a case by its small class, in Chinese: that is what clerks look for."""
    code = outcome.case.class_code
    if code is None:
        return ""
    item = known.catalogue_items(session, known.plugin_of(workflow)).get(code)
    return say(item.title, "zh_CN") if item else code
