"""Idempotency keys: a phone may send twice, and one case is born.

The key is claimed by an insert in the request's own transaction: a second
sender waits for the first to commit and then gets the same answer.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Request
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.http.body import bytes_of
from core.http.models import IdempotencyKey
from core.http.routes import Answer
from core.http.work import Work
from core.lib.errors import Invalid
from core.lib.text import msg

KEPT = timedelta(days=7)
_KEY = re.compile(r"^[\x21-\x7e]{1,128}$")


@dataclass(frozen=True)
class Claim:
    """A key in hand; ``answer`` is set when it was used before."""

    key: str
    answer: Answer | None


def begin(work: Work, request: Request) -> Claim | None:
    """Claim the request's key; raise Invalid when it was used with another body."""
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _KEY.match(key):
        raise Invalid(msg("http.key_broken"), path="Idempotency-Key")
    digest = hashlib.sha256(b"\0".join([request.method.encode(), request.path.encode(), bytes_of(request)])).digest()
    actor = work.actor
    row = {"agency_id": actor.agency_id, "user_id": actor.user_id, "key": key}
    claimed = work.session.execute(
        insert(IdempotencyKey)
        .values(**row, request_hash=digest, created_at=actor.now)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).scalar()
    return Claim(key, None if claimed else _earlier_answer(work, key, digest))


def _earlier_answer(work: Work, key: str, digest: bytes) -> Answer:
    stored = work.session.execute(
        select(IdempotencyKey).where(IdempotencyKey.user_id == work.actor.user_id, IdempotencyKey.key == key)
    ).scalar_one()
    if stored.request_hash != digest:
        raise Invalid(msg("http.key_reused"), path="Idempotency-Key")
    return Answer(stored.body, status=stored.status or 200, etag=stored.etag, headers={"Idempotent-Replay": "true"})


def finish(work: Work, claim: Claim, answer: Answer) -> None:
    """Keep the answer beside the key."""
    work.session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.user_id == work.actor.user_id, IdempotencyKey.key == claim.key)
        .values(status=answer.status, body=answer.body, etag=None if answer.etag is None else str(answer.etag))
    )


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete keys past their seven days."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT))
