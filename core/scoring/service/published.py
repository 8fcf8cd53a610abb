"""Reading what was published: which publications somebody sees, and which of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from core.authz import Actor
from core.definitions import store
from core.lib.errors import Forbidden, NotFound
from core.lib.text import msg, say
from core.pluginmanager import plugins
from core.scoring import periods
from core.scoring.definition import Scorecard
from core.scoring.models import Publication, PublicationResult, Snapshot
from core.scoring.permissions import ScoringRight
from core.scoring.service.attribution import EVERYTHING, Own
from core.scoring.service.boards import children_of, chosen_level, chosen_rows, row_named
from core.scoring.service.drilling import facts_behind
from core.scoring.service.faces import Face, face_of, period_shown
from core.scoring.service.formulas import formula_of
from core.scoring.service.freezing import source_of
from core.scoring.service.keeping import row_of
from core.scoring.service.land import land_of
from core.scoring.service.publishing import formula_ids, period_of
from core.scoring.service.revising import results_of
from core.scoring.service.sources import zone_of
from core.scoring.service.visibility import holds, may_see_published
from core.scoring.types import NOBODY, OUTSIDE, PART, WHOLE, FactPage, Number, Row
from core.workflow.service.reading import names_of


@dataclass(frozen=True)
class Wanted:
    """Which publications are listed."""

    scorecard: str | None = None
    period: str | None = None
    state: str | None = None
    before: int | None = None
    limit: int = 25


@dataclass(frozen=True)
class Results:
    """The rows of a publication that somebody may see, some of them or all, with the card as it was."""

    publication: Publication
    face: Face
    rows: Sequence[Row]
    every: Sequence[Row]
    hidden: int


def require_reader(actor: Actor) -> None:
    """Raise Forbidden for who may see no publication at all."""
    if not any(holds(actor, right) for right in (ScoringRight.PUBLICATION_READ, ScoringRight.SCORE_READ)):
        raise Forbidden(msg("authz.no_right", right=ScoringRight.PUBLICATION_READ))


def list_publications(session: Session, actor: Actor, wanted: Wanted) -> list[Publication]:
    """List publications, newest first; proposals for those alone who may publish them."""
    require_reader(actor)
    query = select(Publication).where(_plugin_is_on(session)).order_by(Publication.id.desc()).limit(wanted.limit)
    if not _may_see_proposals(actor):
        query = query.where(Publication.state == "published")
    if wanted.scorecard is not None:
        query = query.where(Publication.scorecard_key == wanted.scorecard)
    if wanted.period is not None:
        period = periods.parse(wanted.period)
        query = query.where(Publication.starts_on == period.starts_on, Publication.ends_on == period.ends_on)
    if wanted.state is not None:
        query = query.where(Publication.state == wanted.state)
    if wanted.before is not None:
        query = query.where(Publication.id < wanted.before)
    return list(session.scalars(query))


def get_publication(session: Session, actor: Actor, uuid: UUID) -> Publication:
    """Give one publication; raises NotFound when it is not there, or a proposal that is not the actor's to see."""
    require_reader(actor)
    found = session.scalars(select(Publication).where(Publication.uuid == uuid, _plugin_is_on(session))).one_or_none()
    if found is None or (found.state != "published" and not _may_see_proposals(actor)):
        raise NotFound(msg("scoring.no_publication", uuid=str(uuid)))
    return found


def face_then(session: Session, actor: Actor, publication: Publication, locale: str) -> Face:
    """Give the card as it was when it was published."""
    formula = formula_of(session, (publication.scorecard_key,), formula_ids(publication))
    card: Scorecard = formula.cards[publication.scorecard_key]
    return face_of(session, actor, card, formula, store.version(session, publication.definition_id), locale)


def results(
    session: Session, actor: Actor, publication: Publication, locale: str, *, level: str | None = None, below: str | None = None
) -> Results:
    """Give the rows of a publication that the actor may see: all, those of a level, or the parts of a subject."""
    face = face_then(session, actor, publication, locale)
    kept = results_of(session, publication)
    every = [row for row in kept if may_see_published(actor, row.subject)]
    rows: Sequence[Row] = every
    if below is not None:
        above = row_named(every, below).subject
        rows = children_of(every, above) if level is None else chosen_rows(face.card, every, chosen_level(face.card, level, above), above)
    elif level is not None:
        rows = chosen_rows(face.card, every, chosen_level(face.card, level, None), None)
    return Results(publication, face, rows, every, len(kept) - len(every))


def facts_then(session: Session, actor: Actor, publication: Publication, number: Number, *, after: str | None, limit: int) -> FactPage:
    """Give a page of what a published number is made of, as it was; raises NotFound for a row that the actor may not see."""
    row = session.scalars(
        select(PublicationResult).where(PublicationResult.publication_id == publication.id, PublicationResult.subject == number.subject)
    ).one_or_none()
    if row is None or not may_see_published(actor, row_of(row).subject):
        raise NotFound(msg("scoring.no_subject", subject=number.subject[:80]))
    snapshot = session.get_one(Snapshot, (publication.agency_id, publication.snapshot_id))
    source = source_of(snapshot, formula_ids(publication))
    # Whether the row may be seen was decided by the rule for published ones.
    reader = replace(actor, is_system=True)
    own = _own(session, actor, publication, row)
    return facts_behind(session, reader, number, after=after, limit=limit, source=source, own=own)


