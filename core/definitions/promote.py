"""Move an agency's own definitions from one installation to another: export, plan, apply.

The plan's hash covers what is wanted and what is there now, so a plan that was
reviewed cannot be applied to a target that has changed since. An export holds
keys and content, never database ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import orjson
from sqlalchemy.orm import Session

from core.audit.service import record
from core.authz import Actor, require_anywhere
from core.definitions import service, store
from core.definitions.check import canonical, checksum_of
from core.definitions.permissions import DefinitionRight
from core.definitions.store import Version, base_of
from core.definitions.types import FOLDERS, Path, path_text
from core.lib.errors import Conflict
from core.lib.text import msg

FORMAT = 1
_MAX_PATHS = 200

# Before the others what they refer to: a form names catalogues, a ledger its form, a workflow both.
_ORDER = {kind: number for number, kind in enumerate(("catalogue", "form", "ledger", "workflow", "role"))}


class Exported(TypedDict):
    """The content of an export file."""

    format: int
    agency: str
    definitions: list[dict[str, Any]]


@dataclass(frozen=True)
class Change:
    """What applying does to one definition; ``paths`` are the places that differ."""

    action: str
    kind: str
    key: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All changes in the order they are made, and the hash that stands for them on this target."""

    changes: tuple[Change, ...]
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Give the plan as JSON data."""
        return asdict(self)


def export(session: Session, actor: Actor) -> Exported:
    """Give every definition of the agency's own that is in force, sorted by kind and key."""
    require_anywhere(actor, DefinitionRight.READ)
    own = [{"kind": one.kind, "key": one.key, "content": one.content} for one in _own(session)]
    return {"format": FORMAT, "agency": actor.agency_key, "definitions": own}


def printed(exported: Exported) -> str:
    """Write an export so that two of them can be compared line by line."""
    return orjson.dumps(exported, option=orjson.OPT_INDENT_2).decode() + "\n"


def read(data: Any) -> Exported:
    """Check the shape of an export file; raises ValueError when it is none."""
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("definitions"), list):
        raise ValueError(f"an export has format {FORMAT} and a list of definitions")
    for one in data["definitions"]:
        if not isinstance(one, dict) or one.get("kind") not in FOLDERS.values() or not isinstance(one.get("content"), dict):
            raise ValueError("each definition has kind, key and content")
        if one.get("key") != one["content"].get("key"):
            raise ValueError(f"the key of {one.get('key')!r} is not that of its content")
    return {"format": FORMAT, "agency": str(data.get("agency", "")), "definitions": data["definitions"]}


def plan(session: Session, actor: Actor, wanted: Exported) -> Plan:
    """Work out what has to change for the agency to have just the definitions of the export.

    What the agency has of its own and the export has not is retired.
    """
    require_anywhere(actor, DefinitionRight.READ)
    present = {(one.kind, one.key): one for one in _own(session)}
    named = {(one["kind"], one["key"]): one["content"] for one in wanted["definitions"]}
    changes = [*_writes(session, named, present), *(Change("retire", kind, key) for kind, key in sorted(present.keys() - named.keys()))]
    state = [
        [[kind, key, checksum_of(content)] for (kind, key), content in sorted(named.items())],
        [[kind, key, one.checksum, one.version] for (kind, key), one in sorted(present.items())],
        [[change.kind, change.key, _base_checksum(session, change)] for change in changes],
        actor.agency_id,
    ]
    return Plan(tuple(changes), hashlib.sha256(orjson.dumps(state)).hexdigest()[:32])


def apply(session: Session, actor: Actor, wanted: Exported, *, plan_hash: str) -> Plan:
    """Make the changes of a plan, all in the session's transaction.

    Raises Conflict when the target is no longer the one that was planned for,
    Invalid when a definition does not fit this installation.
    """
    require_anywhere(actor, DefinitionRight.PUBLISH)
    planned = plan(session, actor, wanted)
    if planned.hash != plan_hash:
        raise Conflict(msg("definitions.changed_meanwhile"), extra={"hash": planned.hash})
    named = {(one["kind"], one["key"]): one["content"] for one in wanted["definitions"]}
    for change in planned.changes:
        if change.action == "retire":
            service.retire(session, actor, change.kind, change.key)
        else:
            service.publish_overlay(session, actor, change.kind, change.key, named[change.kind, change.key])
    record(
        session,
        actor,
        "definitions:config:applied",
        subject=f"agency:{actor.agency_key}",
        new={"changes": len(planned.changes), "plan": plan_hash},
    )
    return planned


def differing_paths(one: Any, other: Any, path: Path = ()) -> Iterator[str]:
    """Yield the places where two contents differ, the whole list where its length does."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            yield from differing_paths(one.get(name), other.get(name), (*path, name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differing_paths(*pair, (*path, index))
    elif one != other or type(one) is not type(other):
        yield path_text(path)


def _own(session: Session) -> list[Version]:
    found = [one for kind in FOLDERS.values() for one in store.list_current(session, kind) if one.agency_id is not None]
    return sorted(found, key=lambda one: (one.kind, one.key))


def _writes(session: Session, named: Mapping[tuple[str, str], Any], present: Mapping[tuple[str, str], Version]) -> Iterator[Change]:
    for kind, key in sorted(named, key=lambda place: (_ORDER.get(place[0], len(_ORDER)), place[1])):
        own = present.get((kind, key))
        before = own or base_of(session, kind, key)
        if own is not None and canonical(own.content) == canonical(named[kind, key]):
            continue
        paths = tuple(differing_paths(before.content, named[kind, key])) if before else ()
        yield Change("change" if before else "create", kind, key, paths[:_MAX_PATHS] + (("…",) if len(paths) > _MAX_PATHS else ()))


def _base_checksum(session: Session, change: Change) -> str:
    base = base_of(session, change.kind, change.key)
    return base.checksum if base else ""
