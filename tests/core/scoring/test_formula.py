"""A formula changed later, and history that comes in late: the board goes with them, what is published does not."""

from __future__ import annotations

import io
import json
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import select

from core.authz import Actor
from core.definitions import store
from core.definitions.service import publish_overlay
from core.facts.service import catch_up
from core.lib import clock
from core.scoring.models import Snapshot
from core.scoring.service import formulas
from core.scoring.service.formulas import Formula
from core.scoring.types import EMPTY
from core.workflow.service.bulk import PastCase, import_history
from core.workflow.service.history_file import HistoryReader
from tests.core.workflow.test_history_file_service import past
from tests.journeys.town import Town

CARD, MONTH, E01 = "urban_mgmt.department", "2025-03", "department:E01"


def bring_in(town: Town, count: int) -> list[str]:
    """Import cases of March 2025, each handled late by E01; give their numbers."""
    lines = "\n".join(json.dumps(past()) for _ in range(count)).encode()
    with town.work() as (session, actor):
        cases = [one for one in HistoryReader(session, actor).read(io.BytesIO(lines)) if isinstance(one, PastCase)]
    assert len(cases) == count
    system = Actor(None, town.agency_id, "town", "system", (), clock.now(), is_system=True)
    assert sum(one.imported for one in import_history(town.database, system, cases)) == count
    catch_up(town.database, town.agency_id, now=clock.now())
    return [case.number for case in cases]


def get(town: Town, path: str, **query: Any) -> Any:
    answer = town.as_("evaluator").get(path, query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def post(town: Town, path: str, body: Any = None) -> Any:
    answer = town.as_("evaluator").post(path, **({} if body is None else {"json": body}))
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()


def weigh(town: Town, **weights: int) -> None:
    """Let the agency weigh the lines of the card otherwise."""
    with town.work() as (session, actor):
        content = deepcopy(store.current(session, "scorecard", CARD).content)
        for line in content["lines"]:
            line["weight"] = weights[line["key"]]
        publish_overlay(session, actor, "scorecard", CARD, content)


@pytest.fixture(scope="module")
def published(town: Town) -> dict[str, Any]:
    """Two late cases, published; then the card is weighed otherwise, and two more cases come in."""
    first = bring_in(town, 2)
    made = post(town, "/publications", {"scorecards": [CARD], "period": MONTH})["items"][0]
    found = {"uuid": made["uuid"], "first": first, "results": get(town, f"/publications/{made['uuid']}/results", limit=200)}
    weigh(town, filed=10, closing=20, in_time=60, rework=10)
    return found | {"made": made, "second": bring_in(town, 2)}


def row(found: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in found["items"] if one["subject"]["key"] == E01)


def test_board_goes_by_the_weights_in_force_and_publication_by_its_own(town: Town, published: dict[str, Any]) -> None:
    frozen = row(get(town, f"/publications/{published['uuid']}/results", limit=200))
    assert frozen == row(published["results"])
    assert ({cell["key"]: cell["weight"] for cell in frozen["cells"]}, frozen["score"]) == (
        {"filed": 10, "closing": 30, "in_time": 30, "rework": 30},
        70.0,  # 100·10 % + 100·30 % + 0·30 % + 100·30 %
    )
    live = row(get(town, f"/scorecards/{CARD}/scores", period=MONTH, limit=200))
    assert live["score"] == 40.0  # 100·10 % + 100·20 % + 0·60 % + 100·10 %
    card = get(town, f"/publications/{published['uuid']}/results")["scorecard"]
    assert [line["weight"] for line in card["lines"]] == [10, 30, 30, 30]
    assert published["made"]["scorecard_version"] == card["version"]
    assert get(town, f"/scorecards/{CARD}")["in_force_since"] != card["in_force_since"]


def test_history_that_comes_in_late_is_listed_and_changes_nothing(town: Town, published: dict[str, Any]) -> None:
    late = get(town, f"/publications/{published['uuid']}/late-events")
    assert {case["number"]: (case["is_new"], case["changes_numbers"]) for case in late["items"]} == dict.fromkeys(
        published["second"], (True, True)
    )
    assert {len(case["steps"]) for case in late["items"]} == {8}
    assert get(town, f"/publications/{published['uuid']}/results", limit=200) == published["results"]


def test_revision_counts_what_came_late_by_the_old_formula(town: Town, published: dict[str, Any]) -> None:
    proposed = post(town, f"/publications/{published['uuid']}/revisions")
    assert (proposed["formula"], proposed["cases"]) == (published["made"]["formula"], 4)
    revised = row(get(town, f"/publications/{proposed['uuid']}/results", limit=200))
    assert (revised["score"], [cell["base"] for cell in revised["cells"]]) == (70.0, [4, 4, 4, 4])
    listed = get(town, f"/publications/{proposed['uuid']}/facts", subject=E01, line="in_time")
    assert {fact["number"] for fact in listed["items"]} == {*published["first"], *published["second"]}
    with town.work() as (session, _):
        own = session.scalars(select(Snapshot).where(Snapshot.base_id.is_not(None))).all()
    assert len(own) == 1


def test_months_of_a_card_are_a_trend_of_published_and_present_ones(town: Town, published: dict[str, Any]) -> None:
    found = get(town, f"/scorecards/{CARD}/scores/{E01}", period="2025-05", periods=36)
    points = {point["period"]["key"]: (point["is_published"], point["score"]) for point in found["trend"]}
    assert list(points) == ["2025-03", "2025-04", "2025-05"]  # nothing is shown of the time before the first case
    assert points["2025-03"] == (True, 70.0)
    assert points["2025-04"][0] is False


def test_formula_keeps_what_was_worked_out_and_begins_anew_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formulas, "MOST_KNOWN", 2)
    formula = Formula(EMPTY, EMPTY, EMPTY)
    first = formula.known("values", "area")
    first |= {1: "one", 2: "two"}
    assert first is formula.known("values", "area")
    assert {} == formula.known("values", "department")
    first[3] = "three"
    assert {} == formula.known("values", "area")
    assert {} == Formula(EMPTY, EMPTY, EMPTY).known("values", "department")


def test_cards_in_another_order_are_the_same_formula(town: Town) -> None:
    cards = ("urban_mgmt.area", "urban_mgmt.department")
    with town.work() as (session, _):
        assert formulas.formula_of(session, cards) is formulas.formula_of(session, (*reversed(cards), cards[0]))
