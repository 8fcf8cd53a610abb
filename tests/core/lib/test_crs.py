"""The shifts agree with the measured table, and the way back ends where it began."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lib.crs import Crs, convert, convert_many, parse_crs
from core.lib.errors import Invalid
from core.lib.geo import distance_m

# practice.md 3.1: offsets measured with gcoord 1.0.7 (degrees), metres to GCJ-02 and to BD-09.
MEASURED = [
    ("Tian'anmen", 116.39129, 39.90733, 0.00624, 0.00140, 555, 1380),
    ("Shanghai", 121.4737, 31.2304, 0.00452, -0.00194, 482, 1141),
]

china_lon = st.floats(73.5, 135.0)
china_lat = st.floats(18.0, 53.5)


@pytest.mark.parametrize(("place", "lon", "lat", "d_lon", "d_lat", "metres", "metres_bd"), MEASURED)
def test_gcj02_offset_equals_measured_table(place, lon, lat, d_lon, d_lat, metres, metres_bd):
    shifted = convert(lon, lat, "wgs84", "gcj02")

    assert (d_lon, d_lat) == (pytest.approx(shifted[0] - lon, abs=6e-6), pytest.approx(shifted[1] - lat, abs=6e-6))
    assert metres == pytest.approx(distance_m(lon, lat, *shifted), rel=0.003)
    assert metres_bd == pytest.approx(distance_m(lon, lat, *convert(lon, lat, "wgs84", "bd09")), rel=0.003)


@pytest.mark.parametrize("crs", [Crs.GCJ02, Crs.BD09])
@given(lon=china_lon, lat=china_lat)
def test_round_trip_returns_within_promise(crs, lon, lat):
    there = convert(lon, lat, Crs.WGS84, crs)

    back = convert(*there, crs, Crs.WGS84)

    assert abs(back[0] - lon) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@given(lon=china_lon, lat=china_lat)
def test_bd09_by_way_of_gcj02_equals_direct(lon, lat):
    direct = convert(lon, lat, "bd09", "wgs84")

    assert direct == pytest.approx(convert(*convert(lon, lat, "bd09", "gcj02"), "gcj02", "wgs84"), abs=1e-9)


def test_many_equal_one_by_one():
    random = np.random.default_rng(7)
    lon, lat = random.uniform(74, 134, 200), random.uniform(18, 53, 200)

    lons, lats = convert_many(lon, lat, "bd09", "gcj02")

    assert [convert(x, y, "bd09", "gcj02") for x, y in zip(lon, lat, strict=True)] == [
        pytest.approx(pair, abs=1e-11) for pair in zip(lons.tolist(), lats.tolist(), strict=True)
    ]


def test_many_leaves_its_input_alone():
    lon, lat = np.array([116.4, 121.5]), np.array([39.9, 31.2])

    convert_many(lon, lat, "wgs84", "gcj02")

    assert lon.tolist() == [116.4, 121.5]
    assert lat.tolist() == [39.9, 31.2]


@pytest.mark.parametrize(("lon", "lat"), [(-0.1276, 51.5072), (151.2, -33.9), (-122.4, 37.8)])
def test_outside_china_nothing_moves(lon, lat):
    assert (lon, lat) == convert(lon, lat, "wgs84", "gcj02")
    assert (lon, lat) == convert(lon, lat, "gcj02", "wgs84")


def test_cgcs2000_is_taken_as_wgs84():
    assert convert(116.4, 39.9, "CGCS2000", "wgs84") == (116.4, 39.9)
    assert convert(116.4, 39.9, "wgs84", "gcj02") == convert(116.4, 39.9, "cgcs2000", "gcj02")


def test_not_a_number_stays_itself_and_harms_no_neighbour():
    lons, lats = convert_many([np.nan, 116.39129], [39.9, 39.90733], "gcj02", "wgs84")

    assert np.isnan(lons[0])
    assert (lons[1], lats[1]) == pytest.approx(convert(116.39129, 39.90733, "gcj02"), abs=1e-12)


@pytest.mark.parametrize("name", ["", "mercator", "wgs 84", "EPSG:4326", None])
def test_unknown_system_is_refused_by_name(name):
    with pytest.raises(Invalid) as refusal:
        parse_crs(name)

    assert "wgs84, cgcs2000, gcj02, bd09" in refusal.value.message.text("en")


@pytest.mark.parametrize(("name", "crs"), [("GCJ-02", Crs.GCJ02), (" bd-09 ", Crs.BD09), ("WGS84", Crs.WGS84)])
def test_spelling_of_a_known_system_is_forgiven(name, crs):
    assert crs is parse_crs(name)
