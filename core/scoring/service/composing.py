"""Composite cards: the scores of other cards, of the same subject or of the bodies it belongs to, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.accounts.models import AgencyRole, Member, Responsibility, RoleAssignment, Team, TeamMember
from core.scoring.definition import CardPart, Scorecard
from core.scoring.engine import compose, mean_of
from core.scoring.service.counting import Work
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
    roles = _roles(work, card, [one.id for one in subjects if one.id is not None])
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
    if part.of == "department":
        rows: Iterable[Any] = work.session.execute(select(Member.user_id, Member.department_id).where(Member.department_id.is_not(None)))
    elif part.of == "team":
        kind = work.formula.cards[part.scorecard].subjects.team_kind
        query = select(TeamMember.user_id, TeamMember.team_id).join(
            Team, and_(Team.agency_id == TeamMember.agency_id, Team.id == TeamMember.team_id)
        )
        rows = work.session.execute(query.where(Team.kind == kind) if kind is not None else query)
    else:
        rows = work.session.execute(select(Responsibility.user_id, Responsibility.grid_id).where(Responsibility.user_id.is_not(None)))
    found: dict[int, list[int]] = {}
    for user_id, body in rows:
        found.setdefault(int(user_id), []).append(int(body))
    return found


def _roles(work: Work, card: Scorecard, people: Sequence[int]) -> dict[int, str]:
    """Give by which of the roles that a part names each person's share goes: the first of those that the person holds."""
    names = list(dict.fromkeys(name for part in card.parts for name in part.by_team_role))
    if not names or not people:
        return {}
    plugin = card.key.partition(".")[0]
    held = _held(work.session, [f"{plugin}.{name}" for name in names], people, work)
    return {person: next(name for name in names if f"{plugin}.{name}" in keys) for person, keys in held.items()}


def _held(session: Session, keys: Sequence[str], people: Sequence[int], work: Work) -> dict[int, set[str]]:
    at = min(work.window.as_of, work.window.ends_at)
    query = (
        select(RoleAssignment.user_id, AgencyRole.key)
        .join(AgencyRole, and_(AgencyRole.agency_id == RoleAssignment.agency_id, AgencyRole.id == RoleAssignment.role_id))
        .where(AgencyRole.key.in_(keys), RoleAssignment.user_id.in_(people))
        .where(or_(RoleAssignment.valid_from.is_(None), RoleAssignment.valid_from <= at))
        .where(or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > at))
    )
    found: dict[int, set[str]] = {}
    for user_id, key in session.execute(query):
        found.setdefault(user_id, set()).add(key)
    return found
