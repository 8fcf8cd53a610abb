"""Taking files in and giving them out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.attachments import content
from core.attachments.models import Attachment
from core.attachments.store import Store
from core.authz import Actor
from core.lib.errors import Invalid, NotFound, TooLarge
from core.lib.ids import uuid7
from core.lib.text import msg

MAX_BYTES = 20 * 1024 * 1024
MAX_NAME = 200

SeenBy = Callable[[Session, Actor, Attachment], bool]
_seen_by: list[SeenBy] = []


def register_visibility(rule: SeenBy) -> SeenBy:
    """Let a package say who else may see a file: whoever may see the case or record that it hangs on."""
    _seen_by.append(rule)
    return rule


@dataclass(frozen=True)
class Taken:
    """Where and when a photo was taken, captured live beside it because phones strip EXIF."""

    stage: str | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy: float | None = None


def keep(session: Session, actor: Actor, store: Store, *, name: str, data: bytes, taken: Taken) -> Attachment:
    """Check and store a file; the same bytes sent twice by one person are stored once.

    Raises TooLarge over 20 MiB and Invalid for a type that is not accepted.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(msg("attachments.too_large", most=MAX_BYTES // 1024 // 1024))
    digest = hashlib.sha256(data).hexdigest()
    earlier = session.scalars(
        select(Attachment).where(Attachment.owner_id == actor.user_id, Attachment.digest == digest).limit(1)
    ).one_or_none()
    if earlier is not None:
        return earlier
    checked = content.check(data)
    attachment = Attachment(
        agency_id=actor.agency_id,
        uuid=uuid7(),
        owner_id=actor.user_id,
        name=_clean(name),
        content_type=checked.content_type,
        size=len(checked.data),
        digest=digest,
        stage=taken.stage,
        lon=taken.lon,
        lat=taken.lat,
        accuracy=taken.accuracy,
        details={"width": checked.width, "height": checked.height} if checked.width else {},
        has_thumbnail=checked.thumbnail is not None,
        created_at=actor.now,
    )
    store.write(actor.agency_id, attachment.uuid, "data", checked.data)
    if checked.thumbnail is not None:
        store.write(actor.agency_id, attachment.uuid, "thumbnail", checked.thumbnail)
    session.add(attachment)
    session.flush()
    return attachment


def get_visible(session: Session, actor: Actor, uuid: UUID) -> Attachment:
    """Give a file that ``actor`` brought, or that hangs on something he may see; raise NotFound otherwise."""
    found = session.scalars(select(Attachment).where(Attachment.uuid == uuid)).one_or_none()
    mine = found is not None and found.owner_id is not None and found.owner_id == actor.user_id
    if found is None or not (mine or any(rule(session, actor, found) for rule in _seen_by)):
        raise NotFound(msg("attachments.unknown"))
    return found


def _clean(name: str) -> str:
    shown = "".join(character for character in name.replace("\\", "/").rpartition("/")[2] if character.isprintable()).strip()
    if not shown:
        raise Invalid(msg("attachments.no_name"), path="file")
    return shown[-MAX_NAME:]
