"""What stood on a retired grid follows the land: which grids have it now, and who sees to it that things move there.

The packages above this one register what they keep on grids. After a split or
merge each agency that uses the scheme goes through all of it in batches, as
often as it takes: what has moved is no longer found, so a batch that is done
twice does nothing, and a change that overtakes another one changes nothing
either, because only the grids in force count.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import shape
from sqlalchemy import Select, case, null, select, text
from sqlalchemy.orm import Session, aliased

from core.authz import Actor
from core.db import outbox
from core.grid.ddl import CHANGED
from core.grid.index import GridIndex, Unit
from core.grid.models import Grid, GridChange, GridSuccession
from core.pluginmanager import plugins

log = logging.getLogger(__name__)

__all__ = [
    "Followed",
    "Follower",
    "Progress",
    "RetiredGrid",
    "follow",
    "follow_batch",
    "follow_soon",
    "followers",
    "is_retired",
    "predecessors",
    "registered",
    "retired_grids",
    "waiting",
]


@dataclass(frozen=True)
class RetiredGrid:
    """A grid that is no longer in force, and those in force that have its land."""

    id: int
    code: str
    at: datetime
    heirs: tuple[Unit, ...]
    """By code; a grid without polygon has none here either, and then is the only one."""
    merged_by: frozenset[int]
    """The users who merged it, or what came of it, with other land."""

    def heir_at(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Give the id of the heir that has each position, 0 where that is for a person to say.

        A single heir has everything, whatever the position; among several, a
        position that is no number or farther than metres from all is left.
        """
        lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        if len(self.heirs) == 1:
            return np.full(len(lons), self.heirs[0].id, dtype=np.int64)
        found = np.zeros(len(lons), dtype=np.int64)
        known = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
        if len(known) and len(self._index):
            inside = self._index.locate_many(lons[known], lats[known])
            found[known] = np.maximum(inside, 0)
            for one in known[inside < 0].tolist():
                near = self._index.locate(float(lons[one]), float(lats[one])).neighbours
                found[one] = near[0].id if near else 0
        return found

    @cached_property
    def _index(self) -> GridIndex:
        units = [unit for unit in self.heirs if unit.polygon is not None]
        middle = units[0].polygon.centroid if units else None
        return GridIndex(units, origin=(middle.x, middle.y) if middle else (0.0, 0.0))


@dataclass(frozen=True)
class Followed:
    """What one batch came to: the last row it looked at (None when no row was left), and what moved."""

    last: int | None
    moved: int


@dataclass(frozen=True)
class Follower:
    """Something that stands on grids: how many rows stand on retired ones, and how a batch of them follows the land.

    `follow(session, actor, after, limit)` looks at up to `limit` rows behind
    the id `after`; a row that nobody but a person can place stays where it is.
    A plugin's is called `<key>.<what>`: what it raises is logged and stops no
    other, and where the plugin is not loaded it is not asked. It is asked for
    every agency, for the land changes under a plugin that is off as well.
    """

    name: str
    waiting: Callable[[Session, datetime], int]
    follow: Callable[[Session, Actor, int, int], Followed]
    batch: int

    @property
    def plugin(self) -> str | None:
        """Give the key of the plugin whose it is; None for one of the base's."""
        key, dot, _ = self.name.partition(".")
        return key if dot else None


_followers: dict[str, Follower] = {}


def follow(follower: Follower) -> None:
    """Register what else follows the land; raise ValueError for a name that is taken."""
    if _followers.setdefault(follower.name, follower) is not follower:
        raise ValueError(f"two followers of the land are called {follower.name!r}")


def registered() -> list[Follower]:
    """Give every follower, in the order of registration."""
    return list(_followers.values())


def followers() -> list[Follower]:
    """Give those to be asked, in the order of registration: people first, then what they look after, then the loaded plugins'."""
    return [follower for follower in registered() if follower.plugin is None or follower.plugin in plugins().manifests]


def waiting(session: Session, now: datetime) -> dict[str, int]:
    """Count what still stands on retired grids that have heirs, by the follower's name; a plugin that fails at it is left out."""
    found: dict[str, int] = {}
    for follower in followers():
        with _isolated(session, follower):
            found[follower.name] = follower.waiting(session, now)
    return found


