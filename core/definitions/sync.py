"""Bring the definitions of files into the database: as new versions, never over an agency's edit.

Runs as the owner role, which alone may write what belongs to no agency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from core.db.epoch import bump
from core.definitions.check import checksum_of
from core.definitions.merge import Merged, merge
from core.definitions.models import Definition
from core.definitions.types import Content, LeftOut, Prepared


@dataclass
class SyncReport:
    """What a sync did; each entry is ``kind:key``."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Stored, but no longer in the files of the same origin; left as they are, since cases may need them."""

    merged: list[dict[str, Any]] = field(default_factory=list)
    """Agencies' edits for which a merged draft was made: agency_id, kind, key and number of conflicts."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    """Agencies' edits that already have a draft; it is to be rebased before it is published."""

    left_out: Sequence[LeftOut] = ()
    """Plugins whose files are unsound: nothing of theirs was stored, and their earlier versions stay in force."""

    @property
    def has_changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.created or self.updated or self.merged)

    def as_json(self, locale: str) -> dict[str, Any]:
        """Give the report as JSON data."""
        return {**vars(self), "left_out": [one.as_json(locale) for one in self.left_out]}


def sync(session: Session, prepared: Sequence[Prepared], *, now: datetime) -> SyncReport:
    """Store every definition whose content is new; the same content again changes nothing.

    Does not commit. Two syncs at once wait for each other.
    """
    wait_for_turn(session)
    report = SyncReport()
    newest = {(row.kind, row.key): row for row in _newest(session, for_agencies=False)}
    for one in prepared:
        _store(session, one, newest.get((one.kind, one.key)), report, now)
    origins = {_origin_name(one.origin) for one in prepared}
    present = {(one.kind, one.key) for one in prepared}
    report.gone = sorted(
        f"{kind}:{key}" for (kind, key), row in newest.items() if _origin_name(row.origin) in origins and (kind, key) not in present
    )
    session.flush()
    _merge_overlays(session, report, now=now)
    if report.has_changed:
        session.flush()
        bump(session)
    return report


def wait_for_turn(session: Session) -> None:
    """Wait until no other sync is under way, and keep others waiting until this transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('wangge.definitions.sync'))"))


def _merge_overlays(session: Session, report: SyncReport, *, now: datetime) -> None:
    """Make a merged draft of every agency's edit whose base has moved on.

    The published edit itself stays in force until the agency publishes the draft.
    """
    bases = {(row.kind, row.key): row for row in _newest(session, for_agencies=False)}
    columns = (Definition.agency_id, Definition.kind, Definition.key)
    drafts = {tuple(row) for row in session.execute(select(*columns).where(Definition.status == "draft"))}
    for overlay in _newest(session, for_agencies=True):
        new = bases.get((overlay.kind, overlay.key))
        if new is None or overlay.base_version is None or overlay.base_version >= new.version:
            continue
        told = {"agency_id": overlay.agency_id, "kind": overlay.kind, "key": overlay.key}
        if (overlay.agency_id, overlay.kind, overlay.key) in drafts:
            report.waiting.append(told)
            continue
        draft = _merged_draft(session, overlay, new, now)
        session.add(draft)
        report.merged.append({**told, "conflicts": len(draft.conflicts or ())})


def merged_onto(session: Session, edit: Definition, new: Content) -> Merged:
    """Merge the installation's newest content into an agency's edit, which was made from an older version."""
    of = (Definition.kind == edit.kind, Definition.key == edit.key, Definition.version == edit.base_version)
    base = session.scalar(select(Definition).where(*of, Definition.agency_id.is_(None)))
    return merge(base.content if base else {}, edit.content, new)


def next_version(session: Session, agency_id: int | None, kind: str, key: str) -> int:
    """Give the number of the next version."""
    own = Definition.agency_id.is_(None) if agency_id is None else Definition.agency_id == agency_id
    last = session.scalar(select(func.max(Definition.version)).where(own, Definition.kind == kind, Definition.key == key))
    return (last or 0) + 1


def _store(session: Session, one: Prepared, known: Definition | None, report: SyncReport, now: datetime) -> None:
    name = f"{one.kind}:{one.key}"
    if known is not None and known.checksum == one.checksum:
        report.unchanged.append(name)
        return
    row = Definition(
        kind=one.kind,
        key=one.key,
        version=known.version + 1 if known else 1,
        status="published",
        content=one.content,
        checksum=one.checksum,
        origin=one.origin,
        created_at=now,
        published_at=now,
    )
    session.add(row)
    (report.updated if known else report.created).append(name)


def _newest(session: Session, *, for_agencies: bool) -> Iterable[Definition]:
    """Give the newest published version of each definition: the installation's, or each agency's own."""
    row = aliased(Definition)
    newer = select(row.id).where(
        row.kind == Definition.kind,
        row.key == Definition.key,
        row.status == "published",
        row.version > Definition.version,
        row.agency_id.is_not_distinct_from(Definition.agency_id),
    )
    own = Definition.agency_id.is_not(None) if for_agencies else Definition.agency_id.is_(None)
    return session.scalars(select(Definition).where(own, Definition.status == "published", ~newer.exists())).all()


def _merged_draft(session: Session, overlay: Definition, new: Definition, now: datetime) -> Definition:
    merged = merged_onto(session, overlay, new.content)
    return Definition(
        agency_id=overlay.agency_id,
        kind=overlay.kind,
        key=overlay.key,
        version=next_version(session, overlay.agency_id, overlay.kind, overlay.key),
        status="draft",
        content=merged.content,
        checksum=checksum_of(merged.content),
        origin="agency",
        base_version=new.version,
        conflicts=[conflict.as_json() for conflict in merged.conflicts],
        created_at=now,
    )


def _origin_name(origin: str) -> str:
    return origin.split("@", 1)[0]
