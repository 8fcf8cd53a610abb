"""Areas as subjects: the tree of a scheme with its history, and counts rolled up from where things lie to every level above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.epoch import EpochCache
from core.grid import service as grids
from core.grid.models import Grid, GridSuccession
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg
from core.scoring.definition import Scorecard, Subjects
from core.scoring.service.attribution import Own
from core.scoring.service.sources import Window
from core.scoring.types import OUTSIDE, OWN, Subject

_FOREVER = np.iinfo(np.int64).max
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Land:
    """Every grid of a scheme, retired ones too; a place is a grid's number in ``ids``."""

    ids: tuple[int, ...]
    subjects: tuple[Subject, ...]
    begins: Numbers
    ends: Numbers
    heirs: Mapping[int, tuple[str, ...]]
    levels: tuple[str, ...]

    @cached_property
    def place_of(self) -> dict[int, int]:
        """Give the place of each grid by its id."""
        return {one: place for place, one in enumerate(self.ids)}

    @cached_property
    def place_of_code(self) -> dict[str, int]:
        """Give the place of each grid by its code."""
        return {subject.code: place for place, subject in enumerate(self.subjects)}

    @cached_property
    def place_of_path(self) -> dict[str, int]:
        """Give the place of each grid by its path."""
        return {str(subject.path): place for place, subject in enumerate(self.subjects)}

    def within(self, place: int) -> list[int]:
        """Give the ids of a grid and of all below it."""
        path = str(self.subjects[place].path)
        below = path + "."
        return [
            number
            for number, subject in zip(self.ids, self.subjects, strict=True)
            if subject.path == path or str(subject.path).startswith(below)
        ]


@dataclass(frozen=True)
class Ladder:
    """For the levels of a card: into which areas each grid counts, and which of them is the nearest."""

    leaves: Numbers
    areas: Numbers
    nearest: Numbers
    above: Numbers
    on_levels: NDArray[np.bool_]
    on_lowest: NDArray[np.bool_]

    def rolled(self, counts: Numbers) -> Numbers:
        """Add up counts by grid to counts by area."""
        found = np.zeros_like(counts)
        np.add.at(found, self.areas, counts[self.leaves])
        return found


_lands: EpochCache[Land] = EpochCache()
_ladders: EpochCache[Ladder] = EpochCache()


def land_of(session: Session, actor: Actor, scheme: str | None) -> Land:
    """Give the tree of a card's scheme, or of the agency's own choice; empty for an agency without land."""
    return _lands.get(session, (actor.agency_id, scheme), lambda: _read(session, actor, scheme))


def ladder_of(session: Session, actor: Actor, subjects: Subjects) -> Ladder:
    """Give what rolls counts up to the levels of a card."""
    place = (actor.agency_id, subjects.scheme, subjects.levels)
    return _ladders.get(session, place, lambda: _ladder(land_of(session, actor, subjects.scheme), subjects.levels))


class GridLayout:
    """The rows of a card of areas."""

    def __init__(self, session: Session, actor: Actor, card: Scorecard, window: Window) -> None:
        self.land = land_of(session, actor, card.subjects.scheme)
        self.ladder = ladder_of(session, actor, card.subjects)
        self.window = window
        self.per_level = next((line.per_grid for line in card.lines if line.per_grid is not None), None)
        if self.per_level is not None and self.land.levels and self.per_level not in self.land.levels:
            # A level that the land lacks has no rows; but a number of it would be divided by what is not there.
            raise Invalid(msg("scoring.unknown_name", what="level", name=self.per_level, known=", ".join(self.land.levels)), path="level")

    def fold(self, leaves: Sequence[int | None], counts: Numbers) -> tuple[list[Subject], Numbers, list[int | None]]:
        """Give the rows: who, their counts, and by how many unit grids a number is divided."""
        land, ladder = self.land, self.ladder
        placed = np.array([land.place_of.get(one, -1) if one is not None else -1 for one in leaves], dtype=np.int64)
        by_grid = np.zeros((len(land.ids), counts.shape[1]), dtype=np.int64)
        inside = placed >= 0
        np.add.at(by_grid, placed[inside], counts[inside])
        nearest = ladder.nearest[placed] if len(land.ids) else np.full(len(placed), -1)
        lost = ~inside | (nearest < 0)
        areas = ladder.rolled(by_grid)
        subjects, rows, pers = self._areas(areas)
        own = np.zeros_like(by_grid)
        lies_on_it = (ladder.nearest >= 0) & ~ladder.on_lowest[ladder.nearest]
        np.add.at(own, ladder.nearest[lies_on_it], by_grid[lies_on_it])
        for place in np.flatnonzero(own.any(axis=1)):
            subjects.append(replace(land.subjects[place], special=OWN, parent=land.ids[place], group=OWN))
            rows.append(own[place])
            pers.append(None)
        outside = counts[lost].sum(axis=0)
        if outside.any():
            subjects.append(Subject("grid", None, "", "", special=OUTSIDE, group=OUTSIDE))
            rows.append(outside)
            pers.append(None)
        return subjects, np.array(rows, dtype=np.int64).reshape(len(rows), counts.shape[1]), pers

    def find(self, ref: str) -> tuple[Subject, Own]:
        """Give the area that a ref names, and which grids its facts lie on; raises NotFound."""
        land, nearest = self.land, self.ladder.nearest
        if ref == OUTSIDE:
            inside = tuple(land.ids[place] for place in np.flatnonzero(nearest >= 0))
            return Subject("grid", None, "", "", special=OUTSIDE), Own(inside, with_null=True, but=True)
        kind, _, code = ref.partition(":")
        place = land.place_of_code.get(code)
        if place is None or kind not in {"grid", OWN} or not self.ladder.on_levels[place]:
            raise NotFound(msg("scoring.no_subject", subject=ref[:80]))
        if kind == OWN:
            return replace(land.subjects[place], special=OWN), Own(tuple(land.ids[one] for one in np.flatnonzero(nearest == place)))
        return land.subjects[place], Own(tuple(land.within(place)))

    def everybody(self) -> list[Subject]:
        """Give the areas in force in the period."""
        nothing = np.zeros((len(self.land.ids), 1), dtype=np.int64)
        return self._areas(nothing)[0]

    def _areas(self, areas: Numbers) -> tuple[list[Subject], list[Numbers], list[int | None]]:
        starts, until = _instant(self.window.starts_at), _instant(self.window.until)
        in_force = (self.land.begins < until) & (self.land.ends > starts)
        shown = np.flatnonzero(self.ladder.on_levels & (in_force | areas.any(axis=1)))
        pers = self._pers(shown)
        subjects = [self._subject(int(place), until) for place in shown]
        return subjects, [areas[place] for place in shown], pers

    def _subject(self, place: int, until: int) -> Subject:
        subject = self.land.subjects[place]
        above = int(self.ladder.above[place])
        parent = self.land.ids[above] if above >= 0 else None
        if self.land.ends[place] >= until:
            return replace(subject, parent=parent) if parent != subject.parent else subject
        return replace(subject, parent=parent, is_retired=True, heirs=self.land.heirs.get(self.land.ids[place], ()))

    def _pers(self, shown: Numbers) -> list[int | None]:
        """Count the unit grids of each area at the end of the period, or of what is known of it; of a retired area at its own end."""
        if self.per_level is None:
            return [None] * len(shown)
        units = np.array([subject.level == self.per_level for subject in self.land.subjects], dtype=bool)
        last = _instant(self.window.until) - 1
        whole = self.ladder.rolled((units & (self.land.begins <= last) & (self.land.ends > last)).astype(np.int64))
        found: list[int | None] = []
        for place in shown:
            number = int(whole[place])
            if self.land.ends[place] <= last:
                at = int(self.land.ends[place]) - 1
                below = self.ladder.leaves[self.ladder.areas == place]
                number = int((units[below] & (self.land.begins[below] <= at) & (self.land.ends[below] > at)).sum())
            found.append(number or None)
        return found


