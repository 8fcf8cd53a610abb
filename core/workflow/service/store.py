"""Writing a step: case, event, personal values, photos, timers and outbox in one statement.

A step is one round trip however much hangs on it; what hangs on it decides the
text of the statement, which is built once. Lists of things travel as one JSON
parameter each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Insert,
    Integer,
    String,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    update,
)
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql import insert as insert_or_leave
from sqlalchemy.orm import Session

from core.audit.models import AuditEntry
from core.db.base import Base
from core.db.outbox import OutboxMessage
from core.db.prepared import Prepared
from core.workflow.models import Case, CaseAttachment, CaseEvent, CasePersonal, CaseTimer
from core.workflow.service.history import Link

_CASE = Base.metadata.tables[Case.__tablename__]
_EVENT = Base.metadata.tables[CaseEvent.__tablename__]
_ATTACHMENT = table("attachment", column("agency_id", Integer), column("id", BigInteger), column("uuid", Uuid), column("owner_id", Integer))
_GIVEN_AT_BIRTH = tuple(c.name for c in _CASE.columns if c.computed is None and c.name not in {"id", "number"})
_NEVER_CHANGED = {
    "agency_id",
    "id",
    "uuid",
    "number",
    "workflow",
    "title",
    "reported_at",
    "lon",
    "lat",
    "xy",
    "reporter_id",
    "parent_id",
    "definition_id",
}
_CHANGED = tuple(c.name for c in _CASE.columns if c.computed is None and c.name not in _NEVER_CHANGED)
_LISTS = ("personal", "attachments", "timers", "cancelled", "messages")
"""What may hang on a step in any number; the statement says nothing of those that are empty."""
_EVENT_COLUMNS = tuple(c.name for c in _EVENT.columns if c.name not in {"agency_id", "id", "case_id"})


@dataclass(frozen=True)
class Beside:
    """What a step brings beside the case and its event."""

    attachments: Sequence[Mapping[str, Any]] = ()
    """``{"uuid": …, "field": …, "seen": …}`` each: a file that was not looked up (``seen``) must be the actor's own, or nothing is stored."""
    timers: Mapping[str, datetime] = field(default_factory=dict)
    cancelled: Sequence[str] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    """``{"topic": …, "payload": …}`` each, for the outbox; ``case_id`` and ``number`` are added to the payload."""
    audit: Mapping[str, Any] = field(default_factory=dict)


class UnprovenFilesError(Exception):
    """A file that was not looked up is not the actor's own; nothing was stored."""


class StaleCaseError(Exception):
    """The row was changed since it was read; cannot happen under its lock."""


def insert_case(session: Session, columns: Mapping[str, Any], link: Link, beside: Beside) -> tuple[int, str]:
    """Write a new case with its first event; give its id and number. Raises UnprovenFilesError."""
    parameters = _parameters(columns, _GIVEN_AT_BIRTH, link, beside) | {"number_day": columns["number_day"]}
    row = _birth(_lists(parameters)).first(session, parameters)
    if row is None:
        raise UnprovenFilesError
    return row.id, row.number


def update_case(session: Session, case: Case, columns: Mapping[str, Any], link: Link, beside: Beside) -> None:
    """Write the next step of ``case``, which must be locked. Raises UnprovenFilesError."""
    changed = tuple(name for name in _CHANGED if name in columns)
    parameters = _parameters(columns, changed, link, beside) | {
        "case_agency_id": case.agency_id,
        "case_id": case.id,
        "seen_version": case.version,
    }
    if _step(changed, _lists(parameters)).first(session, parameters) is None:
        if any(not one["seen"] for one in beside.attachments):
            raise UnprovenFilesError
        raise StaleCaseError(case.number)
    if isinstance(case, Case):
        session.expire(case)


def _lists(parameters: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name in _LISTS if parameters[name])


def _parameters(columns: Mapping[str, Any], names: Iterable[str], link: Link, beside: Beside) -> dict[str, Any]:
    parameters = {f"case_{name}": columns.get(name) for name in names}
    parameters |= {f"event_{name}": link.columns[name] for name in _EVENT_COLUMNS}
    parameters |= {
        "personal": [{"field": one["field"], "salt": one["salt"].hex(), "value": one["value"]} for one in link.personal],
        "attachments": list(beside.attachments),
        "timers": [{"key": key, "due_at": due_at.isoformat()} for key, due_at in beside.timers.items()],
        "cancelled": list(beside.cancelled),
        "messages": list(beside.messages),
        "audit_action": beside.audit["action"],
        "audit_new": beside.audit.get("new"),
        "audit_request": beside.audit.get("request_id", ""),
    }
    return parameters


def _bound(prefix: str, of: Any) -> ColumnElement[Any]:
    return bindparam(f"{prefix}_{of.name}", type_=of.type)


def _items(name: str, **columns: Any) -> Any:
    """Unfold a JSON list parameter into rows."""
    given = func.jsonb_to_recordset(bindparam(name, type_=JSONB)).table_valued(*(column(key, kind) for key, kind in columns.items()))
    return given.render_derived(name=f"given_{name}", with_types=True)


def _mine() -> CTE:
    """The files of the step, with their ids: the actor's own, and those that were looked up."""
    given = _items("attachments", uuid=Uuid, field=Text, seen=Boolean)
    return (
        select(given.c.field, _ATTACHMENT.c.id)
        .select_from(given.join(_ATTACHMENT, _ATTACHMENT.c.uuid == given.c.uuid))
        .where(
            _ATTACHMENT.c.agency_id == bindparam("case_agency_id", type_=Integer),
            or_(given.c.seen, _ATTACHMENT.c.owner_id == bindparam("event_actor_id", type_=Integer)),
        )
        .cte("mine")
    )


