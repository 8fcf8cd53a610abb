"""Writing a step: case, event, personal values, photos, timers and outbox in one statement.

The two statements below are built once; a step is one round trip however much
hangs on it. Lists of things travel as one JSON parameter each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
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
_GIVEN_AT_BIRTH = tuple(c.name for c in _CASE.columns if c.computed is None and c.name not in {"id", "number"})
_NEVER_CHANGED = {
    "agency_id",
    "id",
    "uuid",
    "number",
    "workflow",
    "reported_at",
    "lon",
    "lat",
    "xy",
    "reporter_id",
    "parent_id",
    "definition_id",
}
_CHANGED = tuple(c.name for c in _CASE.columns if c.computed is None and c.name not in _NEVER_CHANGED)
_EVENT_COLUMNS = tuple(c.name for c in _EVENT.columns if c.name not in {"agency_id", "id", "case_id"})


@dataclass(frozen=True)
class Beside:
    """What a step brings beside the case and its event."""

    attachments: Sequence[Mapping[str, Any]] = ()
    """``{"uuid": …, "field": …}`` each; an attachment of another agency is not found and so not linked."""
    timers: Mapping[str, datetime] = field(default_factory=dict)
    cancelled: Sequence[str] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    """``{"topic": …, "payload": …}`` each, for the outbox; ``case_id`` and ``number`` are added to the payload."""
    audit: Mapping[str, Any] = field(default_factory=dict)


class StaleCaseError(Exception):
    """The row was changed since it was read; cannot happen under its lock."""


def insert_case(session: Session, columns: Mapping[str, Any], link: Link, beside: Beside) -> tuple[int, str]:
    """Write a new case with its first event; give its id and number."""
    row = _BIRTH.first(session, _parameters(columns, _GIVEN_AT_BIRTH, link, beside) | {"number_day": columns["number_day"]})
    return row.id, row.number


def update_case(session: Session, case: Case, columns: Mapping[str, Any], link: Link, beside: Beside) -> None:
    """Write the next step of ``case``, which must be locked."""
    given = {name: getattr(case, name) for name in _CHANGED} | dict(columns)
    parameters = _parameters(given, _CHANGED, link, beside) | {
        "case_agency_id": case.agency_id,
        "case_id": case.id,
        "seen_version": case.version,
    }
    if _STEP.first(session, parameters) is None:
        raise StaleCaseError(case.number)
    if isinstance(case, Case):
        session.expire(case)


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


def _bound(prefix: str, column: Any) -> ColumnElement[Any]:
    return bindparam(f"{prefix}_{column.name}", type_=column.type)


def _items(name: str, **columns: Any) -> Any:
    """Unfold a JSON list parameter into rows."""
    given = func.jsonb_to_recordset(bindparam(name, type_=JSONB)).table_valued(*(_typed(key, kind) for key, kind in columns.items()))
    return given.render_derived(name=f"given_{name}", with_types=True)


def _typed(name: str, kind: Any) -> Any:
    from sqlalchemy import column  # noqa: PLC0415  # `column` is a common local name here

    return column(name, kind)


def _hanging(of: CTE) -> list[CTE]:
    """The inserts that hang on a case row: event, personal values, photos, timers, outbox, audit."""
    agency, case_id, sequence = of.c.agency_id, of.c.id, bindparam("event_sequence", type_=Integer)
    event = insert(_EVENT).from_select(
        ["agency_id", "case_id", *_EVENT_COLUMNS], select(agency, case_id, *(_bound("event", _EVENT.c[name]) for name in _EVENT_COLUMNS))
    )
    people = _items("personal", field=Text, salt=Text, value=JSONB)
    personal = insert(CasePersonal).from_select(
        ["agency_id", "case_id", "sequence", "field", "salt", "value"],
        select(agency, case_id, sequence, people.c.field, func.decode(people.c.salt, "hex").cast(BYTEA), people.c.value).select_from(
            of.join(people, literal_column("true"))
        ),
    )
    photos = _items("attachments", id=BigInteger, field=Text)
    attached = (
        insert_or_leave(CaseAttachment)
        .from_select(
            ["agency_id", "case_id", "attachment_id", "sequence", "field"],
            select(agency, case_id, photos.c.id, sequence, photos.c.field).select_from(of.join(photos, literal_column("true"))),
        )
        .on_conflict_do_nothing()  # a photo named twice in one field is one photo
    )
    clocks = _items("timers", key=Text, due_at=TIMESTAMP(timezone=True))
    timers = insert(CaseTimer).from_select(
        ["agency_id", "case_id", "key", "due_at"],
        select(agency, case_id, clocks.c.key, clocks.c.due_at).select_from(of.join(clocks, literal_column("true"))),
    )
    notes = _items("messages", topic=Text, payload=JSONB)
    payload = notes.c.payload.op("||")(func.jsonb_build_object("case_id", case_id, "number", of.c.number))
    messages = insert(OutboxMessage).from_select(
        ["agency_id", "topic", "payload", "due_at"],
        select(agency, notes.c.topic, payload, bindparam("event_at", type_=_EVENT.c.at.type)).select_from(
            of.join(notes, literal_column("true"))
        ),
    )
    audit = insert(AuditEntry).from_select(
        ["agency_id", "at", "user_id", "action", "subject", "new", "request_id"],
        select(
            agency,
            bindparam("event_at", type_=_EVENT.c.at.type),
            bindparam("event_actor_id", type_=Integer),
            bindparam("audit_action", type_=String),
            func.concat("case:", of.c.number),
            bindparam("audit_new", type_=JSONB(none_as_null=True)),
            bindparam("audit_request", type_=String),
        ),
    )
    named = {"event": event, "personal_values": personal, "photos": attached, "timers": timers, "messages": messages, "audit": audit}
    return [statement.cte(f"new_{name}") for name, statement in named.items()]


def _birth() -> Select[Any]:
    values = {name: _bound("case", _CASE.c[name]) for name in _GIVEN_AT_BIRTH}
    number = func.concat(bindparam("number_day", type_=String), "-", func.lpad(cast(func.nextval("case_number"), Text), 6, "0"))
    born = insert(_CASE).values(values | {"number": number}).returning(_CASE.c.agency_id, _CASE.c.id, _CASE.c.number).cte("born")
    return select(born.c.id, born.c.number).add_cte(*_hanging(born))


def _step() -> Select[Any]:
    moved = (
        update(_CASE)
        .where(
            _CASE.c.agency_id == bindparam("case_agency_id"),
            _CASE.c.id == bindparam("case_id"),
            _CASE.c.version == bindparam("seen_version"),
        )
        .values({name: _bound("case", _CASE.c[name]) for name in _CHANGED})
        .returning(_CASE.c.agency_id, _CASE.c.id, _CASE.c.number)
        .cte("moved")
    )
    timer = Base.metadata.tables[CaseTimer.__tablename__]
    keys = select(func.jsonb_array_elements_text(bindparam("cancelled", type_=JSONB)))
    gone = (
        sql_delete(timer)
        .where(timer.c.agency_id == bindparam("case_agency_id"), timer.c.case_id == bindparam("case_id"), timer.c.key.in_(keys))
        .cte("gone")
    )
    return select(moved.c.id).add_cte(gone, *_hanging(moved))


_BIRTH = Prepared(_birth())
_STEP = Prepared(_step())
