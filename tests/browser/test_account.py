"""One's own account at the screen: a password that must be changed, and the second step of signing in."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from core.db.base import User
from tests.browser.conftest import Office, Person
from tests.browser.test_screens import is_whole, small_targets

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def demand_a_new_password(office: Office, username: str) -> None:
    """Make the person's password one that must be changed."""
    with office.town.work() as (session, _):
        session.scalars(select(User).where(User.username == username)).one().must_change_password = True


def change_password(person: Person, old: str, new: str) -> None:
    """Fill in the form of the password and send it."""
    boxes = person.page.locator("form.password input")
    for box, words in zip(range(3), (old, new, new), strict=True):
        boxes.nth(box).fill(words)
    person.page.locator("form.password button[type=submit]").click()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_initial_password_is_changed_first_and_the_way_goes_on(office: Office, language: str) -> None:
    one = office.town.sign_ins["evaluator"]
    demand_a_new_password(office, "evaluator")
    visitor = office.visitor(phone=True, language=language)
    page = visitor.page
    visitor.open("/cases?open=1")
    visitor.sign_in("evaluator", one["password"])
    page.locator(".notice").wait_for()
    # No menu that leads nowhere, and nothing to do but this: the button is in sight.
    assert page.locator("nav:visible").count() == 0
    expect(page.locator("form.password button[type=submit]")).to_be_in_viewport(ratio=1)
    assert visitor.barriers() == []
    assert is_whole(visitor)
    assert small_targets(visitor) == []
    # What is asked of a password is said before it is refused.
    hint = page.locator("form.password small").inner_text()
    change_password(visitor, one["password"], "short")
    refusal = page.locator("form.password [role=alert]").inner_text()
    assert [part for part in hint.split() if part.isdigit()] == [part for part in refusal.split() if part.isdigit()]
    new = f"Bright-Lantern-{language}"
    change_password(visitor, one["password"], new)
    page.wait_for_url(f"{office.address}/cases?open=1")
    page.locator("nav.bottom").wait_for()
    office.town.sign_ins["evaluator"] = {**one, "password": new}


def test_second_step_is_set_up_given_up_and_asked_for(office: Office) -> None:
    password = office.town.sign_ins["command_head"]["password"]
    head = office.as_("command_head", phone=True)
    page = head.page
    head.open("/profile")
    page.get_by_role("button", name="绑定身份验证器").click()
    page.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="绑定身份验证器").click()
    card = page.locator("section", has=page.get_by_role("heading", name="两步验证"))
    card.locator("input").fill(password)
    card.locator("button[type=submit]").click()
    secret = card.locator("code").inner_text()
    assert [len(part) for part in secret.split()] == [4] * 8
    assert small_targets(head) == []
    assert head.barriers() == []
    card.locator("input").fill(pyotp.TOTP(secret.replace(" ", "")).now())
    card.locator("button[type=submit]").click()
    card.locator(".codes").wait_for()
    codes = card.locator(".codes code").all_inner_texts()
    card.get_by_role("button", name="我已保存").click()
    assert is_whole(head)
    page.get_by_role("button", name="退出登录").click()

    page.locator("input[name=username]").wait_for()
    head.sign_in("command_head", password)
    page.locator("input[name=code]").wait_for()
    # To be asked for the second step is no failure.
    assert page.locator("[role=alert]").count() == 0
    page.get_by_role("status").get_by_text("请输入动态验证码").wait_for()
    assert head.barriers() == []
    page.locator("input[name=code]").fill("000000")
    page.locator("button[type=submit]").click()
    expect(page.locator("[role=alert]")).to_contain_text("不正确")
    page.locator("input[name=code]").fill(codes[0])
    page.locator("button[type=submit]").click()
    page.locator(".shell").wait_for()
