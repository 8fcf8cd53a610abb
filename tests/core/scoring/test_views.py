"""Scores over HTTP: a board, a subject, and the list behind a number that adds up to it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.facts.service import catch_up
from core.lib import clock
from core.scoring.periods import containing
from tests.journeys import walking
from tests.journeys.town import Town

MONTH = containing("month", clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()).text


@pytest.fixture(scope="module")
def cases(town: Town) -> dict[str, str]:
    """Three cases: one closed, one in hand, one called in by a citizen."""
    found = {"closed": walking.closed(town, walking.handling(town)), "held": walking.handling(town)}
    found["called"] = walking.called(town)
    catch_up(town.database, town.agency_id, now=clock.now())
    return found


def get(town: Town, who: str, path: str, status: int = 200, **query: Any) -> Any:
    answer = town.as_(who).get(path, query_string=query)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def test_evaluator_sees_every_card_and_dispatcher_own(town: Town) -> None:
    every = {one["key"] for one in get(town, "evaluator", "/scorecards")["items"]}
    assert {"urban_mgmt.area", "urban_mgmt.department", "urban_mgmt.inspector", "urban_mgmt.dispatcher"} <= every
    assert [one["key"] for one in get(town, "dispatcher", "/scorecards")["items"]] == ["urban_mgmt.dispatcher"]


def test_card_tells_its_weights_tables_and_grades(town: Town) -> None:
    card = get(town, "evaluator", "/scorecards/urban_mgmt.area")
    assert [(line["key"], line["weight"]) for line in card["lines"]] == [
        ("public_reports", 10),
        ("filed", 20),
        ("closing", 30),
        ("in_time", 40),
    ]
    assert card["lines"][1]["steps"][0] == {"from": None, "up_to": 0.0, "points": 100.0}
    assert card["lines"][1]["steps"][-1] == {"from": None, "up_to": None, "points": 0.0}
    assert next((grade["key"], grade["from"], grade["colour"]) for grade in card["grades"]) == ("a", 90, "green")
    assert card["levels"][0]["key"] == "district"


def test_board_opens_with_the_largest_areas_and_goes_down(town: Town, cases: dict[str, str]) -> None:
    board = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH)
    (district,) = [row for row in board["items"] if row["subject"]["level"] == "district"]
    below = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH, below=district["subject"]["key"])
    assert {row["subject"]["level"] for row in below["items"]} == {"street"}
    assert {row["subject"]["parent"] for row in below["items"]} == {district["subject"]["key"]}
    whole = {cell["key"]: cell["base"] for cell in district["cells"]}
    parts = {key: sum(cell["base"] for row in below["items"] for cell in row["cells"] if cell["key"] == key) for key in whole}
    assert whole == parts
    assert whole["filed"] == len(cases) - 1


def test_board_is_paged_without_losing_a_row(town: Town, cases: dict[str, str]) -> None:
    whole = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH, level="unit_grid", limit=200)
    seen, after = [], None
    while True:
        query = {"after": after} if after else {}
        page = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH, level="unit_grid", limit=3, **query)
        seen += [row["subject"]["key"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [row["subject"]["key"] for row in whole["items"]]
    assert len(seen) == whole["total"] == page["total"] > 3


@pytest.mark.parametrize("sort", ["name", "-name", "score", "-score", "filed", "-filed", "overdue"])
def test_board_is_sorted_as_asked_and_rows_without_value_stand_last(town: Town, cases: dict[str, str], sort: str) -> None:
    rows = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH, level="unit_grid", limit=200, sort=sort)["items"]

    def value(row: dict[str, Any]) -> Any:
        name = sort.removeprefix("-")
        if name in {"name", "score"}:
            return row["subject"]["name"] if name == "name" else row["score"]
        return next(cell["value"] for cell in [*row["cells"], *row["also"]] if cell["key"] == name)

    values = [value(row) for row in rows]
    given = [one for one in values if one is not None]
    assert given == sorted(given, reverse=sort.startswith("-"))
    assert values[: len(given)] == given


def test_every_part_of_every_number_opens_a_list_as_long_as_it_says(town: Town, cases: dict[str, str]) -> None:
    opened = 0
    for key in ("urban_mgmt.area", "urban_mgmt.department", "urban_mgmt.inspector", "urban_mgmt.dispatcher"):
        board = get(town, "evaluator", "/scorecards/" + key + "/scores", period=MONTH, limit=200)
        for row in board["items"]:
            for cell in [*row["cells"], *row["also"]]:
                if not cell["base"] and not cell["exempted"]:
                    continue
                for part, number in (("counted", cell["counted"]), ("base", cell["base"]), ("exempted", cell["exempted"])):
                    path = f"/scorecards/{key}/scores/{row['subject']['key']}/lines/{cell['key']}/facts"
                    page = get(town, "evaluator", path, period=MONTH, part=part, limit=200)
                    assert (page["total"], len(page["items"])) == (number, number), (path, part)
                    opened += number
    assert opened > 20


def test_list_names_the_case_and_why_it_counts(town: Town, cases: dict[str, str]) -> None:
    path = "/scorecards/urban_mgmt.department/scores/department:E01/lines/closing/facts"
    (fact,) = get(town, "evaluator", path, period=MONTH)["items"]
    assert (fact["number"], fact["verdict"], fact["state"]["key"], fact["is_late"]) == (cases["closed"], "counted", "closed", False)
    assert fact["department"]["code"] == "E01"
    assert fact["grid"]["code"]
    assert fact["may_open"] is True
    assert fact["due_at"] is None or fact["due_at"] > fact["began_at"]


def test_subject_shows_its_parts_and_past(town: Town, cases: dict[str, str]) -> None:
    board = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH)
    key = board["items"][0]["subject"]["key"]
    found = get(town, "evaluator", f"/scorecards/urban_mgmt.area/scores/{key}", period=MONTH)
    assert found["row"] == board["items"][0]
    assert {row["subject"]["parent"] for row in found["children"]} == {key}
    assert [(point["period"]["key"], point["is_published"]) for point in found["trend"]] == [(MONTH, False)]
    assert found["trend"][0]["score"] == found["row"]["score"]


def test_several_cards_are_counted_as_of_one_moment(town: Town, cases: dict[str, str]) -> None:
    found = get(town, "evaluator", "/scoreboards", period=MONTH, scorecards="urban_mgmt.area,urban_mgmt.department")
    assert [one["scorecard"]["key"] for one in found["items"]] == ["urban_mgmt.area", "urban_mgmt.department"]
    assert {one["as_of"] for one in found["items"]} == {found["as_of"]}
    alone = get(town, "evaluator", "/scorecards/urban_mgmt.department/scores", period=MONTH, limit=200)
    assert found["items"][1]["items"] == alone["items"]


def test_empty_line_says_that_its_weight_is_the_others(town: Town, cases: dict[str, str]) -> None:
    rows = get(town, "evaluator", "/scorecards/urban_mgmt.area/scores", period=MONTH, level="unit_grid", limit=200)["items"]
    empty = next(row for row in rows if any(cell["value"] is None for cell in row["cells"]) and row["score"] is not None)
    assert sum(cell["effective"] for cell in empty["cells"]) == pytest.approx(100)
    assert any("has no data" in note for note in empty["notes"])


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/scorecards/urban_mgmt.nothing/scores", {"period": MONTH}, 404),
        ("/scorecards/urban_mgmt.area/scores", {"period": "2026-13"}, 422),
        ("/scorecards/urban_mgmt.area/scores", {}, 422),
        ("/scorecards/urban_mgmt.area/scores", {"period": MONTH, "level": "moon"}, 422),
        ("/scorecards/urban_mgmt.area/scores", {"period": MONTH, "below": "grid:1"}, 404),
        ("/scorecards/urban_mgmt.area/scores/grid:1", {"period": MONTH}, 404),
        ("/scorecards/urban_mgmt.department/scores/department:E01/lines/moon/facts", {"period": MONTH}, 404),
        ("/scorecards/urban_mgmt.department/scores/department:E01/lines/closing/facts", {"period": MONTH, "after": "x"}, 422),
        ("/scoreboards", {"period": MONTH, "scorecards": ","}, 422),
    ],
)
def test_what_is_not_there_is_told(town: Town, path: str, query: dict[str, str], status: int) -> None:
    get(town, "evaluator", path, status, **query)
