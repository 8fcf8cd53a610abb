"""Where there is no network: the map opens, a reload shows what is kept, and nothing personal is kept that should not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Office, Person

pytestmark = pytest.mark.browser

KEPT = """
async () => Promise.all((await caches.keys()).map(async (name) =>
  (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))
"""
LINKED = "[...document.querySelectorAll('link[rel=stylesheet], link[rel=modulepreload], script')].map((one) => one.href || one.src)"
WORDS = "桥下有一处护栏断裂"


def ready(page: Page) -> None:
    """Wait until the service worker has kept the first page and serves it."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def begun(inspector: Person) -> None:
    """Begin a report and wait until the device has it."""
    inspector.open("/report")
    inspector.field("description").locator("textarea").fill(WORDS)
    inspector.page.locator(".maplibregl-marker").wait_for()
    # Leaving the screen writes what was entered.
    inspector.page.locator("nav.bottom").get_by_text("任务").click()
    inspector.page.get_by_text(WORDS).wait_for()


def test_map_of_a_report_opens_although_the_network_went_before(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    for _ in range(100):
        if page.workers:
            break
        page.wait_for_timeout(200)
    page.wait_for_load_state("networkidle")
    inspector.context.set_offline(True)
    page.locator("nav.bottom").get_by_text("上报").click()
    page.locator(".maplibregl-marker").wait_for()
    page.locator(".maplibregl-canvas").wait_for()
    # The land is there too: its name stands on the map, and no word of borders that cannot be loaded.
    expect(page.locator("figure.map figcaption")).not_to_contain_text("无法")
    expect(page.locator("figure.map figcaption")).to_be_visible()


def test_reload_without_network_shows_what_is_kept_and_goes_on_when_it_is_back(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    begun(inspector)
    ready(page)
    inspector.context.set_offline(True)
    page.reload()
    page.get_by_text("连接不上服务器").wait_for()
    page.get_by_text(WORDS).wait_for()
    page.get_by_text("保存在本机的内容：1 项").wait_for()
    assert inspector.barriers() == []
    inspector.context.set_offline(False)
    page.locator(".shell").wait_for()
    page.get_by_role("link", name="继续填写").click()
    expect(inspector.field("description").locator("textarea")).to_have_value(WORDS)


def test_nothing_but_the_first_page_and_its_files_is_kept(office: Office) -> None:
    inspector = office.as_("inspector")
    ready(inspector.page)
    inspector.open("/cases")
    inspector.page.locator(".shell").wait_for()
    inspector.page.wait_for_load_state("networkidle")
    kept = inspector.page.evaluate(KEPT)
    assert len(kept) == 1
    linked = inspector.page.evaluate(LINKED)
    first = {path.removeprefix(inspector.address) for path in linked}
    assert {path for path in kept[0] if not path.startswith("/static/assets/")} == {"/sign-in"}
    assert set(kept[0]) - {"/sign-in"} <= first


def test_whoever_signed_out_leaves_nothing_to_be_read_without_network(office: Office) -> None:
    inspector = office.as_("inspector", phone=True)
    page = inspector.page
    begun(inspector)
    ready(page)
    inspector.open("/profile")
    page.get_by_role("button", name="退出登录").click()
    page.locator("input[name=username]").wait_for()
    assert page.evaluate("localStorage.getItem('wangge.here')") is None
    inspector.context.set_offline(True)
    page.reload()
    page.get_by_text("连接不上服务器").wait_for()
    page.wait_for_timeout(500)
    assert page.get_by_text(WORDS).count() == 0
    inspector.context.set_offline(False)
    page.locator("input[name=username]").wait_for()
