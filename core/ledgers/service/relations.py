"""What a record names outside itself: other records, and stored files, which are seen with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from core.attachments.models import Attachment
from core.attachments.service import register_visibility
from core.authz import Actor, scope
from core.forms.compile import CompiledForm
from core.forms.fields.attachments import AttachmentList
from core.ledgers.models import Record, RecordAttachment, RecordRelation
from core.ledgers.permissions import LedgerRight
from core.ledgers.surroundings import Surroundings

Path = tuple[str, ...]


def record_fields(form: CompiledForm) -> tuple[Path, ...]:
    """Give the fields that name other records; personal ones leave no trace."""
    return tuple(node.path for node in form.plan.nodes if node.type.name == "record" and not node.field.is_personal)


def attachment_fields(form: CompiledForm) -> tuple[Path, ...]:
    """Give the fields that name stored files; personal ones leave no trace."""
    return tuple(node.path for node in form.plan.nodes if isinstance(node.type, AttachmentList) and not node.field.is_personal)


def relate(session: Session, around: Surroundings, record: Record) -> None:
    """Write down what a record names, in place of what it named before."""
    key = {"agency_id": record.agency_id, "record_id": record.id}
    for table in (RecordRelation, RecordAttachment):
        session.execute(delete(table).where(table.agency_id == record.agency_id, table.record_id == record.id))
    relations = [
        {**key, "field_id": ".".join(path), "target_id": _id_of(session, record.agency_id, value)}
        for path, value in _values(record.data, record_fields(around.form))
    ]
    files = {uuid for _, value in _values(record.data, attachment_fields(around.form)) for uuid in value}
    if relations:
        session.execute(insert(RecordRelation), relations)
    if files:
        session.execute(insert(RecordAttachment), [{**key, "attachment_uuid": uuid} for uuid in sorted(files)])


def _values(data: Mapping[str, Any], paths: tuple[Path, ...]) -> Iterator[tuple[Path, Any]]:
    for path in paths:
        value: Any = data
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            yield path, value


def _id_of(session: Session, agency_id: int, uuid: str) -> int | None:
    return session.scalar(select(Record.id).where(Record.agency_id == agency_id, Record.uuid == uuid))


@register_visibility
def hangs_on_visible_record(session: Session, actor: Actor, attachment: Attachment) -> bool:
    """Say whether a file hangs on a record that ``actor`` may see."""
    query = exists().where(
        RecordAttachment.agency_id == actor.agency_id,
        RecordAttachment.attachment_uuid == attachment.uuid,
        Record.agency_id == RecordAttachment.agency_id,
        Record.id == RecordAttachment.record_id,
        scope(actor, LedgerRight.READ).filter(Record.grid_id, Record.department_id),
    )
    return bool(session.scalar(select(query)))