def _read(session: Session, actor: Actor, scheme: str | None) -> Land:
    try:
        chosen = grids.scheme_of(session, actor, scheme)
    except (NotFound, Invalid):
        if scheme is not None:
            raise
        return Land((), (), np.zeros(0, np.int64), np.zeros(0, np.int64), {}, ())
    columns = (Grid.id, Grid.code, Grid.name, Grid.level_id, Grid.path, Grid.parent_id, Grid.valid_from, Grid.valid_to)
    rows = session.execute(select(*columns).where(Grid.scheme_id == chosen.id).order_by(Grid.code)).all()
    keys = chosen.level_keys
    subjects = tuple(
        Subject("grid", row.id, row.code, row.name, level=keys[row.level_id], path=row.path, parent=row.parent_id, group=keys[row.level_id])
        for row in rows
    )
    begins = np.array([_instant(row.valid_from) for row in rows], dtype=np.int64)
    ends = np.array([_FOREVER if row.valid_to is None else _instant(row.valid_to) for row in rows], dtype=np.int64)
    heirs: dict[int, tuple[str, ...]] = {}
    succession = select(GridSuccession.predecessor_id, Grid.code).join(Grid, Grid.id == GridSuccession.successor_id)
    for before, code in session.execute(succession.where(GridSuccession.scheme_id == chosen.id).order_by(Grid.code)):
        heirs[before] = (*heirs.get(before, ()), code)
    return Land(tuple(row.id for row in rows), subjects, begins, ends, heirs, tuple(chosen.levels))


def _ladder(land: Land, levels: Sequence[str]) -> Ladder:
    depth = {level: number for number, level in enumerate(land.levels)}
    lowest = max(levels, key=lambda level: depth.get(level, -1), default=None)
    on_levels = np.array([subject.level in levels for subject in land.subjects], dtype=bool)
    leaves, areas = [], []
    nearest = np.full(len(land.ids), -1, dtype=np.int64)
    above = np.full(len(land.ids), -1, dtype=np.int64)
    for place, subject in enumerate(land.subjects):
        chain = [found for found in _chain(land, str(subject.path)) if on_levels[found]]
        leaves += [place] * len(chain)
        areas += chain
        nearest[place] = chain[-1] if chain else -1
        higher = [one for one in chain if one != place]
        above[place] = higher[-1] if higher else -1
    on_lowest = np.array([subject.level == lowest for subject in land.subjects], dtype=bool)
    return Ladder(np.array(leaves, np.int64), np.array(areas, np.int64), nearest, above, on_levels, on_lowest)


def _chain(land: Land, path: str) -> list[int]:
    """Give the places of the grids on a path, from the top down to its own; what a path names and is not there is left out."""
    labels = path.split(".")
    paths = (".".join(labels[:count]) for count in range(2, len(labels) + 1))
    return [land.place_of_path[one] for one in paths if one in land.place_of_path]


def _instant(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
