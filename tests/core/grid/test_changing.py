"""Splits and merges: land, codes, children and history, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from shapely.geometry import shape
from sqlalchemy import func, select, text

from core.grid import service as grids
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service import Wanted
from core.grid.types import Part
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from tests.core.grid.conftest import COMMUNITY, HIGH, WIDE, collection, feature, square

FIRST, SECOND = f"{COMMUNITY}01", f"{COMMUNITY}02"


@pytest.fixture
def later(keeper):
    return replace(keeper, now=keeper.now + timedelta(days=30))


def halves(columns=(1, 1), start=0):
    return [Part("甲", square(start, columns=columns[0])), Part("乙", square(start + columns[0], columns=columns[1]))]


def locate(session, actor, scheme, column):
    return grids.locate(session, actor, scheme, {"lon": 116.4 + (column + 0.5) * WIDE, "lat": 39.9 - HIGH / 2})


def test_split_follows_the_land_and_moves_the_children(session, later, scheme):
    parts = grids.split(session, later, FIRST, halves(), reason="人口增加")

    assert [(part.code, part.name) for part in parts] == [(f"{COMMUNITY}03", "甲"), (f"{COMMUNITY}04", "乙")]
    assert [part.path for part in parts] == [f"squares.{COMMUNITY}.{COMMUNITY}03", f"squares.{COMMUNITY}.{COMMUNITY}04"]
    unit = grids.get(session, later, f"{COMMUNITY}002")
    session.refresh(unit)
    assert (unit.path, unit.parent_id) == (f"squares.{COMMUNITY}.{COMMUNITY}04.{COMMUNITY}002", parts[1].id)
    assert grids.check_division(session, later) == []
    assert locate(session, later, scheme, 1).path == unit.path


def test_split_retires_the_old_grid_and_keeps_its_history(session, later, scheme):
    parts = grids.split(session, later, FIRST, halves(), reason="人口增加")

    old = grids.get(session, later, FIRST, retired=True)
    session.refresh(old)
    assert (old.valid_to, old.retired_reason) == (later.now, "人口增加")
    assert [part.valid_from for part in parts] == [later.now, later.now]
    assert [(one.code, one.is_successor, one.kind) for one in grids.successions_of(session, old)] == [
        (f"{COMMUNITY}03", True, "split"),
        (f"{COMMUNITY}04", True, "split"),
    ]
    assert [(one.code, one.is_successor) for one in grids.successions_of(session, parts[0])] == [(FIRST, False)]
    assert [grid.code for grid in grids.list_grids(session, later, Wanted(retired=True), limit=9)] == [FIRST]
    assert FIRST not in [grid.code for grid in grids.list_grids(session, later, Wanted(level="grid"), limit=9)]


def test_split_of_a_unit_grid_changes_where_a_point_is(session, later, scheme):
    before = locate(session, later, scheme, 0)
    west = Part("西", square(0, columns=0.5))
    east = Part("东", square(0.5, columns=0.5), code=f"{COMMUNITY}099")

    grids.split(session, later, f"{COMMUNITY}001", [west, east], reason="新建道路")

    assert (before.code, locate(session, later, scheme, 0.2).code) == (f"{COMMUNITY}001", f"{COMMUNITY}099")
    assert locate(session, later, scheme, -0.3).code == f"{COMMUNITY}100"


def test_split_of_a_community_gives_its_grids_new_codes(session, later, scheme):
    west, east = halves((2, 2))

    made = grids.split(
        session, later, COMMUNITY, [replace(west, code="110101001003"), replace(east, code="110101001004")], reason="社区拆分"
    )

    assert [one.code for one in made] == ["110101001003", "110101001004"]
    assert locate(session, later, scheme, 2).path == "squares.110101001004.11010100100401.110101001004001"
    old = grids.get(session, later, f"{COMMUNITY}003", retired=True)
    session.refresh(old)
    assert old.valid_to == later.now
    assert [one.code for one in grids.successions_of(session, old)] == ["110101001004001"]
    assert grids.check_division(session, later) == []


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ([Part("甲", square(0))], "grid.split_needs_two"),
        ([Part("甲", square(0)), Part("乙", square(1, columns=0.5))], "grid.parts_gap"),
        ([Part("甲", square(0, columns=1.5)), Part("乙", square(1))], "grid.parts_overlap"),
        ([Part("甲", square(0)), Part("乙", square(1, columns=1.5))], "grid.parts_outside_parent"),
        ([Part("甲", square(0, columns=0.5)), Part("乙", square(0.5, columns=1.5))], "grid.child_between_parts"),
        ([Part("甲", square(0), code=SECOND), Part("乙", square(1))], "grid.code_taken"),
        ([Part("甲", square(0), code="1"), Part("乙", square(1))], "grid.bad_code_digits"),
    ],
)
def test_split_refuses_parts_that_do_not_tile_and_changes_nothing(session, later, scheme, parts, key):
    before = session.scalar(select(func.count()).select_from(Grid))

    with pytest.raises(Invalid) as refusal:
        grids.split(session, later, FIRST, parts, reason="x")

    assert refusal.value.message.key == key
    assert refusal.value.message.text("en")
    assert refusal.value.message.text("zh_CN")
    assert session.scalar(select(func.count()).select_from(Grid)) == before


def test_split_refuses_the_unknown_the_retired_and_the_unentitled(session, later, make_actor, scheme):
    with pytest.raises(NotFound):
        grids.split(session, later, "1", halves(), reason="x")
    with pytest.raises(Forbidden):
        grids.split(session, make_actor([GridRight.CHANGE], grid_path="squares.110101001002"), FIRST, halves(), reason="x")
    grids.split(session, later, FIRST, halves(), reason="x")
    with pytest.raises(Conflict):
        grids.split(session, later, FIRST, halves(), reason="x")
    with pytest.raises(Conflict):
        grids.get(session, later, FIRST)


def test_retired_code_never_comes_back(session, later, scheme):
    grids.split(session, later, FIRST, halves(), reason="x")

    with pytest.raises(Invalid) as refusal:
        grids.import_geojson(session, later, collection(feature(FIRST, "旧", "grid", COMMUNITY, square(0, columns=2))))
    assert refusal.value.errors[0].message.key == "grid.code_retired"
    merged = grids.merge(session, later, [f"{COMMUNITY}03", f"{COMMUNITY}04"], name="并", reason="x")
    assert merged.code == f"{COMMUNITY}05"


def test_merge_unites_land_and_children(session, later, scheme):
    merged = grids.merge(session, later, [FIRST, SECOND], name="合并网格", reason="力量不足")

    assert (merged.code, merged.path) == (f"{COMMUNITY}03", f"squares.{COMMUNITY}.{COMMUNITY}03")
    assert shape(merged.polygon).symmetric_difference(square(0, columns=4)).area < 1e-12
    assert [grid.code for grid in grids.children_of(session, later, merged.code, limit=9)] == [f"{COMMUNITY}00{n}" for n in range(1, 5)]
    assert [(one.code, one.kind) for one in grids.successions_of(session, merged)] == [(FIRST, "merge"), (SECOND, "merge")]
    assert grids.check_division(session, later) == []


def test_split_then_merge_gives_the_same_land_back(session, later, scheme):
    whole = shape(grids.get(session, later, FIRST).polygon)
    parts = grids.split(session, later, FIRST, halves(), reason="x")

    merged = grids.merge(session, later, [part.code for part in parts], name="一网格", reason="x")

    assert shape(merged.polygon).symmetric_difference(whole).area < 1e-14


@pytest.mark.parametrize(
    ("codes", "error", "key"),
    [
        ([FIRST], Invalid, "grid.merge_needs_two"),
        ([], Invalid, "grid.merge_needs_two"),
        ([FIRST, FIRST], Invalid, "grid.merge_needs_two"),
        ([FIRST, "11010100100201"], Invalid, "grid.merge_needs_siblings"),
        ([FIRST, f"{COMMUNITY}001"], Invalid, "grid.merge_needs_siblings"),
        ([FIRST, "1"], NotFound, "grid.no_grid"),
    ],
)
def test_merge_refuses_what_does_not_belong_together(session, later, scheme, codes, error, key):
    with pytest.raises(error) as refusal:
        grids.merge(session, later, codes, name="x", reason="x")

    assert refusal.value.message.key == key


def test_merge_refuses_grids_that_do_not_adjoin(session, later, scheme):
    grids.import_geojson(session, later, collection(feature(f"{COMMUNITY}03", "飞地", "grid", COMMUNITY, square(9))))

    with pytest.raises(Invalid) as refusal:
        grids.merge(session, later, [FIRST, f"{COMMUNITY}03"], name="x", reason="x")

    assert refusal.value.message.key == "grid.merge_apart"


def test_changes_are_on_the_audit_log(session, later, scheme):
    grids.split(session, later, FIRST, halves(), reason="x")

    entries = session.execute(text("SELECT action, subject, new FROM audit_entry ORDER BY id")).all()
    assert (entries[-1].action, entries[-1].subject) == ("grid:grid:split", f"grid:{FIRST}")
    assert entries[-1].new == {"codes": [f"{COMMUNITY}03", f"{COMMUNITY}04"]}


def test_grid_without_land_cannot_be_split_or_merged_with_one_that_has_it(session, later, scheme):
    grids.import_geojson(session, later, collection(feature(f"{COMMUNITY}03", "空", "grid", COMMUNITY, None)))

    with pytest.raises(Conflict) as split:
        grids.split(session, later, f"{COMMUNITY}03", halves(), reason="x")
    with pytest.raises(Conflict) as merge:
        grids.merge(session, later, [FIRST, f"{COMMUNITY}03"], name="x", reason="x")

    assert {split.value.message.key, merge.value.message.key} == {"grid.no_land"}


def test_grids_without_land_merge_by_name_alone(session, later, scheme):
    empty = [feature(f"{COMMUNITY}0{number}", "空", "grid", COMMUNITY, None) for number in (3, 4)]
    grids.import_geojson(session, later, collection(*empty))

    merged = grids.merge(session, later, [f"{COMMUNITY}03", f"{COMMUNITY}04"], name="并", reason="x")

    assert (merged.code, merged.polygon) == (f"{COMMUNITY}05", None)


def test_split_with_a_child_without_land_is_refused(session, later, scheme):
    grids.import_geojson(session, later, collection(feature(f"{COMMUNITY}009", "空", "unit_grid", FIRST, None)))

    with pytest.raises(Invalid) as refusal:
        grids.split(session, later, FIRST, halves(), reason="x")

    assert refusal.value.message.key == "grid.child_between_parts"


def test_level_without_code_layout_needs_a_code(session, later):
    levels = [{"key": "area", "title": {"zh_CN": "片", "en": "Area"}}]
    grids.create_scheme(session, later, key="free", title={"zh_CN": "片"}, levels=levels, origin=(116.4, 39.9))
    grids.import_geojson(
        session, later, collection(feature("a", "甲", "area", None, square(0)), feature("b", "乙", "area", None, square(1)))
    )

    with pytest.raises(Invalid) as refusal:
        grids.merge(session, later, ["a", "b"], name="x", reason="x")

    assert refusal.value.message.key == "grid.code_needed"
    assert grids.merge(session, later, ["a", "b"], name="x", reason="x", code="c").path == "free.c"
