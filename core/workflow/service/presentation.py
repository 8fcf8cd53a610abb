"""Cases in words: titles of states, steps and classes in the reader's language, and the traffic light."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.authz import Actor, scope
from core.calendar import Calendar
from core.holidays import service as holidays
from core.lib.text import Title, msg, say
from core.workflow import clockwork
from core.workflow.definition import Workflow
from core.workflow.models import Case, CaseAttachment, CaseEvent, CasePersonal
from core.workflow.permissions import CaseRight
from core.workflow.service import known
from core.workflow.service.migration import Fate
from core.workflow.service.snapshot import clock_of
from core.workflow.types import Offer

MASK = "＊＊＊"


class Words:
    """Finds titles for one request; every lookup is in memory after the first."""

    def __init__(self, session: Session, locale: str) -> None:
        self._session, self.locale = session, locale
        self._states: dict[tuple[int, str], dict[str, str]] = {}

    def workflow(self, definition_id: int) -> Workflow:
        """Give the workflow version of a case."""
        return known.workflow(self._session, definition_id)

    def form_version(self, definition_id: int | None) -> known.KnownFormVersion | None:
        """Give the version of the form that a step was made with; None for a step without one."""
        return None if definition_id is None else known.form_version(self._session, definition_id)

    def say(self, title: Title) -> str:
        """Say a title in the reader's language."""
        return say(title, self.locale)

    def calendar(self, agency_id: int) -> Calendar:
        """Give the calendar by which the agency's limits are counted."""
        return holidays.calendar_for(self._session, agency_id)

    def state(self, definition_id: int, key: str) -> dict[str, str]:
        """Name a state."""
        found = self._states.get((definition_id, key))
        if found is None:
            found = self._states[definition_id, key] = self._named(definition_id, key)
        return found

    def _named(self, definition_id: int, key: str) -> dict[str, str]:
        return {"key": key, "title": self.say(self.workflow(definition_id).states[key].title)}

    def past_state(self, case: Case, key: str) -> str:
        """Name a state of the past, which the case's present version may no longer have."""
        found = next((one.states[key] for one in self._versions(case) if key in one.states), None)
        return self.say(found.title) if found else key

    def past_step(self, case: Case, verb: str) -> str:
        """Name a step of the past: a transition of some version of the workflow, or one of the base's own."""
        found = next((one.transitions[verb] for one in self._versions(case) if verb in one.transitions), None)
        return self.say(found.title) if found else msg(f"workflow.verb_{verb}").text(self.locale)

    def _versions(self, case: Case) -> Iterator[Workflow]:
        """Yield the case's own version, then the others, newest first."""
        yield self.workflow(case.definition_id)
        others = (one for one in known.all_workflows(self._session) if one.key == case.workflow)
        yield from (one.workflow for one in sorted(others, key=lambda one: -one.id))

    def of_class(self, workflow_key: str, code: str | None) -> str | None:
        """Name a class or a filing condition of the plugin's catalogues."""
        if code is None:
            return None
        item = known.catalogue_items(self._session, known.plugin_of(workflow_key)).get(code)
        return self.say(item.title) if item else code


def light(row: Any, now: datetime) -> str:
    """Give the traffic light of the present step: green up to 80 % of the limit, yellow up to all, then red."""
    if row.due_at is None or row.category == "closed":
        return "none"
    if now > row.due_at:
        return "red"
    return "yellow" if row.warn_at is not None and now >= row.warn_at else "green"


def stopped(row: Any, words: Words, actor: Actor) -> dict[str, Any] | None:
    """Say since when the clock of the case stands and what is left of its limit; None while it runs or there is none."""
    if row.stopped_clock is None or row.category == "closed":
        return None
    clock = clock_of(row.stopped_clock)
    amount = clockwork.left(clock, words.calendar(actor.agency_id))
    return {"since": clock.paused_at, "left": {"amount": round(amount, 2), "unit": clock.unit}}


