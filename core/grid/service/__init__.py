"""What may be done with the land, and by whom. Nothing here commits or knows HTTP.

`schemes` makes, shares and finds schemes; `reading` finds grids; `locating`
says where a point is; `importing`, `changing`, `checking` and `mapping` do
what they are called.
"""

from core.grid.service.changing import merge, read_parts, split
from core.grid.service.checking import check_division
from core.grid.service.importing import ImportReport, import_divisions, import_geojson
from core.grid.service.locating import Place, code_of, index_of, locate, locate_for_agency, path_of
from core.grid.service.mapping import geojson
from core.grid.service.reading import Wanted, children_of, find_by_codes, get, list_grids, successions_of
from core.grid.service.schemes import Scheme, create_scheme, list_schemes, owned_scheme, plane_of, scheme_of, share_scheme, to_metres

__all__ = [
    "ImportReport",
    "Place",
    "Scheme",
    "Wanted",
    "check_division",
    "children_of",
    "code_of",
    "create_scheme",
    "find_by_codes",
    "geojson",
    "get",
    "import_divisions",
    "import_geojson",
    "index_of",
    "list_grids",
    "list_schemes",
    "locate",
    "locate_for_agency",
    "merge",
    "owned_scheme",
    "path_of",
    "plane_of",
    "read_parts",
    "scheme_of",
    "share_scheme",
    "split",
    "successions_of",
    "to_metres",
]
