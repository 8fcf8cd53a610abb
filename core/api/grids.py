"""Grids for plugins; ``follow`` and what stands beside it are for tables of your own that stand on grids."""

from core.grid.service.importing import import_geojson
from core.grid.service.locating import code_of, locate_for_agency, path_of
from core.grid.service.reading import find_by_codes
from core.grid.service.schemes import create_scheme, scheme_of, share_scheme
from core.grid.service.succession import Followed, Follower, RetiredGrid, follow, follow_soon, is_retired, predecessors, retired_grids

__all__ = [
    "Followed",
    "Follower",
    "RetiredGrid",
    "code_of",
    "create_scheme",
    "find_by_codes",
    "follow",
    "follow_soon",
    "import_geojson",
    "is_retired",
    "locate_for_agency",
    "path_of",
    "predecessors",
    "retired_grids",
    "scheme_of",
    "share_scheme",
]
