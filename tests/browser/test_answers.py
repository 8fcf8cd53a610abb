"""What residents say: a link that works once on a narrow phone, an answer taken by telephone, and a round of a survey."""

from __future__ import annotations

import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from core.facts.service import catch_up
from core.lib import clock
from tests.browser.conftest import Office, Person
from tests.browser.test_screens import is_whole, small_targets
from tests.core.feedback.conftest import walked_to_close
from tests.journeys.town import Town
from tests.journeys.walking import called

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NARROW = {"width": 360, "height": 780}


def _asked(town: Town) -> str:
    """Bring what somebody told the hotline to its close, so that the caller is asked; give the case's number."""
    number = walked_to_close(town, called(town))
    catch_up(town.database, town.agency_id, now=clock.now())
    town.run_outbox()
    return number


def _link(town: Town, number: str) -> str:
    """Make a fresh link as the desk does; give its path with what stands behind #."""
    desk = town.as_("intake")
    invitation = desk.get(f"/cases/{number}/answers").get_json()["items"][0]
    answer = desk.post(f"/invitations/{invitation['uuid']}/link")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    parts = urlsplit(answer.get_json()["link"])
    return f"{parts.path}#{parts.fragment}"


def _resident(office: Office, language: str = "zh-CN") -> Person:
    resident = office.visitor(phone=True, language=language)
    resident.page.set_viewport_size(NARROW)
    return resident


def _is_open_to_everybody(person: Person, what: str) -> None:
    assert is_whole(person), f"{what} is wider than the screen"
    assert person.barriers() == [], what
    assert small_targets(person) == [], what


def test_link_is_answered_once_without_an_account(office: Office) -> None:
    number = _asked(office.town)
    path = _link(office.town, number)
    resident = _resident(office)
    page = resident.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    resident.open(path)
    page.get_by_text(number).wait_for()
    expect(page.locator(".shell")).to_have_count(0)
    _is_open_to_everybody(resident, "form")
    page.get_by_role("button", name="提交评价").click()
    page.get_by_text("请选择「问题是否解决」").wait_for()
    _is_open_to_everybody(resident, "form with what is wrong")
    resident.field("solved").get_by_text("已解决").click()
    resident.field("satisfaction").get_by_text("满意", exact=True).click()
    page.get_by_role("button", name="提交评价").click()
    page.get_by_text("感谢您的评价").wait_for()
    _is_open_to_everybody(resident, "thanks")
    page.reload()
    page.get_by_text("此链接已失效").wait_for()
    _is_open_to_everybody(resident, "used link")
    # The secret stands behind # alone, and nobody was asked who is here.
    token = path.rpartition("/")[2]
    assert [url for url in asked if token in url.partition("#")[0]] == []
    assert [url for url in asked if urlsplit(url).path == "/api/v1/me"] == []
    assert page.evaluate("navigator.serviceWorker?.controller ?? null") is None
    given = office.town.as_("intake").get(f"/cases/{number}/answers").get_json()["items"][0]
    assert given["state"] == "answered"
    assert given["answer"]["data"] == {"solved": "yes", "satisfaction": "satisfied"}


def test_bad_answer_asks_why_and_is_kept(office: Office) -> None:
    number = _asked(office.town)
    resident = _resident(office, "en")
    page = resident.page
    resident.open(_link(office.town, number))
    page.get_by_text(number).wait_for()
    resident.field("solved").get_by_text("No", exact=True).click()
    resident.field("satisfaction").get_by_text("Dissatisfied", exact=True).click()
    page.get_by_role("button", name="Send").click()
    resident.field("comment").locator(".el-form-item__error, .error, [role=alert]").first.wait_for()
    resident.field("comment").locator("textarea").fill("The cover still rattles")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you").wait_for()
    given = office.town.as_("intake").get(f"/cases/{number}/answers").get_json()["items"][0]["answer"]
    assert given["words"] == {"comment": "The cover still rattles"}
    assert given["points"] == 30


def test_link_that_is_none_is_said_kindly_and_a_code_can_be_typed(office: Office) -> None:
    resident = _resident(office)
    page = resident.page
    resident.open("/a#town/ABCDEFGHJKMNPQRSTVWXYZ2345")
    page.get_by_text("此链接已失效").wait_for()
    resident.open("/a")
    page.get_by_text("链接不完整").wait_for()
    _is_open_to_everybody(resident, "incomplete link")
    number = _asked(office.town)
    code = _link(office.town, number).rpartition("/")[2]
    resident.open("/sign-in")
    resident.open("/a#town")
    page.locator("input[name=code]").fill("-".join(code[at : at + 4] for at in range(0, len(code), 4)).lower())
    page.get_by_role("button", name="开始").click()
    page.get_by_text(number).wait_for()


