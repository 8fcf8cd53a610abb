"""The division check finds each planted fault, only that one, and where it is."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Polygon, box, shape

from core.grid.division import Tolerance, check
from core.grid.types import FindingKind, Plot
from core.lib.geo import area_m2
from plugins.urban_mgmt.demo import land

DEPTHS = {"community": 0, "grid": 1, "unit_grid": 2}
# A square of about 100 m at 40 degrees north.
WIDE, HIGH = 0.00117, 0.0009


def square(column, row=0, columns=1, rows=1):
    return box(116.4 + column * WIDE, 39.9 - (row + rows) * HIGH, 116.4 + (column + columns) * WIDE, 39.9 - row * HIGH)


def plot(code, level="grid", parent="c", polygon=None, load=None):
    return Plot(code, level, parent, polygon, load)


def whole(columns=3, rows=1):
    return plot("c", "community", None, square(0, 0, columns, rows))


def kinds(findings):
    return [(finding.kind, finding.codes) for finding in findings]


def three():
    return [whole(), *(plot(f"g{column}", polygon=square(column)) for column in range(3))]


def test_sound_division_has_no_findings():
    assert check(three(), DEPTHS) == []


def test_gap_is_found_with_its_land_and_its_neighbours():
    plots = three()
    plots[2] = plot("g1", polygon=square(1, columns=0.9))

    (finding,) = check(plots, DEPTHS)

    assert (finding.kind, finding.codes) == (FindingKind.GAP, ("c", "g1", "g2"))
    assert finding.area_m2 == pytest.approx(area_m2(square(1.9, columns=0.1)), rel=1e-6)
    assert finding.geometry.symmetric_difference(square(1.9, columns=0.1)).area < 1e-14


def test_overlap_is_found_once_with_both_codes():
    plots = three()
    plots[2] = plot("g1", polygon=square(1, columns=1.1))

    (finding,) = check(plots, DEPTHS)

    assert (finding.kind, finding.codes) == (FindingKind.OVERLAP, ("g1", "g2"))
    assert finding.area_m2 == pytest.approx(area_m2(square(2, columns=0.1)), rel=1e-6)


def test_unit_drawn_twice_is_an_overlap():
    assert kinds(check([*three(), plot("twin", polygon=square(1))], DEPTHS)) == [(FindingKind.OVERLAP, ("g1", "twin"))]


def test_unit_swallowed_by_another_is_an_overlap():
    inner = square(1.2, 0.2, 0.6, 0.6)

    assert kinds(check([*three(), plot("inner", polygon=inner)], DEPTHS)) == [(FindingKind.OVERLAP, ("g1", "inner"))]


def test_child_outside_its_parent_is_found_with_what_sticks_out():
    plots = three()
    plots[3] = plot("g2", polygon=square(2, columns=1.5))

    (finding,) = check(plots, DEPTHS)

    assert (finding.kind, finding.codes) == (FindingKind.OUTSIDE_PARENT, ("g2", "c"))
    assert finding.area_m2 == pytest.approx(area_m2(square(3, columns=0.5)), rel=1e-6)


def test_orphans_say_why():
    plots = [
        *three(),
        plot("lost", parent="nobody", polygon=square(5)),
        plot("skipped", "unit_grid", "c", square(0, columns=0.5)),
        plot("strange", "village", "c", None),
    ]

    orphans = {finding.codes[0]: finding.detail["reason"] for finding in check(plots, DEPTHS) if finding.kind is FindingKind.ORPHAN}

    assert orphans == {"lost": "no_parent", "skipped": "wrong_parent_level", "strange": "unknown_level"}


def test_missing_and_broken_polygons_are_reported_and_left_out():
    bow_tie = Polygon([(116.4, 39.9), (116.401, 39.901), (116.401, 39.9), (116.4, 39.901)])
    plots = [whole(3), plot("g0", polygon=square(0)), plot("none"), plot("empty", polygon=Polygon())]
    plots += [plot("bow", polygon=bow_tie), plot("line", polygon=LineString([(116.4, 39.9), (116.5, 39.9)]))]

    found = kinds(check(plots, DEPTHS))

    assert found[:4] == [
        (FindingKind.MISSING_POLYGON, ("none",)),
        (FindingKind.MISSING_POLYGON, ("empty",)),
        (FindingKind.BROKEN, ("bow",)),
        (FindingKind.BROKEN, ("line",)),
    ]
    assert found[4:] == [(FindingKind.GAP, ("c", "g0"))]


def test_hole_among_roots_is_a_gap():
    ring = [
        plot(f"r{column}{row}", "community", None, square(column, row))
        for column in range(3)
        for row in range(3)
        if (column, row) != (1, 1)
    ]

    (finding,) = check(ring, DEPTHS)

    assert finding.kind is FindingKind.GAP
    assert finding.geometry.symmetric_difference(square(1, 1)).area < 1e-14


def test_community_without_grids_is_no_gap():
    assert check([whole()], DEPTHS) == []


def test_slivers_of_a_centimetre_pass_and_stricter_limits_find_them():
    plots = three()
    plots[2] = plot("g1", polygon=translate(square(1), xoff=2e-7))

    assert check(plots, DEPTHS) == []
    found = {finding.kind for finding in check(plots, DEPTHS, Tolerance(area_m2=0.01, width_m=0.001))}
    assert found == {FindingKind.GAP, FindingKind.OVERLAP}


def test_vertex_of_one_side_on_a_long_straight_edge_opens_no_gap():
    long = plot("c", "community", None, Polygon([(116.3, 39.8), (116.5, 40.0), (116.3, 40.0)]))
    middle = (116.4, 39.9)
    halves = [
        plot("g0", polygon=Polygon([(116.3, 39.8), middle, (116.3, 40.0)])),
        plot("g1", polygon=Polygon([middle, (116.5, 40.0), (116.3, 40.0)])),
    ]

    assert check([long, *halves], DEPTHS) == []


def test_multipolygon_units_are_checked_part_by_part():
    plots = [whole(), plot("g0", polygon=MultiPolygon([square(0), square(2)])), plot("g1", polygon=square(1))]

    assert check(plots, DEPTHS) == []


def test_unbalanced_area_and_load_compare_with_the_level():
    plots = [whole(7), *(plot(f"g{column}", polygon=square(column), load=10.0) for column in range(2))]
    plots.append(plot("big", polygon=square(2, columns=5), load=99.0))

    findings = check(plots, DEPTHS)

    assert kinds(findings) == [(FindingKind.UNBALANCED_AREA, ("big",)), (FindingKind.UNBALANCED_LOAD, ("big",))]
    assert findings[1].detail == {"value": 99.0, "median": 10.0, "ratio": 4.0}
    assert check(plots, DEPTHS, Tolerance(area_ratio=6, load_ratio=10)) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 99), min_size=1, max_size=12, unique=True), st.data())
def test_one_moved_border_makes_exactly_one_fault(cuts, data):
    edges = [0, *sorted(cuts), 100]
    slices = [box(116.4 + left * 0.0002, 39.9, 116.4 + right * 0.0002, 39.91) for left, right in pairwise(edges)]
    plots = [plot("c", "community", None, box(116.4, 39.9, 116.42, 39.91)), *(plot(f"g{n:02d}", polygon=s) for n, s in enumerate(slices))]
    tolerance = Tolerance(area_m2=0.1, width_m=0.0001, area_ratio=1e9)
    assert check(plots, DEPTHS, tolerance) == []

    which = data.draw(st.integers(0, len(slices) - 2))
    shift = data.draw(st.sampled_from([-0.0001, 0.0001]))
    west, south, east, north = slices[which].bounds
    plots[which + 1] = plot(f"g{which:02d}", polygon=box(west, south, east + shift, north))

    (finding,) = check(plots, DEPTHS, tolerance)

    assert finding.kind is (FindingKind.OVERLAP if shift > 0 else FindingKind.GAP)
    assert {f"g{which:02d}", f"g{which + 1:02d}"} <= set(finding.codes)


@pytest.fixture(scope="module")
def district():
    return [
        Plot(p["code"], p["level"], p["parent"], shape(feature["geometry"]))
        for feature in land.feature_collection()["features"]
        for p in [feature["properties"]]
    ]


DISTRICT_DEPTHS = {level["key"]: depth for depth, level in enumerate(land.SCHEME["levels"])}


def test_demo_district_is_sound_and_checked_in_seconds(district):
    begin = time.perf_counter()

    findings = check(district, DISTRICT_DEPTHS, Tolerance(area_m2=0.0001, width_m=0.00001, area_ratio=6))

    assert findings == []
    assert time.perf_counter() - begin < 5


def test_demo_district_with_a_unit_grid_taken_out_names_the_hole(district):
    missing = next(plot for plot in district if plot.level == "unit_grid")

    findings = check([plot for plot in district if plot is not missing], DISTRICT_DEPTHS)

    assert [finding.kind for finding in findings] == [FindingKind.GAP]
    assert findings[0].codes[0] == missing.parent
    assert findings[0].area_m2 == pytest.approx(area_m2(missing.polygon), rel=1e-6)
