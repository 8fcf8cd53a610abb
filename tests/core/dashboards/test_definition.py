"""Dashboards as definitions: each mistake is told with its line and field, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from core.dashboards.compiler import compile_dashboard
from core.dashboards.definition import Alarm
from core.definitions.check import check
from core.definitions.installed import check_installed, import_compilers
from core.definitions.load import load_text
from core.definitions.types import Document, Loaded, Problem
from core.lib.text import LOCALES

import_compilers()
INDICATORS = """key: demo.on_cases
title: {zh_CN: 案件, en: Cases}
grain: case
indicators:
  filed: {title: {zh_CN: 立案数, en: Filed}, of: count, at: filed}
  closing_rate: {title: {zh_CN: 结案率, en: Closed}, of: rate, at: filed, numerator: is_done}
"""
GRADES = """key: demo.grades
title: {zh_CN: 等级, en: Grades}
items: [{code: a, title: {zh_CN: 优, en: A}, data: {from: 0, colour: green}}]
"""
CARD = """key: demo.area
title: {zh_CN: 区域, en: Areas}
subjects: {kind: grid, levels: [street, unit_grid]}
periods: [month]
grades: demo.grades
method: weighted
lines: [{key: closing, indicator: demo.on_cases.closing_rate, weight: 100, points: {rate: 100}}]
"""
PEOPLE = CARD.replace("demo.area", "demo.people").replace("{kind: grid, levels: [street, unit_grid]}", "{kind: person}")
GOOD = """key: demo.board
title: {zh_CN: 看板, en: Board}
period: month
tiles:
  - {key: filed, kind: count, indicator: demo.on_cases.filed, compare: previous, alarm: {above: 3}}
  - {key: closed, kind: rate, indicator: demo.on_cases.closing_rate, period: today}
  - {key: trend, kind: trend, width: 2, series: [demo.on_cases.filed, demo.on_cases.closing_rate], step: week}
  - {key: classes, kind: ranking, indicator: demo.on_cases.filed, by: class, most: 5}
  - {key: streets, kind: ranking, scorecard: demo.area, level: street}
  - {key: people, kind: ranking, scorecard: demo.people}
  - {key: heat, kind: heat, indicator: demo.on_cases.filed, level: unit_grid}
"""


def problems(text: str) -> list[Problem]:
    files = {"dashboard": text, "indicator": INDICATORS, "catalogue": GRADES, "scorecard": CARD}
    documents: list[Document] = []
    for kind, content in (*files.items(), ("scorecard", PEOPLE)):
        name = yaml.safe_load(content)["key"].partition(".")[2]
        found = load_text(content, kind=kind, file=f"{kind}s/{name}.yaml")
        assert isinstance(found, Document)
        documents.append(found)
    return list(check([Loaded("test", documents)]).problems)


def test_good_dashboard_has_no_problem() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "line", "path", "key"),
    [
        ("kind: count, indicator: demo.on_cases.filed, ", "kind: count, ", 5, "tiles[0]", "tile_needs"),
        ("compare: previous", "by: class", 5, "tiles[0].by", "tile_without"),
        ("key: closed", "key: filed", 6, "tiles[1].key", "key_twice"),
        ("kind: rate, indicator: demo.on_cases.closing_rate", "kind: rate, indicator: demo.on_cases.filed", 6, "tiles[1].indicator", "number_does_not_fit"),
        ("demo.on_cases.filed, demo", "demo.on_cases.field, demo", 7, "tiles[2].series[0]", "unknown_indicator"),
        ("series: [demo.on_cases.filed, demo.on_cases.closing_rate], ", "", 7, "tiles[2]", "tile_needs"),
        ("by: class, ", "", 8, "tiles[3]", "tile_needs"),
        ("by: class, ", "by: grid, ", 8, "tiles[3]", "level_of_grids"),
        ("scorecard: demo.area, level: street", "scorecard: demo.area, level: street, indicator: demo.on_cases.filed", 9, "tiles[4]", "indicator_or_scorecard"),
        ("scorecard: demo.area, level: street", "scorecard: demo.area, by: class", 9, "tiles[4].by", "by_of_indicator"),
        ("scorecard: demo.area, level: street", "scorecard: demo.area, level: community", 9, "tiles[4]", "level_of_card"),
        ("scorecard: demo.area, level: street", "scorecard: demo.area", 9, "tiles[4]", "level_of_card"),
        ("scorecard: demo.people", "scorecard: demo.people, level: street", 10, "tiles[5].level", "card_without_levels"),
        (", level: unit_grid}", "}", 11, "tiles[6]", "tile_needs"),
    ],
)  # fmt: skip
def test_mistake_names_line_and_field(before: str, after: str, line: int, path: str, key: str) -> None:
    assert before in GOOD
    found = [one for one in problems(GOOD.replace(before, after, 1)) if one.message.key == f"dashboards.{key}"]
    assert [(line, path)] == [(one.line, one.path) for one in found]
    assert found[0].text("zh_CN") != found[0].text("en")


def test_missing_scorecard_is_named_where_it_is_asked_for() -> None:
    (found,) = problems(GOOD.replace("scorecard: demo.area", "scorecard: demo.land", 1))
    assert (found.line, found.path) == (9, "tiles[4].scorecard")
    assert all("demo.land" in found.text(locale) for locale in LOCALES)


def test_tile_takes_the_period_of_its_dashboard_unless_it_has_its_own() -> None:
    board: Any = compile_dashboard(yaml.safe_load(GOOD))
    assert [tile.period for tile in board.tiles] == ["month", "today", *["month"] * 5]
    assert board.tiles[2].indicators == ("demo.on_cases.filed", "demo.on_cases.closing_rate")


@pytest.mark.parametrize(("value", "rings"), [(None, False), (3.0, False), (3.1, True), (-1.0, False), (-1.1, True)])
def test_alarm_rings_beyond_its_bounds_only(value: float | None, rings: bool) -> None:
    assert Alarm(above=3, below=-1).rings(value) is rings


def test_installed_dashboards_are_sound() -> None:
    outcome = check_installed()
    assert "urban_mgmt.supervision" in {one.key for one in outcome.prepared if one.kind == "dashboard"}
    assert [str(one) for one in outcome.problems if "dashboard" in one.file] == []
