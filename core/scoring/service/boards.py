"""Boards as they are asked for: a page of a card's rows, one subject with what lies below it, and its past periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.definitions import store
from core.facts.models import FactCase
from core.lib.errors import Forbidden, Invalid, NotFound
from core.lib.text import msg
from core.scoring import periods
from core.scoring.definition import Scorecard
from core.scoring.models import Publication, PublicationResult
from core.scoring.periods import Period
from core.scoring.permissions import ScoringRight
from core.scoring.service.faces import Face, face_of
from core.scoring.service.formulas import formula_of, list_cards
from core.scoring.service.keeping import row_of
from core.scoring.service.scoreboard import scoreboard
from core.scoring.service.sources import zone_of
from core.scoring.service.visibility import may_see_published, may_see_some
from core.scoring.types import OUTSIDE, OWN, Asked, Board, Row, Score, Subject


@dataclass(frozen=True)
class Selection:
    """Which rows of a card are wanted, and in which order."""

    period: str
    level: str | None = None
    below: str | None = None
    sort: str = "rank"
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True)
class BoardPage:
    """A page of a card's rows with everything that is said around them."""

    face: Face
    period: Period
    board: Board
    level: str | None
    below: Subject | None
    rows: Sequence[Row]
    total: int
    every: Sequence[Row]
    """All rows of the card that the asker may see."""


@dataclass(frozen=True)
class PastScore:
    """One period of a subject's past; without a row it had no score then."""

    period: Period
    ends_at: datetime
    score: Score | None
    rank: int | None
    is_published: bool


def visible_faces(session: Session, actor: Actor, locale: str) -> list[Face]:
    """List the cards of which the actor may see some scores."""
    found = []
    for version, card in list_cards(session):
        if may_see_some(actor, card):
            formula = formula_of(session, (card.key,))
            found.append(face_of(session, actor, formula.cards[card.key], formula, version, locale))
    return found


def visible_face(session: Session, actor: Actor, key: str, locale: str) -> Face:
    """Give a card in force; raises NotFound, and Forbidden when the actor can see no score of it."""
    formula = formula_of(session, (key,))
    card = formula.cards[key]
    _require_some(actor, card)
    return face_of(session, actor, card, formula, store.current(session, "scorecard", key), locale)


def board_page(session: Session, actor: Actor, key: str, wanted: Selection, locale: str) -> BoardPage:
    """Give a page of the rows of a card that the actor may see."""
    face = visible_face(session, actor, key, locale)
    period = periods.parse(wanted.period)
    board = scoreboard(session, actor, Asked((key,), period))
    every = board.sheet(key).rows
    below = None if wanted.below is None else subject_of(every, wanted.below)
    level = chosen_level(face.card, wanted.level, below)
    rows = arranged(chosen_rows(face.card, every, level, below), wanted.sort)
    return BoardPage(face, period, board, level, below, rows[wanted.offset : wanted.offset + wanted.limit], len(rows), every)


def whole_boards(session: Session, actor: Actor, keys: Sequence[str], period: str, locale: str) -> list[BoardPage]:
    """Give the whole boards of several cards, counted in one go."""
    chosen = periods.parse(period)
    faces = [visible_face(session, actor, key, locale) for key in dict.fromkeys(keys)]
    board = scoreboard(session, actor, Asked(tuple(face.card.key for face in faces), chosen))
    sheets = [(face, board.sheet(face.card.key).rows) for face in faces]
    return [BoardPage(face, chosen, board, None, None, rows, len(rows), rows) for face, rows in sheets]


def subject_of(rows: Sequence[Row], ref: str) -> Subject:
    """Find a subject among rows; raises NotFound when it is not there or not to be seen."""
    return row_named(rows, ref).subject


def row_named(rows: Sequence[Row], ref: str) -> Row:
    """Find a subject's row; raises NotFound when it is not there or not to be seen."""
    for row in rows:
        if row.subject.ref == ref:
            return row
    raise NotFound(msg("scoring.no_subject", subject=ref[:80]))


def chosen_level(card: Scorecard, level: str | None, below: Subject | None) -> str | None:
    """Give the level whose areas are wanted: the largest unless something is said; below an area, its direct parts."""
    levels = card.subjects.levels
    if level is not None and level not in levels:
        raise Invalid(msg("scoring.unknown_name", what="level", name=level[:60], known=", ".join(levels) or "-"), path="level")
    return levels[0] if levels and level is None and below is None else level


