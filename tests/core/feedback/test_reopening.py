"""A bad answer opens its case again, once, by a step on record; whatever forbids that is told and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.api.setup import current_definition, publish_overlay
from core.db import outbox
from core.feedback.models import FeedbackReopening
from core.feedback.service import reopening
from tests.core.feedback.conftest import BAD, GOOD, answered, closed_call, follow, walked_to_close

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of apprise


def reopenings(town, number):
    with town.work() as (session, _):
        query = select(FeedbackReopening).where(FeedbackReopening.case_id == town.found(number).id).order_by(FeedbackReopening.id)
        return session.scalars(query).all()


def closed_and_answered(town, gateway, phone, answer):
    number = closed_call(town, phone)
    follow(town)
    assert answered(town, gateway.links_to(phone)[-1], answer).status_code == 201
    town.run_outbox()
    return number


def test_bad_answer_opens_the_case_again_by_the_system_with_its_reason(town, gateway):
    number = closed_and_answered(town, gateway, "13800000001", BAD)
    case = town.as_("leader").case(number)
    event = case["events"][-1]
    assert (case["state"]["key"], event["verb"], event["actor"]) == ("filed", "reopen", None)
    assert event["data"] == {"reason": "群众评价不满意（非常不满意），问题未解决（未解决）"}
    (kept,) = reopenings(town, number)
    assert (kept.state, kept.sequence) == ("taken", town.found(number).chain_length)
    assert town.broken(number) == []


def test_words_of_the_caller_stay_out_of_the_case(town, gateway):
    number = closed_and_answered(town, gateway, "13800000002", BAD)
    assert "13800138000" not in str(town.as_("leader").case(number))


def test_good_answer_and_half_bad_ones_leave_the_case_closed(town, gateway):
    numbers = [
        closed_and_answered(town, gateway, f"1380000001{index}", answer)
        for index, answer in enumerate([GOOD, {**BAD, "solved": "partly"}, {"solved": "no", "satisfaction": "neutral"}])
    ]
    assert [town.found(number).state for number in numbers] == ["closed"] * 3
    assert [reopenings(town, number) for number in numbers] == [[], [], []]


def test_second_bad_answer_does_not_open_it_again_and_the_duty_lead_is_told(town, gateway):
    phone = "13800000003"
    number = closed_and_answered(town, gateway, phone, BAD)
    walked_to_close(town, number)
    follow(town)
    assert len(gateway.links_to(phone)) == 2
    assert answered(town, gateway.links_to(phone)[1], BAD).status_code == 201
    town.run_outbox()
    assert town.found(number).state == "closed"
    first, second = reopenings(town, number)
    assert (first.state, second.state) == ("taken", "refused")
    assert second.reason["en"] == "The case has been opened again 1 times before."
    assert "feedback_reopening" in town.as_("duty_lead").told(number)
    listed = town.as_("duty_lead").get("/reopenings").get_json()["items"]
    assert [(one["state"], one["reason"]) for one in listed if one["case"]["key"] == number] == [("refused", second.reason["en"])]
    assert town.as_("inspector").get("/reopenings").status_code == 403
    town.as_("duty_lead").moved(number, "reopen", {"reason": "现场仍有异响"})
    listed = town.as_("duty_lead").get("/reopenings").get_json()["items"]
    assert number not in [one["case"]["key"] for one in listed]


def test_answer_about_an_earlier_closing_does_not_open_the_later_one(town, gateway):
    phone = "13800000004"
    number = closed_call(town, phone)
    follow(town)
    town.as_("duty_lead").moved(number, "reopen", {"reason": "同一问题再次出现"})
    walked_to_close(town, number)
    follow(town)
    first, second = gateway.links_to(phone)
    assert answered(town, first, BAD).status_code == 201
    town.run_outbox()
    assert [one.reason["en"] for one in reopenings(town, number)] == [
        "The case has been closed again since; the answer is about the closing before."
    ]
    assert town.found(number).state == "closed"
    assert answered(town, second, GOOD).status_code == 201


def test_delivered_twice_it_opens_the_case_once(town, gateway):
    number = closed_and_answered(town, gateway, "13800000005", BAD)
    (kept,) = reopenings(town, number)
    with town.work() as (session, actor):
        delivery = outbox.Delivery(1, town.agency_id, "feedback.reopen", {"answer_id": kept.answer_id}, 0, actor.now)
        reopening.reopen_for(session, delivery)
    assert len(reopenings(town, number)) == 1
    assert town.found(number).counts["reopenings"] == 1


@pytest.fixture
def rules(town):
    """Change how the survey opens cases again, until the end of the test."""

    def change(**values):
        with town.work() as (session, actor):
            content = current_definition(session, "survey", "urban_mgmt.satisfaction").content
            publish_overlay(session, actor, "survey", content["key"], {**content, "reopen": {**content["reopen"], **values}})

    yield change
    change(decides="automatic", within_days=15)


def test_where_people_decide_they_are_told_and_take_the_step(town, gateway, rules):
    rules(decides="duty_lead")
    number = closed_and_answered(town, gateway, "13800000006", BAD)
    assert town.found(number).state == "closed"
    assert [one.state for one in reopenings(town, number)] == ["waiting"]
    assert "feedback_reopening" in town.as_("duty_lead").told(number)
    town.as_("duty_lead").moved(number, "reopen", {"reason": "群众不满意"})
    assert town.found(number).state == "filed"


def test_too_late_is_refused_with_the_reason(town, gateway, later, rules):
    phone = "13800000007"
    rules(within_days=7)
    number = closed_call(town, phone)
    follow(town)
    later(timedelta(days=8))
    assert answered(town, gateway.links_to(phone)[0], BAD).status_code == 201
    town.run_outbox()
    assert [one.reason["en"] for one in reopenings(town, number)] == ["The case was closed more than 7 days ago."]
