"""Grids through the service: import, reading, locating, checking, as one agency."""

from __future__ import annotations

import json

import pytest
import shapely
from shapely.geometry import Polygon, shape
from sqlalchemy import func, select

from core.grid import service as grids
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service import Wanted
from core.grid.types import FindingKind, ProblemKind
from core.lib.crs import convert_many
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from plugins.urban_mgmt.demo import land
from tests.core.grid.conftest import COMMUNITY, HIGH, LEVELS, WIDE, collection, community, feature, square

TITLE = {"zh_CN": "方格", "en": "Squares"}


def count(session):
    return session.scalar(select(func.count()).select_from(Grid))


def codes(rows):
    return [grid.code for grid in rows]


def wanted(session, actor, limit=100, after=None, **what):
    return codes(grids.list_grids(session, actor, Wanted(**what), limit=limit, after=after))


# Schemes


def test_create_scheme_gives_levels_in_depth_order(session, keeper, scheme):
    assert [(level.key, level.depth) for level in scheme.levels.values()] == [("community", 0), ("grid", 1), ("unit_grid", 2)]
    assert grids.scheme_of(session, keeper).key == "squares"


@pytest.mark.parametrize(
    ("levels", "path"),
    [
        ([], "levels"),
        ([LEVELS[0], LEVELS[0]], "levels[1].key"),
        ([LEVELS[0], {**LEVELS[1], "code_within": "street"}], "levels[1].code_within"),
        ([LEVELS[0], {**LEVELS[1], "code_digits": 12}], "levels[1].code_within"),
    ],
)
def test_create_scheme_refuses_levels_that_do_not_fit(session, keeper, levels, path):
    with pytest.raises(Invalid) as refusal:
        grids.create_scheme(session, keeper, key="other", title=TITLE, levels=levels, origin=(116.4, 39.9))

    assert refusal.value.errors[0].path == path


def test_create_scheme_refuses_a_taken_key_a_bad_origin_and_the_unentitled(session, keeper, make_actor, scheme):
    with pytest.raises(Conflict):
        grids.create_scheme(session, keeper, key="squares", title=TITLE, levels=LEVELS, origin=(116.4, 39.9))
    with pytest.raises(Invalid):
        grids.create_scheme(session, keeper, key="other", title=TITLE, levels=LEVELS, origin=(200.0, 39.9))
    with pytest.raises(Forbidden):
        grids.create_scheme(session, make_actor([GridRight.READ]), key="other", title=TITLE, levels=LEVELS, origin=(116.4, 39.9))


def test_scheme_must_be_named_when_several_are_visible(session, keeper, scheme):
    grids.create_scheme(session, keeper, key="other", title=TITLE, levels=LEVELS, origin=(116.4, 39.9))

    with pytest.raises(Invalid):
        grids.scheme_of(session, keeper)
    with pytest.raises(NotFound):
        grids.scheme_of(session, keeper, "third")
    assert [one.key for one in grids.list_schemes(session, keeper)] == ["other", "squares"]


# Import


def test_import_stores_paths_parents_and_measures(session, keeper, scheme):
    unit = grids.get(session, keeper, f"{COMMUNITY}003")

    assert count(session) == 14
    assert unit.path == f"squares.{COMMUNITY}.{COMMUNITY}02.{COMMUNITY}003"
    assert unit.parent_id == grids.get(session, keeper, f"{COMMUNITY}02").id
    assert unit.area_m2 == pytest.approx(10_240, rel=0.01)
    assert (unit.west, unit.north) == pytest.approx((116.4 + 2 * WIDE, 39.9))
    assert shape(unit.polygon).covers(shapely.Point(unit.lon, unit.lat))
    assert unit.valid_from == keeper.now


def test_import_again_changes_nothing(session, keeper, scheme):
    report = grids.import_geojson(session, keeper, collection(*community(1), *community(2, column=4, name="银闸社区居委会")))

    assert (report.created, report.updated, len(report.unchanged)) == ([], [], 14)


def test_import_updates_name_polygon_and_attributes(session, keeper, scheme):
    changed = feature(COMMUNITY, "多福巷", "community", None, square(0, columns=4, rows=2), management_grade="一级")

    report = grids.import_geojson(session, keeper, collection(changed))

    grid = grids.get(session, keeper, COMMUNITY)
    session.refresh(grid)
    assert report.updated == [COMMUNITY]
    assert (grid.name, grid.name_pinyin, grid.attributes) == ("多福巷", "duo fu xiang", {"management_grade": "一级"})
    assert grid.south == pytest.approx(39.9 - 2 * HIGH)


