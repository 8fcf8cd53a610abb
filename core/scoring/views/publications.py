"""What was published: freezing, revising, comparing, and the bulletin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.authz import require
from core.db import uow
from core.facts.service import catch_up
from core.http.paging import PageQuery, decode_cursor, encode_cursor
from core.http.routes import Answer
from core.http.work import Work
from core.lib.errors import Conflict, NotFound
from core.lib.text import msg
from core.scoring import schemas
from core.scoring.bulletin import page as pages
from core.scoring.bulletin import xlsx
from core.scoring.models import Publication
from core.scoring.permissions import ScoringRight
from core.scoring.service import bulletins, published, publishing, revising
from core.scoring.service.faces import Face, period_shown
from core.scoring.service.lists import facts_shown, open_to, step_title
from core.scoring.service.revising import Difference, LateCase
from core.scoring.service.wording import refs_of, row_shown, subject_shown
from core.scoring.views.group import routes


@routes.get("/publication-preview", query=schemas.PreviewQuery, answers={200: schemas.PublicationPreviewSchema})
def preview_publication(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Say what publishing now would freeze, and what may still change it."""
    keys = [key for key in query["scorecards"].split(",") if key]
    found = publishing.preview(work.session, work.actor, keys, query["period"])
    return {
        "period": period_shown(found.period, found.ends_at, work.actor.now, work.locale),
        "as_of": found.as_of,
        "may_publish": found.refusal is None,
        "reason_if_not": None if found.refusal is None else found.refusal.message.text(work.locale),
        "pending": {"appeals": found.appeals, "open_cases": found.open_cases},
        "published": _shown(work, found.published),
    }


@routes.post(
    "/publications",
    body=schemas.PublishBodySchema,
    answers={201: schemas.PublicationListSchema, 200: schemas.PublicationListSchema},
    errors=(409, 503),
)
def publish(work: Work, body: dict[str, Any]) -> Answer:
    """Freeze the scores of cards for a period that is over; what is published already stays, so asking twice publishes once."""
    _catch_up(work, ScoringRight.PUBLICATION_PUBLISH)
    found, is_new = publishing.publish(work.session, work.actor, body["scorecards"], body["period"], reason=body["reason"])
    return Answer({"items": _shown(work, found)}, status=201 if is_new else 200)


