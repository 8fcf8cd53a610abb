"""What is worked out of personal data is personal itself, unless the form says that it is not.

Else a computed "full name and phone" would be stored with the rest, and stay
there when the person's data is erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.forms.definition import FieldDefinition, FormDefinition, Rule
from core.forms.scopes import Ids, Scope
from core.rules import RuleError, compile_rule


def with_derived(form: FormDefinition) -> FormDefinition:
    """Mark every computed field as personal that reads a personal one, directly or by way of others."""
    return replace(form, fields=_marked(form.fields, Scope.of(form.fields)))


def _marked(fields: Sequence[FieldDefinition], scope: Scope) -> tuple[FieldDefinition, ...]:
    return tuple(_mark(one, scope) for one in fields)


def _mark(one: FieldDefinition, scope: Scope) -> FieldDefinition:
    if one.value is not None and not one.is_personal and not one.is_declared_open and _derives(one.value, scope, frozenset()):
        return replace(one, personal=True)
    if one.fields:
        return replace(one, fields=_marked(one.fields, _inside(one, scope)))
    return one


def _derives(rule: Rule, scope: Scope, seen: frozenset[int]) -> bool:
    try:
        reads = compile_rule(rule.logic).reads
    except RuleError:
        return False  # the planner tells what is wrong with it
    return any(_is_personal(tuple(read.split(".")), scope, seen) for read in reads)


def _is_personal(read: Ids, scope: Scope, seen: frozenset[int]) -> bool:
    owner: Scope | None = scope
    while owner is not None and read[0] not in owner.fields:
        owner = owner.around
    if owner is None:
        return False
    one = owner.fields[read[0]]
    for step in read[1:]:
        if one.is_personal:
            break
        below = {inner.id: inner for inner in one.fields}
        if step not in below:
            break
        owner, one = _inside(one, owner), below[step]
    if one.is_personal:
        return True
    if one.value is None or one.is_declared_open or id(one) in seen:
        return False
    return _derives(one.value, owner, seen | {id(one)})


def _inside(one: FieldDefinition, scope: Scope) -> Scope:
    if one.type == "group":
        return Scope.of(one.fields, depth=scope.depth, path=(*scope.path, one.id), around=scope)
    return Scope.of(one.fields, depth=scope.depth + 1, around=scope)
