"""Everybody else as subjects: departments, people, posts, teams, records, the agency; and what is nobody's.

Each layout turns counts by leaf into rows, so that the rows together are all
that was counted: what belongs to none of them is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.accounts.service import reach
from core.authz import Actor
from core.grid import service as grids
from core.lib.errors import NotFound
from core.lib.text import msg, say
from core.scoring.definition import Scorecard
from core.scoring.service.attribution import EVERYTHING, Own
from core.scoring.service.land import GridLayout
from core.scoring.service.roster import Roster, roster_of
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
    if kind == "agency":
        return Whole(_agency(session, actor))
    with_facts = {leaf for leaf in leaves if leaf is not None}
    if kind == "record":
        return _records(session, card, source, with_facts)
    return _LISTS[kind](roster_of(session), card, window, with_facts)


def _departments(roster: Roster, card: Scorecard, _window: Window, _with_facts: set[int]) -> Listed:
    """List departments, each with what it holds itself: those of the card's kinds, out of use only with facts."""
    kinds, is_grouped = card.subjects.kinds, card.subjects.group_by == "department_kind"
    found = {
        number: replace(subject, group=subject.level) if is_grouped else subject
        for number, subject in roster.departments.items()
        if not kinds or subject.level in kinds
    }
    return _each_its_own("department", found, card)


def _persons(roster: Roster, card: Scorecard, window: Window, with_facts: set[int]) -> Listed:
    """List whoever holds the card's role at the end of what is known, and whoever has facts."""
    holders = _holders(roster, card, min(window.as_of, window.ends_at))
    found = {number: roster.people[number] for number in sorted(holders | with_facts) if number in roster.people}
    owners = {number: (number,) for number in found}
    return Listed("person", found, owners, frozenset(holders & found.keys()), with_whole=card.subjects.with_whole)


def _holders(roster: Roster, card: Scorecard, at: datetime) -> set[int]:
    if card.subjects.role is not None:
        return {one.user_id for one in roster.holdings if one.role == card.subjects.role and one.is_valid_at(at)}
    wanted = {number for number, team in roster.teams.items() if team.level == card.subjects.teams and not team.is_retired}
    return {person for person, teams in roster.teams_of.items() if wanted.intersection(teams)}


def _posts(roster: Roster, card: Scorecard, _window: Window, _with_facts: set[int]) -> Listed:
    owners = {person: (post,) for person, post in roster.post_of.items()}
    shown = frozenset(number for number, post in roster.posts.items() if not post.is_retired)
    return Listed("post", roster.posts, owners, shown, with_whole=card.subjects.with_whole)


def _teams(roster: Roster, card: Scorecard, _window: Window, _with_facts: set[int]) -> Listed:
    """List teams with their members of now; the base keeps no history of who was in which."""
    kind = card.subjects.team_kind
    found = {number: team for number, team in roster.teams.items() if kind is None or team.level == kind}
    owners = {person: tuple(team for team in teams if team in found) for person, teams in roster.teams_of.items()}
    return Listed("team", found, owners, frozenset(number for number, team in found.items() if not team.is_retired))


def _each_its_own(kind: str, found: Mapping[int, Subject], card: Scorecard) -> Listed:
    shown = frozenset(number for number, subject in found.items() if not subject.is_retired)
    return Listed(kind, found, {number: (number,) for number in found}, shown, with_whole=card.subjects.with_whole)


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


_LISTS = {"department": _departments, "person": _persons, "post": _posts, "team": _teams}
