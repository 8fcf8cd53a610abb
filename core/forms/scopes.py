"""Which field a name in a rule means, found once, when the form is compiled.

A rule sees the fields beside it, then those around it: of its group, of the
item of its repeat group, of the form. Groups are only names within a *frame*; a
frame is what has values of its own: the form, or one item of a repeat group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.forms.definition import FieldDefinition, Rule
from core.forms.fields.point import PARTS
from core.lib.errors import FieldError
from core.lib.text import msg
from core.rules import CompiledRule, RuleError, compile_rule

Ids = tuple[str, ...]


@dataclass(slots=True)
class Frame:
    """The values gathered so far of the form or of one item, and which paths were refused."""

    values: dict[str, Any]
    failed: set[Ids] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the value of a name comes from: frame number ``depth``, then ``path`` within it."""

    name: str
    depth: int
    path: Ids
    is_list: bool
    read: Ids
    """The whole path that the rule reads below ``name``, as far as it consists of groups."""


class BoundRule:
    """A compiled rule that knows where its values come from."""

    __slots__ = ("bindings", "rule", "simple")

    def __init__(self, rule: CompiledRule, bindings: Sequence[Binding]) -> None:
        self.rule = rule
        self.bindings = tuple(bindings)
        self.simple = [(one.name, one.depth, one.path[0]) for one in bindings] if _are_simple(bindings) else None

    def evaluate(self, frames: Sequence[Frame], today: date) -> Any:
        """Give the rule's value; raises RuleError when it costs too much."""
        return self.rule.evaluate(self._data(frames), today=today)

    def reads_failed(self, frames: Sequence[Frame]) -> bool:
        """Say whether it reads a field whose value was refused."""
        return any(
            path[: len(one.read)] == one.read or one.read[: len(path)] == path for one in self.bindings for path in frames[one.depth].failed
        )

    def _data(self, frames: Sequence[Frame]) -> dict[str, Any]:
        if self.simple is not None:
            return {name: frames[depth].values.get(step) for name, depth, step in self.simple}
        return {one.name: _fetch(frames[one.depth].values, one) for one in self.bindings}


@dataclass(frozen=True)
class Scope:
    """The names that a rule sees at one place: the fields of a form, a group or an item."""

    fields: Mapping[str, FieldDefinition]
    depth: int
    path: Ids
    around: Scope | None

    @classmethod
    def of(cls, fields: Sequence[FieldDefinition], *, depth: int = 0, path: Ids = (), around: Scope | None = None) -> Scope:
        """Make the scope of a list of fields."""
        return cls({one.id: one for one in fields}, depth, path, around)

    def bind(self, rule: Rule, place: str) -> BoundRule | FieldError:
        """Resolve every name of ``rule``, which stands at ``place``."""
        try:
            compiled = compile_rule(rule.logic)
        except RuleError as error:
            return FieldError(place, error.message)
        bindings: dict[tuple[str, Ids], Binding] = {}
        for read in sorted(compiled.reads):
            found = self._resolve(tuple(read.split(".")), place)
            if isinstance(found, FieldError):
                return found
            bindings[found.name, found.read] = found
        return BoundRule(compiled, list(bindings.values()))

    def _resolve(self, read: Ids, place: str) -> Binding | FieldError:
        owners = [scope for scope in self._outwards() if read[0] in scope.fields]
        if not owners:
            known = ", ".join(sorted({name for scope in self._outwards() for name in scope.fields}))
            return FieldError(place, msg("forms.unknown_name", name=read[0], known=known[:300]))
        if len(owners) > 1:
            return FieldError(place, msg("forms.ambiguous_name", name=read[0]))
        owner = owners[0]
        one = owner.fields[read[0]]
        full = [*owner.path, one.id]
        inside = one
        for step in read[1:]:
            if inside.type == "point" and step in PARTS:
                break
            below = {child.id: child for child in inside.fields}
            if step not in below:
                return FieldError(place, msg("forms.unknown_name", name=".".join(read), known=", ".join(sorted(below)) or "-"))
            # Below a repeat group the names have to exist, but what is read is the list.
            if inside.type == "group":
                full.append(step)
            inside = below[step]
        return Binding(read[0], owner.depth, (*owner.path, one.id), one.type == "repeat", tuple(full))

    def _outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.around


def _are_simple(bindings: Sequence[Binding]) -> bool:
    return all(len(one.path) == 1 and not one.is_list for one in bindings)


def _fetch(values: dict[str, Any], binding: Binding) -> Any:
    here: Any = values
    for step in binding.path:
        here = here.get(step)
        if here is None:
            return [] if binding.is_list else None
    return here