def test_link_shows_nothing_of_who_is_signed_in(office: Office) -> None:
    number = _asked(office.town)
    path = _link(office.town, number)
    intake = office.as_("intake")
    intake.open(path)
    intake.page.get_by_text(number).wait_for()
    expect(intake.page.locator(".shell")).to_have_count(0)


def test_answer_without_a_network_keeps_what_was_filled_in(office: Office) -> None:
    number = _asked(office.town)
    resident = _resident(office)
    page = resident.page
    resident.open(_link(office.town, number))
    page.get_by_text(number).wait_for()
    resident.field("solved").get_by_text("已解决").click()
    resident.field("satisfaction").get_by_text("非常满意").click()
    resident.context.set_offline(True)
    page.get_by_role("button", name="提交评价").click()
    page.get_by_text("连接不上服务器").wait_for()
    resident.context.set_offline(False)
    page.get_by_role("button", name="提交评价").click()
    page.get_by_text("感谢您的评价").wait_for()


@pytest.mark.parametrize(("phone", "language"), [(False, "zh-CN"), (True, "en")], ids=["desk", "phone"])
def test_answer_is_taken_by_telephone(office: Office, phone: bool, language: str) -> None:
    number = _asked(office.town)
    intake = office.as_("intake", phone=phone, language=language)
    page = intake.page
    if phone:
        page.set_viewport_size(NARROW)
    intake.open("/feedback")
    row = page.locator("[data-invitation]", has_text=number)
    row.wait_for()
    assert is_whole(intake)
    assert intake.barriers() == []
    if phone:
        assert small_targets(intake) == []
    row.locator(".el-button--primary").click()
    words = ("已解决", "满意") if language == "zh-CN" else ("Yes", "Satisfied")
    intake.field("solved").get_by_text(words[0], exact=True).click()
    intake.field("satisfaction").get_by_text(words[1], exact=True).click()
    assert intake.barriers() == []
    page.locator(".el-drawer__footer .el-button--primary").click()
    page.locator(".el-drawer").wait_for(state="detached")
    expect(page.locator("[data-invitation]", has_text=number)).to_have_count(0)
    given = office.town.as_("intake").get(f"/cases/{number}/answers").get_json()["items"][0]["answer"]
    assert given["taken_by"] is not None
    intake.open(f"/cases/{number}")
    page.locator("[data-invitation]").wait_for()
    assert intake.barriers() == []


def test_round_is_drawn_and_its_codes_leave_once(office: Office) -> None:
    evaluator = office.as_("evaluator")
    page = evaluator.page
    evaluator.open("/surveys")
    page.get_by_role("button", name="新建一轮").click()
    last = (clock.now() + timedelta(days=20)).date().isoformat()
    page.locator("input[name=closes_on]").fill(last)
    page.locator("input[name=seed]").fill("spring")
    assert evaluator.barriers() == []
    page.locator(".el-drawer__footer .el-button--primary").click()
    page.get_by_text("抽样种子 spring").wait_for()
    assert evaluator.barriers() == []
    page.locator("[data-codes='xlsx']").click()
    with page.expect_download() as taken:
        page.locator(".el-message-box").get_by_role("button", name="领取评价码").click()
    rows = list(load_workbook(io.BytesIO(taken.value.path().read_bytes())).active.iter_rows(values_only=True))
    page.get_by_text("领取", exact=False).first.wait_for()
    link = next(str(cell) for cell in rows[2] if "/a#" in str(cell))
    resident = _resident(office)
    parts = urlsplit(link)
    resident.open(f"{parts.path}#{parts.fragment}")
    resident.field("order").get_by_text("较好").click()
    _is_open_to_everybody(resident, "survey")
    resident.page.get_by_role("button", name="提交评价").click()
    resident.page.get_by_text("感谢您的评价").wait_for()
    page.reload()
    page.get_by_text("已答 1").wait_for()


def test_rounds_fit_a_phone_in_english(office: Office) -> None:
    evaluator = office.as_("evaluator", phone=True, language="en")
    evaluator.page.set_viewport_size(NARROW)
    for path, heading in (("/surveys", "Surveys"), ("/feedback", "Feedback")):
        evaluator.open(path)
        evaluator.page.get_by_role("heading", name=heading, exact=True).wait_for()
        expect(evaluator.page.locator(".waiting .bar")).to_have_count(0)
        _is_open_to_everybody(evaluator, path)
