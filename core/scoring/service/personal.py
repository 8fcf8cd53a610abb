"""What publications say of a person: shown whole, and the name taken off every row when the person is erased; the scores stay."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from core.accounts.service import register_personal_data
from core.authz import Actor
from core.scoring.models import Publication, PublicationResult


def export_results(session: Session, user_id: int) -> list[dict[str, Any]]:
    """Give every published score of a person."""
    query = (
        select(Publication, PublicationResult)
        .join(
            PublicationResult,
            and_(PublicationResult.agency_id == Publication.agency_id, PublicationResult.publication_id == Publication.id),
        )
        .where(*_of_person(user_id))
        .order_by(Publication.id)
    )
    return [
        {
            "scorecard": publication.scorecard_key,
            "starts_on": publication.starts_on.isoformat(),
            "ends_on": publication.ends_on.isoformat(),
            "revision": publication.revision,
            "name": result.subject_name,
            "score": None if result.score is None else float(result.score),
            "rank": result.rank,
        }
        for publication, result in session.execute(query)
    ]


def erase_names(session: Session, _actor: Actor, user_id: int) -> int:
    """Take a person's name off the published rows; give how many."""
    named = update(PublicationResult).where(*_of_person(user_id), PublicationResult.subject_name.is_not(None))
    gone = session.execute(named.values(subject_name=None).returning(PublicationResult.id).execution_options(synchronize_session=False))
    return len(gone.all())


def _of_person(user_id: int) -> tuple[Any, ...]:
    return PublicationResult.subject_kind == "person", PublicationResult.subject_id == user_id


register_personal_data("publications", export_results, erase_names)
