"""Answers to a form: which grids, departments, records, catalogue codes, persons and attachments exist for the agency.

What has been asked is remembered, so a file of a hundred thousand rows asks
once for each distinct name. A context lives as long as one import or one
request; its session is set anew for each unit of work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, column, select, table
from sqlalchemy.orm import Session

from core.accounts.models import Member
from core.definitions import store
from core.ledgers.models import Record
from core.ledgers.surroundings import Surroundings

_ATTACHMENT = table("attachment", column("uuid", Uuid()))

Place = tuple[str, str | None, str | None]


class LedgerContext:
    """A remembering FieldContext over one agency's database."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.session: Session | None = None
        self._known: dict[Place, dict[Any, bool]] = {}

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist; raises KeyError for a kind that no field names."""
        known = self._known.setdefault((kind, within, level), {})
        new = [one for one in ids if one not in known]
        if new:
            find: Callable[[list[Any], str | None, str | None], Iterable[Any]] = getattr(self, f"_find_{kind}")
            found = set(find(new, within, level))
            known.update((one, one in found) for one in new)
        return [one for one in ids if known[one]]

    @property
    def _open(self) -> Session:
        assert self.session is not None, "a context answers inside a unit of work"
        return self.session

    def _find_catalogue(self, ids: list[str], within: str | None, level: str | None) -> Iterable[str]:
        catalogue = store.compiled_current(self._open, "catalogue", str(within))
        if level == "any":
            return [one for one in ids if one in catalogue]
        leaves = {item.code for item in catalogue.leaves()}
        return leaves.intersection(ids)

    def _find_grid(self, ids: list[str], within: str | None, level: str | None) -> Iterable[str]:  # noqa: ARG002
        return [one for one in ids if one in self._around.grids.by_code]

    def _find_department(self, ids: list[int], within: str | None, level: str | None) -> Iterable[int]:  # noqa: ARG002
        return [one for one in ids if one in self._around.departments.by_id]

    def _find_person(self, ids: list[int], within: str | None, level: str | None) -> Iterable[int]:  # noqa: ARG002
        query = select(Member.user_id).where(Member.agency_id == self._around.agency_id, Member.user_id.in_(ids), Member.active)
        return self._open.scalars(query)

    def _find_record(self, ids: list[str], within: str | None, level: str | None) -> Iterable[str]:  # noqa: ARG002
        query = select(Record.uuid).where(Record.agency_id == self._around.agency_id, Record.uuid.in_([UUID(one) for one in ids]))
        if within is not None:
            query = query.where(Record.ledger_key == within)
        return [str(one) for one in self._open.scalars(query)]

    def _find_attachment(self, ids: list[str], within: str | None, level: str | None) -> Iterable[str]:  # noqa: ARG002
        query = select(_ATTACHMENT.c.uuid).where(_ATTACHMENT.c.uuid.in_([UUID(one) for one in ids]))
        return [str(one) for one in self._open.scalars(query)]
