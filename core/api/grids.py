"""Grids for plugins."""

from core.grid.service.importing import import_geojson
from core.grid.service.locating import code_of, locate_for_agency, path_of
from core.grid.service.reading import find_by_codes
from core.grid.service.schemes import create_scheme, scheme_of, share_scheme

__all__ = ["code_of", "create_scheme", "find_by_codes", "import_geojson", "locate_for_agency", "path_of", "scheme_of", "share_scheme"]
