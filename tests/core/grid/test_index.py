"""The index agrees with brute force, on any map, inside, outside and on the border."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, MultiPolygon, Point, Polygon, box, shape

from core.grid.index import GridIndex, Unit
from core.lib.geo import local_projection
from plugins.urban_mgmt.demo import land

ORIGIN = (116.41, 39.91)
WIDE, HIGH = 0.00117, 0.0009


def unit(number, polygon):
    return Unit(100 + number, f"{number:03d}", f"district.{number:03d}", polygon)


def square(column, row=0, columns=1, rows=1):
    return box(116.4 + column * WIDE, 39.9 + row * HIGH, 116.4 + (column + columns) * WIDE, 39.9 + (row + rows) * HIGH)


def brute_force(units, lon, lat):
    found = []
    for x, y in zip(lon, lat, strict=True):
        hits = [(unit.code, unit.id) for unit in units if unit.polygon.intersects(Point(x, y))]
        found.append(min(hits)[1] if hits else -1)
    return found


def with_raster(units):
    index = GridIndex(units, origin=ORIGIN)
    index.make_raster()
    return index


@pytest.fixture
def pair():
    return GridIndex([unit(2, square(1)), unit(1, square(0))], origin=ORIGIN)


def test_locate_inside_gives_the_unit_and_no_border(pair):
    located = pair.locate(116.4 + WIDE / 2, 39.9 + HIGH / 2)

    assert (located.inside, located.id, located.code, located.path) == (True, 101, "001", "district.001")
    assert (located.border_m, located.neighbours) == (None, ())


def test_locate_near_the_border_measures_it_and_names_the_neighbour(pair):
    plane = local_projection(*ORIGIN)
    x, y = plane.to_xy(116.4 + WIDE, 39.9 + HIGH / 2)

    located = pair.locate(*plane.to_lonlat(x - 4.0, y))

    assert located.code == "001"
    assert located.border_m == pytest.approx(4.0, abs=0.01)
    assert [(neighbour.code, neighbour.distance_m) for neighbour in located.neighbours] == [("002", pytest.approx(4.0, abs=0.01))]


def test_locate_on_the_border_always_takes_the_lowest_code(pair):
    located = pair.locate(116.4 + WIDE, 39.9 + HIGH / 2)

    assert (located.code, located.border_m) == ("001", pytest.approx(0.0, abs=1e-6))
    assert [neighbour.code for neighbour in located.neighbours] == ["002"]


def test_locate_outside_is_no_unit_but_tells_who_is_near(pair):
    plane = local_projection(*ORIGIN)
    x, y = plane.to_xy(116.4 + 2 * WIDE, 39.9 + HIGH / 2)

    near = pair.locate(*plane.to_lonlat(x + 6.0, y))
    far = pair.locate(*plane.to_lonlat(x + 60.0, y))

    assert (near.inside, near.id, near.code, near.border_m) == (False, None, None, pytest.approx(6.0, abs=0.01))
    assert [neighbour.code for neighbour in near.neighbours] == ["002"]
    assert (far.inside, far.border_m, far.neighbours) == (False, None, ())


@pytest.mark.parametrize(("lon", "lat"), [(np.nan, 39.9), (116.4, np.nan), (np.inf, 39.9), (0.0, 0.0), (-1e300, 1e300)])
def test_what_is_no_place_is_in_no_unit(pair, lon, lat):
    assert pair.locate_many([lon], [lat]).tolist() == [-1]
    assert with_raster(pair._units).locate_many([lon], [lat]).tolist() == [-1]


def test_empty_index_knows_no_unit():
    index = GridIndex([], origin=ORIGIN)

    assert index.locate_many([116.4], [39.9]).tolist() == [-1]
    assert not index.locate(116.4, 39.9).inside
    assert len(index) == 0


def test_no_points_are_no_answers(pair):
    assert pair.locate_many([], []).tolist() == []


def test_unit_of_two_parts_and_a_hole_is_one_unit():
    ring = square(0, columns=3, rows=3).difference(square(1, 1))
    units = [unit(1, MultiPolygon([ring, square(5)])), unit(2, square(1, 1))]
    lon, lat = np.meshgrid(np.linspace(116.3999, 116.408, 60), np.linspace(39.8999, 39.9031, 60))

    found = with_raster(units).locate_many(lon.ravel(), lat.ravel())

    assert found.tolist() == brute_force(units, lon.ravel(), lat.ravel())
    assert set(found.tolist()) == {-1, 101, 102}


coordinate = st.integers(0, 24)


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.sets(st.tuples(coordinate, coordinate), min_size=3, max_size=25), drawn=st.integers(0, 2**32 - 1), dropped=st.integers(0, 3)
)
def test_any_voronoi_map_agrees_with_brute_force(seeds, drawn, dropped):
    sites = MultiPoint([(116.4 + x * 0.001, 39.9 + y * 0.001) for x, y in seeds])
    cells = [cell for cell in shapely.get_parts(shapely.voronoi_polygons(sites)) if cell.area > 0]
    units = [unit(number, cell) for number, cell in enumerate(cells)][dropped:]
    if not units:
        return
    random = np.random.default_rng(drawn)
    west, south, east, north = shapely.total_bounds([unit.polygon for unit in units])
    vertices = shapely.get_coordinates([unit.polygon for unit in units])
    middles = (vertices[:-1] + vertices[1:]) / 2
    lon = np.concatenate([random.uniform(west - 0.001, east + 0.001, 150), vertices[:, 0], middles[:, 0]])
    lat = np.concatenate([random.uniform(south - 0.001, north + 0.001, 150), vertices[:, 1], middles[:, 1]])
    expected = brute_force(units, lon, lat)

    assert GridIndex(units, origin=ORIGIN).locate_many(lon, lat).tolist() == expected
    assert with_raster(units).locate_many(lon, lat).tolist() == expected
    assert [located.id or -1 for located in map(GridIndex(units, origin=ORIGIN).locate, lon, lat)] == expected


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12), st.randoms())
def test_overlapping_units_give_the_lowest_code_in_any_input_order(rectangles, random):
    units = [unit(number, square(x, y, wide, high)) for number, (x, y, wide, high) in enumerate(rectangles)]
    lon = np.array([116.4 + WIDE * column / 4 for column in range(-2, 140, 3)])
    lat = np.array([39.9 + HIGH * row / 4 for row in range(-2, 140, 3)])
    lons, lats = (grid.ravel() for grid in np.meshgrid(lon, lat))
    expected = brute_force(units, lons, lats)
    random.shuffle(units)

    assert with_raster(units).locate_many(lons, lats).tolist() == expected


@pytest.fixture(scope="module")
def district():
    features = land.feature_collection()["features"]
    return [
        Unit(number, f["properties"]["code"], f"district.{f['properties']['code']}", shape(f["geometry"]))
        for number, f in enumerate(features, start=1)
        if f["properties"]["level"] == "unit_grid"
    ]


def test_million_points_in_the_district_take_less_than_the_bulk_query(district):
    random = np.random.default_rng(110101)
    west, south, east, north = shapely.total_bounds([unit.polygon for unit in district])
    lon, lat = random.uniform(west, east, 1_000_000), random.uniform(south, north, 1_000_000)
    index = with_raster(district)
    polygons = np.array([unit.polygon for unit in district], dtype=object)
    tree = shapely.STRtree(polygons)
    points = shapely.points(lon, lat)
    tree.query(points[:10], predicate="intersects")

    floor, ours = [], []
    for _ in range(2):
        begin = time.perf_counter()
        point, polygon = tree.query(points, predicate="intersects")
        floor.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        found = index.locate_many(lon, lat)
        ours.append(time.perf_counter() - begin)

    expected = np.full(len(lon), -1)
    ids = np.array([unit.id for unit in district])
    expected[point[::-1]] = ids[polygon[::-1]]
    assert np.array_equal(found, expected)
    assert min(ours) < 1.5 * min(floor)


def test_every_unit_grid_is_found_at_its_own_inner_point(district):
    inner = shapely.point_on_surface(np.array([unit.polygon for unit in district], dtype=object))

    found = with_raster(district).locate_many(shapely.get_x(inner), shapely.get_y(inner))

    assert found.tolist() == [unit.id for unit in district]


def test_threads_share_one_index(district):
    index = GridIndex(district, origin=ORIGIN)
    inner = shapely.point_on_surface(np.array([unit.polygon for unit in district[:500]], dtype=object))
    places = list(zip(shapely.get_x(inner).tolist(), shapely.get_y(inner).tolist(), strict=True))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: index.locate(*place).id, places))

    assert found == [unit.id for unit in district[:500]]


def test_large_polygons_with_few_vertices_are_exact():
    triangle = Polygon([(73.0, 18.0), (135.0, 30.0), (100.0, 54.0)])
    units = [unit(1, triangle), unit(2, Polygon([(135.0, 30.0), (100.0, 54.0), (135.0, 54.0)]))]
    random = np.random.default_rng(3)
    lon, lat = random.uniform(70, 140, 2000), random.uniform(15, 56, 2000)

    assert with_raster(units).locate_many(lon, lat).tolist() == brute_force(units, lon, lat)


def test_a_point_alone_is_in_the_same_unit_without_and_with_the_raster(district):
    random = np.random.default_rng(7)
    west, south, east, north = shapely.total_bounds([unit.polygon for unit in district])
    lon = random.uniform(west - 0.001, east + 0.001, 6_000).tolist()
    lat = random.uniform(south - 0.001, north + 0.001, 6_000).tolist()
    corners = shapely.get_coordinates(district[0].polygon)
    lon, lat = [*lon, *corners[:, 0].tolist()], [*lat, *corners[:, 1].tolist()]
    index = GridIndex(district, origin=ORIGIN)
    expected = index.locate_many(lon, lat).tolist()

    for _ in range(2):
        found = [index.unit_at(x, y) for x, y in zip(lon, lat, strict=True)]
        assert expected == [-1 if unit is None else unit.id for unit in found]
        index.make_raster()
    assert index.has_raster


def test_an_index_without_units_finds_none():
    index = GridIndex([], origin=ORIGIN)
    index.make_raster()
    assert index.unit_at(116.4, 39.9) is None
    assert index.locate_many(np.full(30_000, 116.4), np.full(30_000, 39.9)).max() == -1
    assert index.has_raster