def chosen_rows(card: Scorecard, rows: Sequence[Row], level: str | None, below: Subject | None) -> list[Row]:
    """Leave the rows of a level, or the direct parts of a subject with what is its own; what lies outside everything goes with the largest level."""
    if below is not None and level is not None:
        return [row for row in rows if row.subject.level == level and row.subject.special is None and _within(row.subject, below)]
    if below is not None:
        return children_of(rows, below)
    if level is None:
        return list(rows)
    with_outside = level == card.subjects.levels[0]
    return [row for row in rows if _is_of_level(row.subject, level, with_outside=with_outside)]


def children_of(rows: Sequence[Row], above: Subject) -> list[Row]:
    """Give the direct parts of a subject, and what is its own and none of theirs."""
    return [row for row in rows if row.subject.parent == above.id and above.id is not None and row.subject.special in {None, OWN}]


def _is_of_level(subject: Subject, level: str, *, with_outside: bool) -> bool:
    return (subject.special is None and subject.level == level) or (with_outside and subject.special == OUTSIDE)


def _within(subject: Subject, above: Subject) -> bool:
    return subject.path is not None and above.path is not None and subject.path.startswith(f"{above.path}.")


def arranged(rows: Sequence[Row], sort: str) -> list[Row]:
    """Put rows in an order: by rank, name, score, or the value of a line; without a value behind those with one, either way round."""
    name = sort.removeprefix("-")
    if name == "rank":
        ordered = list(rows)
        return ordered[::-1] if sort.startswith("-") else ordered
    given = [(key, row) for row in rows if (key := _sort_key(row, name)) is not None]
    rest = [row for row in rows if _sort_key(row, name) is None]
    return [row for _, row in sorted(given, key=lambda pair: pair[0], reverse=sort.startswith("-"))] + rest


def _sort_key(row: Row, name: str) -> Any:
    if name == "name":
        return row.subject.name
    if name == "score":
        return row.score.score
    line = next((line for line in row.score.lines if line.key == name), None)
    if line is not None:
        return line.value
    value = row.values.get(name)
    return None if value is None else Decimal(value.counted)


def trend_of(session: Session, actor: Actor, card: Scorecard, subject: Subject, period: Period, count: int) -> list[PastScore]:
    """Give a subject's last periods up to this one, oldest first: as published, or as they stand; none before the first case."""
    zone = zone_of(session)
    begun = session.scalar(select(func.min(FactCase.reported_at)))
    found: list[PastScore] = []
    for _ in range(count):
        _, ends_at = period.bounds(zone)
        if found and (begun is None or ends_at <= begun):
            break
        found.append(_past(session, actor, card, subject, period, ends_at))
        period = period.before()
    return found[::-1]


def _past(session: Session, actor: Actor, card: Scorecard, subject: Subject, period: Period, ends_at: datetime) -> PastScore:
    published = newest_published(session, card.key, period)
    if published is not None and may_see_published(actor, subject):
        result = session.scalar(
            select(PublicationResult).where(PublicationResult.publication_id == published.id, PublicationResult.subject == subject.ref)
        )
        row = None if result is None else row_of(result)
        return PastScore(period, ends_at, row.score if row else None, row.rank if row else None, is_published=True)
    rows = scoreboard(session, actor, Asked((card.key,), period)).sheet(card.key).rows
    row = next((row for row in rows if row.subject.ref == subject.ref), None)
    return PastScore(period, ends_at, row.score if row else None, row.rank if row else None, is_published=False)


def newest_published(session: Session, key: str, period: Period) -> Publication | None:
    """Give the newest revision that is published of a card's period."""
    same = (Publication.scorecard_key == key, Publication.starts_on == period.starts_on, Publication.ends_on == period.ends_on)
    query = select(Publication).where(*same, Publication.state == "published").order_by(Publication.revision.desc())
    return session.scalars(query.limit(1)).one_or_none()


def _require_some(actor: Actor, card: Scorecard) -> None:
    if not may_see_some(actor, card):
        raise Forbidden(msg("authz.no_right", right=ScoringRight.SCORE_READ))
