"""Boards, subjects, and the list behind every number."""

from __future__ import annotations

from typing import Any

from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer
from core.http.work import Work
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg
from core.scoring import periods, schemas
from core.scoring.service import boards, facts_behind
from core.scoring.service.boards import BoardPage, Selection
from core.scoring.service.faces import period_shown
from core.scoring.service.lists import facts_shown
from core.scoring.service.visibility import may_see_published
from core.scoring.service.wording import refs_of, row_shown, subject_shown
from core.scoring.types import Number
from core.scoring.views.group import routes


@routes.get("/scorecards", answers={200: schemas.ScorecardListSchema})
def list_scorecards(work: Work) -> dict[str, Any]:
    """List the scorecards whose scores you may see some of."""
    return {"items": [face.summary() for face in boards.visible_faces(work.session, work.actor, work.locale)]}


@routes.get("/scorecards/<key>", answers={200: schemas.ScorecardSchema})
def show_scorecard(work: Work, key: str) -> dict[str, Any]:
    """Show a scorecard with its lines, tables and grades."""
    return boards.visible_face(work.session, work.actor, key, work.locale).whole()


@routes.get("/scorecards/<key>/scores", query=schemas.BoardQuery, answers={200: schemas.ScoreBoardSchema})
def show_board(work: Work, key: str, query: dict[str, Any]) -> Answer:
    """Show a page of the scores of a card as they stand."""
    mark = decode_cursor(query["after"], (int,))
    offset = mark[0] if mark else 0
    wanted = Selection(query["period"], query.get("level"), query.get("below"), query["sort"], offset, query["limit"])
    page = boards.board_page(work.session, work.actor, key, wanted, work.locale)
    following = offset + len(page.rows)
    told = _board(work, page) | {"next": encode_cursor(following) if following < page.total else None}
    return Answer(told, etag=_etag(page))


@routes.get("/scoreboards", query=schemas.BoardsQuery, answers={200: schemas.ScoreBoardsSchema})
def show_boards(work: Work, query: dict[str, Any]) -> Answer:
    """Show the whole boards of several cards, counted as of one moment."""
    keys = [key for key in query["scorecards"].split(",") if key]
    if not keys:
        raise Invalid(msg("scoring.no_scorecard", key=""), path="scorecards")
    pages = boards.whole_boards(work.session, work.actor, keys, query["period"], work.locale)
    items = [_board(work, page) | {"next": None} for page in pages]
    first = pages[0]
    return Answer({"period": _period(work, first), "items": items, **_times(work, first)}, etag=_etag(first))


@routes.get("/scorecards/<key>/scores/<subject>", query=schemas.SubjectScoreQuery, answers={200: schemas.SubjectScoreSchema})
def show_subject(work: Work, key: str, subject: str, query: dict[str, Any]) -> Answer:
    """Show the score of one subject, of what lies below it, and of its last periods."""
    page = boards.board_page(work.session, work.actor, key, Selection(query["period"], limit=0), work.locale)
    row = boards.row_named(page.every, subject)
    refs = refs_of(page.every)
    trend = boards.trend_of(work.session, work.actor, page.face.card, row.subject, page.period, query["periods"])
    told = {
        "scorecard": page.face.whole(),
        "period": _period(work, page),
        "publication": _hint(work, page),
        "row": row_shown(row, page.face, refs),
        "children": [row_shown(child, page.face, refs) for child in boards.children_of(page.every, row.subject)],
        "trend": [
            {
                "period": period_shown(past.period, past.ends_at, work.actor.now, work.locale),
                "score": None if past.score is None or past.score.score is None else float(past.score.score),
                "grade": past.score.grade if past.score else None,
                "rank": past.rank,
                "is_published": past.is_published,
            }
            for past in trend
        ],
        **_times(work, page),
    }
    return Answer(told, etag=_etag(page))


@routes.get(
    "/scorecards/<key>/scores/<subject>/lines/<line>/facts", query=schemas.FactsQuery, answers={200: schemas.FactPageSchema}, errors=(404,)
)
def list_facts(work: Work, key: str, subject: str, line: str, query: dict[str, Any]) -> dict[str, Any]:
    """List what stands behind a number: as many as the number says."""
    face = boards.visible_face(work.session, work.actor, key, work.locale)
    number = Number(key, periods.parse(query["period"]), subject, line, query["part"])
    page = facts_behind(work.session, work.actor, number, after=query["after"], limit=query["limit"])
    indicator = face.indicator(line)
    if indicator is None:
        raise NotFound(msg("scoring.no_line", card=key, line=line[:60]))
    items = facts_shown(work.session, work.actor, indicator, page.facts, work.locale)
    return {"items": items, "next": page.after, "part": query["part"], "total": page.total}


def _board(work: Work, page: BoardPage) -> dict[str, Any]:
    refs = refs_of(page.every)
    return {
        "scorecard": page.face.whole(),
        "period": _period(work, page),
        "level": page.level,
        "below": None if page.below is None else subject_shown(page.below, work.locale, refs),
        "publication": _hint(work, page),
        "items": [row_shown(row, page.face, refs) for row in page.rows],
        "total": page.total,
        **_times(work, page),
    }


def _period(work: Work, page: BoardPage) -> dict[str, Any]:
    return period_shown(page.period, page.board.ends_at, work.actor.now, work.locale)


def _times(work: Work, page: BoardPage) -> dict[str, Any]:
    as_of = page.board.as_of
    return {"as_of": as_of, "lag_seconds": max(0.0, round((work.actor.now - as_of).total_seconds(), 1))}


def _hint(work: Work, page: BoardPage) -> dict[str, Any] | None:
    found = boards.newest_published(work.session, page.face.card.key, page.period)
    if found is None or not any(may_see_published(work.actor, row.subject) for row in page.every):
        return None
    return {"uuid": str(found.uuid), "revision": found.revision, "published_at": found.published_at}


def _etag(page: BoardPage) -> str:
    versions = "-".join(str(number) for _, number in sorted(page.face.formula.ids.items()))
    return f"{page.board.as_of.timestamp():.6f}-{versions}"