@routes.get("/publications", query=schemas.PublicationQuery, answers={200: schemas.PublicationPageSchema})
def list_publications(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List publications, newest first."""
    mark = decode_cursor(query["after"], (int,))
    limit = query["limit"]
    wanted = published.Wanted(query.get("scorecard"), query.get("period"), query.get("state"), mark[0] if mark else None, limit + 1)
    found = published.list_publications(work.session, work.actor, wanted)
    following = encode_cursor(found[limit - 1].id) if len(found) > limit else None
    return {"items": _shown(work, found[:limit]), "next": following}


@routes.get("/publications/<uuid:uuid>", answers={200: schemas.PublicationSchema})
def show_publication(work: Work, uuid: UUID) -> dict[str, Any]:
    """Show a publication with the formula that made it."""
    return _one(work, _found(work, uuid))


@routes.get("/publications/<uuid:uuid>/results", query=schemas.ResultsQuery, answers={200: schemas.ResultsSchema})
def list_results(work: Work, uuid: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """List the frozen scores of a publication."""
    publication = _found(work, uuid)
    mark = decode_cursor(query["after"], (int,))
    begin = mark[0] if mark else 0
    found = published.results(work.session, work.actor, publication, work.locale, level=query.get("level"), below=query.get("below"))
    end = begin + query["limit"]
    refs = refs_of(found.every)
    return {
        "publication": _one(work, publication),
        "scorecard": found.face.whole(),
        "items": [row_shown(row, found.face, refs) for row in found.rows[begin:end]],
        "total": len(found.rows),
        "next": encode_cursor(end) if end < len(found.rows) else None,
    }


@routes.get("/publications/<uuid:uuid>/facts", query=schemas.FrozenFactsQuery, answers={200: schemas.FactPageSchema})
def list_frozen_facts(work: Work, uuid: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """List what stood behind a published number when it was frozen."""
    publication = _found(work, uuid)
    face = published.face_then(work.session, work.actor, publication, work.locale)
    indicator = face.indicator(query["line"])
    if indicator is None:
        raise NotFound(msg("scoring.no_line", card=publication.scorecard_key, line=query["line"]))
    number = published.number_then(publication, query["subject"], query["line"], query["part"])
    page = published.facts_then(work.session, work.actor, publication, number, after=query["after"], limit=query["limit"])
    items = facts_shown(work.session, work.actor, indicator, page.facts, work.locale)
    return {"items": items, "next": page.after, "part": query["part"], "total": page.total}


@routes.get("/publications/<uuid:uuid>/late-events", query=PageQuery, answers={200: schemas.LateEventsSchema})
def list_late_events(work: Work, uuid: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """List what has happened to the cases of a publication since; nothing of it is in the numbers."""
    publication = _found(work, uuid)
    mark = decode_cursor(query["after"], (int,))
    begin = mark[0] if mark else 0
    found = revising.late_cases(work.session, work.actor, publication)
    end = begin + query["limit"]
    proposal = revising.proposal_of(work.session, publication)
    return {
        "items": _late(work, found[begin:end]),
        "next": encode_cursor(end) if end < len(found) else None,
        "total": len(found),
        "proposal": str(proposal.uuid) if proposal else None,
    }


@routes.get("/publications/<uuid:uuid>/differences", answers={200: schemas.DifferencesSchema}, errors=(409,))
def show_differences(work: Work, uuid: UUID) -> dict[str, Any]:
    """Lay a revision beside what was published before it: every subject that differs, and the cases that made it so."""
    publication = _found(work, uuid)
    before = revising.before_of(work.session, publication)
    if before is None:
        raise Conflict(msg("scoring.first_publication"))
    found = published.results(work.session, work.actor, publication, work.locale)
    old = published.results(work.session, work.actor, before, work.locale)
    refs = refs_of(old.every) | refs_of(found.every)
    seen = {row.subject.ref for row in (*old.every, *found.every)}
    differing = [one for one in revising.differences(work.session, before, publication) if _subject_ref(one) in seen]
    return {
        "before": _one(work, before),
        "after": _one(work, publication),
        "items": [_difference(one, found.face, refs) for one in differing],
        "cases": _late(work, revising.differing_cases(work.session, work.actor, before, publication)),
    }


@routes.get(
    "/publications/<uuid:uuid>/bulletin", query=schemas.BulletinQuery, answers={200: f"text/html|{xlsx.CONTENT_TYPE}"}, errors=(403,)
)
def take_bulletin(work: Work, uuid: UUID, query: dict[str, Any]) -> Answer:
    """Take out the bulletin of what was published in one act, as a page to print or a workbook."""
    publication = _found(work, uuid)
    bulletin = bulletins.take_out(work.session, work.actor, publication, query["format"])
    if query["format"] == "html":
        headers = {"Content-Security-Policy": pages.CONTENT_SECURITY_POLICY}
        return Answer(pages.page(bulletin), headers=headers, content_type="text/html; charset=utf-8")
    name = f"scores-{publication.starts_on}-{publication.ends_on}-{publication.revision}.xlsx"
    return Answer(
        xlsx.workbook(bulletin), headers={"Content-Disposition": f'attachment; filename="{name}"'}, content_type=xlsx.CONTENT_TYPE
    )


@routes.post("/publications/<uuid:uuid>/revisions", answers={201: schemas.PublicationSchema}, errors=(409, 503))
def propose_revision(work: Work, uuid: UUID) -> Answer:
    """Propose a revision that takes in what has happened since; it takes the place of the proposal there was."""
    _found(work, uuid)
    _catch_up(work, ScoringRight.REVISION_PUBLISH)
    proposed = revising.propose_revision(work.session, work.actor, _found(work, uuid))
    return Answer(_one(work, proposed), status=201)


@routes.post(
    "/publications/<uuid:uuid>/publish", body=schemas.RevisionReasonSchema, answers={200: schemas.PublicationSchema}, errors=(409,)
)
def publish_revision(work: Work, uuid: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Publish a proposed revision beside what was published before it."""
    return _one(work, revising.publish_revision(work.session, work.actor, _found(work, uuid), reason=body["reason"]))


def _catch_up(work: Work, right: ScoringRight) -> None:
    """Bring the facts up to now for somebody who may publish: it is work, and may have to wait.

    They follow no further than what no transaction holds up, this request's own included, so it ends first.
    """
    require(work.actor, right)
    uow.commit(work.session)
    catch_up(work.frame.database, work.actor.agency_id, now=work.actor.now)


def _found(work: Work, uuid: UUID) -> Publication:
    return published.get_publication(work.session, work.actor, uuid)


def _one(work: Work, publication: Publication) -> dict[str, Any]:
    return _shown(work, [publication])[0]


def _shown(work: Work, found: Any) -> list[dict[str, Any]]:
    return published.publications_shown(work.session, work.actor, found, work.locale)


def _late(work: Work, found: list[LateCase]) -> list[dict[str, Any]]:
    may_open = open_to(work.session, work.actor, [one.id for one in found])
    return [
        {
            "number": one.number,
            "may_open": one.id in may_open,
            "is_new": one.is_new,
            "changes_numbers": one.changes_numbers,
            "steps": [
                {
                    "sequence": step.sequence,
                    "at": step.at,
                    "verb": step.verb,
                    "title": step_title(work.session, one.workflow, step.verb, work.locale),
                    "actor": step.actor if one.id in may_open else None,
                }
                for step in one.steps
            ],
        }
        for one in found
    ]


def _subject_ref(one: Difference) -> str:
    row = one.after or one.before
    assert row is not None
    return row.subject.ref


def _difference(one: Difference, face: Face, refs: dict[int, str]) -> dict[str, Any]:
    row = one.after or one.before
    assert row is not None
    before, after = (None if side is None else row_shown(side, face, refs) for side in (one.before, one.after))
    return {
        "subject": subject_shown(row.subject, face.locale, refs),
        **{f"{name}_before": None if before is None else before[name] for name in ("score", "grade", "rank")},
        **{f"{name}_after": None if after is None else after[name] for name in ("score", "grade", "rank")},
        "lines": _changed_lines(before, after, face),
    }


_COMPARED = ("counted", "base", "exempted", "value", "points", "effective")


def _changed_lines(before: dict[str, Any] | None, after: dict[str, Any] | None, face: Face) -> list[dict[str, Any]]:
    sides = [{} if side is None else {cell["key"]: cell for cell in (*side["cells"], *side["also"])} for side in (before, after)]
    found = []
    for key in dict.fromkeys([*sides[1], *sides[0]]):
        old, new = (side.get(key, {}) for side in sides)
        changes = [{"name": name, "before": old.get(name), "after": new.get(name)} for name in _COMPARED if old.get(name) != new.get(name)]
        if changes:
            found.append({"key": key, "title": face.title_of(key), "changes": changes})
    return found
