"""Which way a step takes, who may take it, and what an actor is offered. Pure.

The order is always: right, then state, then guard. A refusal tells somebody
who may use the verb at all what is possible instead; nobody else learns more
than that they lack the right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.lib.text import Message, msg
from core.workflow.definition import Guard, Level, Transition, Way, Workflow
from core.workflow.types import EMPTY, ActorView, CaseSnapshot, NotEntitled, Offer, OpenRequest, Refused


def offers(workflow: Workflow, snapshot: CaseSnapshot, actor: ActorView, *, now: datetime) -> list[Offer]:
    """List the steps this actor has a right to from here, each with the reason if it is barred just now.

    Guards on form values are left to the step itself.
    """
    facts = Facts(workflow, snapshot, actor, EMPTY, now)
    found = []
    for verb in workflow.verbs_from[snapshot.state]:
        transition = workflow.transitions[verb]
        offer = _offer(workflow, snapshot, transition, actor, facts)
        if offer:
            found.append(offer)
    return found


def bars(workflow: Workflow, snapshot: CaseSnapshot, verb: str, actor: ActorView, *, now: datetime) -> bool:
    """Say whether ``move`` would refuse this verb whatever its form held.

    Asked before a form is checked, so that a wrong state is told before wrong values.
    """
    transition = workflow.transitions.get(verb)
    if transition is None or (verb, snapshot.state) not in workflow.ways:
        return True
    offer = _offer(workflow, snapshot, transition, actor, Facts(workflow, snapshot, actor, EMPTY, now))
    return offer is None or offer.reason_if_not is not None


class Facts:
    """What guards read, gathered once a step."""

    __slots__ = ("base", "data")

    def __init__(self, workflow: Workflow, snapshot: CaseSnapshot, actor: ActorView, data: Mapping[str, Any], now: datetime) -> None:
        self.data = data
        self.base: dict[str, Any] = {
            "state": snapshot.state,
            "kind": snapshot.kind,
            "class_code": snapshot.class_code,
            "condition": snapshot.condition,
            "source": snapshot.source,
            "department": snapshot.department_id,
            "assignee": snapshot.assignee_id,
            "reporter": snapshot.reporter_id,
            "actor": actor.user_id,
            "overdue": snapshot.is_overdue(now),
            "open_requests": len(snapshot.requests),
            "open_sub_cases": snapshot.open_sub_cases,
            "is_sub_case": snapshot.parent_id is not None,
            "counts": {**workflow.zero_counts, **snapshot.counts},
            "facts": dict(snapshot.data),
        }

    def first_broken(self, guards: Sequence[Guard], *, with_form: bool = True) -> Guard | None:
        """Give the first guard that does not hold."""
        for guard in guards:
            if guard.form_fields:
                if not with_form:
                    continue
                facts = {**self.base, "form": {name: self.data.get(name) for name in guard.form_fields}}
            else:
                facts = self.base
            if not guard.rule.truthy(facts):
                return guard
        return None


def choose(
    workflow: Workflow, snapshot: CaseSnapshot, transition: Transition, actor: ActorView, data: Mapping[str, Any], now: datetime
) -> tuple[Way, int | None]:
    """Find the way to take and the level of the request it answers, or raise what forbids it."""
    ways = workflow.ways.get((transition.verb, snapshot.state), ())
    request = snapshot.requests.get(transition.answers) if transition.answers else None
    if not ways or (transition.answers and request is None):
        raise _wrong_state(workflow, snapshot, transition, actor, now, asked_for=bool(ways))
    level = level_of(workflow, request) if request else None
    entitled = [way for way in ways if _is_entitled(way, level, snapshot, actor, request)]
    if not entitled:
        right = level.right if level else ways[0].right
        raise NotEntitled(msg("workflow.not_entitled", transition=transition.title, right=right))
    broken: Guard | None = None
    facts: Facts | None = None
    for way in entitled:
        if way.guards and facts is None:
            facts = Facts(workflow, snapshot, actor, data, now)
        failed = facts.first_broken(way.guards) if facts else None
        if failed is None:
            return way, request.level if request else None
        broken = broken or failed
    assert broken is not None
    raise _refused(workflow, snapshot, transition, actor, now, _reason(broken))


def _is_entitled(way: Way, level: Level | None, snapshot: CaseSnapshot, actor: ActorView, request: OpenRequest | None) -> bool:
    if actor.is_system:
        return way.by is None
    right = level.right if level else way.right
    if not actor.may(right, grid_path=snapshot.grid_path, department_path=snapshot.department_path):
        return False
    if way.by == "assignee" and (actor.user_id is None or actor.user_id != snapshot.assignee_id):
        return False
    not_by = (*way.not_by, *level.not_by) if level else way.not_by
    return not not_by or actor.user_id not in set(_barred(not_by, snapshot, request))


def _barred(not_by: Sequence[str], snapshot: CaseSnapshot, request: OpenRequest | None) -> Iterator[int]:
    """Yield the people whom separation of duties keeps from this step."""
    people: dict[str, Sequence[int | None]] = {
        "reporter": (snapshot.reporter_id,),
        "assignee": (snapshot.assignee_id,),
        "asker": (request.asked_by,) if request else (),
        "answerer": request.answered_by if request else (),
    }
    return (person for role in not_by for person in people[role] if person is not None)


def level_of(workflow: Workflow, request: OpenRequest) -> Level:
    """Give the level at which an open request waits."""
    return workflow.requests[request.kind].levels[request.level - 1]


def _reason(guard: Guard) -> Message:
    if guard.message:
        return msg("workflow.guard_says", reason=guard.message)
    return msg("workflow.guard_failed", rule=guard.text)


def _wrong_state(
    workflow: Workflow, snapshot: CaseSnapshot, transition: Transition, actor: ActorView, now: datetime, *, asked_for: bool
) -> NotEntitled | Refused:
    """Say that the verb does not fit the state, but only to somebody who may use it at all."""
    rights = {way.right for way in transition.ways if way.right}
    if transition.answers:
        rights = {level.right for level in workflow.requests[transition.answers].levels}
    if not any(actor.may(right, grid_path=snapshot.grid_path, department_path=snapshot.department_path) for right in sorted(rights)):
        return NotEntitled(msg("workflow.not_entitled", transition=transition.title, right=", ".join(sorted(rights))))
    if asked_for and transition.answers:
        message = msg("workflow.no_open_request", transition=transition.title, request=workflow.requests[transition.answers].title)
    else:
        state = workflow.states.get(snapshot.state)
        message = msg("workflow.wrong_state", transition=transition.title, state=state.title if state else {"zh_CN": "新案件", "en": "new"})
    return _refused(workflow, snapshot, transition, actor, now, message)


def _refused(
    workflow: Workflow, snapshot: CaseSnapshot, transition: Transition, actor: ActorView, now: datetime, message: Message
) -> Refused:
    allowed = tuple(offer.verb for offer in offers(workflow, snapshot, actor, now=now) if offer.reason_if_not is None)
    return Refused(message, state=snapshot.state, verb=transition.verb, allowed=allowed)


def _offer(workflow: Workflow, snapshot: CaseSnapshot, transition: Transition, actor: ActorView, facts: Facts) -> Offer | None:
    request = snapshot.requests.get(transition.answers) if transition.answers else None
    if transition.answers and request is None:
        return None
    level = level_of(workflow, request) if request else None
    best: Offer | None = None
    for way in workflow.ways[transition.verb, snapshot.state]:
        if not _is_entitled(way, level, snapshot, actor, request):
            continue
        broken = facts.first_broken(way.guards, with_form=False)
        if best is not None and broken is not None:
            continue
        best = Offer(
            verb=transition.verb,
            title=transition.title,
            form=transition.form,
            right=level.right if level else way.right,
            to=way.to or snapshot.state,
            level=request.level if request else None,
            reason_if_not=_reason(broken) if broken else None,
        )
        if broken is None:
            return best
    return best
