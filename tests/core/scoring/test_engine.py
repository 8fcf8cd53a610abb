"""Scoring against numbers worked by hand, with the cards and tables that are installed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import plugins.urban_mgmt
from core.definitions.kinds.catalogue import compile_catalogue
from core.lib.errors import Invalid
from core.scoring.cards import compile_scorecard
from core.scoring.compiler import compile_indicators
from core.scoring.definition import CardPart, bound
from core.scoring.engine import compose, deduct, inspect, ranked, score, sheets_of, shown, weighed
from core.scoring.scales import scale_of
from core.scoring.types import Adjustment, LineScore, Score, Value

FILES = Path(plugins.urban_mgmt.__file__).parent
OTHERS = Path(__file__).parent / "definitions"


def read(folder, name):
    return yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8"))


SCALE = scale_of(compile_catalogue(read(FILES, "catalogues/grades")))
INDICATORS = {
    one.key: one
    for path in sorted((FILES / "indicators").glob("*.yaml"))
    for one in compile_indicators(yaml.safe_load(path.read_text("utf-8"))).indicators.values()
}


@cache
def card(name):
    return bound(compile_scorecard(read(FILES, f"scorecards/{name}")), INDICATORS)


def rate(counted, base):
    return Value(counted, base)


def count(number, per=None):
    return Value(number, number, per=per)


def result(name, values, **more):
    made = score(card(name), SCALE, values, **more)
    return (made.score, made.grade)


# -- tables and grades --------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "points"), [(0, 100), (50, 100), (51, 90), (100, 90), ("100.0001", 75), (200, 75), (500, 60), (1000, 40), (1001, 0)]
)
def test_table_of_departments_is_half_open(value, points):
    assert points == card("department").lines[0].points.steps.points_at(Fraction(str(value)))


@pytest.mark.parametrize(("value", "points"), [(0, 100), ("0.3", 90), (2, 90), ("2.5", 75), (4, 75), (6, 60), (8, 40), ("8.01", 0)])
def test_table_of_grids_is_half_open(value, points):
    line = next(line for line in card("area").lines if line.key == "filed")
    assert points == line.points.steps.points_at(Fraction(str(value)))


@pytest.mark.parametrize(("value", "points"), [(0, 0), (100, 0), (101, 40), (300, 40), (500, 60), (1200, 75), (2000, 90), (2001, 100)])
def test_table_of_posts_gives_more_for_more(value, points):
    assert points == card("dispatcher").lines[0].points.steps.points_at(Fraction(value))


@pytest.mark.parametrize(
    ("reached", "grade"),
    [("100", "a"), ("90", "a"), ("89.995", "a"), ("89.994", "b"), ("75", "b"), ("60", "c"), ("40", "d"), ("39.99", "e"), ("0", "e")],
)
def test_grade_is_of_the_score_as_shown(reached, grade):
    assert grade == SCALE.grade_of(shown(Fraction(reached))).code


@given(st.decimals(0, 100, places=4))
def test_every_score_has_exactly_one_grade(reached):
    bounds = [grade.least for grade in SCALE.grades]
    fitting = [low for low, high in zip(bounds, [Decimal(101), *bounds], strict=False) if low <= reached < high]
    assert [SCALE.grade_of(reached).least] == fitting


@given(st.fractions(-10, 3000))
def test_every_number_has_exactly_one_step(value):
    for name in ("department", "area", "dispatcher", "acceptor"):
        for line in card(name).lines:
            for table in (one for one in (line.points.steps, *line.points.groups.values()) if one is not None):
                uppers = [step.bound for step in table.steps]
                lowers = [None, *uppers]
                fitting = [
                    step.points
                    for step, low in zip(table.steps, lowers, strict=False)
                    if (low is None or value > low) and (step.bound is None or value <= step.bound)
                ]
                assert [table.points_at(value)] == fitting


BOUNDS = st.lists(st.none() | st.integers(-3, 12), min_size=1, max_size=5)


def sheet_of(steps):
    line = {"key": "one", "indicator": "a.b.c", "weight": 100, "points": {"steps": steps}}
    head = {
        "key": "a.card",
        "title": {"zh_CN": "甲", "en": "A"},
        "subjects": {"kind": "agency"},
        "periods": ["month"],
        "grades": "a.grades",
    }
    return compile_scorecard({**head, "method": "weighted", "lines": [line]})


@given(BOUNDS, st.booleans(), st.fractions(-5, 15))
def test_table_is_accepted_just_when_every_number_has_one_step(bounds, from_below, value):
    """However a table is written: rising strictly, open at exactly one end, or refused."""
    name = "from" if from_below and any(bound is not None for bound in bounds) else "up_to"
    steps = [{"points": number} if bound is None else {name: bound, "points": number} for number, bound in enumerate(bounds)]
    closed = bounds[1:] if name == "from" else bounds[:-1]
    opened = bounds[0] if name == "from" else bounds[-1]
    is_sound = opened is None and None not in closed and all(one < other for one, other in pairwise(closed))
    try:
        table = sheet_of(steps).lines[0].points.steps
    except Invalid:
        assert not is_sound
        return
    assert is_sound
    lows, highs = [None, *closed], [*closed, None]
    fitting = [
        number
        for number, (low, high) in enumerate(zip(lows, highs, strict=True))
        if (low is None or (value > low if name == "up_to" else value >= low))
        and (high is None or (value <= high if name == "up_to" else value < high))
    ]
    assert [table.points_at(value)] == fitting


@given(st.lists(st.integers(1, 99), min_size=1, max_size=6))
def test_weights_are_accepted_just_when_they_make_100(weights):
    lines = [{"key": f"k{n}", "indicator": "a.b.c", "weight": weight, "points": {"rate": 100}} for n, weight in enumerate(weights)]
    head = {
        "key": "a.card",
        "title": {"zh_CN": "甲", "en": "A"},
        "subjects": {"kind": "agency"},
        "periods": ["month"],
        "grades": "a.grades",
    }
    rest = 100 - sum(weights)
    if rest > 0:
        assert (
            sum(
                line.weight
                for line in compile_scorecard(
                    {**head, "method": "weighted", "lines": [*lines, {**lines[0], "key": "rest", "weight": rest}]}
                ).lines
            )
            == 100
        )
    if rest != 0:
        with pytest.raises(Invalid):
            compile_scorecard({**head, "method": "weighted", "lines": lines})


@given(st.fractions(-1000, 1000))
def test_shown_rounds_half_up_and_once(number):
    rounded = Fraction(shown(number))
    assert abs(rounded - number) <= Fraction(1, 200)
    if abs(rounded - number) == Fraction(1, 200):
        assert abs(rounded) > abs(number)


# -- the field's cards, by hand -------------------------------------------------


def department(closed, in_time, again, base):
    return {"filed": count(60), "closing": rate(closed, base), "in_time": rate(in_time, base), "rework": rate(again, base)}


def test_department_by_hand():
    # given 60 → 90 × 10 %; closed 48/50 = 96 × 30 %; in time 45/50 = 90 × 30 %; again 2/50 → 96 × 30 %: 9 + 28.8 + 27 + 28.8
    assert (Decimal("93.60"), "a") == result("department", department(48, 45, 2, 50))


def test_one_more_late_takes_what_one_case_weighs():
    # 30 % × 100 ÷ 50 = 0.60
    assert (Decimal("93.00"), "a") == result("department", department(48, 44, 2, 50))


def test_granted_appeal_leaves_both_parts_of_the_rate():
    # 9 + 47/49 × 30 + 44/49 × 30 + 47/49 × 30 = 9 + 28.7755 + 26.9388 + 28.7755
    assert (Decimal("93.49"), "a") == result("department", department(47, 44, 2, 49))


def test_group_has_a_table_of_its_own():
    # A street office with 60 filed has 100 points for them, others 90: one more point of the whole.
    assert (Decimal("94.60"), "a") == result("department", department(48, 45, 2, 50), group="street_office")


def grid(in_time, base=2, closed=2):
    return {"filed": count(2, per=1), "public_reports": rate(1, 2), "closing": rate(closed, base), "in_time": rate(in_time, base)}


def test_unit_grid_by_hand():
    # filed 2 → 90 × 20 %; public 1/2 → 50 × 10 %; closed 2/2 → 30; in time 1/2 → 20
    assert (Decimal("73.00"), "c") == result("area", grid(1))
    assert (Decimal("93.00"), "a") == result("area", grid(2))
    assert (Decimal("93.00"), "a") == result("area", grid(1, base=1, closed=1))


def test_larger_area_is_scored_on_its_number_by_unit_grid():
    # 10 filed in 4 unit grids is 2.5 each → 75 points, as the table says of one grid with up to 4.
    made = score(card("area"), SCALE, {"filed": count(10, per=4)})
    line = made.line("filed")
    assert (Fraction(5, 2), 75, 4) == (line.value, line.points, line.per)


def test_line_without_a_denominator_gives_its_weight_to_the_others():
    # Nothing filed: of the four only the number filed has anything to say.
    made = score(card("area"), SCALE, {"filed": count(0, per=1)})
    assert (Decimal("100.00"), "a", False) == (made.score, made.grade, made.is_ranked)
    assert [100] == [line.effective for line in made.lines if line.effective]
    # public 0/3 → 100 × 10, filed 3 → 75 × 20, nothing owed: (1000 + 1500) ÷ 30
    made = score(card("area"), SCALE, {"public_reports": rate(0, 3), "filed": count(3, per=1)})
    assert (Decimal("83.33"), "b") == (made.score, made.grade)
    assert ["33.33", "66.67", "0.00", "0.00"] == [str(shown(line.effective)) for line in made.lines]
    assert ["closing", "in_time"] == [line.key for line in made.lines if line.is_empty]


def test_inspector_by_hand():
    # (90 × 40 + 100 × 20 + 75 × 20) ÷ 80: nothing was given to verify
    values = {"valid": rate(9, 10), "missed": rate(0, 9), "verified": rate(0, 0), "checked": rate(3, 4)}
    assert (Decimal("88.75"), "b") == result("inspector", values)


def test_dispatcher_by_hand():
    # 120 → 40 × 20 %; 114/120 = 95 × 40 %; 117/120 = 97.5 × 40 %: 8 + 38 + 39
    assert (Decimal("85.00"), "b") == result("dispatcher", {"dispatched": count(120), "in_time": rate(114, 120), "rightly": rate(117, 120)})


def test_thirds_are_not_rounded_between():
    # Three thirds of 30 % each are 30 exactly, whatever 33.33 would add up to.
    values = {"closing": rate(1, 3), "in_time": rate(1, 3), "rework": rate(2, 3)}
    assert Decimal("33.33") == score(card("department"), SCALE, values | {"filed": count(0)}).line("closing").points.limit_denominator(
        10**6
    ).__round__(2)
    assert (Decimal("40.00"), "d") == result("department", values | {"filed": count(0)})


def test_too_little_is_scored_and_not_ranked():
    values = department(48, 45, 2, 50)
    assert score(card("department"), SCALE, values).is_ranked
    few = score(card("department"), SCALE, values | {"filed": count(9)})
    assert (False, 9) == (few.is_ranked, few.volume)
    assert few.score is not None


def test_nothing_at_all_has_neither_score_nor_grade():
    made = score(card("inspector"), SCALE, {})
    assert (None, None, False) == (made.score, made.grade, made.is_ranked)
    assert [0, 0, 0, 0] == [line.effective for line in made.lines]


def test_places_are_shared_by_equals():
    def at(number, *, is_ranked=True):
        return Score(None if number is None else Decimal(number), "a", is_ranked=is_ranked)

    assert [2, 1, 2, 4, None, None] == ranked([at("90"), at("95"), at("90"), at("80"), at("99", is_ranked=False), at(None)])


# -- identities -------------------------------------------------------------------

LINES = st.lists(st.tuples(st.fractions(Fraction(1, 10), 100), st.none() | st.fractions(0, 100)), min_size=1, max_size=8)


@given(LINES)
def test_effective_weights_make_100_and_the_score_stays_within(lines):
    made = weighed(LineScore(str(index), 0, 0, 0, points, points, weight, Fraction(0)) for index, (weight, points) in enumerate(lines))
    judged = [line for line in made if line.points is not None]
    assert sum(line.effective for line in made) == (100 if judged else 0)
    assert all(line.effective == 0 for line in made if line.points is None)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 9)), min_size=4, max_size=4), st.permutations(range(4)))
def test_order_of_lines_does_not_matter_and_scores_lie_between_0_and_100(given_values, order):
    whole = card("area")
    values = {
        line.key: Value(min(one, two), two, total=Fraction(0), per=more + 1)
        for line, (one, two, more) in zip(whole.lines, given_values, strict=True)
    }
    made = score(whole, SCALE, values)
    mixed = score(replace(whole, lines=tuple(whole.lines[index] for index in order)), SCALE, values)
    assert made.score == mixed.score
    assert made.score is None or 0 <= made.score <= 100
    assert {line.key: line.effective for line in made.lines} == {line.key: line.effective for line in mixed.lines}


# -- composite --------------------------------------------------------------------

INNER = CardPart("inner", None, "a", Fraction(70))
OUTER = CardPart("outer", None, "b", Fraction(30))


def of(number, *, is_ranked=True):
    return Score(Decimal(number), "a", is_ranked=is_ranked)


def test_composite_by_hand():
    whole = replace(card("area"), method="composite", lines=(), parts=(INNER, OUTER), volume_line=None)
    made = compose(whole, SCALE, {"inner": of("93.60"), "outer": of("80")})
    assert (Decimal("89.52"), "b") == (made.score, made.grade)
    alone = compose(whole, SCALE, {"inner": of("93.60"), "outer": None})
    assert (Decimal("93.60"), "a") == (alone.score, alone.grade)
    assert [100, 0] == [line.effective for line in alone.lines]
    assert None is compose(whole, SCALE, {}).score
    little = compose(whole, SCALE, {"inner": of("93.60"), "outer": of("80", is_ranked=False)})
    assert (False, ("outer",)) == (little.is_ranked, little.small)
    assert (True, ()) == (made.is_ranked, made.small)


def test_share_of_two_bodies_goes_by_the_role_in_the_team():
    made = compile_scorecard(read(OTHERS, "scorecards/member"))
    scores = {"team": of("100"), "department": of("50")}
    # marketing 80/20: 80 + 10; a role without a share of its own 60/40: 60 + 20
    assert Decimal("90.00") == compose(made, SCALE, scores, role="marketing").score
    assert Decimal("80.00") == compose(made, SCALE, scores, role="another").score


# -- deduction, inspection, target, adjustments --------------------------------------


def sheet():
    return compile_scorecard(read(OTHERS, "scorecards/block"))


def test_deduction_by_hand():
    # 店外经营 1, again 1 × 2, 自发市场 5 late × 2: 13 taken
    made = deduct(sheet(), SCALE, {"stall": (2, Fraction(3)), "market": (1, Fraction(10))})
    assert (Decimal("87.00"), 3) == (made.score, made.volume)
    assert 13 == sum(taking.taken for taking in made.takings)


def test_deduction_stops_at_the_limit_of_a_class_and_at_the_floor():
    made = deduct(sheet(), SCALE, {"market": (4, Fraction(40)), "stall": (1, Fraction(1))})
    assert Decimal("79.00") == made.score
    assert [Fraction(20), Fraction(1)] == [taking.taken for taking in made.takings]
    classes = {str(number): (9, Fraction(20)) for number in range(6)}
    assert Decimal("0.00") == deduct(sheet(), SCALE, classes).score


def test_veto_sets_the_result_whatever_else_was_found():
    made = deduct(sheet(), SCALE, {"stall": (1, Fraction(1))}, vetoes=["serious"])
    assert (Decimal("0.00"), ("serious",)) == (made.score, made.vetoes)


def test_sheet_of_an_area_is_the_mean_of_its_blocks():
    parts = [deduct(sheet(), SCALE, {"stall": (1, Fraction(points))}) for points in (0, 5, 13)]
    assert Decimal("94.00") == sheets_of(sheet(), SCALE, parts).score
    assert None is sheets_of(sheet(), SCALE, []).score


HOUSE = {
    "is_filed": True, "tenants": 4, "tenants_registered": 3, "extinguishers": 2, "floors": 2, "escape_route": True,
    "bikes_inside": False, "access_control": True, "cameras": 1, "exits": 2, "letter_signed": True, "serious_case": False,
}  # fmt: skip


def stars(**changed):
    return inspect(compile_scorecard(read(OTHERS, "scorecards/star")), SCALE, HOUSE | changed)


def test_inspection_by_hand():
    # 5 + 15 × 3/4; 40; 10 of 20, the cameras are too few; 20
    made = stars()
    assert Decimal("86.25") == made.score
    assert [Fraction("16.25"), 40, 10, 20] == [line.value for line in made.lines]
    assert Decimal("100.00") == stars(tenants_registered=9, cameras=2).score


def test_inspection_vetoes_cap_and_set():
    # Without an escape route 71.25 remain, which the cap of 79 leaves alone; with all else perfect 85 are capped.
    assert Decimal("71.25") == stars(escape_route=False).score
    assert Decimal("79.00") == stars(escape_route=False, tenants_registered=4, cameras=2).score
    assert (Decimal("0.00"), ("case",)) == (stars(serious_case=True).score, stars(serious_case=True).vetoes)


def test_target_is_attained_up_to_a_limit():
    team = compile_scorecard(read(OTHERS, "scorecards/team"))
    team = replace(team, lines=tuple(replace(line, of="sum" if line.key == "revenue" else "rate") for line in team.lines))
    values = {"churn": rate(1, 2), "visits": rate(1, 1)}

    def reached(total, target):
        made = score(team, SCALE, values | {"revenue": Value(1, 1, total=Fraction(total), target=target)})
        return made.line("revenue").points

    assert 80 == reached(400, Fraction(500))
    assert 120 == reached(900, Fraction(500))
    assert None is reached(900, None)
    assert None is reached(900, Fraction(0))


def test_mixed_card_takes_decided_points_within_bounds():
    mixed = compile_scorecard(read(OTHERS, "scorecards/department"))
    kinds = {"quantity": "count", "satisfaction": "mean"}
    mixed = replace(mixed, lines=tuple(replace(line, of=kinds.get(line.key, "rate")) for line in mixed.lines))
    values = {"quantity": count(60), "timeliness": rate(9, 10), "quality": rate(8, 10), "satisfaction": Value(2, 2, total=Fraction(160))}
    # 100 × 20 % + 90 × 30 % + 80 × 25 % + 80 × 25 %
    assert Decimal("87.00") == score(mixed, SCALE, values).score
    praise = [Adjustment("市级表彰", Fraction(3)), Adjustment("通报批评", Fraction(-1))]
    assert Decimal("89.00") == score(mixed, SCALE, values, adjustments=praise).score
    assert Decimal("92.00") == score(mixed, SCALE, values, adjustments=[Adjustment("表彰", Fraction(40))]).score
