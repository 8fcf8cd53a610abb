"""Everybody else as subjects: departments, people, posts, teams, records, the agency; and what is nobody's.

Each layout turns counts by leaf into rows, so that the rows together are all
that was counted: what belongs to none of them is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.accounts.models import Agency, AgencyRole, Department, Member, Post, RoleAssignment, Team, TeamMember
from core.accounts.service import reach
from core.authz import Actor
from core.db.base import User
from core.grid import service as grids
from core.lib.errors import NotFound
from core.lib.text import msg, say
from core.scoring.definition import Scorecard
from core.scoring.service.attribution import EVERYTHING, Own
from core.scoring.service.land import GridLayout
from core.scoring.service.sources import Source, Window
from core.scoring.types import NOBODY, WHOLE, Subject

Numbers = NDArray[np.int64]
Rows = tuple[list[Subject], Numbers, list[int | None]]


class Layout(Protocol):
    """Whom a card scores, and which leaves are whose."""

    def fold(self, leaves: Sequence[int | None], counts: Numbers) -> Rows:
        """Give the rows: who, their counts, and by how many unit grids a number is divided."""

    def find(self, ref: str) -> tuple[Subject, Own]:
        """Give the subject that a ref names, and which leaves are its own; raises NotFound."""

    def everybody(self) -> list[Subject]:
        """Give the subjects that are shown with nothing counted."""


@dataclass(frozen=True)
class Listed:
    """A list of subjects and whose each leaf is; a leaf can be of several, and of none."""

    kind: str
    subjects: Mapping[int, Subject]
    owners: Mapping[int, tuple[int, ...]]
    shown: frozenset[int]
    """The subjects that are shown with nothing counted, too."""
    with_whole: bool = False

    def fold(self, leaves: Sequence[int | None], counts: Numbers) -> Rows:
        """Give the rows."""
        # Whoever did something that no number of this card counts is no subject of it.
        owned = [() if leaf is None or not row.any() else self.owners.get(leaf, ()) for leaf, row in zip(leaves, counts, strict=True)]
        present = self.shown.union(*owned)
        order = [number for number in self.subjects if number in present]
        places = {number: place for place, number in enumerate(order)}
        found = np.zeros((len(order) + 1, counts.shape[1]), dtype=np.int64)
        for owners, row in zip(owned, counts, strict=True):
            for place in [places[owner] for owner in owners] or [len(order)]:
                found[place] += row
        subjects = [self.subjects[number] for number in order]
        rows = list(found[:-1])
        if found[-1].any():
            subjects.append(self._special(NOBODY))
            rows.append(found[-1])
        if self.with_whole:
            subjects.append(self._special(WHOLE))
            rows.append(counts.sum(axis=0))
        return subjects, np.array(rows, dtype=np.int64).reshape(len(rows), counts.shape[1]), [None] * len(rows)

    def find(self, ref: str) -> tuple[Subject, Own]:
        """Give the subject that a ref names, and which leaves are its own."""
        if ref == WHOLE and self.with_whole:
            return self._special(WHOLE), EVERYTHING
        if ref == NOBODY:
            return self._special(NOBODY), Own(tuple(leaf for leaf, owners in self.owners.items() if owners), with_null=True, but=True)
        for number, subject in self.subjects.items():
            if subject.ref == ref:
                return subject, Own(tuple(leaf for leaf, owners in self.owners.items() if number in owners))
        raise NotFound(msg("scoring.no_subject", subject=ref[:80]))

    def everybody(self) -> list[Subject]:
        """Give the subjects that are shown with nothing counted."""
        return [subject for number, subject in self.subjects.items() if number in self.shown]

    def _special(self, special: str) -> Subject:
        return Subject(self.kind, None, "", "", special=special, group=special)


@dataclass(frozen=True)
class Whole:
    """The agency as the one subject of a card."""

    subject: Subject

    def fold(self, leaves: Sequence[int | None], counts: Numbers) -> Rows:  # noqa: ARG002  # whose a fact is does not matter here
        """Give the one row."""
        return [self.subject], counts.sum(axis=0, keepdims=True), [None]

    def find(self, ref: str) -> tuple[Subject, Own]:
        """Give the agency."""
        if ref != self.subject.ref:
            raise NotFound(msg("scoring.no_subject", subject=ref[:80]))
        return self.subject, EVERYTHING

    def everybody(self) -> list[Subject]:
        """Give the agency."""
        return [self.subject]


def layout_of(session: Session, actor: Actor, card: Scorecard, window: Window, source: Source, leaves: Iterable[int | None]) -> Layout:
    """Give whom a card scores; ``leaves`` are those that have facts, for lists that only begin with them."""
    kind = card.subjects.kind
    if kind == "grid":
        return GridLayout(session, actor, card, window)
    if kind == "department":
        return _departments(session, card)
    with_facts = {leaf for leaf in leaves if leaf is not None}
    if kind == "person":
        return _persons(session, card, window, with_facts)
    if kind == "post":
        return _posts(session, card)
    if kind == "team":
        return _teams(session, card)
    if kind == "record":
        return _records(session, card, source, with_facts)
    return Whole(_agency(session, actor))


def _departments(session: Session, card: Scorecard) -> Listed:
    """List departments, each with what it holds itself: those of the card's kinds, out of use only with facts."""
    kinds = card.subjects.kinds
    columns = (Department.id, Department.code, Department.name, Department.path, Department.parent_id, Department.kind, Department.active)
    found: dict[int, Subject] = {}
    active = set()
    for row in session.execute(select(*columns).order_by(Department.code)):
        if kinds and row.kind not in kinds:
            continue
        group = row.kind if card.subjects.group_by == "department_kind" else None
        found[row.id] = Subject(
            "department", row.id, row.code, row.name, level=row.kind, path=row.path, parent=row.parent_id, group=group,
            is_retired=not row.active, department_path=row.path,
        )  # fmt: skip
        if row.active:
            active.add(row.id)
    return Listed("department", found, {number: (number,) for number in found}, frozenset(active))


