"""Moving open cases to the present version of their workflow: first a dry run that says what becomes of each, then the move.

A case stays with the version it began under until somebody moves it. Where the
new version has no such state, the caller names one for it; a case that finds
no place holds the whole move up, so that nothing is half done. Those in charge
of the cases are told once each, how many of theirs were moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require
from core.calendar import Calendar
from core.definitions import store as definitions
from core.lib.errors import Conflict, FieldError, Invalid
from core.lib.text import Message, msg
from core.workflow import clockwork
from core.workflow.definition import State, Workflow
from core.workflow.models import Case
from core.workflow.permissions import CaseRight
from core.workflow.service import amending, known, migration_notice, moving, reading, step
from core.workflow.service.amending import Amendment
from core.workflow.service.migration_notice import Charge, charge_of
from core.workflow.types import CaseSnapshot, Clock, Timer

VERB = "migrate"
BATCH = 500


@dataclass(frozen=True)
class Fate:
    """What becomes of one case: where it goes and what it loses, or why it is stuck."""

    number: str
    from_version: int
    from_state: str
    to_state: str
    notes: Sequence[Message] = ()
    reason_if_stuck: Message | None = None


@dataclass(frozen=True)
class Migration:
    """What a move did, or a dry run found."""

    workflow: str
    to_version: int
    dry_run: bool
    fates: Sequence[Fate] = field(default_factory=list)


@dataclass(frozen=True)
class _Move:
    """Everything a move needs to know of the new version."""

    actor: Actor
    definition: Workflow
    definition_id: int
    version: int
    states: Mapping[str, str]
    calendar: Calendar


def migrate(session: Session, actor: Actor, key: str, *, states: Mapping[str, str], dry_run: bool) -> Migration:
    """Move every open case of the actor's agency to the present version of workflow ``key``.

    ``states`` says where the cases of a state go that the new version lacks (or
    that shall become another). Raises NotFound for an unknown workflow, Invalid
    for a state that is none, Conflict when a case would be stuck: then nothing is moved.
    """
    require(actor, CaseRight.MIGRATE)
    current = known.current_workflow(session, key)
    to = definitions.version(session, current.id)
    _check_states(session, current, states)
    move = _Move(actor, current.workflow, current.id, to.version, states, step.calendar_of(session, actor))
    fates: list[Fate] = []
    charges: Counter[Charge] = Counter()
    last = 0
    behind = (Case.workflow == key, Case.category == "open", Case.definition_id != current.id)
    # A look must keep nobody from his work.
    while batch := reading.next_batch(session, *behind, after=last, limit=BATCH, lock=not dry_run):
        last = batch[-1].id
        fates += _migrate_batch(session, move, batch, charges, dry_run=dry_run)
        for case in batch:
            session.expunge(case)
    stuck = [fate for fate in fates if fate.reason_if_stuck]
    if stuck and not dry_run:
        told = [{"number": fate.number, "state": fate.from_state, "reason": fate.reason_if_stuck.text(actor.locale)} for fate in stuck]  # type: ignore[union-attr]
        raise Conflict(msg("workflow.migration_stuck", count=len(stuck)), extra={"stuck": told})
    if not dry_run:
        new = {"to_version": to.version, "cases": len(fates), "states": dict(states)}
        audit.record(session, actor, "core:workflow:migrated", subject=f"workflow:{key}", new=new)
        migration_notice.tell_soon(session, actor, charges, key=key, title=current.workflow.title, version=to.version)
    return Migration(key, to.version, dry_run, fates)


def _check_states(session: Session, current: known.KnownWorkflow, states: Mapping[str, str]) -> None:
    definition = current.workflow
    names = ", ".join(definition.open_states())
    wrong = [
        FieldError(f"states.{old}", msg("workflow.no_open_state", state=new, known=names))
        for old, new in states.items()
        if new not in definition.states or not definition.states[new].is_open
    ]
    ever = {name for one in known.all_workflows(session) if one.key == current.key for name in one.workflow.open_states()}
    wrong += [
        FieldError(f"states.{old}", msg("workflow.migration_unknown_state", state=old[:60], known=", ".join(sorted(ever))))
        for old in states
        if old not in ever
    ]
    if wrong:
        raise Invalid.many(wrong)


def _migrate_batch(session: Session, move: _Move, batch: Sequence[Case], charges: Counter[Charge], *, dry_run: bool) -> list[Fate]:
    waiting = amending.waiting_timers(session, [case.id for case in batch])
    versions = {number: definitions.version(session, number).version for number in {case.definition_id for case in batch}}
    fates = []
    for case in batch:
        snapshot = moving.snapshot_for(session, case)
        timers = waiting.get(case.id, {})
        fate = _fate(move, case, snapshot, versions[case.definition_id])
        fates.append(fate)
        if fate.reason_if_stuck or dry_run:
            continue
        session.execute(update(Case).where(Case.agency_id == case.agency_id, Case.id == case.id).values(definition_id=move.definition_id))
        charge = charge_of(move.definition.states[fate.to_state].owner, snapshot, case.grid_id)
        if charge is not None:
            charges[charge] += 1
        amending.amend(session, move.actor, case, move.definition, snapshot, _amendment(move, snapshot, fate, timers))
    return fates


def _fate(move: _Move, case: Case, snapshot: CaseSnapshot, version: int) -> Fate:
    target = move.states.get(case.state, case.state)
    state = move.definition.states.get(target)
    base = Fate(case.number, version, case.state, target)
    if state is None or not state.is_open:
        return Fate(base.number, version, base.from_state, target, (), msg("workflow.migration_no_state", state=case.state))
    if _is_without_holder(state, snapshot):
        return Fate(base.number, version, base.from_state, target, (), msg("workflow.migration_no_holder", state=target))
    if _is_without_limit(move.definition, state, snapshot):
        return Fate(base.number, version, base.from_state, target, (), msg("workflow.migration_no_limit", state=target))
    lapsing = sorted(set(snapshot.requests) - set(_kept_requests(move.definition, snapshot, state)))
    notes = [msg("workflow.migration_request_lapses", request=kind) for kind in lapsing]
    if (snapshot.clock.key if snapshot.clock else None) != state.limit:
        notes.append(msg("workflow.migration_new_limit", limit=state.limit) if state.limit else msg("workflow.migration_limit_ends"))
    return Fate(base.number, version, base.from_state, target, notes)


def _is_without_holder(state: State, snapshot: CaseSnapshot) -> bool:
    """Say whether the state's task belongs to a department or a person that the case does not have."""
    if state.owner is None:
        return False
    held = {"department": snapshot.department_id, "assignee": snapshot.assignee_id}
    return state.owner.at in held and held[state.owner.at] is None


