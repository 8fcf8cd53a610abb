"""What a form may name, looked up in the database: one statement for each kind.

A package above this one brings the kinds that only it knows with
``register_kind`` (ledgers: records).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.accounts.models import Department, Member
from core.attachments import service as attachments
from core.attachments.models import Attachment
from core.authz import Actor
from core.definitions import store
from core.grid.models import Grid, GridLevel, GridScheme, GridSchemeShare
from core.lib.errors import NotFound

Lookup = Callable[[Session, Actor, Collection[Any], str | None, str | None], Collection[Any]]
"""(session, actor, ids, within, level) -> those of the ids that exist."""

_lookups: dict[str, Lookup] = {}


class DatabaseContext:
    """A FieldContext over the session's agency."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session, self._actor = session, actor

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist; raises KeyError for a kind that nobody registered."""
        return _lookups[kind](self._session, self._actor, ids, within, level)


def register_kind(kind: str, lookup: Lookup) -> None:
    """Say how values of ``kind`` are looked up; two different look-ups of one kind are a mistake (ValueError)."""
    if _lookups.setdefault(kind, lookup) is not lookup:
        raise ValueError(f"values of kind {kind!r} are already looked up by another function")


def _persons(session: Session, actor: Actor, ids: Collection[int], _within: str | None, _level: str | None) -> Collection[int]:
    return session.scalars(select(Member.user_id).where(Member.agency_id == actor.agency_id, Member.user_id.in_(ids), Member.active)).all()


def _departments(session: Session, actor: Actor, ids: Collection[int], _within: str | None, _level: str | None) -> Collection[int]:
    return session.scalars(
        select(Department.id).where(Department.agency_id == actor.agency_id, Department.id.in_(ids), Department.active)
    ).all()


def _attachments(session: Session, actor: Actor, ids: Collection[str], _within: str | None, _level: str | None) -> Collection[str]:
    """Find those that the actor may see: else hanging another's file on a case of one's own would open it."""
    rows = session.scalars(select(Attachment).where(Attachment.uuid.in_([UUID(one) for one in ids])))
    return [str(row.uuid) for row in rows if actor.is_system or _may_see(session, actor, row)]


def _may_see(session: Session, actor: Actor, row: Attachment) -> bool:
    if row.owner_id is not None and row.owner_id == actor.user_id:
        return True
    try:
        attachments.get_visible(session, actor, row.uuid)
    except NotFound:
        return False
    return True


def _grids(session: Session, actor: Actor, ids: Collection[str], within: str | None, level: str | None) -> Collection[str]:
    shared = select(GridSchemeShare.scheme_id).where(GridSchemeShare.agency_id == actor.agency_id)
    owner = GridScheme.owner_agency_id
    query = select(Grid.code).join(GridScheme, GridScheme.id == Grid.scheme_id).where(Grid.code.in_(ids))
    query = query.where(or_(Grid.valid_to.is_(None), Grid.valid_to > actor.now))
    query = query.where(or_(owner == actor.agency_id, GridScheme.id.in_(shared)))
    if within is not None:
        query = query.where(GridScheme.key == within)
    if level is not None:
        query = query.join(GridLevel, GridLevel.id == Grid.level_id).where(GridLevel.key == level)
    return session.scalars(query).all()


def _catalogue(session: Session, _actor: Actor, ids: Collection[str], within: str | None, level: str | None) -> Collection[str]:
    try:
        catalogue = store.compiled_current(session, "catalogue", within or "")
    except NotFound:
        return ()
    return [one for one in ids if one in catalogue.items and (level == "any" or one not in catalogue.children)]


register_kind("attachment", _attachments)
register_kind("catalogue", _catalogue)
register_kind("department", _departments)
register_kind("grid", _grids)
register_kind("person", _persons)
