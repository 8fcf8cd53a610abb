"""Whether a workflow can get stuck, and where.

Asked when a version is about to be published, with the roles an agency has:
a state nobody can leave and a step nobody may take are refused with the
reason. Whether a guard can ever hold is decided by trying every combination of
values that the rule can tell apart; where that is not possible the guard is
given the benefit of the doubt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from core.lib.errors import FieldError, Invalid
from core.lib.text import Message, msg
from core.workflow.definition import Transition, Way, Workflow, rights_asked
from core.workflow.satisfiable import can_hold

Roles = Mapping[str, AbstractSet[str]]
"""Each role's rights, by the role's key."""


def problems(workflow: Workflow, roles: Roles) -> list[FieldError]:
    """Name everything that makes the workflow unsound, each with its place in the file."""
    return list(_Audit(workflow, roles).all())


def require_sound(workflow: Workflow, roles: Roles) -> None:
    """Raise Invalid with every reason when the workflow can get stuck."""
    found = problems(workflow, roles)
    if found:
        raise Invalid(msg("workflow.unsound", count=len(found)), errors=found)


class _Audit:
    """One look at a workflow: which ways are open to somebody, and where they lead."""

    def __init__(self, workflow: Workflow, roles: Roles) -> None:
        self.workflow = workflow
        self.roles = roles
        self.held = frozenset(right for rights in roles.values() for right in rights)
        self.dead = {way.path: way for _, _, _, way in workflow.edges() if not any(_can_take(way, state) for state in way.states or ("",))}
        self.next: dict[str, set[str]] = {state: set() for state in ("", *workflow.states)}
        for source, target, transition, way in workflow.edges():
            if target != source and self._is_open(transition, way, source):
                self.next[source].add(target)

    def all(self) -> Iterator[FieldError]:
        yield from self._rights()
        yield from self._guards()
        yield from self._shadowed()
        yield from self._states()
        yield from self._owners()
        yield from self._timers()
        yield from self._requests()
        yield from self._counts()

    def _is_open(self, transition: Transition, way: Way, state: str) -> bool:
        """Say whether somebody (or a timer) may take the way from this state."""
        if not _can_take(way, state):
            return False
        if state and transition.by_timer and any(timer.verb == transition.verb for timer in self.workflow.states[state].timers):
            return True
        if transition.answers:
            return all(level.right in self.held for level in self.workflow.requests[transition.answers].levels)
        return way.right in self.held

    def _rights(self) -> Iterator[FieldError]:
        for path, right in rights_asked(self.workflow):
            if right not in self.held:
                yield FieldError(path, msg("workflow.nobody_may", right=right))

    def _guards(self) -> Iterator[FieldError]:
        for path, way in self.dead.items():
            yield FieldError(f"{path}.guard", msg("workflow.guard_never", rule=" and ".join(guard.text for guard in way.guards)))

    def _shadowed(self) -> Iterator[FieldError]:
        for transition in self.workflow.transitions.values():
            for index, way in enumerate(transition.ways):
                earlier = _covering(transition.ways[:index], way)
                if earlier:
                    yield FieldError(way.path, msg("workflow.way_never_taken", earlier=earlier.path))

    def _states(self) -> Iterator[FieldError]:
        reached = self._reach("")
        for key, state in self.workflow.states.items():
            where = f"states.{key}"
            if key not in reached:
                yield FieldError(where, msg("workflow.unreachable", state=state.title))
            elif state.is_open and not self.next[key]:
                yield FieldError(where, msg("workflow.no_way_out", state=state.title))
            elif state.is_open and all(self.workflow.states[other].is_open for other in self._reach(key)):
                yield FieldError(where, msg("workflow.never_closed", state=state.title))

    def _reach(self, source: str) -> set[str]:
        found: set[str] = set()
        waiting = [source]
        while waiting:
            for state in self.next[waiting.pop()] - found:
                found.add(state)
                waiting.append(state)
        return found

    def _owners(self) -> Iterator[FieldError]:
        """Whoever has the task must be able to do something about it."""
        for key, state in self.workflow.states.items():
            if state.owner is None or state.owner.right is None or state.party is None:
                continue
            can = {way.right for verb in self.workflow.verbs_from[key] for way in self.workflow.ways[verb, key]}
            if not any(state.owner.right in rights and can & rights for rights in self.roles.values()):
                message = msg("workflow.owner_idle", state=state.title, party=self.workflow.party_titles[state.party])
                yield FieldError(f"states.{key}.owner", message)

    def _timers(self) -> Iterator[FieldError]:
        for key, state in self.workflow.states.items():
            for index, timer in enumerate(state.timers):
                ways = self.workflow.ways.get((timer.verb, key), ())
                where = f"states.{key}.timers[{index}].verb"
                if not ways or self.workflow.transitions[timer.verb].answers:
                    yield FieldError(where, msg("workflow.timer_nowhere", verb=timer.verb, state=state.title))
                elif all(way.by for way in ways):
                    yield FieldError(where, msg("workflow.timer_by_person", verb=timer.verb))

    def _requests(self) -> Iterator[FieldError]:
        transitions = self.workflow.transitions.values()
        for key, request in self.workflow.requests.items():
            where = f"requests.{key}"
            asking = [transition for transition in transitions if transition.asks == key]
            if not asking:
                yield FieldError(where, msg("workflow.request_never_asked", request=request.title))
            if not any(transition.grants == key for transition in transitions):
                yield FieldError(where, _unanswerable(request.title, "同意", "grants"))
            if not any(transition.refuses == key for transition in transitions):
                yield FieldError(where, _unanswerable(request.title, "拒绝", "refuses"))
            for transition in asking:
                yield from self._lapsing(transition, request.states)

    def _lapsing(self, transition: Transition, states: AbstractSet[str]) -> Iterator[FieldError]:
        kind = self.workflow.requests[transition.asks or ""]
        for way in transition.ways:
            for state in sorted(way.states):
                target = way.to or state
                if target not in states:
                    message = msg(
                        "workflow.request_lapses_at_once",
                        request=kind.title,
                        state=self.workflow.states[state].title,
                        to=self.workflow.states[target].title,
                    )
                    yield FieldError(way.path, message)

    def _counts(self) -> Iterator[FieldError]:
        counted = {name for _, _, _, way in self.workflow.edges() for name in way.counts}
        for name in self.workflow.counts:
            if name not in counted:
                yield FieldError(f"counts.{name}", msg("workflow.never_counted", count=name))


def _can_take(way: Way, state: str) -> bool:
    """Say whether the guards of a way can hold together in a state."""
    return not way.guards or can_hold([guard.rule for guard in way.guards], {"state": state}, _possible)


def _possible(name: str, value: object) -> bool:
    """Say whether a guard can ever find ``value`` under ``name``: counts are never negative, flags are flags."""
    if name.startswith("counts.") or name in {"open_requests", "open_sub_cases"}:
        return isinstance(value, float) and value >= 0
    if name in {"overdue", "is_sub_case"}:
        return isinstance(value, bool)
    return True


def _unanswerable(request: Mapping[str, str], zh: str, en: str) -> Message:
    return msg("workflow.request_unanswerable", request=request, answer={"zh_CN": zh, "en": en})


def _covering(earlier: Sequence[Way], way: Way) -> Way | None:
    """Find an earlier way that always comes first: same right, no condition, all the same states."""
    for other in earlier:
        if other.right == way.right and not other.guards and not other.by and not other.not_by and other.states >= way.states:
            return other
    return None
