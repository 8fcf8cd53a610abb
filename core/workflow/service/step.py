"""One step of a case, from a submission to what is stored: shared by reporting, moving and timers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Actor
from core.calendar import Calendar
from core.holidays import service as holidays
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg
from core.pluginmanager import plugins
from core.workflow.definition import Transition, Workflow
from core.workflow.models import Case
from core.workflow.service import known, reading
from core.workflow.service.references import References
from core.workflow.service.store import Beside
from core.workflow.types import CaseSnapshot, FilingRule, Limit, Notice, Outcome

NOTICE = "workflow.notice"
MOVED = "workflow.case_moved"


@dataclass(frozen=True)
class Submitted:
    """What a step's form brought, checked: plain data, personal values apart, and what it names."""

    form_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Mapping[str, Any], ...] = ()
    record_id: int | None = None
    point: Mapping[str, float] | None = None
    duplicate_of_id: int | None = None


def pinned_workflow(session: Session, case: Case) -> Workflow:
    """Give the version that the case belongs to for life; raise NotFound while its plugin is off."""
    if not plugins().is_enabled(session, known.plugin_of(case.workflow)):
        raise NotFound(msg("workflow.no_case", number=case.number))
    return known.workflow(session, case.definition_id)


def calendar_of(session: Session, actor: Actor) -> Calendar:
    """Give the calendar of the actor's agency."""
    return holidays.calendar_for(session, actor.agency_id)


def submit(session: Session, actor: Actor, form_key: str | None, data: Mapping[str, Any], *, look: bool = False) -> Submitted:
    """Check ``data`` against the step's form; raise Invalid with every wrong field.

    Files named in it are nearly always the actor's own. Without ``look`` that
    is left to the statement that stores the step (UnprovenFilesError); with
    it, whatever the actor may see is looked up here.
    """
    if form_key is None:
        return Submitted()
    found = known.form(session, form_key)
    later = not look and actor.user_id is not None
    references = References(session, actor, later=later)
    checked = found.form.check(data, now=actor.now, context=references)
    if later and checked.errors:
        return submit(session, actor, form_key, data, look=True)  # tells every wrong field at once, files too
    checked.raise_invalid()
    fields = found.fields_by_type
    return Submitted(
        form_id=found.id,
        data=checked.data,
        personal=checked.personal,
        attachments=tuple(_files(checked.data, fields, references.attachments, seen=not later)),
        record_id=next((references.record_ids[checked.data[name]] for name in fields.get("record", ()) if checked.data.get(name)), None),
        point=next((checked.data[name] for name in fields.get("point", ()) if checked.data.get(name)), None),
    )


def _files(data: Mapping[str, Any], fields: Mapping[str, tuple[str, ...]], named: set[str], *, seen: bool) -> Iterator[dict[str, Any]]:
    """List the files that hang on the step, and without a field those named deeper in the form, which must be proven all the same."""
    hung = set()
    for kind in ("photo", "audio", "file", "signature"):
        for name in fields.get(kind, ()):
            for uuid in data.get(name) or ():
                hung.add(uuid)
                yield {"uuid": uuid, "field": name, "seen": seen}
    if not seen:
        yield from ({"uuid": uuid, "field": None, "seen": False} for uuid in sorted(named - hung))


def with_duties(session: Session, actor: Actor, case: Case | None, transition: Transition, submitted: Submitted) -> Submitted:
    """Fill in who takes over where the form left it open and a plugin knows."""
    if case is None:
        return submitted
    missing = {
        column: name
        for way in transition.ways
        if case.state in way.states
        for column, name in way.assign.items()
        if name and submitted.data.get(name) is None
    }
    if not missing:
        return submitted
    duty = plugins().resolve(session, "resolve_case_duty", actor=actor, case=case, duty=transition.verb) or {}
    known = {missing[column]: duty[f"{column}_id"] for column in missing if duty.get(f"{column}_id") is not None}
    return replace(submitted, data={**submitted.data, **known}) if known else submitted


def with_original(session: Session, actor: Actor, case: Case, transition: Transition, submitted: Submitted) -> Submitted:
    """Find the case that a step calls this one a duplicate of; raise Invalid when the actor sees no such other case."""
    fields = (name for way in transition.ways if case.state in way.states for name in way.sets.get("duplicate_of", ()))
    field = next((name for name in fields if submitted.data.get(name)), None)
    if field is None:
        return submitted
    number = str(submitted.data[field]).strip()
    try:
        original = reading.get_visible(session, actor, number)
    except NotFound as error:
        raise Invalid(error.message, path=field) from error
    if original.id == case.id:
        raise Invalid(msg("workflow.duplicate_of_itself"), path=field)
    return replace(submitted, duplicate_of_id=original.id)


class CatalogueRules:
    """The filing rules of the agency's catalogues, as the engine asks for them.

    A catalogue item that carries ``limit`` is a filing condition; its parent is
    the small class.
    """

    def __init__(self, session: Session, plugin: str) -> None:
        self._session, self._plugin = session, plugin

    def __call__(self, condition: str) -> FilingRule | None:
        """Find the condition in the plugin's catalogues."""
        item = known.catalogue_items(self._session, self._plugin).get(condition)
        if item is not None and "limit" in item.data:
            limit = item.data["limit"]
            return FilingRule(item.parent or condition, condition, Limit(float(limit["amount"]), limit["unit"]), item.data.get("kind"))
        return None


def beside(session: Session, actor: Actor, outcome: Outcome, submitted: Submitted, *, action: str) -> Beside:
    """Gather what hangs on a step: photos, timers, notices, hooks of plugins, audit; ``action`` is ``<workflow>:<what was done>``."""
    messages = [notice_message(outcome, notice) for notice in outcome.notices]
    event = outcome.event
    if event is not None and event.from_state != event.to_state:
        told = {"transition": event.verb, "from_state": event.from_state, "to_state": event.to_state}
        watchers = plugins().watchers(session, action.partition(":")[0], event.to_state)
        messages += [{"topic": MOVED, "payload": {"plugin": plugin, **told}} for plugin in watchers]
    return Beside(
        attachments=submitted.attachments,
        timers={timer.key: timer.due_at for timer in outcome.timers},
        cancelled=outcome.cancelled,
        messages=messages,
        audit={"action": action, "new": {"state": outcome.state, "version": outcome.case.version}, "request_id": actor.request_id},
    )


def notice_message(outcome: Outcome, notice: Notice) -> dict[str, Any]:
    """Make the outbox message of one notice; who receives it is resolved when it is delivered."""
    to = notice.to
    due = outcome.case.due_at
    return {
        "topic": NOTICE,
        "payload": {
            "notice": notice.topic,
            "title": dict(notice.title),
            "to": {"at": to.at, "right": to.right, "person_id": to.person_id},
            "state": outcome.state,
            "due": due.isoformat() if due else None,
        },
    }


def empty_snapshot(*, grid_path: str | None, reporter_id: int | None) -> CaseSnapshot:
    """Show the engine a case that is about to be born."""
    return CaseSnapshot(id=0, state="", grid_path=grid_path, reporter_id=reporter_id)
