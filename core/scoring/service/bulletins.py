"""Taking a bulletin out: who may, of which rows, and that it is on record."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.audit import service as audit
from core.authz import Actor, require_anywhere
from core.lib.text import say
from core.scoring.bulletin.document import LOCALE, Bulletin, Section
from core.scoring.models import Publication
from core.scoring.permissions import ScoringRight
from core.scoring.service.faces import period_title
from core.scoring.service.published import companions, publications_shown, results
from core.scoring.service.sources import zone_of
from core.scoring.service.wording import refs_of, row_shown


def take_out(session: Session, actor: Actor, publication: Publication, file_format: str) -> Bulletin:
    """Give the bulletin of everything published in one act, with the rows that the actor may see; it is put on record.

    Raises Forbidden without the right to take scores out.
    """
    require_anywhere(actor, ScoringRight.EXPORT_CREATE)
    audit.record(session, actor, "scoring:bulletin:exported", subject=f"publication:{publication.uuid}", new={"format": file_format})
    return bulletin_of(session, actor, publication)


def bulletin_of(session: Session, actor: Actor, publication: Publication) -> Bulletin:
    """Put a bulletin together."""
    found = companions(session, publication)
    shown = publications_shown(session, actor, found, LOCALE)
    sections = []
    for one, told in zip(found, shown, strict=True):
        kept = results(session, actor, one, LOCALE)
        refs = refs_of(kept.every)
        rows = [row_shown(row, kept.face, refs) for row in kept.rows]
        sections.append(Section(told, kept.face.whole(), rows, kept.hidden))
    title = session.execute(select(Agency.title).where(Agency.id == actor.agency_id)).scalar_one()
    period = period_title(publication.period_kind, publication.starts_on, publication.ends_on, LOCALE)
    return Bulletin(say(title, LOCALE), period, zone_of(session), sections)
