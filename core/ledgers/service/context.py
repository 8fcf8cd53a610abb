"""Answers to a form that are remembered, and the look-up of records, which only this package knows.

A file of a hundred thousand rows asks once for each distinct name. A context
lives as long as one import; its session is set anew for each unit of work.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.forms.context import DatabaseContext, register_kind
from core.ledgers.models import Record

Place = tuple[str, str | None, str | None]


class RememberingContext:
    """A FieldContext over the agency's database that asks for nothing twice."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self.session: Session | None = None
        self._known: dict[Place, dict[Any, bool]] = {}

    def exists_many(self, kind: str, ids: Collection[Any], *, within: str | None = None, level: str | None = None) -> Collection[Any]:
        """Give those of ``ids`` that exist."""
        known = self._known.setdefault((kind, within, level), {})
        new = [one for one in ids if one not in known]
        if new:
            assert self.session is not None, "a context answers inside a unit of work"
            found = set(DatabaseContext(self.session, self._actor).exists_many(kind, new, within=within, level=level))
            known.update((one, one in found) for one in new)
        return [one for one in ids if known[one]]


def _records(session: Session, actor: Actor, ids: Collection[str], within: str | None, _level: str | None) -> Collection[str]:
    query = select(Record.uuid).where(Record.agency_id == actor.agency_id, Record.uuid.in_([UUID(one) for one in ids]))
    if within is not None:
        query = query.where(Record.ledger_key == within)
    return [str(one) for one in session.scalars(query)]


register_kind("record", _records)