def test_dry_run_tells_all_and_stores_nothing(session, keeper, scheme):
    before = count(session)
    report = grids.import_geojson(session, keeper, collection(*community(3, column=8), feature("1", "x", "grid", None, None)), dry_run=True)

    assert len(report.created) == 7
    assert [(place, problem.kind) for place, problem in report.problems] == [("features[7]", ProblemKind.BAD_CODE)]
    assert count(session) == before


BOW_TIE = Polygon([(116.4, 39.9), (116.401, 39.901), (116.401, 39.9), (116.4, 39.901)])


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        (shapely.geometry.mapping(BOW_TIE), "Self-intersection"),
        ({"type": "Point", "coordinates": [116.4, 39.9]}, "Point"),
        ({"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.5, 39.9]]]}, "cannot be read"),
        ({"type": "Polygon", "coordinates": "x"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[["a", 1], [2, 3], [4, 5], ["a", 1]]]}, "cannot be read"),
        ({"type": "Polygon"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": []}, "no area"),
        (
            {"type": "Polygon", "coordinates": [[[4395000, 44e5], [4395100, 44e5], [4395100, 44e5 + 9], [4395000, 44e5]]]},
            "not on the earth",
        ),
        ({"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.4, 39.9], [116.4, 39.9], [116.4, 39.9]]]}, "110101001003"),
        (["Polygon"], "Polygon"),
    ],
)
def test_broken_polygon_is_refused_by_name_and_reason(session, keeper, scheme, geometry, says):
    broken = feature("110101001003", "坏", "community", None, None)
    broken["geometry"] = geometry
    before = count(session)

    with pytest.raises(Invalid) as refusal:
        grids.import_geojson(session, keeper, collection(feature("110101001004", "好", "community", None, square(9)), broken))

    (error,) = refusal.value.errors
    assert error.path == "features[1]"
    assert says in error.message.text("en")
    assert "110101001003" in error.message.text("en")
    assert error.message.text("zh_CN")
    assert count(session) == before


def test_make_valid_mends_and_names_what_it_mended(session, keeper, scheme):
    broken = feature("110101001003", "坏", "community", None, None)
    broken["geometry"] = shapely.geometry.mapping(BOW_TIE)

    report = grids.import_geojson(session, keeper, collection(broken), make_valid=True)

    stored = shape(grids.get(session, keeper, "110101001003").polygon)
    assert (report.created, report.mended) == (["110101001003"], ["110101001003"])
    assert stored.is_valid
    assert stored.geom_type == "MultiPolygon"


def test_import_converts_from_gcj02(session, keeper, scheme):
    polygon = square(0, row=5)
    shifted = shapely.transform(
        polygon, lambda points: __import__("numpy").column_stack(convert_many(points[:, 0], points[:, 1], "wgs84", "gcj02"))
    )

    grids.import_geojson(session, keeper, collection(feature("110101001003", "偏", "community", None, shifted)), crs="GCJ-02")

    stored = shape(grids.get(session, keeper, "110101001003").polygon)
    assert shapely.equals(shapely.normalize(stored), shapely.normalize(polygon))
    with pytest.raises(Invalid):
        grids.import_geojson(session, keeper, collection(), crs="mars")


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"type": "Feature"}, "features"),
        ([], "features"),
        ({"type": "FeatureCollection", "features": {}}, "features"),
        (collection(None), "features[0]"),
        (collection({"type": "Feature", "properties": None, "geometry": None}), "features[0]"),
        (collection(feature(7, "x", "community", None, None)), "features[0]"),
        (collection(feature("110101001003", "x\0", "community", None, None)), "features[0]"),
        (collection(feature("110101001003", "x", "community", None, None, note="a\0")), "features[0]"),
        (collection(feature("110101001003", "x" * 121, "community", None, None)), "features[0]"),
        (collection(feature("110101001003", "x", "community", ["a"], None)), "features[0]"),
    ],
)
def test_import_refuses_what_is_no_collection_of_grids(session, keeper, scheme, bad, path):
    with pytest.raises(Invalid) as refusal:
        grids.import_geojson(session, keeper, bad)

    assert refusal.value.errors[0].path == path
    assert refusal.value.errors[0].message.text("en")


def test_import_needs_the_right_and_only_reaches_ones_grids(session, keeper, make_actor, scheme):
    new = collection(feature("11010100100103", "新", "grid", COMMUNITY, None))

    with pytest.raises(Forbidden):
        grids.import_geojson(session, make_actor([GridRight.READ]), new)
    with pytest.raises(Forbidden):
        grids.import_geojson(session, make_actor([GridRight.IMPORT], grid_path="squares.110101001002"), new)
    assert grids.import_geojson(session, make_actor([GridRight.IMPORT], grid_path=f"squares.{COMMUNITY}"), new).created == [
        "11010100100103"
    ]


