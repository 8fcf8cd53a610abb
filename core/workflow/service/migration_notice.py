"""One notice for each person whose open cases were moved to another version of their workflow: how many, and to which.

What is sent to the worker are places, not cases: of ten thousand cases there
may be a hundred, and who sees to a place is worked out when the notice is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from core.authz import Actor
from core.db import outbox
from core.lib.text import LOCALES, Title, msg
from core.workflow.service.recipients import holders
from core.workflow.types import CaseSnapshot, Receiver

MIGRATED = "workflow.migrated"
TOPIC = "migrated"


class Charge(NamedTuple):
    """Who has the task of a case: one person, or whoever holds a right at its place."""

    person_id: int | None
    right: str | None
    grid_id: int | None
    department_id: int | None


def charge_of(owner: Receiver | None, snapshot: CaseSnapshot, grid_id: int | None) -> Charge | None:
    """Say who has the task of a case in a state of this owner; None for a state without one, and for a person that the case lacks."""
    if owner is None:
        return None
    if owner.right is not None:
        return Charge(None, owner.right, grid_id, snapshot.department_id)
    person = {"assignee": snapshot.assignee_id, "reporter": snapshot.reporter_id}.get(owner.at)
    return None if person is None else Charge(person, None, None, None)


def tell_soon(session: Session, actor: Actor, charges: Counter[Charge], *, key: str, title: Title, version: int) -> None:
    """Have those in charge told after this commit; nobody, when no case has somebody in charge."""
    if charges:
        payload = {"key": key, "title": dict(title), "version": version, "charges": [[*charge, count] for charge, count in charges.items()]}
        outbox.add(session, MIGRATED, payload, agency_id=actor.agency_id, due_at=actor.now)


def cases_by_person(session: Session, payload: Mapping[str, Any], *, now: datetime) -> Counter[int]:
    """Count for each person in charge the cases that were moved."""
    found: Counter[int] = Counter()
    for *told, count in payload["charges"]:
        charge = Charge(*told)
        if charge.right is None:
            people = [charge.person_id] if charge.person_id is not None else []
        else:
            people = holders(session, charge.right, grid_id=charge.grid_id, department_id=charge.department_id, now=now)
        found.update(dict.fromkeys(people, count))
    return found


def spoken(payload: Mapping[str, Any], count: int) -> dict[str, str]:
    """Write the notice to somebody who is in charge of ``count`` of the cases, in each language."""
    said = msg("workflow.migrated_notice", count=count, workflow=payload["title"], version=payload["version"])
    return {locale: said.text(locale) for locale in LOCALES}
