"""The steps of a form check: fields of one frame, groups flattened, in the order in which they can be worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from core.forms.definition import CheckDefinition, FieldDefinition, Rule
from core.forms.fields import Check, type_of
from core.forms.fields.base import FieldType, Moment
from core.forms.fields.repeat import bounds
from core.forms.scopes import BoundRule, Ids, Scope
from core.forms.types import Named, Refused
from core.lib.errors import FieldError
from core.lib.text import Title, msg

_MOVING = {"date", "datetime"}
"""Types whose bounds move with the clock: their defaults cannot be judged once for all."""

_ANY_MOMENT = Moment(datetime(2000, 1, 1, tzinfo=UTC), date(2000, 1, 1))

References = Callable[[Any], Iterable[Named]]


@dataclass(slots=True)
class BoundCheck:
    """A check of the form, a group or an item."""

    rule: BoundRule
    message: Title
    path: str
    container: int


@dataclass(slots=True)
class Node:
    """One field of a frame. ``container`` is the group it lies in, 0 for none; ``own`` the container that it is."""

    id: str
    path: Ids
    text: str
    field: FieldDefinition
    type: FieldType
    container: int
    own: int
    check: Check
    is_empty: Callable[[Any], bool]
    required: bool | BoundRule
    visible: BoundRule | None
    value: BoundRule | None
    references: References | None
    items: FramePlan | None
    group: Node | None


@dataclass(slots=True)
class FramePlan:
    """How to check one frame: its nodes in order, its checks, and the ids of each container."""

    nodes: list[Node] = field(default_factory=list)
    checks: list[BoundCheck] = field(default_factory=list)
    ids: list[frozenset[str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    outer: set[tuple[int, Ids]] = field(default_factory=set)
    """What its rules read of the frames around it: (depth, path)."""

    has_personal: bool = False


class Planner:
    """Makes the plan of a form and gathers every error on the way."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def frame(self, fields: Sequence[FieldDefinition], checks: Sequence[CheckDefinition], place: str, scope: Scope) -> FramePlan:
        """Plan the form or one item; ``place`` is where its fields stand in the definition."""
        plan = FramePlan()
        self._container(plan, fields, checks, place, scope, group=None)
        self._gather_outer(plan, scope.depth)
        plan.nodes = self._ordered(plan.nodes, scope.depth, place)
        plan.has_personal = any(node.field.is_personal or (node.items is not None and node.items.has_personal) for node in plan.nodes)
        return plan

    def _container(
        self,
        plan: FramePlan,
        fields: Sequence[FieldDefinition],
        checks: Sequence[CheckDefinition],
        place: str,
        scope: Scope,
        *,
        group: Node | None,
    ) -> None:
        number = len(plan.ids)
        plan.ids.append(frozenset(one.id for one in fields))
        plan.paths.append(group.text if group else "")
        seen: set[str] = set()
        for index, one in enumerate(fields):
            where = f"{place}fields[{index}]"
            if one.id in seen:
                self.errors.append(FieldError(f"{where}.id", msg("forms.id_repeated", id=one.id)))
                continue
            seen.add(one.id)
            self._node(plan, one, where, scope, number, group)
        for index, check in enumerate(checks):
            self._check(plan, check, f"{place}checks[{index}]", scope, number)

    def _node(self, plan: FramePlan, one: FieldDefinition, where: str, scope: Scope, number: int, group: Node | None) -> None:
        kind = type_of(one.type)
        path = (*scope.path, one.id)
        # A default can only be judged by settings that hold together.
        found = list(kind.setting_errors(one)) or list(_key_errors(one, scope))
        problems = [FieldError(f"{where}.{error.path}", error.message) for error in found]
        self.errors += problems
        if problems:
            return
        node = Node(
            id=one.id, path=path, text=".".join(path), field=one, type=kind, container=number, own=len(plan.ids), check=kind.checker(one),
            is_empty=kind.is_empty, required=self._required(one, where, scope), visible=self._bound(one.visible, f"{where}.visible", scope),
            value=self._bound(one.value, f"{where}.value", scope), references=_references(kind, one), items=None, group=group,
        )  # fmt: skip
        plan.nodes.append(node)
        if one.type == "group":
            self._container(
                plan, one.fields, one.checks, f"{where}.", Scope.of(one.fields, depth=scope.depth, path=path, around=scope), group=node
            )
        elif one.type == "repeat":
            inner = Scope.of(one.fields, depth=scope.depth + 1, around=scope)
            node.items = self.frame(one.fields, one.checks, f"{where}.", inner)

    def _required(self, one: FieldDefinition, where: str, scope: Scope) -> bool | BoundRule:
        if one.type == "repeat" and bounds(one)[0] > 0:
            return True
        if isinstance(one.required, bool):
            return one.required
        return self._bound(one.required, f"{where}.required", scope) or False

    def _bound(self, rule: Rule | None, place: str, scope: Scope) -> BoundRule | None:
        if rule is None:
            return None
        bound = scope.bind(rule, place)
        if isinstance(bound, FieldError):
            self.errors.append(bound)
            return None
        return bound

    def _check(self, plan: FramePlan, check: CheckDefinition, place: str, scope: Scope, number: int) -> None:
        if check.at not in scope.fields:
            self.errors.append(FieldError(f"{place}.at", msg("forms.unknown_name", name=check.at, known=", ".join(sorted(scope.fields)))))
            return
        bound = self._bound(check.rule, f"{place}.rule", scope)
        if bound is not None:
            plan.checks.append(BoundCheck(bound, check.message, ".".join((*scope.path, check.at)), number))

    def _gather_outer(self, plan: FramePlan, depth: int) -> None:
        for rule in _rules(plan):
            plan.outer |= {(one.depth, one.read) for one in rule.bindings if one.depth < depth}
        for node in plan.nodes:
            if node.items is not None:
                plan.outer |= {(at, path) for at, path in node.items.outer if at < depth}

    def _ordered(self, nodes: list[Node], depth: int, place: str) -> list[Node]:
        """Sort so that every field comes after all it reads; what is left over reads itself in a circle."""
        waiting = {node.path: _needs(node, nodes, depth) for node in nodes}
        ordered: list[Node] = []
        while waiting:
            ready = [node for node in nodes if node.path in waiting and not waiting[node.path] & waiting.keys()]
            if not ready:
                circle = [node for node in nodes if node.path in waiting and _is_in_circle(node.path, waiting)]
                names = ", ".join(node.text for node in circle)
                self.errors.append(FieldError(f"{place}fields", msg("forms.circular_rules", names=names)))
                break
            ordered += ready
            for node in ready:
                del waiting[node.path]
        return ordered


