"""Checks of a division of the land: is every spot in exactly one unit, at every level?

Pure functions over shapely geometries in WGS84 degrees. Areas are measured in
the metres of a local projection. Each fault is a `Finding` with the codes it
concerns and the spot on the map.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.grid.types import Finding, FindingKind, Plot
from core.lib.geo import local_projection

__all__ = ["Tolerance", "check", "tiling_faults"]

Polygons = NDArray[np.object_]


@dataclass(frozen=True)
class Tolerance:
    """What is let pass: slivers below an area or a width, and how unequal siblings may be.

    Two neighbours drawn apart by the accuracy of a survey are no fault; the
    defaults let pass what is narrower than a centimetre or smaller than 1 m².
    """

    area_m2: float = 1.0
    width_m: float = 0.01
    area_ratio: float = 4.0
    load_ratio: float = 4.0


def check(plots: Sequence[Plot], level_depths: Mapping[str, int], tolerance: Tolerance | None = None) -> list[Finding]:
    """Check a whole scheme and list its faults: tree first, then the land, then the balance.

    A plot without polygon or with a broken one is reported and left out of
    the comparisons that need its land.
    """
    limits = tolerance or Tolerance()
    findings = [*_orphans(plots, level_depths), *_unusable(plots)]
    sound = [plot for plot in plots if _usable(plot.polygon)]
    if not sound:
        return findings
    projected = _project([plot.polygon for plot in sound])
    land = {plot.code: polygon for plot, polygon in zip(sound, projected, strict=True)}
    by_level: dict[str, list[Plot]] = defaultdict(list)
    for plot in sound:
        by_level[plot.level].append(plot)
    raw = []
    for level in sorted(by_level, key=lambda key: level_depths.get(key, 0)):
        raw += list(_overlaps(by_level[level], land, limits))
    raw += list(_against_parents(sound, land, limits))
    raw += list(_root_gaps([plot for plot in sound if plot.parent is None], land, limits))
    return [*findings, *_unproject(raw, projected, sound), *_balance(sound, land, limits)]