def _own(session: Session, actor: Actor, publication: Publication, row: PublicationResult) -> Own | None:
    """Say which leaves were a subject's when it was published, whatever the land or the organisation has become; None where it does not matter."""
    if row.special == WHOLE:
        return EVERYTHING
    if row.subject_kind not in {"grid", "department", "person"}:
        return None
    if row.subject_kind == "grid" and not _has_every_area(session, actor, publication):
        return None
    if row.special in {NOBODY, OUTSIDE}:
        return Own(_leaves(session, publication), with_null=True, but=True)
    if row.subject_kind == "grid" and row.special is None and row.path is not None:
        return Own(_leaves(session, publication, PublicationResult.path.op("<@")(func.text2ltree(row.path))))
    return None if row.subject_id is None else Own((row.subject_id,))


def _has_every_area(session: Session, actor: Actor, publication: Publication) -> bool:
    """Say whether a card has a row for the smallest areas: every fact then lies in one that has a row."""
    card = formula_of(session, (publication.scorecard_key,), formula_ids(publication)).cards[publication.scorecard_key]
    levels = land_of(session, actor, card.subjects.scheme).levels
    return bool(levels) and set(levels) <= set(card.subjects.levels)


def _leaves(session: Session, publication: Publication, *conditions: ColumnElement[bool]) -> tuple[int, ...]:
    """Give the ids of those that a publication has rows of."""
    of_it = (PublicationResult.publication_id == publication.id, PublicationResult.special.is_(None))
    found = session.scalars(select(PublicationResult.subject_id).where(*of_it, *conditions))
    return tuple(number for number in found if number is not None)


def number_then(publication: Publication, subject: str, line: str, part: PART) -> Number:
    """Name a number of a publication."""
    return Number(publication.scorecard_key, period_of(publication), subject, line, part)


def publications_shown(session: Session, actor: Actor, found: Sequence[Publication], locale: str) -> list[dict[str, Any]]:
    """Write publications as the screens show them."""
    people = {number for one in found for number in (one.created_by_id, one.published_by_id) if number is not None}
    names = names_of(session, people)
    snapshots = {one.id: one for one in session.scalars(select(Snapshot).where(Snapshot.id.in_({one.snapshot_id for one in found})))}
    newest = set(session.scalars(_newest([one.id for one in found])))
    zone = zone_of(session)
    shown = []
    for one in found:
        version = store.version(session, one.definition_id)
        period, snapshot = period_of(one), snapshots[one.snapshot_id]
        shown.append(
            {
                "uuid": str(one.uuid),
                "scorecard": {"key": one.scorecard_key, "title": say(version.content["title"], locale)},
                "scorecard_version": version.version,
                "period": period_shown(period, period.bounds(zone)[1], actor.now, locale),
                "revision": one.revision,
                "state": one.state,
                "is_newest": one.id in newest,
                "reason": one.reason,
                "as_of": one.as_of,
                "created_at": one.created_at,
                "created_by": names.get(str(one.created_by_id)),
                "published_at": one.published_at,
                "published_by": names.get(str(one.published_by_id)),
                "cases": snapshot.cases,
                "digest": snapshot.sha256.hex(),
                "formula": one.formula,
                "formula_digest": one.formula_sha256.hex(),
            }
        )
    return shown


def companions(session: Session, publication: Publication) -> list[Publication]:
    """Give the publications made in one act with this one, itself among them, by card."""
    query = select(Publication).where(Publication.snapshot_id == publication.snapshot_id, Publication.state == publication.state)
    return list(session.scalars(query.order_by(Publication.id)))


def _plugin_is_on(session: Session) -> ColumnElement[bool]:
    return func.split_part(Publication.scorecard_key, ".", 1).in_(plugins().enabled(session))


def _may_see_proposals(actor: Actor) -> bool:
    return holds(actor, ScoringRight.REVISION_PUBLISH) or holds(actor, ScoringRight.PUBLICATION_PUBLISH)


def _newest(ids: Sequence[int]) -> Select[Any]:
    """Select those of the publications that no later published one has followed."""
    later = aliased(Publication)
    follows = and_(
        later.agency_id == Publication.agency_id,
        later.scorecard_key == Publication.scorecard_key,
        later.starts_on == Publication.starts_on,
        later.ends_on == Publication.ends_on,
        later.state == "published",
        later.revision > Publication.revision,
    )
    followed = select(func.count()).select_from(later).where(follows).correlate(Publication).scalar_subquery()
    return select(Publication.id).where(Publication.id.in_(ids), Publication.state == "published", followed == 0)
