"""Tiles: what a viewer sees of them is what the lists of cases show him, and each number opens its own list."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.facts.service import catch_up
from core.lib import clock
from core.pluginmanager import plugins
from core.pluginmanager.service import switch as switch_plugin
from core.scoring.periods import containing
from tests.journeys import walking
from tests.journeys.town import Town

TODAY = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
MONTH = containing("month", TODAY).text
BOARD = "/dashboards/urban_mgmt.supervision"
REPORTED, FILED = "urban_mgmt.on_cases.reported", "urban_mgmt.on_cases.filed"


@pytest.fixture(scope="module", autouse=True)
def cases(town: Town) -> dict[str, str]:
    """Cases of two departments, and one that nobody has yet."""
    found = {"closed": walking.closed(town, walking.handling(town)), "other": walking.dispatched(town, walking.REFUSE, department="E02")}
    found |= {"held": walking.handling(town), "new": walking.reported(town)}
    catch_up(town.database, town.agency_id, now=clock.now())
    return found


def get(town: Town, who: str, path: str, status: int = 200, **query: Any) -> Any:
    answer = town.as_(who).get(path, query_string=query)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def tile(town: Town, who: str, key: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = get(town, who, BOARD)["tiles"]
    return next(one for one in found if one["key"] == key)


def number(town: Town, who: str, key: str) -> float | None:
    (series,) = tile(town, who, key)["series"]
    (value,) = series["values"]
    found: float | None = value["value"]
    return found


def test_whoever_sees_everything_sees_every_case(town: Town) -> None:
    assert (number(town, "evaluator", "reported"), number(town, "evaluator", "filed")) == (4, 3)
    assert number(town, "evaluator", "in_time") == 100.0
    assert [one["key"] for one in get(town, "evaluator", "/dashboards")["items"]] == ["urban_mgmt.supervision"]


@pytest.mark.parametrize("who", ["evaluator", "department_head", "law_clerk", "dispatcher", "duty_lead", "acceptor"])
def test_tile_counts_the_cases_of_the_viewers_own_list(town: Town, who: str) -> None:
    listed = {one["number"] for one in get(town, who, "/cases", limit=200)["items"]}
    today = tile(town, who, "reported")
    assert today["series"][0]["values"][0]["base"] == len(listed)
    behind = get(town, who, f"/indicators/{REPORTED}/facts", period=today["period"]["key"], limit=200)
    assert {fact["number"] for fact in behind["items"]} == listed
    assert behind["total"] == len(listed)
    assert all(fact["may_open"] for fact in behind["items"])


def test_viewer_of_one_department_sees_nothing_of_another(town: Town, cases: dict[str, str]) -> None:
    assert number(town, "department_head", "filed") == 2
    assert number(town, "law_clerk", "filed") == 1
    (fact,) = get(town, "law_clerk", f"/indicators/{FILED}/facts", period=MONTH)["items"]
    assert fact["number"] == cases["other"]
    departments = get(town, "law_clerk", f"/indicators/{FILED}/values", period=MONTH, by="department")["series"]["values"]
    assert [one["key"] for one in departments] == ["E02"]


@pytest.mark.parametrize("by", ["grid", "department", "class", "source", "state", "person", "day", "week", "month"])
def test_parts_add_up_to_the_whole_and_open_their_lists(town: Town, by: str) -> None:
    query = {"level": "unit_grid"} if by == "grid" else {}
    whole = get(town, "evaluator", f"/indicators/{FILED}/values", period=MONTH)["series"]["values"][0]["base"]
    parts = get(town, "evaluator", f"/indicators/{FILED}/values", period=MONTH, by=by, **query)["series"]["values"]
    assert sum(one["base"] for one in parts) == whole == 3
    for one in parts:
        page = get(town, "evaluator", f"/indicators/{FILED}/facts", period=MONTH, by=by, value=one["key"], **query)
        assert page["total"] == len(page["items"]) == one["base"], one["key"]


def test_parts_are_named_in_words(town: Town) -> None:
    def titles(by: str, **query: str) -> set[str]:
        return {
            one["title"]
            for one in get(town, "evaluator", f"/indicators/{REPORTED}/values", period=MONTH, by=by, **query)["series"]["values"]
        }

    assert titles("source") == {"Inspector"}
    assert titles("state") == {"Closed", "Dispatched", "Being handled", "Reported"}
    assert titles("grid", level="street") == {"华阳路街道"}


def test_trend_has_every_day_up_to_now(town: Town) -> None:
    reported, filed = tile(town, "evaluator", "trend")["series"]
    days = [one["key"] for one in reported["values"]]
    assert days == [f"{MONTH}-{day:02}" for day in range(1, len(days) + 1)]
    assert days[-1] == clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    assert (sum(one["value"] for one in reported["values"]), sum(one["value"] for one in filed["values"])) == (4, 3)


def test_title_made_of_several_is_joined_as_the_language_does(town: Town) -> None:
    assert tile(town, "evaluator", "trend")["title"] == "Reported, Filed"


def test_ranking_of_a_card_goes_by_the_subject_not_by_the_cases(town: Town) -> None:
    (series,) = tile(town, "evaluator", "departments")["series"]
    scores = {one["key"]: one["value"] for one in series["values"]}
    board = get(town, "evaluator", "/scorecards/urban_mgmt.department/scores", period=MONTH, limit=200)["items"]
    assert scores == {row["subject"]["key"]: row["score"] for row in board[:10] if row["score"] is not None}
    assert {one["key"]: one["is_ranked"] for one in series["values"]} == {row["subject"]["key"]: row["is_ranked"] for row in board[:10]}
    own = tile(town, "department_head", "departments")
    assert [one["key"] for one in own["series"][0]["values"]] == ["department:E01"]
    refused = tile(town, "dispatcher", "departments")
    assert (refused["series"], refused["reason"]) == ([], "You have no right to these scores")


def test_heat_names_the_grids_that_have_something(town: Town) -> None:
    heat = tile(town, "evaluator", "heat")
    ((key, value),) = [(one["key"], one["value"]) for one in heat["series"][0]["values"]]
    (grid,) = {fact["grid"]["code"] for fact in get(town, "evaluator", f"/indicators/{FILED}/facts", period=MONTH)["items"]}
    assert (key, value, heat["level"]) == (grid, 3, "unit_grid")


def test_ranking_shows_the_most_first_and_says_how_many_there_are(town: Town) -> None:
    ranking = tile(town, "evaluator", "classes")
    values = [one["value"] for one in ranking["series"][0]["values"]]
    assert values == sorted(values, reverse=True)
    assert ranking["total"] == len(values) == 2


def test_comparison_is_with_the_period_before(town: Town) -> None:
    filed = tile(town, "evaluator", "filed")
    assert (filed["compared"]["key"], filed["compared"]["value"]) == (containing("month", TODAY).before().text, 0)


def test_plugin_that_is_off_takes_its_tiles_along(town: Town) -> None:
    def switch(*, on: bool) -> None:
        with town.work() as (session, actor):
            switch_plugin(session, actor, plugins(), "urban_mgmt", enabled=on)

    def asked() -> list[int]:
        paths = (BOARD, f"/indicators/{FILED}/values?period={MONTH}", f"/indicators/{FILED}/facts?period={MONTH}")
        return [town.as_("evaluator").get(path).status_code for path in paths]

    switch(on=False)
    try:
        off = asked()
    finally:
        switch(on=True)
    assert set(off) <= {403, 404}
    assert asked() == [200, 200, 200]


def test_alarm_rings_when_a_number_is_beyond(town: Town) -> None:
    assert tile(town, "evaluator", "overdue")["is_alarm"] is False


@pytest.mark.parametrize(
    ("who", "path", "query", "status"),
    [
        ("inspector", "/dashboards", {}, 403),
        ("inspector", BOARD, {}, 403),
        ("inspector", f"/indicators/{FILED}/values", {"period": MONTH}, 403),
        ("inspector", f"/indicators/{FILED}/facts", {"period": MONTH}, 403),
        ("evaluator", "/dashboards/urban_mgmt.nothing", {}, 404),
        ("evaluator", "/indicators/urban_mgmt.on_cases.nothing/values", {"period": MONTH}, 404),
        ("evaluator", f"/indicators/{FILED}/values", {"period": MONTH, "by": "grid", "level": "moon"}, 422),
        ("evaluator", f"/indicators/{FILED}/values", {"period": "x"}, 422),
        ("evaluator", f"/indicators/{FILED}/facts", {"period": MONTH, "by": "grid", "value": "moon"}, 404),
        ("evaluator", f"/indicators/{FILED}/facts", {"period": MONTH, "by": "person", "value": "moon"}, 404),
    ],
)
def test_refusals(town: Town, who: str, path: str, query: dict[str, str], status: int) -> None:
    get(town, who, path, status, **query)