def test_import_divisions_reads_the_published_nesting(session, keeper):
    levels = land.SCHEME["levels"]
    grids.create_scheme(session, keeper, key="district", title=land.SCHEME["title"], levels=levels, origin=land.SCHEME["origin"])
    source = json.loads((__import__("pathlib").Path(land.__file__).parent / "data" / "dongcheng-divisions.json").read_text("utf-8"))

    report = grids.import_divisions(session, keeper, source)

    assert len(report.created) == 1 + 17 + 169
    assert grids.get(session, keeper, "110101001001").name == "多福巷社区居委会"
    assert grids.get(session, keeper, "110101001001").polygon is None
    source["streets"][3]["communities"][2]["code"] = "1"
    with pytest.raises(Invalid) as refusal:
        grids.import_divisions(session, keeper, source)
    assert refusal.value.errors[0].path == "streets[3].communities[2]"
    source["streets"][3]["communities"] = "none"
    with pytest.raises(Invalid):
        grids.import_divisions(session, keeper, source)


# Reading


def test_list_pages_by_code_and_filters(session, keeper, scheme):
    assert wanted(session, keeper, level="grid", limit=2) == ["11010100100101", "11010100100102", "11010100100201"]
    assert wanted(session, keeper, level="grid", after="11010100100102") == ["11010100100201", "11010100100202"]
    assert wanted(session, keeper, below=f"{COMMUNITY}01") == [f"{COMMUNITY}001", f"{COMMUNITY}002"]
    assert wanted(session, keeper, retired=True) == []
    with pytest.raises(Invalid):
        wanted(session, keeper, level="street")
    with pytest.raises(NotFound):
        wanted(session, keeper, below="1")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("多福", [COMMUNITY]),
        ("福巷社", [COMMUNITY]),
        ("DuoFu", [COMMUNITY]),
        ("dfxsq", [COMMUNITY]),
        ("银", ["110101001002"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("010010010", [f"{COMMUNITY}00{n}" for n in range(1, 5)] + [f"{COMMUNITY}0{n}" for n in (1, 2)]),
    ],
)
def test_search_finds_code_chinese_and_pinyin(session, keeper, scheme, query, found):
    assert sorted(wanted(session, keeper, query=query)) == sorted(found)


def test_children_are_those_right_below(session, keeper, scheme):
    assert codes(grids.children_of(session, keeper, COMMUNITY, limit=10, after=None)) == [f"{COMMUNITY}01", f"{COMMUNITY}02"]
    with pytest.raises(NotFound):
        grids.children_of(session, keeper, "1", limit=10, after=None)


def test_map_gives_the_level_in_the_box(session, keeper, scheme):
    west = json.loads(grids.geojson(session, keeper, level="unit_grid", box=(116.39, 39.89, 116.4001, 39.91)))
    everything = json.loads(grids.geojson(session, keeper, level="community"))

    assert [one["properties"]["code"] for one in west["features"]] == [f"{COMMUNITY}001"]
    assert [one["properties"]["name"] for one in everything["features"]] == ["多福巷社区居委会", "银闸社区居委会"]
    assert shape(everything["features"][0]["geometry"]).equals(square(0, columns=4))
    with pytest.raises(Invalid):
        grids.geojson(session, keeper, level="unit_grid", box=(117, 39, 116, 40))


# Locating


def test_locate_finds_the_smallest_unit_and_the_metres(session, keeper, scheme):
    place = grids.locate(session, keeper, scheme, {"lon": 116.4 + 2.5 * WIDE, "lat": 39.9 - HIGH / 2})

    assert (place.located, place.code, place.border_m) == ("inside", f"{COMMUNITY}003", None)
    assert place.path == grids.path_of(session, place.grid_id)
    assert place.code == grids.code_of(session, place.grid_id)
    assert (grids.path_of(session, None), grids.code_of(session, None)) == (None, None)
    with pytest.raises(NotFound):
        grids.path_of(session, 2**40)
    assert place.xy == grids.to_metres(session, keeper, place.lon, place.lat)


def test_locate_near_outside_and_without_point(session, keeper, scheme):
    near = grids.locate(session, keeper, scheme, {"lon": 116.4 - 0.00005, "lat": 39.9 - HIGH / 2})
    outside = grids.locate(session, keeper, scheme, {"lon": 116.3, "lat": 39.9})

    assert (near.located, near.code, near.border_m) == ("near", f"{COMMUNITY}001", pytest.approx(4.27, abs=0.05))
    assert (outside.located, outside.grid_id, outside.path) == ("outside", None, None)
    assert outside.xy is not None
    assert grids.locate(session, keeper, scheme, None).located == "none"
    with pytest.raises(Invalid):
        grids.locate(session, keeper, scheme, {"lon": 200, "lat": 0})


