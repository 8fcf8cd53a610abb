"""Every screen, in both languages and sizes: whole, reachable, in words, and wrong input explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Office, Person
from tests.journeys.town import HERE
from tests.journeys.walking import handling

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Photo = Callable[[str], Path]
Report = Callable[..., str]


def is_whole(person: Person) -> bool:
    """Tell whether the screen is no wider than the device: a phone's window grows with what sticks out of it."""
    size = person.page.viewport_size
    return size is not None and bool(person.page.evaluate("document.documentElement.scrollWidth") <= size["width"])


def small_targets(person: Person) -> list[str]:
    """Give what a thumb would miss: controls lower or narrower than 40 px that are no link inside a sentence."""
    return person.page.evaluate("""() => [...document.querySelectorAll("button, a, [role=radio], summary, input:not([type=file])")]
      .filter((one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true}) && one.tabIndex >= 0)
      .filter((one) => !one.closest(".el-input, .el-select, .el-textarea, .el-switch, p, dd, .visually-hidden"))
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(([, box]) => box.width > 1 && (box.height < 40 || box.width < 40))
      .map(([one, box]) => `${one.className} ${one.textContent.trim()} ${Math.round(box.width)}x${Math.round(box.height)}`)""")


SCREENS = {
    "/tasks": ("我的任务", "My tasks"),
    "/cases": ("案件", "Cases"),
    "/cases/{number}": ("暴露生活垃圾", "Exposed household refuse"),
    "/report": ("新建上报", "New report"),
    "/notices": ("通知", "Notices"),
    "/profile": ("我的", "Me"),
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_screen_is_whole_and_open_to_everybody(office: Office, reported: Report, language: str) -> None:
    number = reported("语言检查")
    for phone in (False, True):
        inspector = office.as_("inspector", phone=phone, language=language)
        for path, headings in SCREENS.items():
            inspector.open(path.format(number=number))
            inspector.page.get_by_role("heading", name=headings[language == "en"], exact=True).wait_for()
            expect(inspector.page.locator(".waiting .bar")).to_have_count(0)
            assert is_whole(inspector), f"{path} is wider than the screen"
            assert inspector.barriers() == [], path
            if phone:
                assert small_targets(inspector) == [], path


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_form_with_what_is_wrong_is_open_to_everybody(office: Office, reported: Report, phone: bool) -> None:
    number = reported("表单检查")
    lead = office.as_("duty_lead", phone=phone)
    lead.open(f"/cases/{number}")
    lead.page.locator('[data-verb="reject"]').click()
    lead.page.locator(".el-drawer__footer .el-button--primary").click()
    lead.page.get_by_text("请选择「不予立案原因」").wait_for()
    lead.page.get_by_text("请核对标红的内容").wait_for()
    assert lead.barriers() == []
    assert is_whole(lead)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_step_of_a_case_fits_a_phone(office: Office, language: str) -> None:
    number = handling(office.town)
    clerk = office.as_("department_clerk", phone=True, language=language)
    page = clerk.page
    clerk.open(f"/cases/{number}")
    page.locator("[data-verb]").first.wait_for()
    verbs = [one.get_attribute("data-verb") for one in page.locator("[data-verb]").all()]
    assert len(verbs) >= 4
    assert is_whole(clerk)
    assert small_targets(clerk) == []
    for verb in verbs:
        page.locator(f'[data-verb="{verb}"]').click()
        page.locator(".el-drawer [data-field]").first.wait_for()
        assert is_whole(clerk), verb
        assert small_targets(clerk) == [], verb
        expect(page.locator(".el-drawer__footer .el-button--primary")).to_be_in_viewport(ratio=1)
        page.locator(".el-drawer__close-btn").click()
        page.locator(".el-drawer").wait_for(state="detached")


def test_report_in_english_names_what_is_near_in_english(office: Office, reported: Report, photo: Photo) -> None:
    reported("近旁的垃圾")
    inspector = office.as_("inspector", phone=True, language="en")
    page = inspector.page
    inspector.open("/report")
    page.get_by_text("accurate to about 6 m").wait_for()
    inspector.field("event_class").locator(".el-select__wrapper").click()
    page.locator(".el-select-dropdown__item:visible").nth(5).wait_for()
    # A list of long names does not make the page wider than the phone.
    assert is_whole(inspector)
    page.keyboard.press("Escape")
    inspector.choose("event_class", "Exposed household refuse")
    expect(page.locator(".el-select-dropdown:visible")).to_have_count(0)
    page.locator(".hints").get_by_role("link", name="Exposed household refuse", exact=True).first.wait_for()
    inspector.photograph("photos", photo("near"))
    assert small_targets(inspector) == []
    assert inspector.barriers() == []


def test_map_speaks_the_readers_language(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    inspector.open("/report")
    inspector.page.locator(".maplibregl-marker").wait_for()
    for name in ("放大", "缩小", "标记的位置"):
        inspector.page.locator(".frame").get_by_label(name, exact=True).wait_for()


def test_sign_in_is_whole_and_open_to_everybody(office: Office) -> None:
    for phone in (False, True):
        visitor = office.visitor(phone=phone)
        visitor.open("/sign-in")
        visitor.page.locator("input[name=username]").wait_for()
        assert visitor.barriers() == []
        assert is_whole(visitor)
        if phone:
            assert small_targets(visitor) == []
        visitor.page.get_by_role("button", name="English").click()
        visitor.page.get_by_role("button", name="Sign in").wait_for()


def test_wrong_password_is_refused_in_words(office: Office) -> None:
    visitor = office.visitor()
    visitor.open("/cases")
    visitor.sign_in("nobody-here", "wrong wrong wrong")
    alert = visitor.page.locator("[role=alert]")
    alert.wait_for()
    assert alert.inner_text() == "用户名或密码不正确，请核对后再试。"
    assert visitor.page.url.endswith("/sign-in?next=/cases")
    # The box that the page emptied is not called the reader's omission.
    assert visitor.page.get_by_text("请填写此项").count() == 0


def test_account_is_locked_in_words(office: Office) -> None:
    visitor = office.visitor()
    visitor.open("/sign-in")
    alert = visitor.page.locator("[role=alert]")
    for _ in range(12):
        with visitor.page.expect_response("**/api/v1/session") as answer:
            visitor.sign_in("evaluator", "wrong wrong wrong")
        if answer.value.status != 401:
            break
    expect(alert).to_contain_text("登录失败次数过多，请在")
    assert answer.value.status == 429


def test_wrong_input_is_marked_at_its_field(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.open("/report")
    page.get_by_role("button", name="提交上报").click()
    for words in ("请选择「事件小类」", "请填写「问题描述」", "请至少拍摄一张照片"):
        page.get_by_text(words).wait_for()
    assert inspector.barriers() == []
    # What is mended is no longer marked.
    inspector.field("description").locator("textarea").fill("已补充")
    page.get_by_text("请填写「问题描述」").wait_for(state="detached")


def test_file_that_only_the_server_finds_wrong_is_refused_where_it_stands(office: Office, tmp_path: Path) -> None:
    no_sound = tmp_path / "recording.mp3"
    no_sound.write_bytes(b"no sound at all")
    inspector = office.as_("inspector", phone=True)
    inspector.open("/report")
    inspector.field("recording").locator("input[multiple]").set_input_files(no_sound)
    inspector.field("recording").get_by_text("文件未被接收").wait_for()
    assert is_whole(inspector)


def test_place_is_picked_by_hand_where_the_device_finds_none(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.context.clear_permissions()
    inspector.open("/report")
    page.get_by_text("未获得定位权限").wait_for()
    page.locator(".maplibregl-canvas").click(position={"x": 150, "y": 120})
    page.get_by_text("地图点选").wait_for()


def test_place_is_typed_by_whoever_cannot_point_and_a_coarse_one_is_said(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.context.set_geolocation({"longitude": HERE["lon"], "latitude": HERE["lat"], "accuracy": 180})
    inspector.open("/report")
    page.get_by_text("精度较低").wait_for()
    page.get_by_role("button", name="输入经纬度").click()
    page.locator("input[name=lon]").fill(str(HERE["lon"] + 0.0001))
    page.get_by_text("地图点选").wait_for()
    page.get_by_text("精度较低").wait_for(state="detached")
    page.get_by_text("所在网格").wait_for()
    page.locator("input[name=lat]").fill("91")  # Beyond the pole: the place stays what it was.
    page.get_by_text("所在网格").wait_for()
    assert inspector.barriers() == []


def test_place_outside_every_grid_is_said_and_never_refused(office: Office, photo: Photo) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    inspector.context.set_geolocation({"longitude": 100.0, "latitude": 30.0, "accuracy": 25})
    inspector.open("/report")
    page.get_by_text("不在任何网格内").wait_for()
    page.get_by_text("精度约 25 米").wait_for()
    inspector.choose("event_class", "暴露生活垃圾")
    inspector.field("description").locator("textarea").fill("界外的垃圾")
    inspector.photograph("photos", photo("outside"))
    page.get_by_role("button", name="提交上报").click()
    page.get_by_text("上报成功").wait_for()


def test_list_says_when_nothing_matches_and_when_it_cannot_be_had(office: Office, reported: Report) -> None:
    reported("列表里的案件")
    lead = office.as_("duty_lead")
    page = lead.page
    lead.open("/cases?q=没有这样的案件")
    page.get_by_text("没有符合条件的案件").wait_for()
    page.get_by_role("button", name="清除条件").first.click()
    page.locator("a.row").first.wait_for()

    page.route("**/api/v1/cases?*", lambda route: route.abort("internetdisconnected"))
    lead.open("/cases")
    page.get_by_text("连接不上服务器").wait_for()
    page.unroute("**/api/v1/cases?*")
    page.get_by_role("button", name="重试").click()
    page.locator("a.row").first.wait_for()


def test_notice_is_counted_opened_and_read(office: Office, reported: Report) -> None:
    office.town.run_outbox()
    before = office.town.as_("inspector").get("/me/notices").get_json()["unread"]
    number = reported("催办的垃圾")
    acceptor = office.as_("acceptor")
    acceptor.begin(number, "request_verify")
    acceptor.finish("待核实")
    office.town.run_outbox()
    inspector = office.as_("inspector")
    page = inspector.page
    bell = page.locator("aside").get_by_role("link", name="通知")
    expect(bell.locator(".badge")).to_have_text(str(before + 1))
    bell.click()
    page.get_by_role("button", name="未读").first.wait_for()
    assert inspector.barriers() == []
    page.get_by_role("button", name="未读").first.click()
    page.get_by_role("heading", name="暴露生活垃圾").wait_for()
    assert page.url.endswith(f"/cases/{number}")
    expect(bell.locator(".badge")).to_have_text(str(before)) if before else expect(bell.locator(".badge")).to_have_count(0)


def test_step_is_taken_with_the_keyboard_alone(office: Office, reported: Report) -> None:
    number = reported("键盘操作")
    lead = office.as_("duty_lead")
    page = lead.page
    lead.open(f"/cases/{number}")
    page.locator('[data-verb="reject"]').focus()
    page.keyboard.press("Enter")
    cause = lead.field("cause")
    cause.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowLeft")  # Round the corner: to the last one.
    expect(cause.get_by_role("radio", name="其他")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("不属于城市管理范围")
    page.locator(".el-drawer__footer .el-button--primary").focus()
    page.keyboard.press("Enter")
    page.locator(".head .tags").get_by_text("不予立案", exact=True).wait_for()


def test_password_is_changed_and_other_devices_are_signed_out(office: Office) -> None:
    here, there = office.as_("intake"), office.as_("intake", phone=True)
    page = here.page
    here.open("/profile")
    old = office.town.sign_ins["intake"]["password"]
    boxes = page.locator("form.password input")
    for box, words in zip(range(3), ("not the password", "new-Passphrase-26", "new-Passphrase-26"), strict=True):
        boxes.nth(box).fill(words)
    page.get_by_role("button", name="修改密码").click()
    page.locator("form.password [role=alert]").wait_for()
    boxes.nth(0).fill(old)
    page.get_by_role("button", name="修改密码").click()
    page.get_by_text("密码已修改").wait_for()
    there.open("/cases")
    there.page.locator("input[name=username]").wait_for()
    office.town.sign_ins["intake"]["password"] = "new-Passphrase-26"
