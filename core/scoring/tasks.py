"""What the worker runs for scores: proposing revisions, and telling people of what was published."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.accounts.service.reach import who_holds_anywhere
from core.db import outbox
from core.definitions import store
from core.lib.text import LOCALES, msg, say
from core.notices import service as notices
from core.scoring.models import Publication
from core.scoring.permissions import ScoringRight
from core.scoring.service import following
from core.scoring.service.faces import period_title
from core.scoring.service.publishing import PUBLISHED, period_of

TOPIC = "published_scores"
PROPOSED_TOPIC = "proposed_revision"


@outbox.handler(PUBLISHED)
def tell_of_publication(session: Session, delivery: outbox.Delivery) -> None:
    """Tell everybody who may read publications that there is one."""
    publication = session.get_one(Publication, (delivery.agency_id, delivery.payload["publication_id"]))
    _tell(session, delivery, publication, topic=TOPIC, right=ScoringRight.PUBLICATION_READ, said="scoring.told_published")


@outbox.handler(following.LATE)
def propose_revisions(session: Session, delivery: outbox.Delivery) -> None:
    """Propose the revisions that late steps call for, and tell those who may publish them."""
    for proposal in following.propose_all(session, delivery.agency_id, delivery.payload["snapshot_id"], now=delivery.now):
        _tell(session, delivery, proposal, topic=PROPOSED_TOPIC, right=ScoringRight.REVISION_PUBLISH, said="scoring.told_proposed")


def _tell(session: Session, delivery: outbox.Delivery, publication: Publication, *, topic: str, right: str, said: str) -> None:
    title = store.version(session, publication.definition_id).content["title"]
    period = period_of(publication)
    told = {
        locale: msg(
            said,
            card=say(title, locale),
            period=period_title(period.kind, period.starts_on, period.ends_on, locale),
            revision=publication.revision,
        ).text(locale)
        for locale in LOCALES
    }
    notices.tell(
        session,
        agency_id=delivery.agency_id,
        users=who_holds_anywhere(session, right, now=delivery.now),
        topic=topic,
        subject=f"publication:{publication.uuid}",
        title=told,
        source=f"outbox:{delivery.id}:{publication.id}",
        now=delivery.now,
    )
