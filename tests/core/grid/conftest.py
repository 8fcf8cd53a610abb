"""A small scheme of squares, made through the service as a user would."""

from __future__ import annotations

import pytest
from shapely.geometry import box

from core.grid import service as grids
from core.grid.permissions import GridRight
from core.grid.service.shapes import to_geojson

# A square of about 100 m at 40 degrees north, in whole ten-millionths of a degree.
WIDE, HIGH = 0.0012, 0.0009

LEVELS = [
    {"key": "community", "title": {"zh_CN": "社区", "en": "Community"}, "code_digits": 12},
    {"key": "grid", "title": {"zh_CN": "网格", "en": "Grid"}, "code_digits": 14, "code_within": "community"},
    {"key": "unit_grid", "title": {"zh_CN": "单元网格", "en": "Unit grid"}, "code_digits": 15, "code_within": "community"},
]
COMMUNITY = "110101001001"


def square(column, row=0, columns=1, rows=1):
    return box(
        round(116.4 + column * WIDE, 7),
        round(39.9 - (row + rows) * HIGH, 7),
        round(116.4 + (column + columns) * WIDE, 7),
        round(39.9 - row * HIGH, 7),
    )


def feature(code, name, level, parent, polygon, **attributes):
    geometry = None if polygon is None else to_geojson(polygon)
    return {
        "type": "Feature",
        "properties": {"code": code, "name": name, "level": level, "parent": parent, **attributes},
        "geometry": geometry,
    }


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


def community(number=1, column=0, name="多福巷社区居委会"):
    """One community of two grids of two unit grids each, four squares in a row."""
    code = f"110101001{number:03d}"
    grids_ = [feature(f"{code}{g + 1:02d}", f"第{g + 1}网格", "grid", code, square(column + 2 * g, columns=2)) for g in range(2)]
    units = [feature(f"{code}{u + 1:03d}", f"单元{u + 1}", "unit_grid", f"{code}{u // 2 + 1:02d}", square(column + u)) for u in range(4)]
    return [feature(code, name, "community", None, square(column, columns=4)), *grids_, *units]


@pytest.fixture
def keeper(make_actor):
    """An actor of alpha with every right over grids."""
    return make_actor(GridRight)


@pytest.fixture
def scheme(session, keeper):
    """A scheme of alpha with two communities."""
    made = grids.create_scheme(
        session, keeper, key="squares", title={"zh_CN": "方格", "en": "Squares"}, levels=LEVELS, origin=(116.4, 39.9)
    )
    grids.import_geojson(session, keeper, collection(*community(1), *community(2, column=4, name="银闸社区居委会")), scheme="squares")
    return made
