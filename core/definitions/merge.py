"""Merge three versions of a definition: the old base, an agency's edit of it, and the new base.

Lists of things that have an identity (fields by ``id``, catalogue items by
``code``, options by ``value``) are matched by it, so a field that moved is still
the same field. Where both sides changed the same place, the agency's value
stays and the conflict is told; an upgrade never overwrites an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.definitions.types import Path, path_text

IDENTITIES = ("id", "code", "value", "key")


class _Absent:
    """What a place holds that does not exist on one side."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


@dataclass(frozen=True)
class Conflict:
    """One place that both sides changed; ``None`` stands for "not there"."""

    path: str
    base: Any
    ours: Any
    theirs: Any

    def as_json(self) -> dict[str, Any]:
        """Give it as it is stored on the draft."""
        return {"path": self.path, "base": self.base, "ours": self.ours, "theirs": self.theirs}


@dataclass
class Merged:
    """The merged content and every conflict in it."""

    content: dict[str, Any]
    conflicts: list[Conflict] = field(default_factory=list)


def merge(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Merged:
    """Merge ``theirs`` (the new base) into ``ours`` (the edit), both made from ``base``."""
    merged = Merged({})
    merged.content = _merge(base, ours, theirs, (), merged.conflicts)
    return merged


def _merge(base: Any, ours: Any, theirs: Any, path: Path, conflicts: list[Conflict]) -> Any:
    if _same(ours, theirs) or _same(base, theirs):
        return ours
    if _same(base, ours):
        return theirs
    if _is_rule(ours) or _is_rule(theirs):
        conflicts.append(_conflict(path, base, ours, theirs))
        return ours
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        old = base if isinstance(base, Mapping) else {}
        return _merge_mappings(old, ours, theirs, path, conflicts)
    identity = _identity(base, ours, theirs)
    if identity:
        return _merge_lists(identity, (base, ours, theirs), path, conflicts)
    conflicts.append(_conflict(path, base, ours, theirs))
    return ours


def _merge_mappings(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], path: Path, conflicts: list[Conflict]
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in _in_order(list(theirs), list(ours)):
        sides = (base.get(name, ABSENT), ours.get(name, ABSENT), theirs.get(name, ABSENT))
        value = _merge(*sides, (*path, name), conflicts)
        if value is not ABSENT:
            merged[name] = value
    return merged


def _merge_lists(identity: str, sides: tuple[Any, Any, Any], path: Path, conflicts: list[Conflict]) -> list[Any]:
    base, ours, theirs = ({one[identity]: one for one in side} if side is not ABSENT else {} for side in sides)
    # The order is ours where we changed it, else theirs; what is new on the other side follows its neighbour there.
    moved = [name for name in ours if name in base] != [name for name in base if name in ours]
    order = _in_order(list(ours), list(theirs)) if moved else _in_order(list(theirs), list(ours))
    merged: list[Any] = []
    for name in order:
        own = (base.get(name, ABSENT), ours.get(name, ABSENT), theirs.get(name, ABSENT))
        value = _merge(*own, (*path, str(name)), conflicts)
        if value is not ABSENT:
            merged.append(value)
    return merged


def _in_order(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """List all of both: the order of ``first``, what only ``second`` has after its predecessor there."""
    order = list(first)
    known = set(first)
    previous: Any = None
    for name in second:
        if name not in known:
            order.insert(order.index(previous) + 1 if previous is not None else 0, name)
            known.add(name)
        previous = name
    return order


def _identity(*sides: Any) -> str | None:
    lists = [side for side in sides if side is not ABSENT]
    if not all(isinstance(side, list) and all(isinstance(one, Mapping) for one in side) for side in lists):
        return None
    for name in IDENTITIES:
        if all(_identifies(name, side) for side in lists):
            return name
    return None


def _identifies(name: str, side: list[Mapping[str, Any]]) -> bool:
    values = [one.get(name) for one in side]
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _is_rule(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"text", "logic"}


def _same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    if _is_rule(one) and _is_rule(other):
        return bool(one["text"] == other["text"])
    # Compared as text: True equals 1 in Python, but not in a definition.
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _conflict(path: Path, base: Any, ours: Any, theirs: Any) -> Conflict:
    base, ours, theirs = (None if side is ABSENT else side for side in (base, ours, theirs))
    return Conflict(path_text(path), base, ours, theirs)