_MEMBERS = (
    select(Member.user_id, User.first_name, Member.active, Member.post_id, Department.path)
    .join(User, User.id == Member.user_id)
    .outerjoin(Department, and_(Department.agency_id == Member.agency_id, Department.id == Member.department_id))
)


def _persons(session: Session, card: Scorecard, window: Window, with_facts: set[int]) -> Listed:
    """List whoever holds the card's role at the end of what is known, and whoever has facts."""
    holders = _holders(session, card, window)
    wanted = holders | with_facts
    rows = session.execute(_MEMBERS.where(Member.user_id.in_(wanted)).order_by(Member.user_id)).all() if wanted else []
    found = {
        row.user_id: Subject("person", row.user_id, str(row.user_id), row.first_name, is_retired=not row.active, department_path=row.path)
        for row in rows
    }
    owners = {number: (number,) for number in found}
    return Listed("person", found, owners, frozenset(holders & found.keys()), with_whole=card.subjects.with_whole)


def _holders(session: Session, card: Scorecard, window: Window) -> set[int]:
    if card.subjects.role is None and card.subjects.teams is None:
        return set()
    at = min(window.as_of, window.ends_at)
    if card.subjects.role is None:
        in_team = select(TeamMember.user_id).join(Team, and_(Team.agency_id == TeamMember.agency_id, Team.id == TeamMember.team_id))
        return set(session.scalars(in_team.where(Team.active, Team.kind == card.subjects.teams)))
    query = (
        select(RoleAssignment.user_id)
        .join(AgencyRole, and_(AgencyRole.agency_id == RoleAssignment.agency_id, AgencyRole.id == RoleAssignment.role_id))
        .join(Member, and_(Member.agency_id == RoleAssignment.agency_id, Member.user_id == RoleAssignment.user_id))
        .where(AgencyRole.key == card.subjects.role, Member.active)
        .where(or_(RoleAssignment.valid_from.is_(None), RoleAssignment.valid_from <= at))
        .where(or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to > at))
    )
    return set(session.scalars(query))


def _posts(session: Session, card: Scorecard) -> Listed:
    posts = session.scalars(select(Post).order_by(Post.key)).all()
    found = {post.id: Subject("post", post.id, post.key, say(post.title, "zh_CN"), is_retired=not post.active) for post in posts}
    held = session.execute(select(Member.user_id, Member.post_id).where(Member.post_id.is_not(None)))
    owners = {row.user_id: (row.post_id,) for row in held}
    return Listed("post", found, owners, frozenset(post.id for post in posts if post.active), with_whole=card.subjects.with_whole)


def _teams(session: Session, card: Scorecard) -> Listed:
    """List teams with their members of now; the base keeps no history of who was in which."""
    query = select(Team.id, Team.key, Team.name, Team.active, Department.path).outerjoin(
        Department, and_(Department.agency_id == Team.agency_id, Department.id == Team.department_id)
    )
    if card.subjects.team_kind is not None:
        query = query.where(Team.kind == card.subjects.team_kind)
    teams = session.execute(query.order_by(Team.key)).all()
    found = {row.id: Subject("team", row.id, row.key, row.name, is_retired=not row.active, department_path=row.path) for row in teams}
    owners: dict[int, tuple[int, ...]] = {}
    for user_id, team_id in session.execute(select(TeamMember.user_id, TeamMember.team_id).order_by(TeamMember.team_id)):
        if team_id in found:
            owners[user_id] = (*owners.get(user_id, ()), team_id)
    return Listed("team", found, owners, frozenset(row.id for row in teams if row.active))


def _records(session: Session, card: Scorecard, source: Source, with_facts: set[int]) -> Listed:
    """List the records of the card's ledger that have facts; a ledger may be far longer than what was found about it."""
    records = source.tables.record
    columns = (records.c.id, records.c.code, records.c.title, records.c.grid_id, records.c.department_id, records.c.retired_at)
    query = select(*columns).where(records.c.ledger_key == card.subjects.ledger, records.c.id.in_(with_facts)).order_by(records.c.code)
    found = {}
    for row in session.execute(query, dict(source.parameters)) if with_facts else ():
        found[row.id] = Subject(
            "record", row.id, row.code, row.title, path=grids.path_of(session, row.grid_id),
            is_retired=row.retired_at is not None, department_path=reach.department_path(session, row.department_id),
        )  # fmt: skip
    return Listed("record", found, {number: (number,) for number in found}, frozenset(found))


def _agency(session: Session, actor: Actor) -> Subject:
    title = session.execute(select(Agency.title).where(Agency.id == actor.agency_id)).scalar_one()
    return Subject("agency", actor.agency_id, actor.agency_key, say(title, actor.locale))
