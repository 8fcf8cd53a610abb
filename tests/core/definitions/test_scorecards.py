"""Scorecards and indicators as files: every mistake names file, line and field, in both languages."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

import core.definitions.kinds
import core.feedback.compiler
import core.scoring.compiler  # the kinds that the tests use
import core.workflow.compiler  # noqa: F401
import plugins.urban_mgmt
from core.definitions.check import check
from core.definitions.load import load_folder, load_text
from core.definitions.types import Loaded
from core.lib.text import LOCALES

FILES = Path(plugins.urban_mgmt.__file__).parent
WANTED = {"catalogue", "indicator", "role", "scorecard", "survey", "workflow"}


@cache
def installed():
    loaded = load_folder(FILES, origin="plugin:urban_mgmt@1", prefix="urban_mgmt", within="urban_mgmt/")
    return [document for document in loaded.documents if document.kind in WANTED]


def problems(kind, name, *changes):
    """Everything wrong in one installed file after texts in it were changed, beside all the others as they are."""
    text = (FILES / f"{kind}s" / f"{name}.yaml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    document = load_text(text, kind=kind, file=f"{kind}s/{name}.yaml")
    others = [one for one in installed() if (one.kind, one.key) != (kind, document.key)]
    found = check([Loaded("test", [document, *others])]).problems
    return [one for one in found if one.file == document.file]


def line_of(kind, name, sought, *changes):
    text = (FILES / f"{kind}s" / f"{name}.yaml").read_text("utf-8")
    for old, new in changes:
        text = text.replace(old, new, 1)
    return next(number for number, line in enumerate(text.splitlines(), 1) if sought in line)


def test_installed_files_have_no_problem():
    assert list(problems("scorecard", "area")) == []
    assert list(problems("scorecard", "department")) == []
    assert list(problems("indicator", "on_cases")) == []
    assert list(problems("indicator", "on_tasks")) == []


@pytest.mark.parametrize(
    ("name", "change", "path", "key"),
    [
        ("area", ("weight: 40", "weight: 39"), "lines", "scoring.weights_sum"),
        ("area", ("{up_to: 2, points: 90}", "{points: 90}"), "lines[1].points.steps[1]", "scoring.steps_hole"),
        ("area", ("{up_to: 4, points: 75}", "{up_to: 2, points: 75}"), "lines[1].points.steps[2].up_to", "scoring.steps_overlap"),
        ("area", ("{points: 0}]", "{up_to: 9, points: 0}]"), "lines[1].points.steps[5]", "scoring.steps_closed"),
        ("area", ("{up_to: 2, points: 90}", "{up_to: 2, from: 1, points: 90}"), "lines[1].points.steps[1]", "scoring.steps_mixed"),
        ("area", ("on_cases.closing_rate", "on_cases.closing_rat"), "lines[2].indicator", "scoring.unknown_name"),
        ("area", ("on_cases.closing_rate", "on_tales.closing_rate"), "lines[2].indicator", "definitions.unknown_reference"),
        ("area", ("key: closing,", "key: filed,"), "lines[2].key", "scoring.key_twice"),
        ("area", ("line: filed", "line: file"), "minimum_volume.line", "scoring.unknown_name"),
        ("area", ("grades: urban_mgmt.grades", "grades: urban_mgmt.marks"), "grades", "definitions.unknown_reference"),
        ("area", ("method: weighted", "method: composite"), "parts", "scoring.method_needs"),
        ("area", ("per_grid: unit_grid", "nature: good"), "lines[1].nature", "definitions.unknown_value"),
        ("area", ("points: {rate: 100}", "points: {rate: 100, value: 100}"), "lines[0].points", "scoring.one_way_of_points"),
        ("area", ("points: {rate: 100}", "points: {value: 100}"), "lines[0].points.value", "scoring.points_do_not_fit"),
        ("area", ("points: {rate: 100}", "points: {attainment: 100}"), "lines[0]", "scoring.attainment_needs_target"),
        ("department", ("kind: department", "kind: person"), "subjects.kinds", "scoring.not_of_subjects"),
        ("department", (", group_by: department_kind", ""), "lines[0].points.groups", "scoring.groups_without"),
        ("department", ("    weight: 10", "    weight: 10\n    per_grid: unit_grid"), "lines[0].per_grid", "scoring.not_of_subjects"),
        ("dispatcher", ("role: urban_mgmt.dispatcher", "role: urban_mgmt.despatcher"), "subjects.role", "scoring.unknown_name"),
        ("dispatcher", ("urban_mgmt.on_tasks.dispatched\n", "urban_mgmt.on_holdings.filed\n"), "lines[0].indicator", "scoring.wrong_grain"),
    ],
)
def test_mistake_in_a_card_names_its_field(name, change, path, key):
    found = problems("scorecard", name, change)
    at = [one for one in found if one.path == path]
    assert at, [(one.path, one.message.key) for one in found]
    assert key is None or key in {one.message.key for one in at}
    assert all(one.text(locale).startswith(f"scorecards/{name}.yaml:{one.line}:") for one in at for locale in LOCALES)
    assert all(one.text("en") != one.text("zh_CN") for one in at)


@pytest.mark.parametrize(
    ("name", "change", "path", "key"),
    [
        ("on_cases", ("at: owed", "at: ended"), "indicators.closing_rate.at", "scoring.unknown_name"),
        ("on_cases", ("numerator: is_filed", "numerator: was_filed"), "indicators.filing_rate.numerator", "scoring.unknown_name"),
        ("on_cases", ("counts.reworks > 0", "counts.rework > 0"), "indicators.rework_rate.numerator", "scoring.unknown_name"),
        ("on_cases", ('when: state == "void"', 'when: state == "voided"'), "exemptions.voided.when", "scoring.unknown_name"),
        ("on_cases", ("exempt: [sub_case]", "exempt: [sub_cases]"), "indicators.reported.exempt[0]", "scoring.unknown_name"),
        ("on_cases", ("numerator: is_filed", "numerator: is_filed and"), "indicators.filing_rate.numerator", None),
        ("on_cases", ("of: mean\n    value: seconds_to_close", "of: mean"), "indicators.hours_to_close", "scoring.indicator_needs"),
        ("on_cases", ("of: count\n    at: reported", "of: rate\n    at: reported"), "indicators.reported", "scoring.indicator_needs"),
        ("on_cases", ("person: [reporter]", "person: [report]"), "indicators.valid_report_rate.person[0]", "scoring.unknown_name"),
        (
            "on_cases",
            ("numerator: is_filed", "numerator: reported_on == today()"),
            "indicators.filing_rate.numerator",
            "scoring.rule_needs_today",
        ),
        (
            "on_cases",
            ("workflow: urban_mgmt.case", "workflow: urban_mgmt.case\nledger: urban_mgmt.component"),
            "ledger",
            "scoring.not_of_grain",
        ),
        ("on_holdings", ("limit: handle", "limit: handel"), "limit", "scoring.unknown_name"),
        ("on_holdings", ("times_held_again > 0", "times_held > 0"), "indicators.rework_rate.numerator", "scoring.unknown_name"),
        ("on_holdings", ("case.state in", "case.status in"), "indicators.closing_rate.numerator", "scoring.unknown_name"),
        ("on_answers", ('"urban_mgmt.residents"', '"urban_mgmt.resident"'), "indicators.residents.filter", "scoring.unknown_name"),
        ("on_tasks", ('limit == "verify"', 'limit == "verification"'), "indicators.verified_in_time_rate.filter", "scoring.unknown_name"),
        ("on_tasks", ('verb == "dispatch"}', 'verb == "despatch"}'), "indicators.dispatched.filter", "scoring.unknown_name"),
    ],
)
def test_mistake_in_indicators_names_its_field(name, change, path, key):
    found = problems("indicator", name, change)
    at = [one for one in found if one.path == path]
    assert at, [(one.path, one.message.key) for one in found]
    assert key is None or key in {one.message.key for one in at}
    assert all(one.text(locale) for one in at for locale in LOCALES)


def test_line_is_that_of_the_field():
    change = ("{up_to: 4, points: 75}", "{up_to: 2, points: 75}")
    (found,) = problems("scorecard", "area", change)
    assert line_of("scorecard", "area", "{up_to: 0, points: 100}", change) == found.line


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("from: 0,", "from: 5,"), "scoring.grades_hole"),
        (("from: 40,", "from: 60,"), "scoring.grades_overlap"),
        (("from: 40,", "from: 140,"), "scoring.grade_bound"),
    ],
)
def test_scale_with_a_hole_or_overlap_is_refused_where_a_card_names_it(change, key):
    text = (FILES / "catalogues" / "grades.yaml").read_text("utf-8").replace(*change, 1)
    grades = load_text(text, kind="catalogue", file="catalogues/grades.yaml")
    others = [one for one in installed() if one.key != grades.key or one.kind != "catalogue"]
    found = [one for one in check([Loaded("test", [grades, *others])]).problems if one.file.endswith("scorecards/area.yaml")]
    assert [("grades", key)] == [(one.path, one.message.key) for one in found]


def compiled(name, **changed):
    """Everything wrong in one of the cards of other domains, alone, after parts of it were changed."""
    path = Path(__file__).parent.parent / "scoring" / "definitions" / "scorecards" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    for place, value in changed.items():
        *steps, last = [int(step) if step.isdigit() else step for step in place.split("__")]
        inner = content
        for step in steps:
            inner = inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    text = yaml.safe_dump(content, allow_unicode=True)
    found = check([Loaded("test", [load_text(text, kind="scorecard", file=f"scorecards/{name}.yaml")])]).problems
    return {(one.path, one.message.key) for one in found}


@pytest.mark.parametrize(
    ("name", "changed", "problem"),
    [
        ("star", {"inspection__groups__1__points": 39}, ("inspection.groups", "scoring.groups_sum")),
        ("star", {"inspection__groups__1__items__0__points": 14}, ("inspection.groups[1].items", "scoring.items_sum")),
        ("star", {"inspection__groups__0__items__1__share": None}, ("inspection.groups[0].items[1]", "scoring.when_or_share")),
        ("star", {"inspection__veto__0__at_most": 50}, ("inspection.veto[0]", "scoring.result_or_at_most")),
        ("star", {"inspection__veto__0__when": "house.bad == true"}, ("inspection.veto[0].when", "scoring.unknown_name")),
        ("star", {"subjects": {"kind": "department"}}, ("inspection", "scoring.not_of_subjects")),
        ("star", {"subjects__ledger": None}, ("subjects", "scoring.subjects_need")),
        ("block", {"deduction__floor": 101}, ("deduction.start", "scoring.deduction_start")),
        ("block", {"deduction__times__1__when": "is_late"}, ("deduction.times[1]", "scoring.when_or_repeat")),
        ("block", {"deduction__times__1__repeat__same": ["colour"]}, ("deduction.times[1].repeat.same[0]", "scoring.unknown_name")),
        ("block", {"deduction__larger__level": "field"}, ("deduction.larger.level", "scoring.unknown_name")),
        ("block", {"minimum_volume": {"line": "a", "at_least": 1}}, ("minimum_volume", "scoring.method_without")),
        ("member", {"parts__0__weight": None}, ("parts[0].weight", "scoring.weight_or_rest")),
        ("member", {"parts__0__rest": True, "parts__0__weight": None}, ("parts[1].rest", "scoring.one_rest")),
        ("member", {"parts__0__by_team_role__vip": 101}, ("parts[0].by_team_role.vip", "definitions.too_large")),
        (
            "member",
            {"parts__1": {"key": "department", "scorecard": "grid_marketing.department", "weight": 30}},
            ("parts", "scoring.weights_sum"),
        ),
        ("member", {"parts__1__scorecard": "grid_marketing.member"}, ("parts[1].scorecard", "scoring.part_of_itself")),
        ("member", {"subjects__teams": None}, ("parts[0].by_team_role", "scoring.subjects_need")),
        ("team", {"lines__0__target": None}, ("lines[0]", "scoring.attainment_needs_target")),
        ("department", {"adjustments__between": [5, -5]}, ("adjustments.between", "scoring.bounds_reversed")),
    ],
)
def test_mistake_in_other_methods_names_its_field(name, changed, problem):
    found = compiled(name, **changed)
    if problem[1].startswith("definitions."):
        assert problem[0] in {path for path, _ in found}
    else:
        assert problem in found


def test_circle_of_composite_cards_is_refused():
    def card(key, part):
        other = {"key": "own", "scorecard": "urban_mgmt.area", "weight": 50}
        content = {
            "key": f"urban_mgmt.{key}",
            "title": {"zh_CN": key, "en": key},
            "subjects": {"kind": "grid", "levels": ["street"]},
            "periods": ["month"],
            "grades": "urban_mgmt.grades",
            "method": "composite",
            "parts": [other, {"key": "other", "scorecard": f"urban_mgmt.{part}", "weight": 50}],
        }
        return load_text(yaml.safe_dump(content, allow_unicode=True), kind="scorecard", file=f"scorecards/{key}.yaml")

    circle = [card("one", "two"), card("two", "three"), card("three", "one")]
    found = check([Loaded("test", [*circle, *installed()])]).problems
    told = {(one.file, one.path, one.message.key) for one in found if one.file.startswith("scorecards/")}
    assert {(f"scorecards/{name}.yaml", "parts[1].scorecard", "scoring.part_of_itself") for name in ("one", "two", "three")} == told
