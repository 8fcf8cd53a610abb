"""Turn a workflow file into a ``Workflow``, or say what is wrong in it, field by field.

The meta-schema has already seen to the shape; here every name must lead
somewhere and every rule must parse. All errors are collected, none stops the
next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.definitions.registry import register_compiler
from core.definitions.types import Content, DefinitionSource, Reference
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.rules import CompiledRule, RuleError, compile_rule, parse, unparse
from core.workflow.definition import (
    FILING_RULE,
    FORM,
    GUARD_NAMES,
    NOBODY,
    OWNER,
    REQUEST_OPENED,
    TASK,
    Escalation,
    Guard,
    Level,
    LimitSpec,
    NoticeSpec,
    RequestSpec,
    State,
    StateTimer,
    SubCases,
    Transition,
    Way,
    Workflow,
    frozen,
)
from core.workflow.soundness import problems
from core.workflow.types import Limit, Receiver

FACTS = "facts."
PEOPLE = frozenset({"assignee", "asker", "reporter"})
ASSIGNEE = "assignee"
_WAY_FIELDS = ("to", "right", "by", "not_by", "guard", "set", "assign", "count", "extend", "notify", "milestones", "sub_cases")


def compile_workflow(content: Content) -> Workflow:
    """Compile checked content; raises Invalid with the path of every wrong field."""
    reader = _Reader(content)
    workflow = reader.workflow()
    if reader.errors:
        raise Invalid.many(reader.errors)
    return workflow


def references(content: Content) -> Iterator[Reference]:
    """Name the forms that the workflow's steps need."""
    for verb, raw in content["transitions"].items():
        if raw.get("form"):
            yield Reference(f"transitions.{verb}.form", "form", raw["form"])


def audit(content: Content, source: DefinitionSource) -> list[FieldError]:
    """Name every place where the workflow would get stuck with the roles there are."""
    # The roles beside it may themselves be wrong; that is told where they stand.
    given = [(role.get("key"), role.get("rights")) for role in source.every("role")]
    roles = {str(key): frozenset(right for right in rights if isinstance(right, str)) for key, rights in given if isinstance(rights, list)}
    return problems(compile_workflow(content), roles)


