"""Expression indexes for the fields that forms mark ``index: true``: made after a sync, and in the background after an agency's publication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import outbox
from core.definitions.models import Definition
from core.definitions.registry import register_after_publish, register_after_sync
from core.ledgers.ddl import index_fields
from core.lib import clock

TOPIC = "ledgers.index"


def make_indexes(session: Session) -> None:
    """Make every index that a ledger's published form asks for and that is not there, as the owner role.

    An agency's own form is published by the application, which owns nothing:
    the worker has a function of the owner's make its indexes a moment later.
    """
    published = select(Definition.kind, Definition.key, Definition.content).where(Definition.status == "published")
    found = session.execute(published.where(Definition.kind.in_(("ledger", "form")))).all()
    for kind, key, content in found:
        if kind == "ledger":
            wanted = {
                name for other, form, body in found if (other, form) == ("form", content["form"]) for name in _indexed(body["fields"])
            }
            index_fields(session.connection(), key, sorted(wanted))


def _indexed(fields: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the fields of the form itself; what lies in groups or is personal is not found by index."""
    return (field["id"] for field in fields if field.get("index") and not field.get("personal") and "sensitive" not in field)


def send_indexing(session: Session, agency_id: int, kind: str) -> None:
    """Have the worker make the indexes that an agency's newly published form or ledger asks for, after the commit."""
    if kind in {"form", "ledger"}:
        outbox.add(session, TOPIC, {}, agency_id=agency_id, due_at=clock.now())


register_after_sync(make_indexes)
register_after_publish(send_indexing)