def _is_without_limit(definition: Workflow, state: State, snapshot: CaseSnapshot) -> bool:
    if state.limit is None or (snapshot.clock is not None and snapshot.clock.key == state.limit):
        return False
    return definition.limits[state.limit].limit is None and snapshot.limit is None


def _kept_requests(definition: Workflow, snapshot: CaseSnapshot, state: State) -> dict[str, Any]:
    kept = {}
    for kind, request in snapshot.requests.items():
        spec = definition.requests.get(kind)
        if spec is not None and state.key in spec.states and request.level <= len(spec.levels):
            kept[kind] = request
    return kept


def _amendment(move: _Move, snapshot: CaseSnapshot, fate: Fate, waiting: Mapping[str, Timer]) -> Amendment:
    state = move.definition.states[fate.to_state]
    clock = _clock(move, snapshot, state)
    changes: dict[str, Any] = {
        "state": state.key,
        "clock": clock,
        "requests": _kept_requests(move.definition, snapshot, state),
    }
    if state.key != snapshot.state:
        changes["state_entered_at"] = move.actor.now
    data = {"from_version": fate.from_version, "to_version": move.version, "notes": [note.text("en") for note in fate.notes]}
    return Amendment(VERB, changes, data, _timers(move, snapshot, state, clock, waiting), list(waiting))


def _clock(move: _Move, snapshot: CaseSnapshot, state: State) -> Clock | None:
    """Let the same limit run on; another begins now."""
    if state.limit is None:
        return None
    clock = snapshot.clock
    if clock is None or clock.key != state.limit:
        limit = move.definition.limits[state.limit].limit or snapshot.limit
        assert limit is not None
        clock = clockwork.begin(state.limit, limit, move.actor.now, move.calendar)
    if state.stopped and clock.paused_at is None:
        return clockwork.pause(clock, move.actor.now)
    if not state.stopped and clock.paused_at is not None:
        return clockwork.resume(clock, move.actor.now, move.calendar)
    return clock


def _timers(move: _Move, snapshot: CaseSnapshot, state: State, clock: Clock | None, waiting: Mapping[str, Timer]) -> list[Timer]:
    """Set the escalation that waits, and the state's own timers; one that ran already runs on."""
    found: list[Timer] = []
    if clock is not None and clock.paused_at is None:
        spec = move.definition.limits[clock.key]
        ran_on = snapshot.clock is not None and snapshot.clock.key == clock.key and snapshot.clock.paused_at is None
        if ran_on:
            found += amending.escalations_again(spec, clock, waiting, move.actor, move.calendar)
        else:
            found += clockwork.escalations(spec, clock, move.actor.now, move.calendar)
    for timer in state.timers:
        kept = waiting.get(timer.verb) if state.key == snapshot.state else None
        made = kept or clockwork.state_timer(timer, snapshot.data, move.actor.now, move.calendar)
        if made is not None:
            found.append(made)
    return found
