"""One case through the whole loop, by hand, in a real browser: each role signs in and takes its step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Office

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Photo = Callable[[str], Path]


def reported(office: Office, photo: Photo, words: str = "胡同口堆放暴露垃圾，约两平方米") -> str:
    """Report an event as the inspector with the phone; give the case's number."""
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    page.locator("nav.bottom").get_by_text("上报").click()
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.field("description").locator("textarea").fill(words)
    inspector.photograph("photos", photo("before"))
    page.get_by_text("精度约 6 米").wait_for()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()
    number = page.get_by_text("案件编号").inner_text().removeprefix("案件编号").strip()
    inspector.context.close()
    office.people.remove(inspector)
    return number


def test_case_walks_the_whole_loop_in_a_browser(office: Office, photo: Photo) -> None:
    number = reported(office, photo)

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


def test_second_of_two_people_is_told_that_the_case_has_moved(office: Office, photo: Photo) -> None:
    number = reported(office, photo, "井盖旁路面破损")
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


def test_report_without_network_is_kept_and_sent_once(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.open("/report")
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.field("description").locator("textarea").fill("断网时上报的垃圾")
    page.get_by_text("精度约 6 米").wait_for()
    inspector.context.set_offline(True)
    inspector.field("photos").locator("input[capture]").set_input_files(photo("offline"))
    page.get_by_text("上传失败").wait_for()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("网络不通").first.wait_for()
    page.get_by_text("本机有 1 条待补传").wait_for()

    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/cases") and answer.status == 201):
        inspector.context.set_offline(False)
    page.get_by_text("本机有 1 条待补传").wait_for(state="detached")
    inspector.open("/tasks")
    page.get_by_role("heading", name="我的任务").wait_for()
    assert page.get_by_text("待补传").count() == 0


def test_wrong_password_is_refused_in_words(office: Office) -> None:
    visitor = office.visitor()
    visitor.open("/cases")
    visitor.page.locator("input[name=username]").fill("nobody-here")
    visitor.page.locator("input[name=password]").fill("wrong wrong wrong")
    visitor.page.locator("button[type=submit]").click()
    alert = visitor.page.locator("[role=alert]")
    alert.wait_for()
    assert alert.inner_text() == "用户名或密码不正确，请核对后再试。"
    assert visitor.page.url.endswith("/sign-in?next=/cases")


def test_every_screen_is_whole_in_both_languages_and_sizes(office: Office, photo: Photo) -> None:
    number = reported(office, photo, "语言检查")
    screens = {
        "/tasks": "My tasks",
        "/cases": "Cases",
        f"/cases/{number}": "Exposed household refuse",
        "/report": "New report",
        "/profile": "Me",
    }
    for phone in (False, True):
        inspector = office.as_("inspector", phone=phone)
        inspector.open("/profile")
        with inspector.page.expect_response("**/api/v1/me/locale"):
            inspector.page.get_by_role("radio", name="English").click()
        for path, heading in screens.items():
            inspector.open(path)
            inspector.page.get_by_role("heading", name=heading, exact=True).wait_for()
            assert inspector.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} is wider than the screen"
        with inspector.page.expect_response("**/api/v1/me/locale"):
            inspector.open("/profile")
            inspector.page.get_by_role("radio", name="中文").click()


def test_report_half_filled_when_the_session_ends_is_mended_and_sent(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.open("/report")
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.photograph("photos", photo("half"))
    inspector.field("description").locator("textarea").fill("写到一半")
    inspector.context.clear_cookies()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("登录已失效").wait_for()
    page.locator("input[name=username]").fill("inspector")
    page.locator("input[name=password]").fill(office.town.sign_ins["inspector"]["password"])
    page.locator("button[type=submit]").click()
    page.get_by_text("登录失效时尚未填完").wait_for()

    page.get_by_role("link", name="修改").click()
    words = inspector.field("description").locator("textarea")
    words.wait_for()
    assert words.input_value() == "写到一半"
    assert inspector.field("photos").locator("li img").count() == 1
    words.fill("写完了的上报")
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()
    assert page.get_by_text("待补传").count() == 0
