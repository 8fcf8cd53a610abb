"""The answer after a closing: asked once, answered once, through a link that tells nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, text

from core.accounts.service.personal_data import erase_caller, export_caller
from core.feedback import links
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackWords
from core.notices.models import NoticeChannel
from core.workflow.service.personal import erase_case
from tests.core.feedback.conftest import BAD, GOOD, answered, closed_call, follow, opened, owner, walked_to_close
from tests.journeys.walking import called, closed, handling

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of apprise


def invitations(town, number):
    with town.work() as (session, _):
        case = town.found(number)
        return session.scalars(
            select(FeedbackInvitation).where(FeedbackInvitation.case_id == case.id).order_by(FeedbackInvitation.id)
        ).all()


def test_who_called_gets_one_link_after_the_closing(town, gateway):
    number = closed_call(town, "139-0000 0001")
    follow(town)
    follow(town)
    ((words),) = [words for to, words in gateway.texts if to == "13900000001"]
    assert number in words
    (invitation,) = invitations(town, number)
    ((agency, token),) = gateway.links_to("13900000001")
    assert (agency, invitation.token_sha256, invitation.sent_via) == ("town", sha256(token.encode()).digest(), "channel")
    assert invitation.department_id == town.departments["E01"]
    assert invitation.expires_at - town.found(number).closed_at == timedelta(days=14)


def test_link_shows_the_form_with_number_and_class_and_nothing_else(town, gateway):
    number = closed_call(town, "13900000002")
    follow(town)
    shown = opened(town, gateway.links_to("13900000002")[0])
    assert shown.status_code == 200
    body = shown.get_json()
    assert (body["agency"]["key"], body["survey"]["key"], body["case"]) == (
        "town",
        "urban_mgmt.satisfaction",
        {"key": number, "title": "道路破损"},
    )
    assert [one["id"] for one in body["form"]["fields"]] == ["solved", "satisfaction", "comment"]
    assert all(word not in shown.get_data(as_text=True) for word in ("张三", "13900000002", "市民反映路面有坑"))


def test_answer_counts_once_and_says_who_it_is_about(town, gateway):
    number = closed_call(town, "13900000003")
    follow(town)
    (link,) = gateway.links_to("13900000003")
    assert answered(town, link, GOOD).status_code == 201
    second, third = answered(town, link, BAD), opened(town, link)
    assert (second.status_code, third.status_code) == (410, 410)
    with town.work() as (session, _):
        (answer,) = session.scalars(select(FeedbackAnswer).where(FeedbackAnswer.case_id == town.found(number).id)).all()
    case = town.found(number)
    assert (answer.survey_key, answer.points, answer.data) == ("urban_mgmt.satisfaction", 80, GOOD)
    assert (answer.grid_id, answer.department_id, answer.taken_by_id) == (case.grid_id, case.department_id, None)


def test_two_answers_at_once_and_one_wins(town, gateway):
    number = closed_call(town, "13900000004")
    follow(town)
    (link,) = gateway.links_to("13900000004")
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda _: answered(town, link, GOOD).status_code, range(4)))
    assert sorted(given) == [201, 410, 410, 410]
    with town.work() as (session, _):
        found = session.scalars(select(FeedbackAnswer).where(FeedbackAnswer.case_id == town.found(number).id)).all()
    assert len(found) == 1


def test_wrong_values_are_told_and_leave_the_link_as_it_was(town, gateway):
    closed_call(town, "13900000005")
    follow(town)
    (link,) = gateway.links_to("13900000005")
    refused = answered(town, link, {"solved": "no", "satisfaction": "dissatisfied"})
    assert (refused.status_code, [one["path"] for one in refused.get_json()["errors"]]) == (422, ["comment"])
    assert answered(town, link, {"solved": "no", "satisfaction": "perfect"}).status_code == 422
    assert answered(town, link, {**GOOD, "points": 100}).status_code == 422
    assert answered(town, link, GOOD).status_code == 201


def test_every_link_that_does_not_work_is_told_alike(town, village, gateway, later):
    closed_call(town, "13900000006")
    follow(town)
    (good,) = gateway.links_to("13900000006")
    used = good
    assert answered(town, used, GOOD).status_code == 201
    closed_call(town, "13900000007")
    follow(town)
    (other,) = gateway.links_to("13900000007")
    dead = [
        used,
        ("town", links.new_token()),
        ("town", "?" * 26),
        ("town", "A"),
        ("village", other[1]),
        ("nowhere", other[1]),
        ("town' OR 1=1 --", other[1]),
    ]
    told = [opened(town, link) for link in dead]
    assert [one.status_code for one in told] == [410] * len(dead)
    assert len({one.get_data() for one in told}) == 1
    later(timedelta(days=14, minutes=1))
    told = [opened(town, other), answered(town, other, GOOD)]
    assert [one.status_code for one in told] == [410, 410]


def test_link_works_as_somebody_types_it(town, gateway):
    closed_call(town, "13900000008")
    follow(town)
    ((agency, token),) = gateway.links_to("13900000008")
    typed = "-".join(token[at : at + 5].lower().replace("0", "o").replace("1", "l") for at in range(0, len(token), 5))
    assert opened(town, (agency, f" {typed} ")).status_code == 200


def test_tries_are_counted_by_address_and_good_links_are_not(town, gateway):
    closed_call(town, "13900000009")
    follow(town)
    (link,) = gateway.links_to("13900000009")
    for _ in range(59):
        assert opened(town, ("town", links.new_token())).status_code == 410
    assert [opened(town, link).status_code for _ in range(3)] == [200, 200, 200]
    told = [opened(town, ("town", links.new_token())) for _ in range(2)]
    assert [one.status_code for one in told] == [410, 429]
    assert int(told[1].headers["Retry-After"]) > 0
    assert opened(town, link).status_code == 429


def test_hostile_bodies_are_refused_and_break_nothing(town):
    send = town.app.test_client().post
    bodies = [
        {},
        {"agency": "town"},
        {"agency": ["town"], "token": {}},
        {"agency": "town", "token": "0" * 65},
        {"agency": "town\u0000", "token": "0" * 26},
        {"agency": "town", "token": "0" * 26, "more": 1},
    ]
    assert [send("/api/v1/answers/open", json=body).status_code for body in bodies] == [422] * len(bodies)
    assert send("/api/v1/answers/open", data=b"{", content_type="application/json").status_code == 400
    deep = {"agency": "town", "token": "0" * 26, "data": {"a": 1}}
    for _ in range(70):
        deep["data"] = {"a": deep["data"]}
    assert send("/api/v1/answers", json=deep).status_code == 422


def test_what_people_write_stands_apart_and_can_be_erased(town, gateway):
    number = closed_call(town, "13900000010")
    follow(town)
    assert answered(town, gateway.links_to("13900000010")[0], {**GOOD, "comment": "我叫张三"}).status_code == 201
    seen = town.as_("intake").get(f"/cases/{number}/answers").get_json()["items"][0]
    assert (seen["state"], seen["answer"]["data"], seen["answer"]["words"]) == ("answered", GOOD, {"comment": "我叫张三"})
    with town.work() as (session, actor):
        assert export_caller(session, actor, "13900000010")["answers"][0]["answer"] == {**GOOD, "comment": "我叫张三"}
        assert erase_caller(session, actor, "13900000010")["answers"] == 1
        assert session.scalars(select(FeedbackWords.value).where(FeedbackWords.field == "comment")).all().count("我叫张三") == 0
    seen = town.as_("intake").get(f"/cases/{number}/answers").get_json()["items"][0]
    assert (seen["answer"]["data"], seen["answer"]["words"]) == (GOOD, {"comment": None})


def test_erasing_one_case_erases_what_was_written_about_it(town, gateway):
    number = closed_call(town, "13900000011")
    follow(town)
    assert answered(town, gateway.links_to("13900000011")[0], {**GOOD, "comment": "我叫李四"}).status_code == 201
    with town.work() as (session, actor):
        assert erase_case(session, actor, number) == 3  # name, number and words
        assert "我叫李四" not in session.scalars(select(FeedbackWords.value)).all()


def test_answer_can_never_be_changed(town, gateway):
    closed_call(town, "13900000012")
    follow(town)
    assert answered(town, gateway.links_to("13900000012")[0], GOOD).status_code == 201
    for statement in ("UPDATE feedback_answer SET points = 100", "DELETE FROM feedback_answer"):
        with pytest.raises(Exception, match="permission denied"), town.work() as (session, _):
            session.execute(text(statement))


def test_nobody_is_asked_without_a_number_nor_about_what_the_inspector_saw(town, gateway):
    follow(town)  # what others have left to be sent
    before = len(gateway.texts)
    silent = walked_to_close(town, called(town, caller_phone=None))
    seen = closed(town, handling(town))
    follow(town)
    assert (invitations(town, silent), invitations(town, seen), len(gateway.texts)) == ([], [], before)


def test_late_news_of_an_old_closing_asks_nobody(town, gateway, later):
    number = closed_call(town, "13900000013")
    later(timedelta(days=15))
    follow(town)
    assert invitations(town, number) == []


def test_without_a_gateway_the_desk_calls_and_reads_the_link_out_or_writes_the_answer_down(town):
    first, second = closed_call(town, "13900000014"), closed_call(town, "13900000015")
    follow(town)
    desk = town.as_("intake")
    waiting = desk.get("/invitations?state=waiting&unsent=true&limit=200").get_json()["items"]
    by_case = {one["case"]["key"]: one for one in waiting}
    assert {first, second} <= set(by_case)
    made = desk.post(f"/invitations/{by_case[first]['uuid']}/link")
    assert made.status_code == 201
    agency, token = made.get_json()["link"].split("#")[1].split("/")
    assert answered(town, (agency, token), GOOD).status_code == 201
    assert desk.post(f"/invitations/{by_case[first]['uuid']}/link").status_code == 409
    taken = desk.post(f"/cases/{second}/answers", json={"data": GOOD})
    assert taken.status_code == 201, taken.get_data(as_text=True)
    assert desk.post(f"/cases/{second}/answers", json={"data": GOOD}).status_code == 409
    shown = desk.get(f"/cases/{second}/answers").get_json()["items"][0]
    assert (shown["answer"]["taken_by"], shown["sent_via"]) == ("示例坐席员", "desk")
    still = desk.get("/invitations?state=waiting&unsent=true&limit=200").get_json()["items"]
    assert not {first, second} & {one["case"]["key"] for one in still}


def test_answer_by_telephone_needs_the_right_and_a_closed_case(town, village):
    number = closed_call(town, "13900000016")
    assert town.as_("inspector").post(f"/cases/{number}/answers", json={"data": GOOD}).status_code == 403
    assert town.as_("handler").post(f"/cases/{number}/answers", json={"data": GOOD}).status_code == 403
    assert village.as_("village_duty_lead").post(f"/cases/{number}/answers", json={"data": GOOD}).status_code == 404
    running = called(town)
    assert town.as_("intake").post(f"/cases/{running}/answers", json={"data": GOOD}).status_code == 409
    assert town.as_("intake").post(f"/cases/{number}/answers", json={"data": {"solved": "yes"}}).status_code == 422


def test_gateway_that_fails_is_tried_again_and_the_invitation_waits_unsent(town, gateway, later):
    gateway.status = 500
    number = closed_call(town, "13900000017")
    follow(town)
    assert invitations(town, number)[0].sent_at is None
    gateway.status = 200
    later(timedelta(minutes=5))
    town.run_outbox()
    assert len(gateway.links_to("13900000017")) == 1
    assert invitations(town, number)[0].sent_via == "channel"


def test_number_is_put_into_the_gateway_alone_and_notices_never_go_there(town, gateway):
    with town.work() as (session, _):
        (channel,) = session.scalars(select(NoticeChannel).where(NoticeChannel.for_residents)).all()
        assert (channel.kind, "phone" in channel.sealed_url) == ("json", False)
    town.run_outbox()  # what others have left to be sent
    before = list(gateway.texts)
    called(town)
    town.run_outbox()
    assert gateway.texts == before


def test_secret_stands_nowhere_in_the_database(town, gateway):
    closed_call(town, "13900000018")
    follow(town)
    ((_, token),) = gateway.links_to("13900000018")
    with owner(town) as engine, engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        found = [
            table
            for table in tables
            if connection.scalar(text(f'SELECT count(*) FROM "{table}" AS one WHERE one::text LIKE :token'), {"token": f"%{token}%"})
        ]
    assert found == []
