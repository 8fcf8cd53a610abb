"""A raster that answers most "which polygon?" questions by one look into an array.

Small cells are laid over the polygons. A cell that no border touches lies
wholly in one polygon (or in none), so every point in it has that answer; the
few points in border cells are left to an exact test by the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["BORDER", "NOWHERE", "Raster"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

NOWHERE = -1
BORDER = -2

# Across a polygon of median size there are this many cells: finer cells leave fewer points to the exact test, but cost memory.
_CELLS_ACROSS = 20
# At most 2 bytes times this, 4 with more polygons than 2 bytes can count: beyond it cells grow, answers stay exact.
_MOST_CELLS = 4_000_000
# So many edges, and about so many runs of cells, are worked on at once: what is thrown away again stays small,
# for a process keeps much of what it once had, and a thread that waits for the interpreter waits only that long.
_AT_ONCE = 4_096
_POLYGONS_AT_ONCE = 256
# Borders are thickened by this part of a cell, far above the rounding of the arithmetic here.
_MARGIN = 1e-6


class Raster:
    """Cells over the polygons' box; `look_up` gives a polygon's index, NOWHERE or BORDER."""

    def __init__(self, polygons: NDArray[np.object_], tree: shapely.STRtree) -> None:
        west, south, east, north = shapely.total_bounds(polygons)
        self._corner = np.array([west, south])
        self._west, self._south = float(west), float(south)
        # Not by numpy's median, which loads its masked arrays, as much memory as the cells.
        across = np.sqrt(np.sort(shapely.area(polygons))[len(polygons) // 2]) / _CELLS_ACROSS
        size = max(float(across), float(np.sqrt((east - west) * (north - south) / _MOST_CELLS)))
        self._size = size
        self._shape = (int((north - south) / size) + 1, int((east - west) / size) + 1)
        self._cells = np.full(self._shape, NOWHERE, dtype=np.int16 if len(polygons) < np.iinfo(np.int16).max else np.int32)
        self._mark_borders(polygons)
        self._fill_runs(tree)

    def look_up(self, lon: Floats, lat: Floats) -> NDArray[np.int32]:
        """Give for each point the index of its polygon, NOWHERE, or BORDER when only an exact test can tell."""
        rows, columns = self._shape
        # Points outside the box, and not-a-number, fall on no cell.
        x = (lon - self._corner[0]) / self._size
        y = (lat - self._corner[1]) / self._size
        inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
        found = np.full(len(lon), NOWHERE, dtype=np.int32)
        # Selecting costs as much as looking up, and mostly there is nothing to select.
        chosen: slice | NDArray[np.bool_] = slice(None) if inside.all() else inside
        found[chosen] = self._cells.ravel()[y[chosen].astype(np.int32) * columns + x[chosen].astype(np.int32)]
        return found

    def at(self, lon: float, lat: float) -> int:
        """Answer for one point as `look_up` does, without the arrays."""
        rows, columns = self._shape
        x, y = (lon - self._west) / self._size, (lat - self._south) / self._size
        return int(self._cells[int(y), int(x)]) if 0 <= x < columns and 0 <= y < rows else NOWHERE

    def _mark_borders(self, polygons: NDArray[np.object_]) -> None:
        for start in range(0, len(polygons), _POLYGONS_AT_ONCE):
            edges = self._edges(polygons[start : start + _POLYGONS_AT_ONCE])
            for first in range(0, len(edges[0]), _AT_ONCE):
                self._mark_edges(*(part[first : first + _AT_ONCE] for part in edges))

    def _mark_edges(self, x0: Floats, y0: Floats, x1: Floats, y1: Floats) -> None:
        """Mark every cell that an edge touches: per edge and column, all rows between its lowest and highest point there."""
        rows, columns = self._shape
        first = _clip(x0 - _MARGIN, columns)
        counts = _clip(x1 + _MARGIN, columns) - first + 1
        edge, column = _spread(first, counts)
        # Where the edge enters and leaves the column; an upright edge keeps its whole height.
        run = x1 - x0
        slope = np.divide(y1 - y0, run, out=np.zeros_like(run), where=run > _MARGIN)
        upright = run[edge] <= _MARGIN
        enter = np.clip(column - _MARGIN, x0[edge], x1[edge])
        leave = np.clip(column + 1 + _MARGIN, x0[edge], x1[edge])
        at_enter = np.where(upright, y0[edge], y0[edge] + (enter - x0[edge]) * slope[edge])
        at_leave = np.where(upright, y1[edge], y0[edge] + (leave - x0[edge]) * slope[edge])
        low = _clip(np.minimum(at_enter, at_leave) - _MARGIN, rows)
        high = _clip(np.maximum(at_enter, at_leave) + _MARGIN, rows)
        crossing, row = _spread(low, high - low + 1)
        self._cells[row, column[crossing]] = BORDER

    def _edges(self, polygons: NDArray[np.object_]) -> tuple[Floats, Floats, Floats, Floats]:
        """Give the edges in cells, each from its western end to its eastern."""
        rings = shapely.get_rings(shapely.get_parts(polygons))
        points, ring = shapely.get_coordinates(rings, return_index=True)
        points = (points - self._corner) / self._size
        joined = ring[:-1] == ring[1:]
        edges = np.hstack([points[:-1][joined], points[1:][joined]])
        backwards = edges[:, 0] > edges[:, 2]
        edges[backwards] = edges[backwards][:, [2, 3, 0, 1]]
        return edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3]

    def _fill_runs(self, tree: shapely.STRtree) -> None:
        rows, columns = self._shape
        band = max(1, _AT_ONCE * _CELLS_ACROSS // columns)
        for top in range(0, rows, band):
            self._fill_band(tree, top, self._cells[top : top + band])

    def _fill_band(self, tree: shapely.STRtree, top: int, cells: NDArray[np.signedinteger[Any]]) -> None:
        """Give each unbroken run of cells in a row the polygon of its first cell."""
        border = cells == BORDER
        begins = ~border
        begins[:, 1:] &= border[:, :-1]
        rows, columns = np.nonzero(begins)
        x = self._corner[0] + (columns + 0.5) * self._size
        y = self._corner[1] + (top + rows + 0.5) * self._size
        point, polygon = tree.query(shapely.points(x, y), predicate="intersects")
        nobody = np.iinfo(cells.dtype).max
        owners = np.full(len(rows), nobody, dtype=cells.dtype)
        np.minimum.at(owners, point, polygon.astype(cells.dtype))
        owners[owners == nobody] = NOWHERE
        run = np.cumsum(begins.ravel()) - 1
        free = ~border.ravel()
        cells.ravel()[free] = owners[run[free]]


def _clip(values: Floats, count: int) -> Indices:
    return np.clip(np.floor(values), 0, count - 1).astype(np.int64)


def _spread(first: Indices, counts: Indices) -> tuple[Indices, Indices]:
    """List (owner, first), (owner, first + 1), … for each owner, `counts` of them."""
    owner = np.repeat(np.arange(len(first)), counts)
    start = np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner] + np.arange(len(owner)) - start
