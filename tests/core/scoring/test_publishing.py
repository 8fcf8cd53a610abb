"""Publishing: what is frozen stays to the byte, whoever wants to change it, and opens the list behind every number for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.pluginmanager import plugins
from core.pluginmanager.service import switch as switch_plugin
from core.scoring.service import publishing
from tests.core.scoring.stage import AREA, DEPARTMENT, Stage, kept
from tests.journeys.town import Town


@pytest.fixture(scope="module")
def stage(town: Town) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        yield Stage(town, patch)
    town.tokens.clear()


@pytest.fixture(scope="module")
def first(stage: Stage) -> dict[str, dict[str, Any]]:
    """The first publication of both cards, by card."""
    early = stage.get("/publication-preview", scorecards=f"{AREA},{DEPARTMENT}", period=stage.period)
    assert (early["may_publish"], early["period"]["is_over"]) == (False, False)
    stage.post("/publications", {"scorecards": [AREA], "period": stage.period}, status=409)
    return stage.publish()


def test_publication_says_what_made_it(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    one = first[AREA]
    assert (one["state"], one["revision"], one["is_newest"], one["reason"]) == ("published", 1, True, "第一次发布")
    assert (one["cases"], one["period"]["key"], one["period"]["is_over"]) == (2, stage.period, True)
    assert set(one["formula"]["definitions"]) == {
        "scorecard:urban_mgmt.area",
        "catalogue:urban_mgmt.grades",
        "indicator:urban_mgmt.on_cases",
    }
    assert {len(one["digest"]), len(one["formula_digest"])} == {64}
    assert first[DEPARTMENT]["digest"] == one["digest"]  # frozen in one act
    assert first[DEPARTMENT]["formula_digest"] != one["formula_digest"]


def test_published_scores_are_those_of_the_board(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    for key, levels in ((AREA, ("district", "unit_grid")), (DEPARTMENT, (None,))):
        frozen = stage.results(first[key]["uuid"])
        for level in levels:
            query = {"level": level} if level else {}
            for row in stage.get(f"/scorecards/{key}/scores", period=stage.period, limit=200, **query)["items"]:
                assert frozen[row["subject"]["key"]] == row
    row = stage.results(first[DEPARTMENT]["uuid"])["department:E01"]
    cells = {cell["key"]: (cell["counted"], cell["base"]) for cell in row["cells"]}
    assert cells == {"filed": (2, 2), "closing": (2, 2), "in_time": (1, 2), "rework": (0, 2)}
    # 100·10 % + 100·30 % + 50·30 % + 100·30 %
    assert (row["score"], row["grade"]) == (85.0, "b")


def test_frozen_numbers_open_lists_that_add_up(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    uuid = first[DEPARTMENT]["uuid"]
    for row in stage.results(uuid).values():
        for cell in [*row["cells"], *row["also"]]:
            for part in ("counted", "base", "exempted"):
                page = stage.get(f"/publications/{uuid}/facts", subject=row["subject"]["key"], line=cell["key"], part=part, limit=200)
                assert page["total"] == len(page["items"]) == cell[part]
    page = stage.get(f"/publications/{uuid}/facts", subject="department:E01", line="in_time", part="missed")
    assert [fact["number"] for fact in page["items"]] == [stage.late]


def test_publishing_twice_publishes_once(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    before = kept(stage)
    again = stage.post("/publications", {"scorecards": [AREA, DEPARTMENT], "period": stage.period, "reason": "again"}, status=200)
    assert [one["uuid"] for one in again["items"]] == [first[AREA]["uuid"], first[DEPARTMENT]["uuid"]]
    assert kept(stage) == before


def test_two_who_publish_at_once_publish_once(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    """They meet at the lock; whoever comes second finds what the first has published."""

    def publish(_: int) -> tuple[list[UUID], bool]:
        with stage.town.work() as (session, actor):
            found, is_new = publishing.publish(session, actor, ["urban_mgmt.dispatcher"], stage.period)
            return [one.uuid for one in found], is_new

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(publish, range(2))
    assert one[0] == other[0]
    assert sorted([one[1], other[1]]) == [False, True]


def test_plugin_that_is_off_takes_its_publications_along(stage: Stage, first: dict[str, dict[str, Any]]) -> None:
    def switch(*, on: bool) -> None:
        with stage.town.work() as (session, actor):
            switch_plugin(session, actor, plugins(), "urban_mgmt", enabled=on)

    switch(on=False)
    try:
        assert stage.town.as_("evaluator").get(f"/publications/{first[AREA]['uuid']}").status_code in {403, 404}
        assert stage.town.as_("evaluator").get(f"/scorecards/{AREA}/scores?period={stage.period}").status_code in {403, 404}
    finally:
        switch(on=True)
    assert stage.get(f"/publications/{first[AREA]['uuid']}")["uuid"] == first[AREA]["uuid"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE publication SET reason = 'x'",
        "UPDATE publication SET state = 'proposed', published_at = NULL",
        "DELETE FROM publication",
        "UPDATE publication_result SET score = 100",
        "UPDATE publication_result SET subject_name = NULL",
        "DELETE FROM publication_result",
        'INSERT INTO publication_result SELECT (jsonb_populate_record(r, \'{"id": 999999, "position": 9999, "subject": "x"}\')).* FROM publication_result r LIMIT 1',
        "UPDATE snapshot SET cases = 0",
        "DELETE FROM snapshot",
        "UPDATE frozen_case SET chain_length = 1",
        "DELETE FROM frozen_case",
        "DELETE FROM frozen_holding",
        "DELETE FROM frozen_task",
        "INSERT INTO frozen_answer SELECT id, agency_id, 1, 'x', NULL, NULL, NULL, now(), 0, '{}' FROM snapshot",
        "TRUNCATE frozen_task",
        "TRUNCATE publication CASCADE",
    ],
)
@pytest.mark.parametrize("role", ["owner_engine", "app_engine"])
def test_published_rows_are_changed_by_nobody(stage: Stage, first: dict[str, Any], statement: str, role: str) -> None:
    before = kept(stage)
    with getattr(stage.town.database, role).connect() as connection:
        connection.execute(text("SELECT set_config('wangge.agency', :agency, true)"), {"agency": str(stage.town.agency_id)})
        assert connection.execute(text("SELECT count(*) FROM publication")).scalar_one() >= 2
        with pytest.raises(DBAPIError):
            connection.execute(text(statement))
        connection.rollback()
    assert kept(stage) == before
