"""What is being written survives a reload, a lost network and an ended session, and takes effect once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Office, Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Photo = Callable[[str], Path]
Report = Callable[..., str]

KEPT = """async (words) => {
  const asking = (request) => new Promise((done, fail) => { request.onsuccess = () => done(request.result); request.onerror = fail; });
  // Opened before the page has made it, the database would stay an empty one.
  if (!(await indexedDB.databases()).some((one) => one.name === "wangge-drafts")) return false;
  const database = await asking(indexedDB.open("wangge-drafts"));
  const drafts = await asking(database.transaction("drafts").objectStore("drafts").getAll());
  database.close();
  return drafts.some((draft) => JSON.stringify(draft).includes(words));
}"""


def wait_until_kept(person: Person, words: str) -> None:
    """Wait until a draft with these words is on the device."""
    pause = "new Promise((done) => setTimeout(done, 20))"
    person.page.evaluate(f"async (words) => {{ const kept = {KEPT}; while (!(await kept(words))) await {pause}; }}", words)


def write_report(inspector: Person, words: str) -> None:
    """Open a new report, choose its class and say what is wrong."""
    inspector.open("/report")
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.field("description").locator("textarea").fill(words)
    inspector.page.get_by_text("精度约 6 米").wait_for()


def cases_with(office: Office, words: str) -> list[str]:
    """Find the cases whose description has these words."""
    leader = office.town.as_("leader")
    numbers = [one["number"] for one in leader.get("/cases?limit=100").get_json()["items"]]
    return [number for number in numbers if words in leader.case(number)["data"].get("description", "")]


def test_report_half_filled_survives_a_reload_with_its_photo(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    write_report(inspector, "刷新前写下的话")
    inspector.photograph("photos", photo("kept"))
    wait_until_kept(inspector, "kept.jpg")
    page.reload()
    expect(inspector.field("description").locator("textarea")).to_have_value("刷新前写下的话")
    page.get_by_text("已恢复您未提交的内容").wait_for()
    expect(inspector.field("photos").locator("li img")).to_have_count(1)

    # Elsewhere it is listed, and one click goes on with it.
    inspector.open("/tasks")
    page.get_by_role("link", name="继续填写").click()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()
    inspector.open("/report")
    expect(inspector.field("description").locator("textarea")).to_have_value("")
    assert len(cases_with(office, "刷新前写下的话")) == 1


def test_report_that_is_not_wanted_can_be_begun_anew(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    write_report(inspector, "不要的内容")
    wait_until_kept(inspector, "不要的内容")
    page.reload()
    page.get_by_role("button", name="清空重填").click()
    expect(inspector.field("description").locator("textarea")).to_have_value("")
    page.get_by_text("已恢复您未提交的内容").wait_for(state="detached")
    assert page.evaluate(KEPT, "不要的内容") is False


def test_report_without_network_is_kept_and_sent_once(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    write_report(inspector, "断网时上报的垃圾")
    inspector.context.set_offline(True)
    page.get_by_text("当前没有网络").wait_for()
    inspector.field("photos").locator("input[capture]").set_input_files(photo("offline"))
    page.get_by_text("上传失败").wait_for()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("网络不通").first.wait_for()
    page.get_by_text("本机有 1 条待补传").wait_for()

    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/cases") and answer.status == 201):
        inspector.context.set_offline(False)
    page.get_by_text("本机有 1 条待补传").wait_for(state="detached")
    page.get_by_text("已补传：断网时上报的垃圾").wait_for()
    # The screen that said so no longer says that it waits.
    page.get_by_role("heading", name="上报成功").wait_for()
    assert page.get_by_text("网络不通").count() == 0
    inspector.open("/tasks")
    page.get_by_role("heading", name="我的任务").wait_for()
    assert page.get_by_text("待补传").count() == 0
    assert len(cases_with(office, "断网时上报的垃圾")) == 1


def test_answer_that_is_lost_makes_no_second_case(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    write_report(inspector, "回执丢失的上报")
    inspector.photograph("photos", photo("lost"))

    # The server takes the report in; its answer never arrives.
    def lose(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined]
        route.abort("internetdisconnected")  # type: ignore[attr-defined]

    page.route("**/api/v1/cases", lose)
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("本机有 1 条待补传").wait_for()
    page.unroute("**/api/v1/cases")
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/cases")) as sent:
        page.get_by_role("button", name="立即补传").click()
    assert sent.value.headers.get("idempotent-replay") == "true"
    page.get_by_text("本机有 1 条待补传").wait_for(state="detached")
    assert len(cases_with(office, "回执丢失的上报")) == 1


def test_report_half_filled_when_the_session_ends_is_mended_and_sent(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    write_report(inspector, "写到一半")
    inspector.photograph("photos", photo("half"))
    inspector.context.clear_cookies()
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("登录已失效").wait_for()
    inspector.sign_in("inspector", office.town.sign_ins["inspector"]["password"])

    words = inspector.field("description").locator("textarea")
    expect(words).to_have_value("写到一半")
    expect(inspector.field("photos").locator("li img")).to_have_count(1)
    words.fill("写完了的上报")
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()
    assert page.get_by_text("待补传").count() == 0


def test_step_written_without_network_is_taken_when_it_is_back(office: Office, photo: Photo, reported: Report) -> None:
    number = reported("断网核实的垃圾")
    acceptor = office.as_("acceptor")
    acceptor.begin(number, "request_verify")
    acceptor.finish("待核实")

    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.begin(number, "verify")
    inspector.field("result").get_by_text("属实", exact=True).click()
    wait_until_kept(inspector, number)
    page.reload()
    # The step is found again where it was left.
    page.locator('[data-verb="verify"]').click()
    page.get_by_text("已恢复您未提交的内容").wait_for()
    expect(inspector.field("result").get_by_role("radio", name="属实", exact=True)).to_be_checked()
    inspector.context.set_offline(True)
    inspector.field("photos").locator("input[capture]").set_input_files(photo("verified"))
    page.get_by_text("上传失败").wait_for()
    page.locator(".el-drawer__footer .el-button--primary").click()
    page.get_by_text("网络不通，已保存在本机").wait_for()
    with page.expect_response(lambda answer: answer.url.endswith("/transitions") and answer.request.method == "POST") as taken:
        inspector.context.set_offline(False)
    assert taken.value.status == 200
    page.get_by_text("已补传").wait_for()
    # The page behind shows the case as it is now.
    page.locator(".head .tags").get_by_text("待立案", exact=True).wait_for()
    verbs = [event["verb"] for event in office.town.as_("leader").case(number)["events"]]
    assert verbs == ["report", "request_verify", "verify"]


def test_draft_of_one_person_is_not_shown_to_the_next_on_the_device(office: Office) -> None:
    first = office.as_("inspector", phone=True)
    page = first.page
    write_report(first, "前一个人的内容")
    wait_until_kept(first, "前一个人的内容")
    first.open("/profile")
    page.get_by_role("button", name="退出登录").click()
    page.locator("input[name=username]").wait_for()
    first.sign_in("second_inspector", office.town.sign_ins["second_inspector"]["password"])
    page.locator(".shell").wait_for()
    page.get_by_role("heading", name="我的任务").wait_for()
    assert page.get_by_text("前一个人的内容").count() == 0
    first.open("/report")
    expect(first.field("description").locator("textarea")).to_have_value("")


def test_report_is_begun_where_the_network_is_already_away(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    # What a report needs was fetched while there was a network, though nobody had asked for it yet.
    page.wait_for_load_state("networkidle")
    inspector.context.set_offline(True)
    page.locator("nav.bottom").get_by_text("上报").click()
    page.get_by_text("精度约 6 米").wait_for()
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.field("description").locator("textarea").fill("断网以后才打开的表单")
    # The map's library was fetched too; only where it is not may a place be given without one.
    page.locator(".maplibregl-canvas").or_(page.get_by_text("此设备或当前网络不能显示地图")).first.wait_for()
    # What only the server has is not there, and that is said.
    page.locator("nav.bottom").get_by_text("案件").click()
    page.get_by_text("连接不上服务器").wait_for()


def test_screen_that_cannot_be_fetched_is_said_and_opens_later(office: Office) -> None:
    visitor = office.visitor()
    page = visitor.page
    page.route("**/assets/CaseList-*.js", lambda route: route.abort("internetdisconnected"))
    visitor.open("/")
    visitor.sign_in("inspector", office.town.sign_ins["inspector"]["password"])
    page.locator(".shell").wait_for()
    page.wait_for_load_state("networkidle")
    visitor.context.set_offline(True)
    page.locator("aside").get_by_role("link", name="案件").click()
    page.locator(".el-message").get_by_text("连接不上服务器").wait_for()
    assert page.url.endswith("/tasks")
    visitor.context.set_offline(False)
    page.unroute("**/assets/CaseList-*.js")
    page.locator("aside").get_by_role("link", name="案件").click()
    page.get_by_role("heading", name="案件", exact=True).wait_for()
