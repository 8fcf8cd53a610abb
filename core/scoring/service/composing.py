"""Composite cards: the scores of other cards, of the same subject or of the bodies it belongs to, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select

from core.accounts.models import Responsibility
from core.scoring.definition import CardPart, Scorecard
from core.scoring.engine import compose, mean_of
from core.scoring.service.counting import Work
from core.scoring.service.roster import roster_of
from core.scoring.service.subjects import layout_of
from core.scoring.types import EMPTY, Row, Score, Subject

RowsOf = Callable[[Work, Scorecard], list[Row]]
Bodies = Mapping[int, Sequence[int]]
"""The bodies that each person belongs to, by id."""


def composed(work: Work, card: Scorecard, rows_of: RowsOf) -> list[Row]:
    """Score a composite card; ``rows_of`` gives the rows of the cards that it is made of."""
    parts = {part.key: _by_id(rows_of(work, work.formula.cards[part.scorecard])) for part in card.parts}
    bodies = {part.key: _bodies(work, part) for part in card.parts if part.of is not None}
    subjects = _subjects(work, card, parts)
    roles = _roles(work, card)
    scale = work.formula.scale(card)
    rows = []
    for subject in subjects:
        scores = {part.key: _score(subject, parts[part.key], bodies.get(part.key)) for part in card.parts}
        rows.append(Row(subject, compose(card, scale, scores, role=roles.get(subject.id or 0)), EMPTY))
    return rows


def _by_id(rows: Sequence[Row]) -> dict[int, Row]:
    return {row.subject.id: row for row in rows if row.subject.id is not None and row.subject.special is None}


def _subjects(work: Work, card: Scorecard, parts: Mapping[str, Mapping[int, Row]]) -> list[Subject]:
    own = [part.key for part in card.parts if part.of is None]
    if not own:
        layout = layout_of(work.session, work.actor, card, work.window, work.source, ())
        return layout.everybody()
    found = {number: row.subject for key in own for number, row in parts[key].items()}
    levels, kinds = card.subjects.levels, card.subjects.kinds
    return [subject for subject in found.values() if (not levels or subject.level in levels) and (not kinds or subject.level in kinds)]


def _score(subject: Subject, rows: Mapping[int, Row], bodies: Bodies | None) -> Score | None:
    if subject.id is None:
        return None
    if bodies is None:
        row = rows.get(subject.id)
        return None if row is None else row.score
    return mean_of([rows[body].score for body in bodies.get(subject.id, ()) if body in rows])


def _bodies(work: Work, part: CardPart) -> Bodies:
    roster = roster_of(work.session)
    if part.of == "department":
        return {person: (department,) for person, department in roster.department_of.items()}
    if part.of == "team":
        kind = work.formula.cards[part.scorecard].subjects.team_kind
        return {person: [team for team in teams if kind in {None, roster.teams[team].level}] for person, teams in roster.teams_of.items()}
    rows = work.session.execute(select(Responsibility.user_id, Responsibility.grid_id).where(Responsibility.user_id.is_not(None)))
    found: dict[int, list[int]] = {}
    for user_id, grid_id in rows:
        found.setdefault(int(user_id or 0), []).append(grid_id)
    return found


def _roles(work: Work, card: Scorecard) -> dict[int, str]:
    """Give by which of the roles that a part names each person's share goes: the first of those that the person holds."""
    plugin = card.key.partition(".")[0]
    names = list(dict.fromkeys(name for part in card.parts for name in part.by_team_role))
    order = {f"{plugin}.{name}": number for number, name in enumerate(names)}
    at = min(work.window.as_of, work.window.ends_at)
    held: dict[int, int] = {}
    for one in roster_of(work.session).holdings if order else ():
        if one.role in order and one.is_valid_at(at):
            held[one.user_id] = min(order[one.role], held.get(one.user_id, len(order)))
    return {person: names[number] for person, number in held.items()}