def summary(row: Row[Any], words: Words, actor: Actor) -> dict[str, Any]:
    """Write one row of ``reading.summaries`` as a list shows it."""
    return {
        "number": row.number,
        "title": row.title,
        "workflow": row.workflow,
        "kind": row.kind,
        "state": words.state(row.definition_id, row.state),
        "category": row.category,
        "class_code": row.class_code,
        "class_title": words.of_class(row.workflow, row.class_code),
        "grid": {"code": row.grid_code, "name": row.grid_name} if row.grid_code else None,
        "department": {"key": row.department_code, "title": row.department_name} if row.department_code else None,
        "located": row.located,
        "lon": row.lon,
        "lat": row.lat,
        "reported_at": row.reported_at,
        "state_entered_at": row.state_entered_at,
        "due_at": row.due_at,
        "warn_at": row.warn_at,
        "light": light(row, actor.now),
        "stopped": stopped(row, words, actor),
        "is_provisional": row.is_provisional,
        "is_mine": row.assignee_id is not None and row.assignee_id == actor.user_id,
        "version": row.version,
    }


def hint(row: Row[Any], words: Words) -> dict[str, Any]:
    """Write one case near a place."""
    return {
        "number": row.number,
        "title": row.title,
        "class_code": row.class_code,
        "class_title": words.of_class(row.workflow, row.class_code),
        "state": words.state(row.definition_id, row.state),
        "metres": round(row.metres, 1),
        "reported_at": row.reported_at,
        "is_likely_duplicate": bool(row.is_likely),
    }


def event(row: Row[Any], case: Case, words: Words) -> dict[str, Any]:
    """Write one step of the history."""
    found: CaseEvent = row.CaseEvent
    workflow = words.workflow(case.definition_id)
    transition = workflow.transitions.get(found.verb)
    form = words.form_version(found.form_id)
    span = found.facts.get("span")
    return {
        "sequence": found.sequence,
        "at": found.at,
        "verb": found.verb,
        "title": words.past_step(case, found.verb),
        "actor": row.actor_name,
        "from_state": found.from_state,
        "to_state": found.to_state,
        "to_title": words.past_state(case, found.to_state),
        # An imported step has no version of a form; the present one's names are the best there is for its data.
        "form": form.key if form else transition.form if transition else None,
        "form_version": form.id if form else None,
        "data": found.data,
        "seconds": found.facts.get("seconds"),
        "in_time": span["in_time"] if span else None,
    }


def attachment(link: CaseAttachment, stored: Any) -> dict[str, Any]:
    """Write one photo or file."""
    return {
        "uuid": str(stored.uuid),
        "sequence": link.sequence,
        "field": link.field,
        "name": stored.name,
        "content_type": stored.content_type,
        "url": f"/api/v1/attachments/{stored.uuid}",
        "thumbnail_url": f"/api/v1/attachments/{stored.uuid}/thumbnail" if stored.has_thumbnail else None,
    }


def offer(one: Offer, workflow: Workflow, words: Words) -> dict[str, Any]:
    """Write one step that the actor may take."""
    answered = workflow.transitions[one.verb].answers
    return {
        "verb": one.verb,
        "title": words.say(one.title),
        "form": one.form,
        "to": one.to,
        "level": one.level,
        "answers": [verb for verb, asking in workflow.transitions.items() if answered and asking.asks == answered],
        "allowed": one.reason_if_not is None,
        "reason": one.reason_if_not.text(words.locale) if one.reason_if_not else None,
    }


def personal(values: Sequence[CasePersonal], actor: Actor, *, grid_path: str | None, department_path: str | None) -> Mapping[str, Any]:
    """Show personal values to whoever holds the right to them here, and a mask to everybody else."""
    open_to_actor = may_read_personal(actor, grid_path=grid_path, department_path=department_path)
    return {one.field: one.value if open_to_actor or one.value is None else MASK for one in values}


def may_read_personal(actor: Actor, *, grid_path: str | None, department_path: str | None) -> bool:
    """Say whether the actor may see who reported a case at this place."""
    return scope(actor, CaseRight.READ_PERSONAL).allows(grid_path=grid_path, department_path=department_path)


def fate(one: Fate, locale: str) -> dict[str, Any]:
    """Write what becomes of one case in a migration."""
    return {
        "number": one.number,
        "from_version": one.from_version,
        "from_state": one.from_state,
        "to_state": one.to_state,
        "moves": one.reason_if_stuck is None,
        "notes": [note.text(locale) for note in one.notes],
        "reason": one.reason_if_stuck.text(locale) if one.reason_if_stuck else None,
    }