@contextmanager
def _isolated(session: Session, follower: Follower) -> Iterator[None]:
    """Let a plugin's follower fail by itself, and take back what it did; one of the base's fails as ever."""
    if follower.plugin is None:
        yield
        return
    try:
        with session.begin_nested():
            yield
    except Exception:
        log.exception("plugin %s failed to follow the land with %s", follower.plugin, follower.name)


@dataclass(frozen=True)
class Progress:
    """How far an agency has come with following: which follower is at work, behind which row, and what has moved."""

    name: str | None = None
    after: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Say whether every follower has been through."""
        return self.name == ""


def follow_batch(session: Session, actor: Actor, progress: Progress) -> Progress:
    """Let one batch of one follower follow the land; give how far that came."""
    # Two workers in one agency would only wait for each other's rows, one by one.
    session.execute(text("SELECT pg_advisory_xact_lock(:agency, hashtext('grid.succession'))"), {"agency": actor.agency_id})
    names = [*(follower.name for follower in followers()), ""]
    name = names[0] if progress.name is None or progress.name not in names else progress.name
    if name == "":
        return replace(progress, name="")
    follower = _followers[name]
    done = Followed(None, 0)  # of a plugin that fails: what is left is counted, and looked at again the next time
    with _isolated(session, follower):
        done = follower.follow(session, actor, progress.after, follower.batch)
    moved = {**progress.moved, name: progress.moved.get(name, 0) + done.moved}
    if done.last is None:
        return Progress(names[names.index(name) + 1], 0, moved)
    return Progress(name, done.last, moved)


def follow_soon(session: Session, actor: Actor) -> None:
    """Have the acting agency follow the land once more, after this commit: something came back to life on a retired grid."""
    outbox.add(session, CHANGED, {"change": None, "late": True}, agency_id=actor.agency_id, due_at=actor.now)


def is_retired(session: Session, grid_id: int | None) -> bool:
    """Say whether a grid is no longer in force; None is no grid."""
    return grid_id is not None and session.scalar(select(Grid.valid_to).where(Grid.id == grid_id)) is not None


def predecessors() -> Select[int]:
    """Select the ids of the grids that have heirs, for a condition of a follower."""
    return select(GridSuccession.predecessor_id)


def retired_grids(session: Session, ids: Iterable[int]) -> dict[int, RetiredGrid]:
    """Give those of these grids that are retired and have heirs in force, however many changes lie between."""
    wanted = list(set(ids))
    found: dict[int, dict[int, Unit]] = {}
    merged: dict[int, set[int]] = {}
    for row in session.execute(_lineage(wanted)) if wanted else ():
        if row.merged_by is not None:
            merged.setdefault(row.origin, set()).add(row.merged_by)
        if row.valid_to is None:
            polygon: Any = None if row.polygon is None else shape(row.polygon)
            found.setdefault(row.origin, {})[row.id] = Unit(row.id, row.code, row.path, polygon)
    old = session.execute(select(Grid.id, Grid.code, Grid.valid_to).where(Grid.id.in_(found), Grid.valid_to.is_not(None)))
    return {
        row.id: RetiredGrid(
            row.id,
            row.code,
            row.valid_to,
            tuple(sorted(found[row.id].values(), key=lambda unit: unit.code)),
            frozenset(merged.get(row.id, ())),
        )
        for row in old
    }


def _lineage(ids: list[int]) -> Select[*tuple[Any, ...]]:
    merger = case((GridChange.kind == "merge", GridChange.user_id), else_=null())
    first = (
        select(GridSuccession.predecessor_id.label("origin"), GridSuccession.successor_id.label("heir"), merger.label("merged_by"))
        .join(GridChange, GridChange.id == GridSuccession.change_id)
        .where(GridSuccession.predecessor_id.in_(ids))
        .cte("lineage", recursive=True)
    )
    step = aliased(GridSuccession)
    change = aliased(GridChange)
    merger = case((change.kind == "merge", change.user_id), else_=null())
    lineage = first.union(
        select(first.c.origin, step.successor_id, merger)
        .join(step, step.predecessor_id == first.c.heir)
        .join(change, change.id == step.change_id)
    )
    columns = (Grid.id, Grid.code, Grid.path, Grid.valid_to)
    # A retired heir only leads on; its land would be read for nothing.
    land = case((Grid.valid_to.is_(None), Grid.polygon), else_=null())
    return select(lineage.c.origin, lineage.c.merged_by, *columns, land.label("polygon")).join(Grid, Grid.id == lineage.c.heir)