def _all_mine(mine: CTE) -> ColumnElement[bool]:
    found = select(func.count()).select_from(mine).scalar_subquery()
    return found == func.jsonb_array_length(bindparam("attachments", type_=JSONB))


def _hanging(of: CTE, lists: frozenset[str], mine: CTE | None) -> list[CTE]:
    """The inserts that hang on a case row: event, audit, and whatever of personal values, photos, timers and outbox there is."""
    agency, case_id, sequence = of.c.agency_id, of.c.id, bindparam("event_sequence", type_=Integer)
    named: dict[str, Any] = {
        "event": insert(_EVENT).from_select(
            ["agency_id", "case_id", *_EVENT_COLUMNS],
            select(agency, case_id, *(_bound("event", _EVENT.c[name]) for name in _EVENT_COLUMNS)),
        )
    }
    if "personal" in lists:
        people = _items("personal", field=Text, salt=Text, value=JSONB)
        named["personal_values"] = insert(CasePersonal).from_select(
            ["agency_id", "case_id", "sequence", "field", "salt", "value"],
            select(agency, case_id, sequence, people.c.field, func.decode(people.c.salt, "hex").cast(BYTEA), people.c.value).select_from(
                of.join(people, literal_column("true"))
            ),
        )
    if mine is not None:
        named["photos"] = (
            insert_or_leave(CaseAttachment)
            .from_select(
                ["agency_id", "case_id", "attachment_id", "sequence", "field"],
                select(agency, case_id, mine.c.id, sequence, mine.c.field).select_from(of.join(mine, mine.c.field.is_not(None))),
            )
            .on_conflict_do_nothing()  # a photo named twice in one field is one photo
        )
    if "timers" in lists:
        clocks = _items("timers", key=Text, due_at=TIMESTAMP(timezone=True))
        named["timers"] = insert(CaseTimer).from_select(
            ["agency_id", "case_id", "key", "due_at"],
            select(agency, case_id, clocks.c.key, clocks.c.due_at).select_from(of.join(clocks, literal_column("true"))),
        )
    if "messages" in lists:
        named["messages"] = _messages(of)
    named["audit"] = _audit(of)
    return [statement.cte(f"new_{name}") for name, statement in named.items()]


def _messages(of: CTE) -> Insert:
    notes = _items("messages", topic=Text, payload=JSONB)
    payload = notes.c.payload.op("||")(
        func.jsonb_build_object(literal_column("'case_id'"), of.c.id, literal_column("'number'"), of.c.number)
    )
    return insert(OutboxMessage).from_select(
        ["agency_id", "topic", "payload", "due_at"],
        select(of.c.agency_id, notes.c.topic, payload, bindparam("event_at", type_=_EVENT.c.at.type)).select_from(
            of.join(notes, literal_column("true"))
        ),
    )


def _audit(of: CTE) -> Insert:
    return insert(AuditEntry).from_select(
        ["agency_id", "at", "user_id", "action", "subject", "new", "request_id"],
        select(
            of.c.agency_id,
            bindparam("event_at", type_=_EVENT.c.at.type),
            bindparam("event_actor_id", type_=Integer),
            bindparam("audit_action", type_=String),
            func.concat(literal_column("'case:'"), of.c.number),
            bindparam("audit_new", type_=JSONB(none_as_null=True)),
            bindparam("audit_request", type_=String),
        ),
    )


@cache
def _birth(lists: frozenset[str]) -> Prepared:
    number = func.concat(bindparam("number_day", type_=String), literal_column("'-' || lpad(nextval('case_number')::text, 6, '0')"))
    values: dict[str, ColumnElement[Any]] = {name: _bound("case", _CASE.c[name]) for name in _GIVEN_AT_BIRTH} | {"number": number}
    mine = _mine() if "attachments" in lists else None
    row = select(*(value.label(name) for name, value in values.items()))
    new = insert(_CASE).from_select(list(values), row if mine is None else row.where(_all_mine(mine)))
    born = new.returning(_CASE.c.agency_id, _CASE.c.id, _CASE.c.number).cte("born")
    return Prepared(select(born.c.id, born.c.number).add_cte(*_hanging(born, lists, mine)))


@cache
def _step(names: tuple[str, ...], lists: frozenset[str]) -> Prepared:
    mine = _mine() if "attachments" in lists else None
    change = update(_CASE).where(
        _CASE.c.agency_id == bindparam("case_agency_id"),
        _CASE.c.id == bindparam("case_id"),
        _CASE.c.version == bindparam("seen_version"),
    )
    if mine is not None:
        change = change.where(_all_mine(mine))
    changed = change.values({name: _bound("case", _CASE.c[name]) for name in names})
    moved = changed.returning(_CASE.c.agency_id, _CASE.c.id, _CASE.c.number).cte("moved")
    written = _hanging(moved, lists, mine)
    if "cancelled" in lists:
        timer = Base.metadata.tables[CaseTimer.__tablename__]
        keys = select(func.jsonb_array_elements_text(bindparam("cancelled", type_=JSONB)))
        of_case = select(moved.c.id).scalar_subquery()  # of none, when nothing was moved
        gone = sql_delete(timer).where(timer.c.agency_id == bindparam("case_agency_id"), timer.c.case_id == of_case, timer.c.key.in_(keys))
        written.append(gone.cte("gone"))
    return Prepared(select(moved.c.id).add_cte(*written))
