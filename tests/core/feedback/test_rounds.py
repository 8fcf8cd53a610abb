"""Rounds: the same seed draws the same, codes leave once and work once, and each grid says how far it is."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import func, select

from core.authz import Grant
from core.definitions.store import current
from core.feedback.definition import Frame, Sample
from core.feedback.models import FeedbackAnswer
from core.feedback.permissions import FeedbackRight
from core.feedback.service import sampling
from core.grid.models import Grid, GridLevel
from core.ledgers.models import Record
from core.lib import clock
from core.lib.errors import Forbidden, NotFound
from core.lib.ids import uuid7
from tests.core.feedback.conftest import answered, opened

KEY = "urban_mgmt.residents"
LEDGER = "street.residents"
_days = iter(range(1, 300))


def draw(town, **more):
    """Draw a round that opens today, or on another day so that rounds do not meet."""
    today = clock.now().date()
    body = {"opens_on": today.isoformat(), "closes_on": (today + timedelta(days=next(_days))).isoformat(), **more}
    return town.as_("evaluator").post(f"/surveys/{KEY}/rounds", json=body)


@pytest.fixture
def round_of(town):
    """Draw one round for all tests of the module; two of a day are refused."""
    found = town.as_("evaluator").get(f"/surveys/{KEY}/rounds").get_json()["items"]
    today = clock.now().date().isoformat()
    for one in found:
        if one["opens_on"] == today:
            return one
    made = draw(town, wanted=2)
    assert made.status_code == 201, made.get_data(as_text=True)
    return made.get_json()


def codes_of(answer):
    """Read the codes out of a workbook, by grid."""
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    return [(row[0], row[3], row[4]) for row in rows]


def test_round_asks_every_community_alike(town, round_of):
    shown = town.as_("evaluator").get(f"/surveys/{KEY}/rounds/{round_of['uuid']}").get_json()
    assert shown["grids"] == len(shown["areas"]) > 1
    assert {one["invited"] for one in shown["areas"]} == {6}  # wanted 2 of 20, for whom the survey draws 60
    assert (shown["wanted"], shown["invited"]) == (2, 6 * shown["grids"])


def test_second_round_of_a_day_and_days_that_are_over_are_refused(town, round_of):
    assert draw(town).status_code == 409
    day = clock.now().date()
    over = draw(town, opens_on="2026-01-01", closes_on="2026-01-31")
    turned = draw(town, opens_on=(day + timedelta(days=9)).isoformat(), closes_on=(day + timedelta(days=8)).isoformat())
    assert (over.status_code, turned.status_code) == (422, 422)
    assert (
        town.as_("evaluator")
        .post("/surveys/urban_mgmt.satisfaction/rounds", json={"opens_on": str(day), "closes_on": str(day)})
        .status_code
        == 422
    )
    assert (
        town.as_("evaluator").post("/surveys/urban_mgmt.none/rounds", json={"opens_on": str(day), "closes_on": str(day)}).status_code == 404
    )
    for body in ({"wanted": 0}, {"wanted": 10_001}, {"seed": ""}, {"opens_on": "soon"}, {"more": 1}):
        assert draw(town, **body).status_code == 422


def test_round_of_centuries_or_of_more_than_can_be_asked_is_refused(town, monkeypatch):
    for days in (("2099-01-01", "2100-06-01"), ("2199-12-31", "2200-01-02"), ("9999-12-31", "9999-12-31")):
        refused = draw(town, opens_on=days[0], closes_on=days[1])
        assert (refused.status_code, refused.get_json()["errors"][0]["path"]) == (422, "closes_on")
    monkeypatch.setattr(sampling, "MOST_ASKED", 10)
    refused = draw(town, opens_on="2098-01-01", closes_on="2098-01-31", wanted=9)
    assert (refused.status_code, refused.get_json()["errors"][0]["path"]) == (422, "wanted")
    assert [one for one in town.as_("evaluator").get(f"/surveys/{KEY}/rounds").get_json()["items"] if one["opens_on"] == "2098-01-01"] == []


def test_round_over_all_the_land_needs_the_right_over_all_the_land(town):
    with town.work() as (session, _):
        path = session.scalars(select(Grid.path).order_by(func.nlevel(Grid.path)).offset(1).limit(1)).one()
    grants = (Grant(str(FeedbackRight.ROUND_MANAGE), grid_path=str(path)),)
    with town.work() as (session, system), pytest.raises(Forbidden):
        sampling.list_rounds(session, replace(system, user_id=1, grants=grants, is_system=False), KEY)


def test_rounds_are_the_evaluators(town, round_of):
    for username in ("inspector", "intake", "dispatcher"):
        assert town.as_(username).get(f"/surveys/{KEY}/rounds").status_code == 403
        assert town.as_(username).post(f"/surveys/{KEY}/rounds/{round_of['uuid']}/codes").status_code == 403


def test_codes_leave_once_work_once_and_count_for_their_community(town, round_of):
    path = f"/surveys/{KEY}/rounds/{round_of['uuid']}"
    evaluator = town.as_("evaluator")
    area = evaluator.get(path).get_json()["areas"][0]
    taken = evaluator.post(f"{path}/codes?grid={area['code']}")
    assert taken.status_code == 200
    codes = codes_of(taken)
    assert {grid for grid, _, _ in codes} == {area["code"]}
    assert len(codes) == len({code for _, code, _ in codes}) == 6
    assert evaluator.post(f"{path}/codes?grid={area['code']}").status_code == 409
    link = ("town", codes[0][1])
    shown = opened(town, link)
    assert (shown.status_code, shown.get_json()["case"]) == (200, None)
    assert answered(town, link, {"order": "good", "worst": ["parking"], "comment": "晚上太吵"}).status_code == 201
    assert answered(town, link, {"order": "good"}).status_code == 410
    with town.work() as (session, _):
        grid = session.scalars(select(Grid.id).where(Grid.code == area["code"])).one()
        (answer,) = session.scalars(select(FeedbackAnswer).where(FeedbackAnswer.survey_key == KEY, FeedbackAnswer.grid_id == grid)).all()
    assert (answer.points, answer.data, answer.case_id) == (80, {"order": "good", "worst": ["parking"]}, None)
    after = evaluator.get(path).get_json()["areas"][0]
    assert (after["invited"], after["answered"]) == (6, 1)


def test_page_to_print_draws_each_code_and_runs_nothing(town, round_of):
    path = f"/surveys/{KEY}/rounds/{round_of['uuid']}"
    evaluator = town.as_("evaluator")
    area = evaluator.get(path).get_json()["areas"][1]
    taken = evaluator.post(f"{path}/codes?format=html&grid={area['code']}")
    assert taken.status_code == 200
    page = taken.get_data(as_text=True)
    assert page.count("<svg") == 6
    assert "<script" not in page
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'", taken.headers["Content-Security-Policy"])
    codes = re.findall(r"<div>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</div>", page)
    assert [opened(town, ("town", code)).status_code for code in codes] == [200] * 6


def test_code_works_in_its_rounds_days_alone(town, later):
    day = clock.now().date() + timedelta(days=30)
    made = draw(town, opens_on=day.isoformat(), closes_on=(day + timedelta(days=1)).isoformat(), wanted=1).get_json()
    taken = town.as_("evaluator").post(f"/surveys/{KEY}/rounds/{made['uuid']}/codes")
    code = codes_of(taken)[0][1]
    assert opened(town, ("town", code)).status_code == 410
    later(timedelta(days=30, hours=12))
    assert opened(town, ("town", code)).status_code == 200
    later(timedelta(days=3))
    assert opened(town, ("town", code)).status_code == 410


@pytest.fixture
def residents(town):
    """Residents on record in every community, every third without a telephone; give the communities."""
    with town.work() as (session, actor):
        level = select(GridLevel.id).where(GridLevel.key == "community")
        areas = session.scalars(select(Grid).where(Grid.level_id.in_(level), Grid.valid_to.is_(None)).order_by(Grid.code)).all()
        if not session.scalars(select(Record.id).where(Record.ledger_key == LEDGER)).first():
            session.add_all(
                _resident(actor.agency_id, current(session, "form", KEY).id, area, number) for area in areas for number in range(30)
            )
        return {area.id for area in areas}


def _resident(agency_id, form_id, area, number):
    return Record(
        agency_id=agency_id,
        uuid=uuid7(),
        ledger_key=LEDGER,
        form_version_id=form_id,
        code=f"{area.code}-{number}",
        title="居民",
        title_search="居民",
        grid_id=area.id,
        location="assigned",
        state="normal",
        departments={},
        data={},
        personal=None if number % 3 == 0 else {"phone": f"1370000{number:04}"},
    )


def test_same_seed_draws_the_same_people_and_only_those_who_can_be_reached(town, residents):
    sample = Sample("community", 5, 10, 1, Frame(LEDGER, "phone"))
    with town.work() as (session, actor):
        first = sampling.draw(session, actor, sample, "seed one", wanted=5)
        again = sampling.draw(session, actor, sample, "seed one", wanted=5)
        other = sampling.draw(session, actor, sample, "seed two", wanted=5)
        drawn = session.scalars(select(Record).where(Record.id.in_([one.record_id for one in first]))).all()
    assert first == again
    assert [one.record_id for one in first] != [one.record_id for one in other]
    assert len(first) == len({one.record_id for one in first}) == 10 * len(residents)
    assert {one.grid_id for one in first} == residents
    assert all(record.personal for record in drawn)


def test_seed_is_kept_and_shown(town):
    day = clock.now().date() + timedelta(days=60)
    made = draw(town, opens_on=day.isoformat(), closes_on=day.isoformat(), seed="2026 春")
    assert made.get_json()["seed"] == "2026 春"
    assert date.fromisoformat(made.get_json()["opens_on"]) == day


def test_surveys_are_listed_for_whoever_works_with_them(town):
    listed = {one["key"]: one for one in town.as_("evaluator").get("/surveys").get_json()["items"]}
    assert listed[KEY] == {
        "key": KEY,
        "title": "Residents' survey",
        "form": KEY,
        "after": None,
        "level": "community",
        "wanted": 20,
        "at_least": 10,
    }
    assert listed["urban_mgmt.satisfaction"]["after"] == {"key": "urban_mgmt.case", "title": "Case handling"}
    assert town.as_("intake").get("/surveys").status_code == 200
    assert town.as_("inspector").get("/surveys").status_code == 403


def test_round_of_another_agency_is_not_there(town, village, round_of):
    path = f"/surveys/{KEY}/rounds/{round_of['uuid']}"
    with village.work() as (session, actor), pytest.raises(NotFound):
        sampling.get_round(session, actor, KEY, UUID(round_of["uuid"]))
    assert village.as_("village_duty_lead").get(path).status_code == 403