class _Reader:
    """Reads one file; keeps what it has found wrong."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.errors: list[FieldError] = []
        self.states = content["states"]
        self.parties = {key: Receiver(raw["at"], raw.get("right")) for key, raw in content.get("parties", {}).items()}
        self.facts = {
            name for raw in content["transitions"].values() for part in (raw, *raw.get("ways", ())) for name in part.get("set", {})
        }
        self.counts = set(content.get("counts", {})) | {f"late_{key}" for key in content.get("limits", {})}

    def workflow(self) -> Workflow:
        """Read everything; meaningful only while ``errors`` is empty."""
        content = self.content
        self._parties()
        self._own_notices()
        limits = {key: self._limit(key, raw) for key, raw in content.get("limits", {}).items()}
        states = {key: self._state(key, raw) for key, raw in self.states.items()}
        requests = {key: self._request(key, raw) for key, raw in content.get("requests", {}).items()}
        timed = {timer.verb for state in states.values() for timer in state.timers}
        transitions = {verb: self._transition(verb, raw, verb in timed) for verb, raw in content["transitions"].items()}
        self._known("start", content["start"], content["transitions"], "transition")
        ways: dict[tuple[str, str], tuple[Way, ...]] = {}
        for verb, transition in transitions.items():
            for way in transition.ways:
                for state in way.states or {""}:
                    ways[verb, state] = (*ways.get((verb, state), ()), way)
        self._start(ways)
        return Workflow(
            key=content["key"],
            title=content["title"],
            start=content["start"],
            steps=frozen({key: raw["title"] for key, raw in content.get("steps", {}).items()}),
            parties=frozen(self.parties),
            party_titles=frozen({key: raw["title"] for key, raw in content.get("parties", {}).items()}),
            limits=frozen(limits),
            counts=frozen(content.get("counts", {})),
            states=frozen(states),
            requests=frozen(requests),
            transitions=frozen(transitions),
            notices=frozen(content.get("notices", {})),
            duplicate=frozen(content.get("duplicate", {})),
            zero_counts=frozen(dict.fromkeys(sorted(self.counts), 0)),
            ways=frozen(ways),  # type: ignore[arg-type]
            verbs_from=frozen({state: tuple(verb for verb in transitions if (verb, state) in ways) for state in ("", *states)}),
        )

    def _error(self, path: str, key: str, **params: object) -> None:
        self.errors.append(FieldError(path, msg(f"workflow.{key}", **params)))

    def _known(self, path: str, name: str, known: Mapping[str, Any] | set[str], what: str) -> bool:
        if name in known:
            return True
        self._error(path, "unknown_name", what=what, name=name, known=", ".join(sorted(known)))
        return False

    def _start(self, ways: Mapping[tuple[str, str], Sequence[Way]]) -> None:
        start = self.content["start"]
        for verb, state in ways:
            if state == "" and verb != start:
                self._error(f"transitions.{verb}", "no_from", verb=verb)
        for way in ways.get((start, ""), ()):
            if way.to is None:
                self._error(way.path, "start_needs_to", verb=start)
        if start in self.content["transitions"] and not ways.get((start, "")):
            self._error("start", "start_has_from", verb=start)

    def _own_notices(self) -> None:
        """Ask for the words of what the engine says by itself."""
        if any(raw.get("owner") for raw in self.states.values()):
            self._topic("notices", TASK)
        if self.content.get("requests"):
            self._topic("notices", REQUEST_OPENED)

    def _parties(self) -> None:
        for key, party in self.parties.items():
            if party.at in PEOPLE and party.right:
                self._error(f"parties.{key}.right", "person_with_right", at=party.at)
            if party.at not in PEOPLE and not party.right:
                self._error(f"parties.{key}", "party_without_right", at=party.at)

    def _receivers(self, path: str, names: str | Sequence[str]) -> tuple[Receiver, ...]:
        found = []
        for name in [names] if isinstance(names, str) else names:
            if name == "owner":
                found.append(OWNER)
            elif self._known(path, name, self.parties, "party"):
                found.append(self.parties[name])
        return tuple(found)

    def _topic(self, path: str, topic: str) -> str:
        self._known(path, topic, self.content.get("notices", {}), "notice")
        return topic

    def _limit(self, key: str, raw: Mapping[str, Any]) -> LimitSpec:
        path = f"limits.{key}"
        limit = None if raw["limit"] == FILING_RULE else Limit(float(raw["limit"]["amount"]), raw["limit"]["unit"])
        escalations = [
            Escalation(
                float(part["at"]),
                self._topic(f"{path}.escalate[{index}].topic", part["topic"]),
                self._receivers(f"{path}.escalate[{index}].to", part["to"]),
            )
            for index, part in enumerate(raw.get("escalate", ()))
        ]
        if [part.at for part in escalations] != sorted({part.at for part in escalations}):
            self._error(f"{path}.escalate", "escalations_out_of_order")
        keys = tuple(f"escalate.{index}" for index in range(len(escalations)))
        return LimitSpec(key, raw["title"], limit, raw.get("source", ""), tuple(escalations), keys)

    def _state(self, key: str, raw: Mapping[str, Any]) -> State:
        path = f"states.{key}"
        for name, known, what in (
            ("owner", self.parties, "party"),
            ("limit", self.content.get("limits", {}), "limit"),
            ("step", self.content.get("steps", {}), "step"),
        ):
            if raw.get(name):
                self._known(f"{path}.{name}", raw[name], known, what)
        category = raw.get("category", "open")
        if category == "closed" and (raw.get("limit") or raw.get("owner") or raw.get("timers")):
            self._error(path, "closed_with_task", state=key)
        if raw.get("clock") == "stopped" and not raw.get("limit"):
            self._error(f"{path}.clock", "stopped_without_limit", state=key)
        timers = tuple(self._timer(f"{path}.timers[{index}]", part) for index, part in enumerate(raw.get("timers", ())))
        return State(
            key, raw["title"], raw.get("step"), raw.get("axis"), category, self.parties.get(raw.get("owner", "")), raw.get("owner"),
            raw.get("limit"), raw.get("clock") == "stopped", raw.get("milestone"), timers,
        )  # fmt: skip

    def _timer(self, path: str, raw: Mapping[str, Any]) -> StateTimer:
        self._known(f"{path}.verb", raw["verb"], self.content["transitions"], "transition")
        at = raw.get("at")
        if at is not None:
            at = self._fact(f"{path}.at", at)
        if at is None and "at_most" not in raw:
            self._error(path, "timer_without_time")
        most = raw.get("at_most")
        return StateTimer(raw["verb"], at, Limit(float(most["amount"]), most["unit"]) if most else None)

    def _request(self, key: str, raw: Mapping[str, Any]) -> RequestSpec:
        path = f"requests.{key}"
        for index, state in enumerate(raw["while"]):
            self._known(f"{path}.while[{index}]", state, self.states, "state")
        levels = []
        for index, part in enumerate(raw["levels"]):
            receivers = self._receivers(f"{path}.levels[{index}].to", part["to"])
            if receivers:
                # Told are those who can answer: holders of the level's right, at the side the party names.
                receiver = receivers[0] if receivers[0].at in PEOPLE else Receiver(receivers[0].at, part["right"])
                levels.append(Level(part["right"], receiver, part["to"], tuple(part.get("not_by", ()))))
        return RequestSpec(key, raw["title"], frozenset(raw["while"]), tuple(levels))

    def _transition(self, verb: str, raw: Mapping[str, Any], by_timer: bool) -> Transition:
        path = f"transitions.{verb}"
        for name in ("asks", "grants", "refuses"):
            if raw.get(name):
                self._known(f"{path}.{name}", raw[name], self.content.get("requests", {}), "request")
        if sum(bool(raw.get(name)) for name in ("asks", "grants", "refuses")) > 1:
            self._error(path, "asks_and_answers")
        common = {name: raw[name] for name in _WAY_FIELDS if name in raw}
        parts = raw.get("ways")
        if parts is not None and "from" in raw:
            self._error(f"{path}.from", "from_beside_ways")
        ways = (
            [self._way(f"{path}.ways[{index}]", raw, {**common, **part}) for index, part in enumerate(parts)]
            if parts is not None
            else [self._way(path, raw, {**common, **({"from": raw["from"]} if "from" in raw else {})})]
        )
        return Transition(
            verb, raw["title"], raw.get("form"), tuple(ways), raw.get("asks"), raw.get("grants"), raw.get("refuses"), by_timer
        )

    def _way(self, path: str, transition: Mapping[str, Any], raw: Mapping[str, Any]) -> Way:
        answers = transition.get("grants") or transition.get("refuses")
        if answers and ("from" in raw or "right" in raw):
            self._error(path, "answer_with_from_or_right")
        if not answers and "right" not in raw:
            self._error(path, "way_without_right")
        if raw.get("to"):
            self._known(f"{path}.to", raw["to"], self.states, "state")
        self._counts(path, raw)
        assigned = raw.get("assign", {})
        return Way(
            path=path,
            states=self._from(path, raw.get("from"), answers),
            to=raw.get("to"),
            right=raw.get("right", ""),
            by=raw.get("by"),
            not_by=tuple(raw.get("not_by", ())),
            guards=self._guards(f"{path}.guard", raw.get("guard", ())),
            sets=frozen(
                {name: self._sources(f"{path}.set.{name}", value) for name, value in raw.get("set", {}).items() if value != ASSIGNEE}
            ),
            keeps_assignee_as=tuple(name for name, value in raw.get("set", {}).items() if value == ASSIGNEE),
            assign=frozen(
                {name: self._assigned(f"{path}.assign.{name}", value) for name, value in assigned.items() if not value.startswith(FACTS)}
            ),
            assign_facts=frozen(
                {name: self._fact(f"{path}.assign.{name}", value) for name, value in assigned.items() if value.startswith(FACTS)}
            ),
            counts=tuple(raw.get("count", ())),
            extend=float(raw.get("extend", 0)),
            notices=tuple(
                NoticeSpec(
                    self._topic(f"{path}.notify[{index}].topic", part["topic"]), self._receivers(f"{path}.notify[{index}].to", part["to"])
                )
                for index, part in enumerate(raw.get("notify", ()))
            ),
            milestones=frozen(raw.get("milestones", {})),
            sub_cases=self._sub_cases(f"{path}.sub_cases", raw.get("sub_cases")),
        )

    def _from(self, path: str, value: str | Sequence[str] | None, answers: str | None) -> frozenset[str]:
        if answers:
            return frozenset(self.content.get("requests", {}).get(answers, {}).get("while", ()))
        if value is None:
            return frozenset()
        if isinstance(value, str):
            return frozenset(key for key, raw in self.states.items() if raw.get("category", "open") == value)
        return frozenset(state for index, state in enumerate(value) if self._known(f"{path}.from[{index}]", state, self.states, "state"))

    def _counts(self, path: str, raw: Mapping[str, Any]) -> None:
        for index, name in enumerate(raw.get("count", ())):
            self._known(f"{path}.count[{index}]", name, self.content.get("counts", {}), "count")
        for name in raw.get("milestones", {}):
            self._known(f"{path}.milestones.{name}", name, self.states, "state")

    def _sources(self, path: str, value: str | Sequence[str]) -> tuple[str, ...]:
        return tuple(self._form_field(path, part) for part in ([value] if isinstance(value, str) else value))

    def _form_field(self, path: str, value: str) -> str:
        if not value.startswith(FORM):
            self._error(path, "not_a_form_field", value=value)
        return value.removeprefix(FORM)

    def _assigned(self, path: str, value: str) -> str:
        return "" if value == NOBODY else self._form_field(path, value)

    def _fact(self, path: str, value: str) -> str:
        name = value.removeprefix(FACTS)
        self._known(path, name, self.facts, "fact")
        return name

    def _sub_cases(self, path: str, raw: Mapping[str, Any] | None) -> SubCases | None:
        if raw is None:
            return None
        self._known(f"{path}.state", raw["state"], self.states, "state")
        unless = self._rule(f"{path}.unless", raw["unless"])[0] if "unless" in raw else None
        return SubCases(self._form_field(f"{path}.departments", raw["departments"]), raw["state"], unless)

    def _guards(self, path: str, raw: Any) -> tuple[Guard, ...]:
        if isinstance(raw, str):
            raw = [{"rule": raw}]
        found = []
        for index, part in enumerate(raw):
            where = f"{path}[{index}].rule" if isinstance(raw, list) and "message" in part else path
            rule, text = self._rule(where, part["rule"])
            if rule:
                fields = sorted(name.removeprefix(FORM).split(".")[0] for name in rule.reads if name.startswith(FORM))
                found.append(Guard(rule, text, part.get("message"), tuple(dict.fromkeys(fields))))
        return tuple(found)

    def _rule(self, path: str, value: Any) -> tuple[CompiledRule | None, str]:
        """Compile a rule given as text or as the tree it was parsed to."""
        try:
            tree = parse(value) if isinstance(value, str) else value
            rule = compile_rule(tree)
        except RuleError as error:
            self.errors.append(FieldError(path, error.message))
            return None, ""
        for name in sorted(rule.reads):
            self._guard_name(path, name)
        if rule.needs_today:
            self._error(path, "guard_needs_today")
        return rule, value if isinstance(value, str) else unparse(tree)

    def _guard_name(self, path: str, name: str) -> None:
        head, _, tail = name.partition(".")
        if not self._known(path, head, set(GUARD_NAMES), "name"):
            return
        if head == "counts":
            self._known(path, tail, self.counts, "count")
        elif head == "facts":
            self._known(path, tail, self.facts, "fact")


register_compiler("workflow", compile_workflow, references=references, audit=audit)
