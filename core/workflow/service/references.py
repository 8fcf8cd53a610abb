"""Looks up what a submission names outside the form, and remembers what it found for the step that stores it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, column, select, table
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.prepared import Prepared
from core.workflow.service import known

_MEMBER = table("member", column("agency_id"), column("user_id"), column("active"))
_DEPARTMENT = table("department", column("agency_id"), column("id"), column("active"))
_GRID = table("grid", column("id"), column("code"), column("scheme_id"), column("level_id"))
_LEVEL = table("grid_level", column("id"), column("key"))
_SCHEME = table("grid_scheme", column("id"), column("key"))
_RECORD = table("record", column("agency_id"), column("id"), column("uuid", Uuid()), column("ledger_key"))
_ATTACHMENT = table("attachment", column("agency_id"), column("id"), column("uuid", Uuid()), column("owner_id"))


class References:
    """The FieldContext of one step: everything is looked for inside the actor's agency alone."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._actor = actor
        self.attachment_ids: dict[str, int] = {}
        self.record_ids: dict[str, int] = {}

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist for the actor's agency."""
        if not ids:
            return ()
        if kind == "grid":
            return self._grid(ids, within, level)
        found: Collection[Any] = getattr(self, f"_{kind}")(ids, within)
        return found

    def _person(self, ids: Collection[int], _within: str | None) -> Collection[int]:
        query = select(_MEMBER.c.user_id).where(_MEMBER.c.agency_id == self._actor.agency_id, _MEMBER.c.user_id.in_(ids), _MEMBER.c.active)
        return set(self._session.scalars(query))

    def _department(self, ids: Collection[int], _within: str | None) -> Collection[int]:
        query = select(_DEPARTMENT.c.id).where(
            _DEPARTMENT.c.agency_id == self._actor.agency_id, _DEPARTMENT.c.id.in_(ids), _DEPARTMENT.c.active
        )
        return set(self._session.scalars(query))

    def _grid(self, ids: Collection[str], within: str | None, level: str | None) -> Collection[str]:
        query = select(_GRID.c.code).where(_GRID.c.code.in_(ids))
        if within:
            query = query.join(_SCHEME, _SCHEME.c.id == _GRID.c.scheme_id).where(_SCHEME.c.key == within)
        if level:
            query = query.join(_LEVEL, _LEVEL.c.id == _GRID.c.level_id).where(_LEVEL.c.key == level)
        return set(self._session.scalars(query))

    def _catalogue(self, ids: Collection[str], within: str | None) -> Collection[str]:
        items = known.catalogue_items(self._session, known.plugin_of(within or ""))
        return [code for code in ids if code in items]

    def _record(self, ids: Collection[str], within: str | None) -> Collection[str]:
        query = select(_RECORD.c.uuid, _RECORD.c.id).where(
            _RECORD.c.agency_id == self._actor.agency_id, _RECORD.c.uuid.in_([UUID(one) for one in ids])
        )
        if within:
            query = query.where(_RECORD.c.ledger_key == within)
        self.record_ids |= {str(row.uuid): row.id for row in self._session.execute(query)}
        return self.record_ids.keys()

    def _attachment(self, ids: Collection[str], _within: str | None) -> Collection[str]:
        rows = _ATTACHMENTS.all(self._session, {"agency": self._actor.agency_id, "uuids": [UUID(one) for one in ids]})
        self.attachment_ids |= {str(row.uuid): row.id for row in rows}
        return self.attachment_ids.keys()


_ATTACHMENTS = Prepared(
    select(_ATTACHMENT.c.uuid, _ATTACHMENT.c.id).where(
        _ATTACHMENT.c.agency_id == bindparam("agency"), _ATTACHMENT.c.uuid == any_(bindparam("uuids", type_=ARRAY(Uuid())))
    )
)
