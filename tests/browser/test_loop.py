"""One case through the whole loop, by hand, in a real browser: each role signs in and takes its step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Office

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Photo = Callable[[str], Path]
Report = Callable[..., str]


def test_case_walks_the_whole_loop_in_a_browser(office: Office, photo: Photo, reported: Report) -> None:
    number = reported()

    acceptor = office.as_("acceptor")
    acceptor.begin(number, "request_verify")
    acceptor.finish("待核实")

    inspector = office.as_("inspector", phone=True)
    inspector.begin(number, "verify")
    inspector.field("result").get_by_text("属实", exact=True).click()
    inspector.photograph("photos", photo("verified"))
    inspector.finish("待立案")

    duty_lead = office.as_("duty_lead")
    duty_lead.begin(number, "file")
    duty_lead.field("condition").locator(".el-select__wrapper").click()
    # The conditions of the case's own class come first.
    duty_lead.page.locator(".el-select-dropdown__item:visible", has_text="暴露生活垃圾").first.click()
    duty_lead.finish("立案")

    dispatcher = office.as_("dispatcher")
    dispatcher.begin(number, "dispatch")
    dispatcher.choose("department", dispatcher_department(office))
    dispatcher.finish("已派遣")

    clerk = office.as_("department_clerk")
    clerk.begin(number, "accept")
    clerk.finish("处置中")
    clerk.begin(number, "handle")
    clerk.photograph("photos", photo("after"))
    clerk.field("result").locator("textarea").fill("已清运并冲洗路面")
    clerk.finish("处置完成")

    acceptor.begin(number, "request_check")
    acceptor.finish("核查中")

    inspector.begin(number, "check_pass")
    inspector.photograph("photos", photo("checked"))
    inspector.finish("待结案")

    duty_lead.begin(number, "close")
    duty_lead.finish("结案")

    history = duty_lead.page.locator(".history li strong").all_inner_texts()
    assert history[:8] == ["结案", "核查通过", "发核查", "处置", "接收", "派遣", "立案", "核实"]
    assert duty_lead.page.locator(".history .files img").count() == 3
    # One of the photos is really there: its picture has a width.
    duty_lead.page.wait_for_function("[...document.querySelectorAll('.strip img')].every((image) => image.naturalWidth > 0)")
    events = office.town.as_("leader").case(number)["events"]
    verbs = ["report", "request_verify", "verify", "file", "dispatch", "accept", "handle", "request_check", "check_pass", "close"]
    assert verbs == [event["verb"] for event in events]


def dispatcher_department(office: Office) -> str:
    """Give the name of the department that the clerk works for."""
    departments = office.town.as_("dispatcher").get("/departments?limit=200").get_json()["items"]
    return next(one["name"] for one in departments if one["code"] == "E01")


def test_second_of_two_people_is_told_that_the_case_has_moved(office: Office, reported: Report) -> None:
    number = reported("井盖旁路面破损")
    first, second = office.as_("duty_lead"), office.as_("duty_lead")
    for person in (first, second):
        person.open(f"/cases/{number}")
        person.page.locator('[data-verb="reject"]').click()
        person.field("cause").get_by_text("其他").click()
        person.field("reason").locator("textarea").fill("不属于城市管理范围,转其他部门")
    first.finish("不予立案")
    second.page.locator(".el-drawer__footer .el-button--primary").click()
    second.page.locator(".el-drawer [role=alert]").wait_for()
    said = second.page.locator(".el-drawer [role=alert]").inner_text()
    assert "案件已被他人更新" in said
    # What was typed is still there, and the page behind shows the case as it is now.
    assert "不属于" in second.field("reason").locator("textarea").input_value()
    second.page.locator(".head .tags").get_by_text("不予立案", exact=True).wait_for()
    verbs = [event["verb"] for event in office.town.as_("leader").case(number)["events"]]
    assert verbs == ["report", "reject"]
