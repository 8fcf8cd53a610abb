"""An agency's own versions of definitions: draft, publish, restore, give up.

Reading the current definition is in ``store``; bringing in files is in ``sync``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.audit.service import record
from core.authz import Actor, require_anywhere
from core.db.epoch import bump
from core.definitions import roles, store  # noqa: F401  # roles: they come along when a plugin is switched on
from core.definitions.check import prepare_one
from core.definitions.models import Definition
from core.definitions.permissions import DefinitionRight
from core.definitions.registry import run_after_publish
from core.definitions.store import StoredDefinitions, Version, base_of
from core.definitions.sync import merged_onto, next_version
from core.definitions.types import Prepared
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg


def history(session: Session, actor: Actor, kind: str, key: str) -> list[Version]:
    """List all versions of a definition that the actor's agency sees, drafts included."""
    require_anywhere(actor, DefinitionRight.READ)
    return store.history(session, kind, key)


def read_version(actor: Actor, found: Version) -> Version:
    """Let the actor read one version: whoever knows of a published one may, a draft needs the right.

    A record or case shows the form version it was made with, retired or not.
    """
    if found.status == "draft":
        require_anywhere(actor, DefinitionRight.READ)
    return found


def save_draft(session: Session, actor: Actor, kind: str, key: str, content: Mapping[str, Any]) -> Version:
    """Check ``content`` and keep it as the agency's draft, in place of the draft there was.

    Saving a merged draft settles its conflicts: somebody has looked at it.
    Raises Invalid with the path of every mistake.
    """
    require_anywhere(actor, DefinitionRight.WRITE)
    ready = _prepared(session, kind, key, content)
    _lock(session, actor, kind, key)
    draft = _draft_of(session, actor, kind, key)
    if draft is None:
        base = base_of(session, kind, key)
        draft = _new_row(session, actor, ready, base_version=base.version if base else None)
        session.add(draft)
    else:
        draft.content, draft.checksum, draft.conflicts = ready.content, ready.checksum, None
    session.flush()
    _note(session, actor, "drafted", draft)
    return store.as_version(draft)


def publish(session: Session, actor: Actor, draft_id: int) -> Version:
    """Put a draft into force.

    Raises Conflict when it is no draft, when its conflicts are not settled, or
    when the installation's definition has moved on since (``rebase`` it).
    """
    require_anywhere(actor, DefinitionRight.PUBLISH)
    draft = _own_draft(session, actor, draft_id)
    if draft.conflicts:
        raise Conflict(msg("definitions.open_conflicts", count=len(draft.conflicts)), extra={"conflicts": draft.conflicts})
    base = base_of(session, draft.kind, draft.key)
    if base is not None and draft.base_version is not None and base.version > draft.base_version:
        raise Conflict(msg("definitions.base_moved", version=base.version))
    # What it includes or names may have changed since it was saved.
    ready = _prepared(session, draft.kind, draft.key, draft.content)
    draft.content, draft.checksum, draft.conflicts = ready.content, ready.checksum, None
    draft.status, draft.published_at = "published", actor.now
    session.flush()
    _note(session, actor, "published", draft)
    bump(session)
    run_after_publish(session, actor.agency_id, draft.kind)
    return store.as_version(draft)


def publish_overlay(session: Session, actor: Actor, kind: str, key: str, content: Mapping[str, Any]) -> Version:
    """Save a draft and publish it in one go.

    Raises Conflict when a draft is waiting: it is somebody's work, to be published or discarded first.
    """
    _lock(session, actor, kind, key)
    _refuse_waiting_draft(session, actor, kind, key)
    return publish(session, actor, save_draft(session, actor, kind, key, content).id)


def rebase(session: Session, actor: Actor, draft_id: int) -> Version:
    """Merge the installation's newest definition into a draft; its own values stay, conflicts are listed on it."""
    require_anywhere(actor, DefinitionRight.WRITE)
    draft = _own_draft(session, actor, draft_id)
    new = base_of(session, draft.kind, draft.key)
    if new is None or draft.base_version is None or new.version <= draft.base_version:
        return store.as_version(draft)
    merged = merged_onto(session, draft, new.content)
    draft.content, draft.base_version = merged.content, new.version
    draft.conflicts = [*(draft.conflicts or ()), *(conflict.as_json() for conflict in merged.conflicts)]
    session.flush()
    _note(session, actor, "rebased", draft)
    return store.as_version(draft)


