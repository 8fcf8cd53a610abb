"""What a process works out from the land, kept until the land changes, and the indexes of units, made where nobody waits for them.

A scheme carries the number of the transaction that last changed one of its
grids, and a session knows that number with the schemes it sees: they are read
anew when the configuration epoch moves, which every change of the land does.
So an index outlives every other change, and never answers for land that is no
longer so.

A question about one place never waits for an index. While there is none of
the land as it is, the few units around the place are read and asked, and a
thread makes the index of all, with its raster, and puts it in place. Whoever
needs the whole index (an import) makes it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, Thread
from typing import Generic, TypeVar

import psycopg
import shapely
from sqlalchemy import ColumnElement, Engine, Text, and_, cast, exists, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from core.db.engine import AgencySession, Database
from core.db.epoch import is_moving
from core.grid.index import NEAR_M, GridIndex, Unit
from core.grid.models import Grid, GridScheme
from core.grid.service.schemes import LAND, Scheme, schemes_chosen
from core.lib.geo import local_projection

__all__ = ["LandCache", "index_around", "index_of", "kept", "make_ready", "wait"]

log = logging.getLogger(__name__)

Value = TypeVar("Value")
Box = tuple[float, float, float, float]

# A plane bends a square of the earth a little; what lies in the corner of the next one is looked at as well.
_AROUND_M = 2 * NEAR_M


class LandCache(Generic[Value]):
    """A process-wide cache whose entries live until the land of their scheme changes."""

    def __init__(self) -> None:
        # Number and entries in one value, so that whoever reads without the lock never pairs one's number with another's entries.
        self._held: dict[int, tuple[int, dict[Hashable, Value]]] = {}
        self._lock = Lock()

    def find(self, scheme: Scheme, key: Hashable = None) -> Value | None:
        """Give what is kept of the land as the scheme knows it, or None."""
        held = self._held.get(scheme.id)
        return held[1].get(key) if held is not None and held[0] == scheme.land else None

    def keep(self, scheme: Scheme, land: int | None, value: Value, key: Hashable = None) -> None:
        """Keep what was made of the land of this number; None is the number of land that its own transaction may still change."""
        if land is None:
            return
        with self._lock:
            held = self._held.get(scheme.id)
            self._held[scheme.id] = (land, {**(held[1] if held is not None and held[0] == land else {}), key: value})


_indexes: LandCache[GridIndex] = LandCache()


def kept(scheme: Scheme) -> GridIndex | None:
    """Give the index of the scheme's land as it is, if the process has it."""
    return _indexes.find(scheme)


def index_of(session: Session, scheme: Scheme) -> GridIndex:
    """Give the index over the scheme's units in force: the grids with a polygon that have no such grid below them."""
    index = _indexes.find(scheme)
    if index is None:
        land, index = _read(session, scheme)
        _indexes.keep(scheme, land, index)
        _makers.begin(session, scheme)
    return index


def index_around(session: Session, scheme: Scheme, lon: float, lat: float) -> GridIndex:
    """Give an index that answers for this one place: the scheme's own, or while it is being made one of the few units there."""
    index = _indexes.find(scheme)
    if index is None:
        _makers.begin(session, scheme)
        _, index = _read(session, scheme, _box_around(scheme, lon, lat))
    return index


def make_ready(database: Database) -> Thread:
    """Begin to make the index of each agency's own scheme, beside everything else: for a process that is about to serve."""

    def make() -> None:
        with _failures_logged():
            for agency_id, scheme in schemes_chosen(database):
                _make(database.app_engine, agency_id, scheme)

    thread = Thread(target=make, name="land", daemon=True)
    thread.start()
    return thread


def wait(seconds: float = 30.0) -> None:
    """Wait until no index is being made any more: for whoever measures or tests."""
    _makers.wait(seconds)


class _Makers:
    """The threads that make indexes, one a scheme at a time."""

    def __init__(self) -> None:
        self._at_work: dict[int, Thread] = {}
        self._lock = Lock()

    def begin(self, session: Session, scheme: Scheme) -> None:
        """Have the index made, unless the land was changed by this very session, whose work no other connection sees yet."""
        if not isinstance(session, AgencySession) or not isinstance(session.bind, Engine) or is_moving(session):
            return
        with self._lock:
            if scheme.id in self._at_work:
                return
            thread = Thread(target=self._work, args=(session.bind, session.agency_id, scheme), name="land", daemon=True)
            thread.start()
            self._at_work[scheme.id] = thread

    def wait(self, seconds: float) -> None:
        """Wait for those that are at work."""
        with self._lock:
            threads = list(self._at_work.values())
        for thread in threads:
            thread.join(seconds)

    def _work(self, engine: Engine, agency_id: int | None, scheme: Scheme) -> None:
        try:
            with _failures_logged():
                _make(engine, agency_id, scheme)
        finally:
            with self._lock:
                del self._at_work[scheme.id]


_makers = _Makers()


@contextmanager
def _failures_logged() -> Iterator[None]:
    """Log what keeps an index from being made: questions are answered without it, and the next one begins anew."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error):
        log.exception("an index of the land could not be made")


def _make(engine: Engine, agency_id: int | None, scheme: Scheme) -> None:
    """Make the index of the land as it is by now, complete with its raster, and put it in place."""
    with AgencySession(engine, agency_id=agency_id) as session:
        land = session.scalar(select(GridScheme.land).where(GridScheme.id == scheme.id))
        index = None if land is None else _indexes.find(replace(scheme, land=land))
        if index is None:
            land, index = _read(session, scheme)
    index.make_raster()
    _indexes.keep(scheme, land, index)


def _read(session: Session, scheme: Scheme, box: Box | None = None) -> tuple[int | None, GridIndex]:
    """Read the units in force, or those that touch a box, and the number of the land that they are, in one statement."""
    below = aliased(Grid)
    subdivided = exists().where(below.parent_id == Grid.id, below.valid_to.is_(None), below.polygon.is_not(None))
    in_force = and_(Grid.scheme_id == GridScheme.id, Grid.valid_to.is_(None), Grid.polygon.is_not(None), ~subdivided, *_touching(box))
    columns = (LAND, Grid.id, Grid.code, Grid.path, cast(Grid.polygon, Text).label("polygon"))
    # Joined from the left: a scheme without units has a number as well.
    found = select(*columns).select_from(GridScheme).outerjoin(Grid, in_force).where(GridScheme.id == scheme.id)
    rows = session.execute(found).all()
    units = [row for row in rows if row.id is not None]
    polygons = shapely.from_geojson([row.polygon for row in units])
    made = (Unit(row.id, row.code, row.path, polygon) for row, polygon in zip(units, polygons, strict=True))
    return rows[0].land if rows else None, GridIndex(made, origin=scheme.origin)


def _touching(box: Box | None) -> tuple[ColumnElement[bool], ...]:
    if box is None:
        return ()
    west, south, east, north = box
    return Grid.west <= east, Grid.east >= west, Grid.south <= north, Grid.north >= south


def _box_around(scheme: Scheme, lon: float, lat: float) -> Box:
    """Give a box around a place that has everything which is near to it, in degrees."""
    plane = local_projection(*scheme.origin)
    x, y = plane.to_xy(lon, lat)
    corners = [plane.to_lonlat(x + across, y + up) for across in (-_AROUND_M, _AROUND_M) for up in (-_AROUND_M, _AROUND_M)]
    lons, lats = [lon, *(corner[0] for corner in corners)], [lat, *(corner[1] for corner in corners)]
    return min(lons), min(lats), max(lons), max(lats)
