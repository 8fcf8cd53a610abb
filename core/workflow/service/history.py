"""The append-only history: each step is chained to the one before by a hash.

Personal values are kept beside the chain, which holds only salted digests of
them: erasing a value leaves the chain provable, and changing one breaks it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.workflow.models import Case, CaseEvent, CasePersonal
from core.workflow.types import EventFacts

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


@dataclass(frozen=True)
class Link:
    """One event ready to be written: its columns, its personal values and its hash."""

    columns: Mapping[str, Any]
    personal: tuple[Mapping[str, Any], ...]
    hash: bytes


def link(
    case_uuid: UUID,
    *,
    sequence: int,
    previous: bytes | None,
    event: EventFacts,
    form_id: int | None,
    data: Mapping[str, Any],
    personal: Mapping[str, Any],
) -> Link:
    """Make the next link of a case's chain."""
    kept = tuple({"field": name, "salt": os.urandom(16), "value": value} for name, value in personal.items())
    digests = {one["field"]: digest(one["salt"], one["value"]) for one in kept}
    columns = {
        "sequence": sequence,
        "at": event.at,
        "actor_id": event.actor_id,
        "verb": event.verb,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "form_id": form_id,
        "data": dict(data),
        "digests": digests,
        "facts": _facts_of(event),
        "previous": previous,
    }
    proof = proof_of(case_uuid, columns)
    return Link({**columns, "hash": proof}, kept, proof)


def digest(salt: bytes, value: Any) -> str:
    """Digest a personal value with its salt (SHA-256, hex)."""
    return hashlib.sha256(salt + orjson.dumps(value, option=_SORTED)).hexdigest()


def proof_of(case_uuid: UUID, columns: Mapping[str, Any]) -> bytes:
    """Hash one event together with the hash before it (SHA-256 over canonical JSON)."""
    previous = columns["previous"]
    content = [
        str(case_uuid),
        columns["sequence"],
        _instant(columns["at"]),
        columns["actor_id"],
        columns["verb"],
        columns["from_state"],
        columns["to_state"],
        columns["form_id"],
        columns["data"],
        columns["digests"],
        columns["facts"],
        previous.hex() if previous else None,
    ]
    return hashlib.sha256(orjson.dumps(content, option=_SORTED)).digest()


def _instant(at: datetime) -> int:
    """Microseconds since 1970: the same number before and after the database."""
    return round(at.timestamp() * 1_000_000)


def _facts_of(event: EventFacts) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if event.seconds_in_state is not None:
        facts["seconds"] = round(event.seconds_in_state, 3)
    if event.level is not None:
        facts["level"] = event.level
    if event.department_id is not None:
        facts["department_id"] = event.department_id
    if event.assignee_id is not None:
        facts["assignee_id"] = event.assignee_id
    if event.span is not None:
        span = event.span
        facts["span"] = {
            "key": span.key,
            "started_at": span.started_at.isoformat(),
            "due_at": span.due_at.isoformat(),
            "in_time": span.in_time,
        }
    return facts


@dataclass(frozen=True)
class BrokenLink:
    """A place where the history does not prove itself."""

    case_number: str
    sequence: int
    reason: str


def verify(session: Session, case: Case) -> list[BrokenLink]:
    """Prove the chain of one case; give every link that does not hold."""
    events = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.sequence)).all()
    personal = session.scalars(select(CasePersonal).where(CasePersonal.case_id == case.id)).all()
    broken = [BrokenLink(case.number, sequence, reason) for sequence, reason in _faults(case, events)]
    broken += [BrokenLink(case.number, one.sequence, f"personal value {one.field} was changed") for one in _changed(events, personal)]
    return broken


def _faults(case: Case, events: Iterable[CaseEvent]) -> Iterable[tuple[int, str]]:
    previous: bytes | None = None
    expected = 0
    for event in events:
        expected += 1
        if event.sequence != expected:
            yield event.sequence, f"step {expected} is missing"
            expected = event.sequence
        if event.previous != previous:
            yield event.sequence, "does not follow from the step before"
        if proof_of(case.uuid, _columns(event)) != event.hash:
            yield event.sequence, "was changed after it was written"
        previous = event.hash
    if (expected, previous) != (case.chain_length, case.chain_head):
        yield expected + 1, "steps at the end are missing"


def _columns(event: CaseEvent) -> dict[str, Any]:
    names = ("sequence", "at", "actor_id", "verb", "from_state", "to_state", "form_id", "data", "digests", "facts", "previous")
    return {name: getattr(event, name) for name in names}


def _changed(events: Iterable[CaseEvent], personal: Iterable[CasePersonal]) -> Iterable[CasePersonal]:
    digests = {(event.sequence, name): value for event in events for name, value in event.digests.items()}
    for one in personal:
        if one.value is not None and digests.get((one.sequence, one.field)) != digest(one.salt, one.value):
            yield one
