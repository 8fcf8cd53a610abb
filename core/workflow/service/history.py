"""The append-only history: each step is chained to the one before by a hash.

Personal values are kept beside the chain, which holds only salted digests of
them: erasing a value leaves the chain provable, and changing one breaks it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.workflow.models import Case, CaseEvent, CasePersonal
from core.workflow.types import EventFacts

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
_STORED_OTHERWISE = re.compile(rb"-0\.0|\de1[6-9]")
"""Numbers that JSONB gives back in another form than they were given in: minus zero, and floats that read as whole numbers."""
_WHOLE_FROM, _WHOLE_TO = 10**16, 2**64


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
    kept = tuple({"field": name, "salt": os.urandom(16), "value": as_stored(value)} for name, value in personal.items())
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
    content = _content_of(case_uuid, columns)
    if _STORED_OTHERWISE.search(content):
        columns |= {name: as_stored(columns[name]) for name in ("data", "facts")}
        content = _content_of(case_uuid, columns)
    proof = hashlib.sha256(content).digest()
    return Link({**columns, "hash": proof}, kept, proof)


def as_stored(value: Any) -> Any:
    """Give a JSON value as it will be read again, so that what is hashed now is what is proved later."""
    if isinstance(value, Mapping):
        return {name: as_stored(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_stored(one) for one in value]
    if isinstance(value, float) and not value:
        return 0.0
    if isinstance(value, float) and _WHOLE_FROM <= abs(value) < _WHOLE_TO:
        # By its shortest text, which is what the database was given: int(1.2e17) would add the digits of the binary number.
        return orjson.loads(format(Decimal(repr(value)), "f"))
    return value


def digest(salt: bytes, value: Any) -> str:
    """Digest a personal value with its salt (SHA-256, hex)."""
    return hashlib.sha256(salt + orjson.dumps(value, option=_SORTED)).hexdigest()


def proof_of(case_uuid: UUID, columns: Mapping[str, Any]) -> bytes:
    """Hash one event together with the hash before it (SHA-256 over canonical JSON)."""
    return hashlib.sha256(_content_of(case_uuid, columns)).digest()


def _content_of(case_uuid: UUID, columns: Mapping[str, Any]) -> bytes:
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
    return orjson.dumps(content, option=_SORTED)


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


Row = TypeVar("Row", CaseEvent, CasePersonal)


@dataclass(frozen=True)
class BrokenLink:
    """A place where the history does not prove itself."""

    case_number: str
    sequence: int
    reason: str


def verify(session: Session, case: Case) -> list[BrokenLink]:
    """Prove the chain of one case; give every link that does not hold."""
    return verify_many(session, [case])


def verify_many(session: Session, cases: Sequence[Case]) -> list[BrokenLink]:
    """Prove the chains of some cases; give every link that does not hold.

    A case may be moved between reading it and reading its history: whatever
    seems broken is looked at again with the case held still.
    """
    broken = _broken(session, cases)
    if not broken:
        return []
    suspects = (
        select(Case).where(Case.number.in_({one.case_number for one in broken})).order_by(Case.id).with_for_update(read=True, of=Case)
    )
    return _broken(session, session.scalars(suspects.execution_options(populate_existing=True)).all())


def _broken(session: Session, cases: Sequence[Case]) -> list[BrokenLink]:
    ids = [case.id for case in cases]
    events, personal = _of(session, CaseEvent, ids), _of(session, CasePersonal, ids)
    found = []
    for case in cases:
        own, values = events.get(case.id, []), personal.get(case.id, [])
        faults = [*_faults(case, own), *_personal_faults(own, values)]
        found += [BrokenLink(case.number, sequence, reason) for sequence, reason in faults]
    return found


def _of(session: Session, model: type[Row], ids: Sequence[int]) -> dict[int, list[Row]]:
    rows: dict[int, list[Row]] = {}
    wanted = select(model).where(model.case_id.in_(ids)).order_by(model.case_id, model.sequence)
    for row in session.scalars(wanted.execution_options(populate_existing=True)):
        rows.setdefault(row.case_id, []).append(row)
    return rows


def _faults(case: Case, events: Iterable[CaseEvent]) -> Iterable[tuple[int, str]]:
    previous: bytes | None = None
    last: CaseEvent | None = None
    expected = 0
    for event in events:
        last = event
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
    elif last is not None and last.to_state != case.state:
        yield expected, "leads to another state than the case is in"


def _columns(event: CaseEvent) -> dict[str, Any]:
    names = ("sequence", "at", "actor_id", "verb", "from_state", "to_state", "form_id", "data", "digests", "facts", "previous")
    return {name: getattr(event, name) for name in names}


def _personal_faults(events: Iterable[CaseEvent], personal: Iterable[CasePersonal]) -> Iterable[tuple[int, str]]:
    """Compare the values with their digests; one that was erased is empty, but still there."""
    digests = {(event.sequence, name): value for event in events for name, value in event.digests.items()}
    for one in personal:
        known = digests.pop((one.sequence, one.field), None)
        if one.value is not None and known != digest(one.salt, one.value):
            yield one.sequence, f"personal value {one.field} was changed"
    for sequence, field in sorted(digests):
        yield sequence, f"personal value {field} is missing"
