"""What somebody who decides sees: the application in front of him, a clock that stands, and the agency's own time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.walking import handling, reported

if TYPE_CHECKING:
    from tests.browser.conftest import Office, Person
    from tests.journeys.town import Town

pytestmark = pytest.mark.browser

WHY = "需开挖道路，等待占道许可"


def suspended(town: Town) -> str:
    """Bring a case to a stop."""
    number = handling(town)
    town.as_("department_clerk").moved(number, "request_suspend", {"cause": "season", "reason": WHY})
    assert town.as_("dispatcher").moved(number, "grant_suspend") == "suspended"
    return number


def is_whole(person: Person) -> bool:
    """Say whether nothing is wider than the screen."""
    return bool(person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("phone", [True, False])
def test_whoever_answers_an_application_reads_it_in_the_same_place(office: Office, phone: bool) -> None:
    number = handling(office.town)
    office.town.as_("department_clerk").moved(number, "request_extension", {"reason": WHY})
    office.town.as_("department_head").moved(number, "grant_extension", {"note": "同意，请抓紧"})
    dispatcher = office.as_("dispatcher", phone=phone)
    dispatcher.begin(number, "refuse_extension")
    asked = dispatcher.page.locator(".el-drawer .asked")
    asked.get_by_text("申请内容").wait_for()
    asked.get_by_text(WHY).wait_for()
    # Who agreed before is part of it.
    asked.get_by_text("同意，请抓紧").wait_for()
    assert is_whole(dispatcher)
    assert dispatcher.barriers() == []


def test_decision_is_not_made_beforehand(office: Office) -> None:
    clerk = office.as_("department_clerk", language="en")
    clerk.begin(handling(office.town), "return")
    cause = clerk.field("cause")
    expect(cause.locator("[aria-checked=true], [aria-pressed=true], input:checked")).to_have_count(0)
    clerk.field("reason").locator("textarea").fill("Not ours.")
    clerk.page.locator(".el-drawer__footer .el-button--primary").click()
    cause.get_by_role("alert").wait_for()


@pytest.mark.parametrize(("language", "words", "left"), [("zh-CN", "计时已停", "个工作日"), ("en", "Clock stopped", "work days left")])
def test_suspended_case_says_that_its_clock_stands(office: Office, language: str, words: str, left: str) -> None:
    number = suspended(office.town)
    leader = office.as_("leader", phone=True, language=language)
    leader.open(f"/cases/{number}")
    leader.page.locator(".head .tags").get_by_text(words, exact=True).wait_for()
    expect(leader.page.locator(".head .facts")).to_contain_text(left)
    assert is_whole(leader)
    leader.open("/cases")
    leader.page.locator(".row", has_text=number).get_by_text(words, exact=True).wait_for()


def test_phone_with_a_wrong_zone_shows_the_agencys_time(office: Office) -> None:
    number = reported(office.town)
    born = datetime.fromisoformat(office.town.as_("leader").case(number)["reported_at"])
    inspector = office.as_("inspector", phone=True)
    inspector.context.new_cdp_session(inspector.page).send("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    inspector.open(f"/cases/{number}")
    assert inspector.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "America/New_York"
    expect(inspector.page.locator(".head .facts")).to_contain_text(f"{born.astimezone(ZoneInfo('Asia/Shanghai')):%H:%M}")
    inspector.page.locator(".history time").first.wait_for()
    assert inspector.page.locator(".history time").last.inner_text() in inspector.page.locator(".head .facts").inner_text()


@pytest.mark.parametrize("phone", [True, False])
def test_hotline_desk_registers_what_it_was_told(office: Office, phone: bool) -> None:
    desk = office.as_("intake", phone=phone)
    page = desk.page
    page.locator("nav:visible").get_by_text("上报").click()
    source = desk.field("source")
    source.get_by_text("热线").wait_for()
    # Nothing is chosen beforehand, and what only an inspector may say is not offered.
    expect(source.locator("[aria-checked=true]")).to_have_count(0)
    assert source.get_by_text("监督员上报").count() == 0
    source.get_by_text("热线").click()
    desk.field("description").locator("textarea").fill("市民反映路面有坑")
    desk.field("caller_name").locator("input").fill("张三")
    assert page.locator(".maplibregl-marker").count() == 0
    assert is_whole(desk)
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()
    number = page.get_by_text("案件编号").inner_text().removeprefix("案件编号").strip()
    assert office.town.as_("acceptor").case(number)["source"] == "hotline"
