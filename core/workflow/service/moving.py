"""Moving a case: lock, ask the engine, write one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from core.accounts.service import reach
from core.authz import Actor
from core.grid import service as grids
from core.grid.service import succession
from core.lib.errors import PreconditionFailed
from core.lib.ids import uuid7
from core.lib.text import msg
from core.pluginmanager import plugins
from core.workflow import engine
from core.workflow.definition import Workflow
from core.workflow.models import Case
from core.workflow.service import history, known, reading, step, store
from core.workflow.service.reporting import NUMBER_ZONE
from core.workflow.service.snapshot import columns_of, snapshot_of
from core.workflow.types import CaseSnapshot, Offer, Outcome, SubCase

_INHERITED = ("agency_id", "workflow", "definition_id", "title", "grid_id", "located", "lon", "lat", "xy", "reporter_id", "record_id")
"""What a sub-case has from its parent."""


def move_case(session: Session, actor: Actor, number: str, *, transition: str, data: Mapping[str, Any], version: int) -> Outcome:
    """Take one step of a case.

    Raises NotFound outside the scope, PreconditionFailed when ``version`` is not
    the present one, Refused (409) with what is allowed instead, NotEntitled,
    and Invalid for a wrong form.
    """
    case = reading.lock_visible(session, actor, number)
    if case.version != version:
        raise PreconditionFailed(msg("http.stale", current=case.version), extra={"version": case.version})
    return take_step(session, actor, case, transition, data)


def take_step(session: Session, actor: Actor, case: Case, verb: str, data: Mapping[str, Any]) -> Outcome:
    """Take one step of a locked case, sub-cases included."""
    definition = step.pinned_workflow(session, case)
    snapshot = snapshot_for(session, case)
    transition = definition.transitions.get(verb)
    submitted = step.Submitted()
    if transition is not None and not engine.bars(definition, snapshot, verb, actor, now=actor.now):
        submitted = step.submit(session, actor, transition.form, data)
        submitted = step.with_original(session, actor, case, transition, submitted)
        submitted = step.with_duties(session, actor, case, transition, submitted)
        asked = {"actor": actor, "workflow": case.workflow, "case": case, "transition": verb, "data": submitted.data}
        plugins().check(session, "check_case_transition", **asked)
    outcome = engine.move(
        definition,
        snapshot,
        verb,
        actor,
        submitted.data,
        now=actor.now,
        calendar=step.calendar_of(session, actor),
        filing_rules=step.CatalogueRules(session, known.plugin_of(case.workflow)),
    )
    was_closed, grid_id = case.category == "closed", case.grid_id
    try:
        write(session, actor, case, outcome, submitted)
    except store.UnprovenFilesError:
        assert transition is not None  # only a form names files
        looked = step.submit(session, actor, transition.form, data, look=True)
        write(session, actor, case, outcome, replace(submitted, attachments=looked.attachments))
    if was_closed and outcome.category == "open" and succession.is_retired(session, grid_id):
        succession.follow_soon(session, actor)
    for part in outcome.sub_cases:
        open_sub_case(session, actor, case, definition, part, verb)
    return outcome


def write(session: Session, actor: Actor, case: Case, outcome: Outcome, submitted: step.Submitted) -> None:
    """Store the outcome of a step of a locked case."""
    assert outcome.event is not None
    link = history.link(
        case.uuid,
        sequence=case.chain_length + 1,
        previous=case.chain_head,
        event=outcome.event,
        form_id=submitted.form_id,
        data=submitted.data,
        personal=submitted.personal,
    )
    columns = {**columns_of(outcome), "chain_length": case.chain_length + 1, "chain_head": link.hash}
    if submitted.duplicate_of_id is not None:
        columns["duplicate_of_id"] = submitted.duplicate_of_id
    hanging = step.beside(session, actor, outcome, submitted, action=f"{case.workflow}:{outcome.event.verb}")
    store.update_case(session, case, columns, link, hanging)


def snapshot_for(session: Session, case: Case) -> CaseSnapshot:
    """Build the engine's view of a case, with the paths of its grid and department as they are now."""
    return snapshot_of(
        case,
        grid_path=grids.path_of(session, case.grid_id),
        department_path=reach.department_path(session, case.department_id),
        open_sub_cases=_open_sub_cases(session, case),
    )


def _open_sub_cases(session: Session, case: Case) -> int:
    known: int | None = getattr(case, "open_sub_cases", None)
    return reading.count_open_sub_cases(session, case) if known is None else known


def offers(session: Session, actor: Actor, case: Case) -> list[Offer]:
    """List the steps that ``actor`` has a right to from here."""
    return engine.offers(step.pinned_workflow(session, case), snapshot_for(session, case), actor, now=actor.now)


def open_sub_case(session: Session, actor: Actor, parent: Case, definition: Workflow, part: SubCase, verb: str) -> None:
    """Open a part of ``parent`` for another department; the parent waits for it where its workflow says so."""
    snapshot = CaseSnapshot(
        id=0,
        state=part.state,
        kind=parent.kind,
        class_code=parent.class_code,
        condition=parent.condition,
        source=parent.source,
        grid_path=grids.path_of(session, parent.grid_id),
        department_id=part.department_id,
        department_path=reach.department_path(session, part.department_id),
        reporter_id=parent.reporter_id,
        data=parent.data,
        limit=snapshot_of(parent, grid_path=None, department_path=None).limit,
        milestones={},
        parent_id=parent.id,
    )
    outcome = engine.open_sub_case(definition, snapshot, verb, actor, now=actor.now, calendar=step.calendar_of(session, actor))
    assert outcome.event is not None
    uuid = uuid7()
    link = history.link(uuid, sequence=1, previous=None, event=outcome.event, form_id=None, data={"parent": parent.number}, personal={})
    inherited = {name: getattr(parent, name) for name in _INHERITED}
    columns = {
        **columns_of(outcome),
        **inherited,
        "uuid": uuid,
        "parent_id": parent.id,
        "number_day": actor.now.astimezone(NUMBER_ZONE).strftime("%Y%m%d"),
        "reported_at": actor.now,
        "chain_length": 1,
        "chain_head": link.hash,
    }
    store.insert_case(
        session, columns, link, step.beside(session, actor, outcome, step.Submitted(), action=f"{parent.workflow}:sub_case_opened")
    )