def test_locate_converts_the_phones_system(session, keeper, scheme):
    lon, lat = 116.4 + 2.5 * WIDE, 39.9 - HIGH / 2
    shifted = grids.locate(session, keeper, scheme, {"lon": lon + 0.00624, "lat": lat + 0.00140, "crs": "gcj02"})

    assert shifted.code == f"{COMMUNITY}003"
    assert (shifted.lon, shifted.lat) == pytest.approx((lon, lat), abs=1e-4)


def test_agency_without_scheme_locates_nowhere(session, make_actor):
    place = grids.locate_for_agency(session, make_actor([]), {"lon": 116.4, "lat": 39.9})

    assert (place.located, place.grid_id) == ("outside", None)
    assert place.xy is not None
    assert grids.locate_for_agency(session, make_actor([]), None).located == "none"


def test_agency_that_has_not_chosen_locates_nowhere_but_loses_nothing(session, keeper, scheme):
    grids.create_scheme(session, keeper, key="other", title=TITLE, levels=LEVELS, origin=(116.4, 39.9))

    assert grids.locate_for_agency(session, keeper, {"lon": 116.4001, "lat": 39.8999}).located == "outside"


def test_units_are_the_finest_that_have_land(session, keeper, scheme):
    grids.import_geojson(session, keeper, collection(feature("110101001003", "整", "community", None, square(8))))

    assert len(grids.index_of(session, scheme)) == 9
    assert grids.locate(session, keeper, scheme, {"lon": 116.4 + 8.5 * WIDE, "lat": 39.9 - HIGH / 2}).code == "110101001003"


# Checking


def test_check_finds_a_planted_gap_and_needs_the_right(session, keeper, make_actor, scheme):
    assert grids.check_division(session, keeper) == []

    grids.import_geojson(
        session, keeper, collection(feature(f"{COMMUNITY}001", "单元1", "unit_grid", f"{COMMUNITY}01", square(0, columns=0.5)))
    )

    (finding,) = grids.check_division(session, keeper)
    assert (finding.kind, finding.codes[0]) == (FindingKind.GAP, f"{COMMUNITY}01")
    with pytest.raises(Forbidden):
        grids.check_division(session, make_actor([GridRight.READ]))


def test_check_compares_loads(session, keeper, scheme):
    loads = {f"{COMMUNITY}00{n}": 10.0 for n in (1, 2, 3)} | {f"{COMMUNITY}004": 90.0}

    (finding,) = grids.check_division(session, keeper, loads=loads)

    assert (finding.kind, finding.codes) == (FindingKind.UNBALANCED_LOAD, (f"{COMMUNITY}004",))


def test_map_refuses_more_than_a_map_can_show(session, keeper, scheme, monkeypatch):
    monkeypatch.setattr("core.grid.service.mapping.MOST_ON_MAP", 7)

    with pytest.raises(Invalid) as refusal:
        grids.geojson(session, keeper, level="unit_grid")

    assert refusal.value.message.params == {"count": 8, "most": 7}


def test_map_from_afar_is_simpler_and_still_without_gaps(session, keeper):
    grids.create_scheme(
        session, keeper, key="district", title=land.SCHEME["title"], levels=land.SCHEME["levels"], origin=land.SCHEME["origin"]
    )
    upper = [one for one in land.feature_collection()["features"] if one["properties"]["level"] in {"district", "street"}]
    grids.import_geojson(session, keeper, collection(*upper))

    near = json.loads(grids.geojson(session, keeper, level="street"))["features"]
    far = json.loads(grids.geojson(session, keeper, level="street", box=(115.0, 39.0, 118.0, 41.0)))["features"]

    streets = [shape(one["geometry"]) for one in far]
    assert sum(shapely.get_num_coordinates(streets)) < 0.8 * sum(shapely.get_num_coordinates([shape(one["geometry"]) for one in near]))
    assert shapely.coverage_is_valid(streets)


@pytest.mark.parametrize("inner", [None, [None], [{"code": "110101001"}], [{"code": 7, "name": "x"}]])
def test_divisions_of_wrong_shape_are_refused(session, keeper, scheme, inner):
    with pytest.raises(Invalid) as refusal:
        grids.import_divisions(session, keeper, {"code": "110101", "name": "东城区", "streets": inner})

    assert refusal.value.errors[0].path.startswith("streets")
