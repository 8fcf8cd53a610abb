"""Metres: the projection against geodesics, areas against known shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from core.lib.geo import area_m2, distance_m, local_projection

ORIGIN = (116.41, 39.91)
near_lon = st.floats(ORIGIN[0] - 0.3, ORIGIN[0] + 0.3)
near_lat = st.floats(ORIGIN[1] - 0.3, ORIGIN[1] + 0.3)


@given(lon_1=near_lon, lat_1=near_lat, lon_2=near_lon, lat_2=near_lat)
def test_plane_distance_equals_geodesic(lon_1, lat_1, lon_2, lat_2):
    plane = local_projection(*ORIGIN)

    flat = math.dist(plane.to_xy(lon_1, lat_1), plane.to_xy(lon_2, lat_2))

    assert flat == pytest.approx(distance_m(lon_1, lat_1, lon_2, lat_2), rel=3e-5, abs=1e-6)


@given(lon=near_lon, lat=near_lat)
def test_way_back_ends_at_the_start(lon, lat):
    plane = local_projection(*ORIGIN)

    assert (lon, lat) == pytest.approx(plane.to_lonlat(*plane.to_xy(lon, lat)), abs=1e-10)


def test_origin_is_zero_and_axes_point_east_and_north():
    plane = local_projection(*ORIGIN)

    assert pytest.approx(plane.to_xy(*ORIGIN), abs=1e-9) == (0.0, 0.0)
    assert plane.to_xy(ORIGIN[0] + 0.01, ORIGIN[1])[0] > 800
    assert plane.to_xy(ORIGIN[0], ORIGIN[1] + 0.01)[1] > 1100


def test_degree_of_longitude_is_a_quarter_short_at_forty_north():
    east = distance_m(116.0, 40.0, 116.01, 40.0)
    north = distance_m(116.0, 40.0, 116.0, 40.01)

    assert pytest.approx(east / north, abs=0.002) == 0.769


def test_many_equal_one_by_one_and_keep_nan():
    plane = local_projection(*ORIGIN)
    x, y = plane.to_xy_many([116.4, np.nan, 116.5], [39.9, 39.9, 40.0])
    lon, lat = plane.to_lonlat_many(x[[0, 2]], y[[0, 2]])

    assert plane.to_xy(116.4, 39.9) == (x[0], y[0])
    assert np.isnan(x[1])
    assert pytest.approx(lon.tolist()) == [116.4, 116.5]
    assert pytest.approx(lat.tolist()) == [39.9, 40.0]


def test_area_of_a_unit_grid_is_a_hundred_metres_squared():
    plane = local_projection(*ORIGIN)
    corners = [plane.to_lonlat(x, y) for x, y in [(0, 0), (100, 0), (100, 100), (0, 100)]]

    assert pytest.approx(area_m2(Polygon(corners)), rel=1e-5) == 10_000
    assert area_m2(Polygon()) == 0.0


def test_shared_vertices_stay_shared_when_projected():
    plane = local_projection(*ORIGIN)
    west, east = plane.project_all([box(116.40, 39.90, 116.41, 39.91), box(116.41, 39.90, 116.42, 39.91)])

    assert set(west.exterior.coords) & set(east.exterior.coords)
    assert len(set(west.exterior.coords) & set(east.exterior.coords)) == 2
    assert shapely.equals(plane.project(box(116.40, 39.90, 116.41, 39.91)), west)


@pytest.mark.parametrize("origin", [(181.0, 0.0), (0.0, 91.0), (math.nan, 0.0)])
def test_origin_off_the_earth_is_refused(origin):
    with pytest.raises(ValueError, match="no such origin"):
        local_projection(*origin)
