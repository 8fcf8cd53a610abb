"""What follows a step on a case whose facts are frozen: a revision is proposed, some time after the last of them. Nobody publishes it but a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Text, and_, exists, or_, select, type_coerce
from sqlalchemy.orm import Session

from core.db import outbox
from core.facts.models import FactCase
from core.facts.service import listen, locks
from core.facts.types import Round
from core.scoring.definition import INSTANTS
from core.scoring.models import FrozenCase, Publication, Snapshot
from core.scoring.service.attribution import Own
from core.scoring.service.revising import newest_of, propose
from core.workflow.service.timers import system_actor

LATE = "scoring.late"
"""The topic of the message that has revisions proposed."""

REST = timedelta(minutes=10)
"""Late steps seldom come alone: what one sets off waits for the next ones."""


@listen
def notice_late_steps(session: Session, seen: Round) -> None:
    """Have revisions proposed where a round's steps concern what is published; one message a snapshot, however many steps there are."""
    if session.scalar(select(Publication.id).where(Publication.state == "published").limit(1)) is None:
        return
    for snapshot_id in _concerned(session, seen.case_ids):
        waiting = select(outbox.OutboxMessage.id).where(
            outbox.OutboxMessage.topic == LATE,
            outbox.OutboxMessage.state == "waiting",
            outbox.OutboxMessage.payload["snapshot_id"].astext == type_coerce(str(snapshot_id), Text),
        )
        if session.scalar(waiting.limit(1)) is None:
            outbox.add(session, LATE, {"snapshot_id": snapshot_id}, agency_id=seen.agency_id, due_at=seen.now + REST)


def propose_all(session: Session, agency_id: int, snapshot_id: int, *, now: datetime) -> list[Publication]:
    """Propose a revision of everything that was published with a snapshot, where a number is another now."""
    locks.write_alone(session, agency_id)
    actor = system_actor(session, agency_id, now)
    firsts = session.scalars(
        select(Publication).where(Publication.snapshot_id == snapshot_id, Publication.state == "published").order_by(Publication.id)
    ).all()
    found = (propose(session, actor, newest_of(session, first)) for first in firsts)
    return [one for one in found if one is not None]


def _concerned(session: Session, case_ids: Sequence[int]) -> list[int]:
    """Give the first snapshots, published ones, that hold one of the cases or whose period one has come into."""
    published = exists().where(
        Publication.agency_id == Snapshot.agency_id, Publication.snapshot_id == Snapshot.id, Publication.state == "published"
    )
    held = exists().where(
        FrozenCase.agency_id == Snapshot.agency_id,
        FrozenCase.snapshot_id == Snapshot.id,
        Own(tuple(case_ids)).condition(FrozenCase.case_id),
    )
    columns = [getattr(FactCase, name) for name in sorted(set(INSTANTS["case"].values()))]
    inside = or_(*(and_(column >= Snapshot.starts_at, column < Snapshot.ends_at) for column in columns))
    come = exists().where(FactCase.agency_id == Snapshot.agency_id, Own(tuple(case_ids)).condition(FactCase.case_id), inside)
    query = select(Snapshot.id).where(Snapshot.base_id.is_(None), published, or_(held, come))
    return list(session.scalars(query.order_by(Snapshot.id)))