def _key_errors(one: FieldDefinition, scope: Scope) -> Iterator[FieldError]:
    """Yield keys that make no sense at this place, and a default that the field itself would refuse."""
    if one.index and (one.is_personal or scope.depth):
        yield FieldError("index", msg("forms.cannot_index"))
    if one.default is not None and one.type not in _MOVING:
        try:
            type_of(one.type).checker(one)(one.default, _ANY_MOMENT)
        except Refused as refused:
            yield FieldError("default", refused.message)


def _rules(plan: FramePlan) -> Iterator[BoundRule]:
    for node in plan.nodes:
        yield from _node_rules(node)
    for check in plan.checks:
        yield check.rule


def _node_rules(node: Node) -> Iterator[BoundRule]:
    for rule in (node.visible, node.value, node.required):
        if isinstance(rule, BoundRule):
            yield rule


def _needs(node: Node, nodes: Sequence[Node], depth: int) -> set[Ids]:
    reads = {one.read for rule in _node_rules(node) for one in rule.bindings if one.depth == depth}
    if node.items is not None:
        reads |= {path for at, path in node.items.outer if at == depth}
    # Reading a group is reading everything in it, and everything in it waits for the group.
    needed = {other.path for other in nodes for read in reads if other.path[: len(read)] == read or read[: len(other.path)] == other.path}
    if node.group is not None:
        needed.add(node.group.path)
    if node.path not in reads:
        needed.discard(node.path)
    return needed


def _is_in_circle(start: Ids, waiting: dict[Ids, set[Ids]]) -> bool:
    seen: set[Ids] = set()
    stack = list(waiting[start] & waiting.keys())
    while stack:
        path = stack.pop()
        if path == start:
            return True
        if path not in seen:
            seen.add(path)
            stack += waiting[path] & waiting.keys()
    return False


def _references(kind: FieldType, one: FieldDefinition) -> References | None:
    if type(kind).references is FieldType.references:
        return None
    return lambda value: kind.references(one, value)
