"""Who sees which scores: by the subject, one's own always, people's names by a right of their own; and each list adds up for whoever may open it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from core.accounts.service import export_person
from core.audit.models import AuditEntry
from core.scoring.bulletin.page import CONTENT_SECURITY_POLICY
from core.scoring.models import Publication
from core.scoring.service.personal import erase_names
from core.scoring.service.verifying import verify
from tests.core.scoring.stage import AREA, DEPARTMENT, Stage
from tests.journeys.town import Town

INSPECTOR = "urban_mgmt.inspector"


@pytest.fixture(scope="module")
def stage(town: Town) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        yield Stage(town, patch)
    town.tokens.clear()


@pytest.fixture(scope="module")
def published(stage: Stage) -> dict[str, str]:
    """The three cards published in one act."""
    return {key: one["uuid"] for key, one in stage.publish(INSPECTOR).items()}


def subjects(stage: Stage, who: str, card: str) -> set[str]:
    board = stage.get(f"/scorecards/{card}/scores", who=who, period=stage.period, limit=200)
    return {row["subject"]["key"] for row in board["items"]}


def own(stage: Stage, who: str) -> str:
    return f"person:{stage.town.users[who]}"


def test_head_of_a_department_sees_that_department_alone(stage: Stage) -> None:
    assert subjects(stage, "department_head", DEPARTMENT) == {"department:E01"}
    assert {"department:E01", "department:E02"} <= subjects(stage, "command_head", DEPARTMENT)
    stage.get(f"/scorecards/{DEPARTMENT}/scores/department:E02", who="department_head", status=404, period=stage.period)
    stage.get(f"/scorecards/{DEPARTMENT}/scores/department:E02/lines/filed/facts", who="department_head", status=404, period=stage.period)
    assert subjects(stage, "department_head", AREA) == set()


def test_rank_is_the_one_among_all_whoever_looks(stage: Stage) -> None:
    def row(who: str) -> Any:
        return stage.get(f"/scorecards/{DEPARTMENT}/scores/department:E01", who=who, period=stage.period)["row"]

    assert row("department_head") == row("command_head")


def test_list_adds_up_for_who_may_not_open_its_cases(stage: Stage) -> None:
    path = f"/scorecards/{INSPECTOR}/scores/{own(stage, 'inspector')}/lines/valid/facts"
    mine = stage.get(path, who="inspector", period=stage.period)
    assert mine["total"] == len(mine["items"]) == 2
    path = f"/scorecards/{DEPARTMENT}/scores/department:E01/lines/in_time/facts"
    for who in ("department_head", "leader", "evaluator"):
        page = stage.get(path, who=who, period=stage.period)
        assert page["total"] == len(page["items"]) == 2
        opened = {one["number"] for one in stage.get("/cases", who=who, limit=200)["items"]}
        assert {fact["number"]: fact["may_open"] for fact in page["items"]} == {
            fact["number"]: fact["number"] in opened for fact in page["items"]
        }


def test_everybody_sees_the_own_row_and_nobody_elses_name(stage: Stage) -> None:
    assert subjects(stage, "inspector", INSPECTOR) == {own(stage, "inspector")}
    assert own(stage, "inspector") not in subjects(stage, "leader", INSPECTOR)
    everybody = subjects(stage, "evaluator", INSPECTOR)
    assert {own(stage, "inspector"), own(stage, "second_inspector"), "whole"} <= everybody
    stage.get(f"/scorecards/{INSPECTOR}/scores/{own(stage, 'inspector')}", who="second_inspector", status=404, period=stage.period)


@pytest.mark.parametrize("card", [AREA, DEPARTMENT])
def test_card_of_others_is_refused_where_nothing_of_it_may_be_seen(stage: Stage, card: str) -> None:
    stage.get(f"/scorecards/{card}/scores", who="inspector", status=403, period=stage.period)
    stage.get(f"/scorecards/{card}", who="dispatcher", status=403)


def test_published_rows_are_for_everybody_but_people(stage: Stage, published: dict[str, str]) -> None:
    def frozen(who: str, card: str) -> set[str]:
        found = stage.get(f"/publications/{published[card]}/results", who=who, limit=200)
        assert found["total"] == len(found["items"])
        return {row["subject"]["key"] for row in found["items"]}

    assert frozen("inspector", DEPARTMENT) == frozen("evaluator", DEPARTMENT)
    assert frozen("inspector", INSPECTOR) == {own(stage, "inspector")}
    assert frozen("dispatcher", INSPECTOR) == set()
    facts = f"/publications/{published[DEPARTMENT]}/facts"
    page = stage.get(facts, who="inspector", subject="department:E01", line="in_time")
    assert page["total"] == len(page["items"]) == 2
    facts = f"/publications/{published[INSPECTOR]}/facts"
    stage.get(facts, who="second_inspector", status=404, subject=own(stage, "inspector"), line="valid")
    assert stage.get(facts, who="inspector", subject=own(stage, "inspector"), line="valid")["total"] == 2


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status"),
    [
        ("intake", "GET", "/publications", None, 403),
        ("leader", "POST", "/publications", {"scorecards": [AREA], "period": "2026-01"}, 403),
        ("department_head", "POST", "/publications", {"scorecards": [AREA], "period": "2026-01"}, 403),
        ("leader", "GET", "/publication-preview?scorecards=urban_mgmt.area&period=2026-01", None, 403),
        ("leader", "POST", "/publications/{area}/revisions", None, 403),
        ("command_head", "GET", "/publications/{area}/bulletin", None, 403),
        ("inspector", "GET", "/publications/{area}/bulletin?format=xlsx", None, 403),
    ],
)
def test_rights(stage: Stage, published: dict[str, str], who: str, method: str, path: str, body: Any, status: int) -> None:
    sent = {} if body is None else {"json": body}
    answer = stage.town.as_(who).send(method, path.format(area=published[AREA]), **sent)
    assert answer.status_code == status, answer.get_data(as_text=True)


def test_another_agency_sees_nothing(stage: Stage, village: Town, published: dict[str, str]) -> None:
    village.tokens.clear()
    leader = village.as_("village_leader")
    assert leader.get("/publications").get_json()["items"] == []
    assert leader.get(f"/publications/{published[AREA]}").status_code == 404
    board = leader.get(f"/scorecards/{DEPARTMENT}/scores", query_string={"period": stage.period}).get_json()
    assert [row["subject"]["key"] for row in board["items"]] == []


def test_bulletin_equals_the_results_and_leaves_people_out(stage: Stage, published: dict[str, str]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(stage.get(f"/publications/{published[AREA]}/bulletin", who="leader", format="xlsx")))
    assert book.sheetnames == ["说明", "区域评价（内评价）", "部门评价（内评价）", "监督员评价"]
    for name, card in (("区域评价（内评价）", AREA), ("部门评价（内评价）", DEPARTMENT)):
        told = {row["subject"]["code"]: row for row in stage.results(published[card]).values() if row["subject"]["code"]}
        seen = {row[1]: row for row in book[name].iter_rows(min_row=3, values_only=True) if row[1] in told}
        assert seen.keys() == told.keys()
        for code, row in told.items():
            numbers = [cell[part] for cell in row["cells"] for part in ("counted", "base", "value", "points", "effective")]
            assert (seen[code][0], seen[code][2], seen[code][4]) == (row["rank"], row["subject"]["name"], row["score"])
            assert list(seen[code][6 : 6 + len(numbers)]) == [None if one is None else pytest.approx(one) for one in numbers]
    names = {row[2] for row in book["监督员评价"].iter_rows(min_row=3, values_only=True)}
    assert "示例监督员" not in names
    whole = openpyxl.load_workbook(io.BytesIO(stage.get(f"/publications/{published[AREA]}/bulletin", format="xlsx")))
    assert "示例监督员" in {row[2] for row in whole["监督员评价"].iter_rows(min_row=3, values_only=True)}


def test_bulletin_page_has_its_own_policy_and_is_on_record(stage: Stage, published: dict[str, str]) -> None:
    answer = stage.town.as_("leader").get(f"/publications/{published[AREA]}/bulletin")
    assert answer.headers.getlist("Content-Security-Policy") == [CONTENT_SECURITY_POLICY]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype == "text/html"
    page = answer.get_data(as_text=True)
    assert "小镇" in page
    assert "示例监督员" not in page
    with stage.town.work() as (session, _):
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "scoring:bulletin:exported").order_by(AuditEntry.id.desc()).limit(1)
        ).one()
        assert (entry.subject, entry.user_id) == (f"publication:{published[AREA]}", stage.town.users["leader"])


def test_erased_person_is_no_longer_named_and_the_scores_stay(stage: Stage, published: dict[str, str]) -> None:
    user = stage.town.users["second_inspector"]
    before = stage.results(published[INSPECTOR])[f"person:{user}"]
    assert before["subject"]["name"] == "示例监督员二"
    with stage.town.work() as (session, actor):
        assert [one["name"] for one in export_person(session, actor, user)["publications"]] == ["示例监督员二"]
        assert erase_names(session, actor, user) == 1
        assert erase_names(session, actor, user) == 0
    after = stage.results(published[INSPECTOR])[f"person:{user}"]
    assert after["subject"]["name"] == "Erased"
    assert {**after, "subject": None} == {**before, "subject": None}
    with stage.town.work() as (session, actor):
        publications = session.scalars(select(Publication).where(Publication.scorecard_key == INSPECTOR)).all()
        assert [fault for one in publications for fault in verify(session, actor, one).faults] == []
