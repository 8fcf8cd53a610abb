"""Writing and reading the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.audit.models import AuditEntry
from core.authz import Actor


def record(
    session: Session, actor: Actor, action: str, *, subject: str, old: Mapping[str, Any] | None = None, new: Mapping[str, Any] | None = None
) -> None:
    """Write one entry into the transaction: ``action`` is ``plugin:resource:past-tense``, ``subject`` is ``kind:key``.

    Values must be free of personal data and of secrets: name the field, not its content.
    """
    session.execute(
        insert(AuditEntry).values(
            agency_id=actor.agency_id,
            at=actor.now,
            user_id=actor.user_id,
            action=action,
            subject=subject,
            old=None if old is None else dict(old),
            new=None if new is None else dict(new),
            request_id=actor.request_id,
        )
    )


def list_entries(session: Session, *, subject: str | None = None, before: int | None = None, limit: int = 50) -> Sequence[AuditEntry]:
    """Give the newest entries first, ``limit`` at a time, older than entry ``before``."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return session.scalars(query).all()
