"""Looks up what a submission names outside the form, and remembers what it found for the step that stores it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, column, select, table
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.prepared import Prepared
from core.forms.context import DatabaseContext

_RECORD = table("record", column("agency_id"), column("id"), column("uuid", Uuid()), column("ledger_key"))
_ATTACHMENT = table("attachment", column("agency_id"), column("uuid", Uuid()), column("owner_id"))


class References(DatabaseContext):
    """The FieldContext of one step: records and files are looked for so that what is found is at hand, all else as in every form.

    With ``later`` the files are taken to be the actor's own, and the statement
    that stores the step proves it: it stores nothing when one is not.
    """

    def __init__(self, session: Session, actor: Actor, *, later: bool = False) -> None:
        super().__init__(session, actor)
        self._later = later
        self.attachments: set[str] = set()
        """The files that were found, or are to be proven later."""
        self.record_ids: dict[str, int] = {}

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist for the actor's agency."""
        if not ids:
            return ()
        if kind == "record":
            return self._record(ids, within)
        if kind == "attachment":
            return self._attachment(ids)
        return super().exists_many(kind, ids, within=within, level=level)

    def _record(self, ids: Collection[str], within: str | None) -> Collection[str]:
        query = select(_RECORD.c.uuid, _RECORD.c.id).where(
            _RECORD.c.agency_id == self._actor.agency_id, _RECORD.c.uuid.in_([UUID(one) for one in ids])
        )
        if within:
            query = query.where(_RECORD.c.ledger_key == within)
        self.record_ids |= {str(row.uuid): row.id for row in self._session.execute(query)}
        return self.record_ids.keys()

    def _attachment(self, ids: Collection[str]) -> Collection[str]:
        """Find those that the actor may see: else hanging another's file on a case of one's own would open it."""
        if self._later:
            self.attachments |= set(ids)
            return ids
        rows = _ATTACHMENTS.all(self._session, {"agency": self._actor.agency_id, "uuids": [UUID(one) for one in ids]})
        own = self._actor.user_id
        self.attachments |= {str(row.uuid) for row in rows if (own is not None and row.owner_id == own) or self._may_see(row.uuid)}
        return self.attachments

    def _may_see(self, uuid: UUID) -> bool:
        return bool(super().exists_many("attachment", [str(uuid)]))


_ATTACHMENTS = Prepared(
    select(_ATTACHMENT.c.uuid, _ATTACHMENT.c.owner_id).where(
        _ATTACHMENT.c.agency_id == bindparam("agency"), _ATTACHMENT.c.uuid == any_(bindparam("uuids", type_=ARRAY(Uuid())))
    )
)
