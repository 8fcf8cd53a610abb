"""Check one filled-in form against its plan: pure, and never raising for anything that was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.forms.fields.base import Moment, shown
from core.forms.nodes import FramePlan, Node
from core.forms.scopes import BoundRule, Frame
from core.forms.types import FieldContext, Named, Refused
from core.lib.errors import FieldError
from core.lib.text import Message, msg
from core.rules import RuleError

_NO_VALUES: dict[str, Any] = {}
_MAX_TOLD = 20


class Run:
    """One check: the moment, and what has been found so far."""

    __slots__ = ("errors", "moment", "named")

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.errors: list[FieldError] = []
        self.named: list[tuple[str, Named]] = []

    def frame(self, plan: FramePlan, given: dict[str, Any], around: Sequence[Frame], prefix: str) -> Frame:
        """Check the form or one item; the values of refused and hidden fields are left out."""
        frame = Frame({})
        frames = (*around, frame)
        count = len(plan.ids)
        inputs: list[dict[str, Any] | None] = [None] * count
        outputs: list[dict[str, Any]] = [_NO_VALUES] * count
        inputs[0], outputs[0] = given, frame.values
        if not plan.ids[0].issuperset(given):
            self._unknown(given, plan.ids[0], prefix)
        for node in plan.nodes:
            container = inputs[node.container]
            if container is None or (node.visible is not None and not self._holds(node.visible, frames, prefix + node.text)):
                continue
            if node.own < count and node.type.name == "group":
                self._open_group(node, plan, container, inputs, outputs, prefix)
            elif node.value is not None:
                self._compute(node, frames, outputs[node.container], prefix)
            else:
                self._value(node, container.get(node.id), frames, outputs[node.container], prefix)
        for check in plan.checks:
            if (
                inputs[check.container] is not None
                and not self._reads_failed(check.rule, frames)
                and not self._holds(check.rule, frames, prefix + check.path)
            ):
                self.errors.append(FieldError(prefix + check.path, msg("forms.check_said", said=check.message)))
        return frame

    def _value(self, node: Node, raw: Any, frames: Sequence[Frame], output: dict[str, Any], prefix: str) -> None:
        if node.is_empty(raw):
            required = node.required
            if required is True or (required is not False and self._holds(required, frames, prefix + node.text)):
                self._refuse(node, frames[-1], prefix, msg("forms.required"))
            return
        try:
            value = node.check(raw, self.moment)
        except Refused as refused:
            self._refuse(node, frames[-1], prefix, refused.message)
            return
        if node.items is not None:
            value = self._items(node, node.items, value, frames, prefix)
        elif node.references is not None:
            self.named += [(prefix + node.text, named) for named in node.references(value)]
        output[node.id] = value

    def _items(self, node: Node, plan: FramePlan, items: list[Any], frames: Sequence[Frame], prefix: str) -> list[dict[str, Any]]:
        checked: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            path = f"{prefix}{node.text}[{index}]"
            if type(item) is not dict:
                self.errors.append(FieldError(path, msg("forms.not_object", found=shown(item))))
                frames[-1].failed.add(node.path)
                continue
            before = len(self.errors)
            checked.append(self.frame(plan, item, frames, f"{path}.").values)
            if len(self.errors) > before:
                frames[-1].failed.add(node.path)
        return checked

    def _open_group(
        self,
        node: Node,
        plan: FramePlan,
        container: dict[str, Any],
        inputs: list[dict[str, Any] | None],
        outputs: list[dict[str, Any]],
        prefix: str,
    ) -> None:
        raw = container.get(node.id)
        if raw is None:
            raw = {}
        if type(raw) is not dict:
            self.errors.append(FieldError(prefix + node.text, msg("forms.not_object", found=shown(raw))))
            return
        inputs[node.own] = raw
        outputs[node.own] = outputs[node.container].setdefault(node.id, {})
        if not plan.ids[node.own].issuperset(raw):
            self._unknown(raw, plan.ids[node.own], f"{prefix}{node.text}.")

    def _compute(self, node: Node, frames: Sequence[Frame], output: dict[str, Any], prefix: str) -> None:
        assert node.value is not None
        if self._reads_failed(node.value, frames):
            frames[-1].failed.add(node.path)
            return
        try:
            value = node.value.evaluate(frames, self.moment.today)
            if not node.is_empty(value):
                output[node.id] = node.check(value, self.moment)
        except (RuleError, Refused) as error:
            self._refuse(node, frames[-1], prefix, msg("forms.cannot_compute", reason=error.message))

    def _reads_failed(self, rule: BoundRule, frames: Sequence[Frame]) -> bool:
        """Say whether a rule reads a refused value; while nothing was refused, none does."""
        return bool(self.errors) and rule.reads_failed(frames)

    def _holds(self, rule: BoundRule, frames: Sequence[Frame], path: str) -> bool:
        """Say whether a rule holds; one that reads a refused value cannot be judged and counts as not holding."""
        if self._reads_failed(rule, frames):
            return False
        try:
            return bool(rule.evaluate(frames, self.moment.today))
        except RuleError as error:
            self.errors.append(FieldError(path, msg("forms.cannot_compute", reason=error.message)))
            return True

    def _refuse(self, node: Node, frame: Frame, prefix: str, message: Message) -> None:
        frame.failed.add(node.path)
        self.errors.append(FieldError(prefix + node.text, message))

    def _unknown(self, given: dict[Any, Any], known: frozenset[str], prefix: str) -> None:
        extra = [key for key in given if key not in known]
        for key in extra[:_MAX_TOLD]:
            self.errors.append(
                FieldError(prefix + shown(key), msg("forms.unknown_field", field=shown(key), known=", ".join(sorted(known))[:300]))
            )
        if len(extra) > _MAX_TOLD:
            self.errors.append(FieldError(prefix.rstrip("."), msg("forms.more_unknown_fields", count=len(extra) - _MAX_TOLD)))

    def check_references(self, context: FieldContext) -> None:
        """Ask the context for everything that was named, once for each kind and place."""
        asked: dict[tuple[str, str | None, str | None], list[tuple[str, Any]]] = {}
        for path, named in self.named:
            asked.setdefault((named.kind, named.within, named.level), []).append((path, named.id))
        for (kind, within, level), places in asked.items():
            found = context.exists_many(kind, {one for _, one in places}, within=within, level=level)
            for path, one in places:
                if one not in found:
                    self.errors.append(FieldError(path, msg(f"forms.no_such_{kind}", found=shown(one))))


def take_personal(plan: FramePlan, values: dict[str, Any], prefix: str, personal: dict[str, Any]) -> None:
    """Move the values of personal fields out of ``values`` into ``personal``, by path."""
    for node in plan.nodes:
        here: Any = values
        for step in node.path[:-1]:
            here = here.get(step, _NO_VALUES)
        if node.id not in here or node.type.name == "group":
            continue
        if node.field.is_personal:
            personal[prefix + node.text] = here.pop(node.id)
        elif node.items is not None and node.items.has_personal:
            for index, item in enumerate(here[node.id]):
                take_personal(node.items, item, f"{prefix}{node.text}[{index}].", personal)


def drop_empty_groups(plan: FramePlan, values: dict[str, Any]) -> None:
    """Leave out groups in which nothing was filled in, innermost first."""
    for node in reversed(plan.nodes):
        here: Any = values
        for step in node.path[:-1]:
            here = here.get(step, _NO_VALUES)
        if node.type.name == "group" and here.get(node.id) == {}:
            del here[node.id]
        elif node.items is not None:
            for item in here.get(node.id, ()):
                drop_empty_groups(node.items, item)
