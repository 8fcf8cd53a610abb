"""The demo's land is whole: counts, codes, and a tiling without gap or overlap at every level."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, shape

from plugins.urban_mgmt.demo import land

LEVELS = [level["key"] for level in land.SCHEME["levels"]]
DIGITS = {level["key"]: level["code_digits"] for level in land.SCHEME["levels"]}
PREFIX = {"street": 6, "community": 9, "grid": 12, "unit_grid": 12}
M2_PER_SQUARE_DEGREE = 85_390.0 * 111_035.0


@pytest.fixture(scope="module")
def collection():
    return land.feature_collection()


@pytest.fixture(scope="module")
def plots(collection):
    return {feature["properties"]["code"]: (feature["properties"], shape(feature["geometry"])) for feature in collection["features"]}


@pytest.fixture(scope="module")
def children(plots):
    below = defaultdict(list)
    for code, (properties, _) in plots.items():
        below[properties["parent"]].append(code)
    return below


def of_level(plots, level):
    return [(code, polygon) for code, (properties, polygon) in plots.items() if properties["level"] == level]


def test_counts_are_those_of_the_published_account(collection, plots):
    counts = Counter(properties["level"] for properties, _ in plots.values())

    assert len(collection["features"]) == len(plots)
    assert (counts["district"], counts["street"], counts["community"], counts["grid"]) == (1, 17, 205, 589)
    assert 4150 <= counts["unit_grid"] <= 4250


def test_each_community_has_two_to_five_grids(plots, children):
    counts = Counter(len([code for code in children[community] if len(code) == 14]) for community, _ in of_level(plots, "community"))

    assert set(counts) == {2, 3, 4, 5}


def test_real_communities_keep_their_names_and_made_up_ones_say_so(plots):
    source = json.loads((files(land.__package__) / "data" / "dongcheng-divisions.json").read_text("utf-8"))
    real = {community["code"]: community["name"] for street in source["streets"] for community in street["communities"]}
    present = {code: plots[code][0] for code, _ in of_level(plots, "community")}

    assert len(real) == 169
    assert {code: properties["name"] for code, properties in present.items() if code in real} == real
    made_up = [properties for code, properties in present.items() if code not in real]
    assert len(made_up) == 36
    assert all("示例" in properties["name"] and properties["example"] for properties in made_up)
    assert not any("示例" in properties["name"] for code, properties in present.items() if code in real)


def test_codes_have_their_digits_and_prefix(plots):
    for code, (properties, _) in plots.items():
        level = properties["level"]
        assert len(code) == DIGITS[level]
        if level in PREFIX:
            assert code[: PREFIX[level]] == properties["parent"][: PREFIX[level]]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_is_a_coverage_of_simple_polygons(plots, level):
    polygons = np.array([polygon for _, polygon in of_level(plots, level)], dtype=object)

    assert all(isinstance(polygon, Polygon) and polygon.is_valid and not polygon.interiors for polygon in polygons)
    assert shapely.coverage_is_valid(polygons)


def test_each_parent_is_exactly_the_union_of_its_children(plots, children):
    for parent, codes in children.items():
        if parent is not None:
            union = shapely.coverage_union_all([plots[code][1] for code in codes])
            assert shapely.equals(union, plots[parent][1]), parent


def test_district_is_the_outline_to_millimetres(plots):
    outline = shape(json.loads((files(land.__package__) / "data" / "dongcheng-outline.geojson").read_text("utf-8"))["geometry"])
    district = plots["110101"][1]

    # Cutting points on the outline's edges are kept to 1e-7 degrees, about a centimetre.
    assert shapely.hausdorff_distance(outline, district) < 1e-7
    assert outline.symmetric_difference(district).area * M2_PER_SQUARE_DEGREE < 100


def test_unit_grids_are_about_ten_thousand_square_metres(plots):
    areas = np.array([polygon.area for _, polygon in of_level(plots, "unit_grid")]) * M2_PER_SQUARE_DEGREE

    assert 9_500 < np.mean(areas) < 10_500
    assert areas.min() > 4_000
    assert areas.max() < 20_000


def test_coordinates_are_kept_to_seven_decimals(plots):
    points = shapely.get_coordinates([polygon for _, polygon in of_level(plots, "unit_grid")])

    assert np.array_equal(points, np.round(points, 7))


def test_serials_run_west_to_east_and_north_to_south(plots):
    rows = defaultdict(list)
    for code, polygon in of_level(plots, "unit_grid"):
        rows[code[:12]].append((code, polygon.centroid.x, polygon.centroid.y))
    pitch = 99.5 / 111_035.0
    for units in rows.values():
        units.sort()
        assert [int(code[12:]) for code, _, _ in units] == list(range(1, len(units) + 1))
        for (_, west, north), (code, east, south) in pairwise(units):
            same_band = abs(north - south) < pitch
            assert (same_band and east > west) or south < north, code


def test_streets_lie_as_in_the_city(plots):
    middle = {polygon_code[6:]: polygon.centroid for polygon_code, polygon in of_level(plots, "street")}

    assert middle["010"].y > middle["003"].y > middle["001"].y > middle["016"].y > middle["017"].y
    assert middle["001"].x < middle["008"].x
    assert middle["016"].x < middle["015"].x < middle["014"].x


def test_same_seed_gives_the_same_land_and_another_seed_another(collection):
    assert json.dumps(land.feature_collection(), sort_keys=True) == json.dumps(collection, sort_keys=True)
    assert json.dumps(land.feature_collection(seed=2)["features"][-1]) != json.dumps(collection["features"][-1])


@pytest.mark.parametrize("seed", range(1, 6))
def test_any_seed_gives_the_exact_totals(seed):
    counts = Counter(feature["properties"]["level"] for feature in land.feature_collection(seed)["features"])

    assert (counts["street"], counts["community"], counts["grid"]) == (17, 205, 589)
