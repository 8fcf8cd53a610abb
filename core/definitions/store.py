"""Finding definitions: the current one, one version, the history; and the objects compiled of them.

What is published never changes, so a compiled object is kept by the checksum of
its content for as long as the process lives. Which version is current is kept
until the configuration epoch moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.db.epoch import EpochCache
from core.definitions.models import Definition
from core.definitions.registry import compiler_of
from core.definitions.types import KEY, Content
from core.lib.errors import NotFound, Unavailable
from core.lib.text import msg

_MAX_COMPILED = 4_000
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Version:
    """One stored version, detached from the database."""

    id: int
    agency_id: int | None
    kind: str
    key: str
    version: int
    status: str
    content: dict[str, Any]
    checksum: str
    origin: str
    base_version: int | None
    conflicts: Sequence[dict[str, Any]]
    created_at: datetime
    created_by_id: int | None
    published_at: datetime | None


_current: EpochCache[Version | None] = EpochCache()
_lists: EpochCache[tuple[Version, ...]] = EpochCache()
_compiled: dict[tuple[str, str], Any] = {}
_lock = Lock()


def find_current(session: Session, kind: str, key: str) -> Version | None:
    """Find the newest published version, the agency's own before the installation's; None when there is none."""
    if not KEY.fullmatch(key):
        return None
    agency_id = getattr(session, "agency_id", None)
    return _current.get(session, (agency_id, kind, key), lambda: _query_current(session, kind, key))


def current(session: Session, kind: str, key: str) -> Version:
    """Give the newest published version, the agency's own before the installation's; raises NotFound."""
    found = find_current(session, kind, key)
    if found is None:
        raise NotFound(msg("definitions.unknown_definition", kind=kind, name=key))
    return found


def version(session: Session, version_id: int) -> Version:
    """Give one version by its id, whatever its status; raises NotFound when the agency does not see it."""
    row = session.scalar(select(Definition).where(Definition.id == version_id, _seen(session))) if 0 < version_id <= _LARGEST_ID else None
    if row is None:
        raise NotFound(msg("definitions.unknown_version", id=version_id))
    return as_version(row)


def history(session: Session, kind: str, key: str) -> list[Version]:
    """List every version the agency sees, newest first: its own, then the installation's."""
    if not KEY.fullmatch(key):
        return []
    query = select(Definition).where(Definition.kind == kind, Definition.key == key, _seen(session))
    rows = session.scalars(query.order_by(Definition.agency_id.nulls_last(), Definition.version.desc()))
    return [as_version(row) for row in rows]


def list_current(session: Session, kind: str, *, after: str | None = None) -> Sequence[Version]:
    """List the current version of every key of ``kind`` behind ``after``, in the order of the keys."""
    found = _lists.get(session, (getattr(session, "agency_id", None), kind), lambda: _query_list(session, kind))
    return found if after is None else [one for one in found if one.key > after]


def compiled(found: Version) -> Any:
    """Give the compiled object of a version; compiled once in a process for the same content.

    Raises Unavailable when no package brought a compiler for its kind.
    """
    place = (found.kind, found.checksum)
    known = _compiled.get(place)
    if known is not None:
        return known
    compiler = compiler_of(found.kind)
    if compiler is None:
        raise Unavailable(msg("definitions.no_compiler", kind=found.kind))
    made = compiler.compile(found.content)
    with _lock:
        if len(_compiled) >= _MAX_COMPILED:
            _compiled.clear()
        _compiled[place] = made
    return made


def compiled_current(session: Session, kind: str, key: str) -> Any:
    """Give the compiled object of the current version; raises NotFound."""
    return compiled(current(session, kind, key))


class StoredDefinitions:
    """The current definitions of a session's agency, as a source for includes and references."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, kind: str, key: str) -> Content | None:
        """Give the current content of a definition, or None."""
        found = find_current(self._session, kind, key)
        return found.content if found else None

    def every(self, kind: str) -> list[Content]:
        """Give the current content of every definition of a kind."""
        return [found.content for found in list_current(self._session, kind)]


def base_of(session: Session, kind: str, key: str) -> Version | None:
    """Find the newest published version of the installation, whatever the agency has made of it."""
    query = _published(session, kind).where(Definition.key == key, Definition.agency_id.is_(None))
    row = session.scalar(query.order_by(Definition.version.desc()).limit(1))
    return as_version(row) if row else None


def as_version(row: Definition) -> Version:
    """Detach a row."""
    return Version(
        id=row.id,
        agency_id=row.agency_id,
        kind=row.kind,
        key=row.key,
        version=row.version,
        status=row.status,
        content=row.content,
        checksum=row.checksum,
        origin=row.origin,
        base_version=row.base_version,
        conflicts=tuple(row.conflicts or ()),
        created_at=row.created_at,
        created_by_id=row.created_by_id,
        published_at=row.published_at,
    )


def _query_list(session: Session, kind: str) -> tuple[Version, ...]:
    query = _published(session, kind).ext(distinct_on(Definition.key))
    query = query.order_by(Definition.key, Definition.agency_id.nulls_last(), Definition.version.desc())
    return tuple(sorted((as_version(row) for row in session.scalars(query)), key=lambda one: one.key))


def _query_current(session: Session, kind: str, key: str) -> Version | None:
    query = _published(session, kind).where(Definition.key == key)
    row = session.scalar(query.order_by(Definition.agency_id.nulls_last(), Definition.version.desc()).limit(1))
    return as_version(row) if row else None


def _published(session: Session, kind: str) -> Select[Definition]:
    return select(Definition).where(Definition.kind == kind, Definition.status == "published", _seen(session))


def _seen(session: Session) -> ColumnElement[bool]:
    """Limit to what the session's agency sees: said here too, since the owner role's sessions bypass row-level security."""
    agency_id = getattr(session, "agency_id", None)
    shared = Definition.agency_id.is_(None)
    return shared if agency_id is None else shared | (Definition.agency_id == agency_id)
