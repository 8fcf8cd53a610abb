"""One way to change a row: compare the version, set what differs, count up, audit, move the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor
from core.db import epoch
from core.lib.errors import PreconditionFailed
from core.lib.text import msg


class Versioned(Protocol):
    """A row that counts its changes."""

    version: Any


Row = TypeVar("Row", bound=Versioned)


@dataclass(frozen=True)
class Change:
    """What is set, and how the audit log calls it. ``version`` is the one the client saw; None asks for none."""

    action: str
    subject: str
    values: Mapping[str, Any]
    version: int | None
    personal: frozenset[str] = frozenset()
    """Fields whose content the log must not hold, only that they changed."""
    touch: bool = False
    """Count up even when no value differs: something that belongs to the row changed elsewhere."""


def apply(session: Session, actor: Actor, row: Row, change: Change) -> Row:
    """Set the values that differ; raise PreconditionFailed when somebody changed the row first."""
    session.refresh(row, with_for_update=True)
    if change.version is not None and change.version != row.version:
        raise PreconditionFailed(msg("http.stale", current=row.version))
    old = {name: getattr(row, name) for name, value in change.values.items() if getattr(row, name) != value}
    if not old and not change.touch:
        return row
    for name in old:
        setattr(row, name, change.values[name])
    row.version += 1
    session.flush()
    epoch.bump(session)
    new = {name: change.values[name] for name in old}
    audit.record(session, actor, change.action, subject=change.subject, old=_logged(old, change), new=_logged(new, change))
    return row


def record_change(
    session: Session, actor: Actor, action: str, subject: str, *, old: Mapping[str, Any] | None = None, new: Mapping[str, Any] | None = None
) -> None:
    """Audit a change of configuration and tell every process of it."""
    epoch.bump(session)
    audit.record(session, actor, action, subject=subject, old=old, new=new)


def lock_for(session: Session, actor: Actor, what: str) -> None:
    """Let one transaction at a time change ``what`` of the agency."""
    session.execute(text("SELECT pg_advisory_xact_lock(:agency, hashtext(:what))"), {"agency": actor.agency_id, "what": what})


def _logged(values: Mapping[str, Any], change: Change) -> dict[str, Any]:
    return {name: "(personal)" if name in change.personal else value for name, value in values.items()}