def restore(session: Session, actor: Actor, version_id: int) -> Version:
    """Put an old version's content into force again, as a new version of the agency's own.

    Raises Conflict when a draft is waiting: publish or discard it first.
    """
    require_anywhere(actor, DefinitionRight.PUBLISH)
    old = store.version(session, version_id)
    _lock(session, actor, old.kind, old.key)
    _refuse_waiting_draft(session, actor, old.kind, old.key)
    base = base_of(session, old.kind, old.key)
    ready = _prepared(session, old.kind, old.key, old.content)
    row = _new_row(session, actor, ready, base_version=base.version if base else None)
    row.status, row.published_at = "published", actor.now
    session.add(row)
    session.flush()
    _note(session, actor, "restored", row)
    bump(session)
    run_after_publish(session, actor.agency_id, row.kind)
    return store.as_version(row)


def retire(session: Session, actor: Actor, kind: str, key: str) -> Version | None:
    """Give up the agency's own versions; the installation's is in force again and is given back, if there is one."""
    require_anywhere(actor, DefinitionRight.PUBLISH)
    own = (Definition.agency_id == actor.agency_id, Definition.kind == kind, Definition.key == key)
    rows = session.scalars(select(Definition).where(*own, Definition.status == "published")).all()
    for row in rows:
        row.status = "retired"
    session.flush()
    if rows:
        _note(session, actor, "retired", rows[-1])
        bump(session)
    return base_of(session, kind, key)


def discard_draft(session: Session, actor: Actor, draft_id: int) -> None:
    """Throw a draft away."""
    require_anywhere(actor, DefinitionRight.WRITE)
    draft = _own_draft(session, actor, draft_id)
    _note(session, actor, "discarded", draft)
    session.delete(draft)
    session.flush()


def _prepared(session: Session, kind: str, key: str, content: Mapping[str, Any]) -> Prepared:
    if content.get("key") != key:
        raise Invalid(msg("definitions.other_key", name=key), path="key")
    return prepare_one(kind, content, origin="agency", source=StoredDefinitions(session))


def _own_draft(session: Session, actor: Actor, draft_id: int) -> Definition:
    found = store.version(session, draft_id)
    if found.status != "draft" or found.agency_id != actor.agency_id:
        raise Conflict(msg("definitions.not_a_draft", name=found.key, version=found.version))
    _lock(session, actor, found.kind, found.key)
    return session.get_one(Definition, draft_id, populate_existing=True)


def _draft_of(session: Session, actor: Actor, kind: str, key: str) -> Definition | None:
    own = (Definition.agency_id == actor.agency_id, Definition.kind == kind, Definition.key == key)
    return session.scalar(select(Definition).where(*own, Definition.status == "draft"))


def _refuse_waiting_draft(session: Session, actor: Actor, kind: str, key: str) -> None:
    if _draft_of(session, actor, kind, key) is not None:
        raise Conflict(msg("definitions.draft_waiting", name=key))


def _new_row(session: Session, actor: Actor, ready: Prepared, *, base_version: int | None) -> Definition:
    return Definition(
        agency_id=actor.agency_id,
        kind=ready.kind,
        key=ready.key,
        version=next_version(session, actor.agency_id, ready.kind, ready.key),
        status="draft",
        content=ready.content,
        checksum=ready.checksum,
        origin="agency",
        base_version=base_version,
        created_at=actor.now,
        created_by_id=actor.user_id,
    )


def _lock(session: Session, actor: Actor, kind: str, key: str) -> None:
    """Let one at a time change an agency's versions of a definition, so that their numbers have no race."""
    place = f"definition:{actor.agency_id}:{kind}:{key}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"), {"place": place})


def _note(session: Session, actor: Actor, done: str, row: Definition) -> None:
    record(
        session,
        actor,
        f"definitions:definition:{done}",
        subject=f"{row.kind}:{row.key}",
        new={"version": row.version, "checksum": row.checksum},
    )
