"""Scores on the screen: from a board to a number, its list and a case; a bulletin published, revised and compared; dashboards."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from core.facts.service import catch_up
from core.lib import clock
from core.workflow.service.bulk import import_history
from tests.browser.conftest import Office, Person
from tests.browser.test_screens import is_whole, small_targets
from tests.core.workflow.test_bulk_service import cases_of, system
from tests.journeys.town import Town
from tests.journeys.walking import closed, dispatched, filed, handling

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AREA = "/scores/urban_mgmt.area"
NARROW = {"width": 360, "height": 780}


@pytest.fixture(scope="module")
def month(town: Town) -> dict[str, str]:
    """Let three cases be reported and filed in one unit grid; one of them is closed in time."""
    numbers = {"closed": closed(town, handling(town)), "dispatched": dispatched(town), "filed": filed(town)}
    _follow(town)
    return numbers


def _follow(town: Town) -> None:
    catch_up(town.database, town.agency_id, now=clock.now())


def _somebody(office: Office, username: str, *, phone: bool = False, language: str = "zh-CN") -> Person:
    person = office.as_(username, phone=phone, language=language)
    if phone:
        person.page.set_viewport_size(NARROW)
    return person


def _is_open_to_everybody(person: Person, what: str, *, phone: bool) -> None:
    assert is_whole(person), f"{what} is wider than the screen"
    assert person.barriers() == [], what
    if phone:
        assert small_targets(person) == [], what


def _shown(page: Page, line: str) -> int:
    """Open the only unit grid's number of a line; give what it says is counted."""
    page.locator("[data-subject^='grid:']").first.locator(f"[data-line='{line}']").click()
    page.locator(".el-drawer [data-part]").first.wait_for()
    words = page.locator(".el-drawer [data-part='base']").inner_text()
    return int(re.sub(r"\D", "", words))


@pytest.mark.parametrize(("phone", "language"), [(False, "zh-CN"), (True, "en")], ids=["desk", "phone"])
def test_number_opens_its_list_and_the_list_its_cases(office: Office, month: dict[str, str], phone: bool, language: str) -> None:
    evaluator = _somebody(office, "evaluator", phone=phone, language=language)
    page = evaluator.page
    evaluator.open(f"{AREA}?level=unit_grid&sort=-filed")
    page.locator("[data-subject^='grid:']").first.wait_for()
    page.locator("[data-fact='as-of']").wait_for()
    _is_open_to_everybody(evaluator, "board", phone=phone)
    assert _shown(page, "filed") == len(month)
    listed = page.locator(".el-drawer [data-case]")
    expect(listed).to_have_count(len(month))
    assert {one.get_attribute("data-case") for one in listed.all()} == set(month.values())
    _is_open_to_everybody(evaluator, "list", phone=phone)
    page.locator(f".el-drawer [data-case='{month['closed']}'] a").click()
    page.wait_for_url(f"**/cases/{month['closed']}")
    page.get_by_role("heading", level=1).wait_for()


def test_rate_opens_both_of_its_lists(office: Office, month: dict[str, str]) -> None:
    evaluator = _somebody(office, "evaluator")
    page = evaluator.page
    evaluator.open(f"{AREA}?level=unit_grid&sort=-filed")
    rate = page.locator("[data-subject^='grid:']").first.locator("[data-line='in_time']")
    expect(rate).to_contain_text("1 ÷ 1")
    rate.click()
    for part, count in (("counted", 1), ("base", 1), ("missed", 0)):
        page.locator(f".el-drawer [data-part='{part}']").click()
        expect(page.locator(f".el-drawer [data-part='{part}']")).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".el-drawer [data-case]")).to_have_count(count)
    page.locator(".el-drawer [data-part='base']").click()
    expect(page.locator(".el-drawer [data-case]")).to_have_attribute("data-case", month["closed"])


@pytest.mark.parametrize(("phone", "language"), [(False, "en"), (True, "zh-CN")], ids=["desk", "phone"])
def test_subject_shows_its_lines_its_past_and_its_parts(office: Office, month: dict[str, str], phone: bool, language: str) -> None:
    evaluator = _somebody(office, "evaluator", phone=phone, language=language)
    page = evaluator.page
    evaluator.open(f"{AREA}?level=street")
    page.locator("[data-subject^='grid:'] a").first.click()
    page.locator("[data-fact='score']").wait_for()
    # Who reported was an inspector, so the public's share is 0 of 3.
    expect(page.locator("[data-line-card='public_reports']")).to_contain_text(f"0 ÷ {len(month)}")
    page.get_by_role("img").first.wait_for()
    expect(page.locator(".parts [data-subject]").first).to_be_visible()
    _is_open_to_everybody(evaluator, "subject", phone=phone)
    page.locator(".parts [data-subject] a").first.click()
    expect(page.locator("header .muted a")).to_be_visible()


def test_weight_of_a_line_without_data_is_said_to_go_to_the_others(office: Office, month: dict[str, str]) -> None:
    evaluator = _somebody(office, "evaluator")
    page = evaluator.page
    evaluator.open("/scores/urban_mgmt.inspector")
    row = page.locator("[data-subject^='person:']", has_text="示例监督员").first
    row.locator("a").first.click()
    page.locator("[data-fact='score']").wait_for()
    expect(page.locator("header .note", has_text="已按比例分给其余指标").first).to_be_visible()
    expect(page.locator("[data-line-card]", has_text="实占").first).to_be_visible()
    assert evaluator.barriers() == []
    assert month


def test_part_of_a_composite_leads_to_the_card_that_it_is_of(office: Office, month: dict[str, str]) -> None:
    evaluator = _somebody(office, "evaluator")
    page = evaluator.page
    evaluator.open("/scores/urban_mgmt.area_total?level=street")
    page.locator("[data-subject^='grid:']").first.locator("a[data-line='inner']").click()
    page.wait_for_url("**/scores/urban_mgmt.area/*")
    expect(page.locator("[data-line-card='filed']")).to_contain_text(str(len(month)))


def test_board_says_why_it_is_empty_and_what_cannot_be_had(office: Office) -> None:
    evaluator = _somebody(office, "evaluator")
    page = evaluator.page
    page.route("**/api/v1/scorecards/*/scores?*", lambda route: route.abort("internetdisconnected"))
    evaluator.open(AREA)
    page.get_by_text("连接不上服务器").wait_for()
    assert evaluator.barriers() == []
    page.unroute("**/api/v1/scorecards/*/scores?*")
    page.get_by_role("button", name="重试").click()
    page.locator("[data-subject^='grid:']").first.wait_for()
    evaluator.open(f"{AREA}/grid:999999999")
    page.get_by_text("没有找到评价对象").wait_for()
    # The browser says so too; anything else on its console still fails.
    evaluator.faults[:] = [fault for fault in evaluator.faults if "the server responded with a status of 404" not in fault]


def test_whoever_is_scored_sees_his_own_row_and_nobody_elses(office: Office, month: dict[str, str]) -> None:
    inspector = _somebody(office, "inspector", phone=True)
    inspector.open("/profile")
    inspector.page.get_by_role("link", name="评价").click()
    expect(inspector.page.locator("[data-subject^='person:']")).to_have_count(1)
    expect(inspector.page.locator("[data-card]")).to_have_count(1)
    _is_open_to_everybody(inspector, "own row", phone=True)
    assert month


@pytest.fixture
def last_year(town: Town) -> list[str]:
    """Take in two cases of March 2025, handled late; give their numbers."""
    return _taken_in(town, 2)


def _taken_in(town: Town, count: int) -> list[str]:
    cases = cases_of(town, count)
    assert sum(one.imported for one in import_history(town.database, system(town), cases)) == count
    _follow(town)
    return [case.number for case in cases]


def test_publication_is_frozen_compared_and_taken_out(office: Office, last_year: list[str]) -> None:
    evaluator = _somebody(office, "evaluator")
    page = evaluator.page
    evaluator.open(f"{AREA}?period=2025-03&level=unit_grid")
    page.locator("[data-subject^='grid:']").first.wait_for()
    page.get_by_role("button", name="发布通报").click()
    drawer = page.locator(".el-drawer")
    drawer.get_by_text("数据截至").wait_for()
    assert evaluator.barriers() == []
    drawer.get_by_label("说明").fill("首次通报")
    drawer.locator(".el-drawer__footer .el-button--primary").click()
    page.wait_for_url("**/publications/*")
    expect(page.get_by_text("首次通报")).to_be_visible()
    first = page.url
    page.locator("[data-subject^='grid:']").first.wait_for()
    assert evaluator.barriers() == []
    assert _shown(page, "filed") == len(last_year)
    expect(page.locator(".el-drawer [data-case]")).to_have_count(len(last_year))
    page.locator(".el-drawer__close-btn").click()
    _taken_out(page)
    # A case that comes in afterwards is in none of the published numbers, and is said to be missing there.
    (late,) = _taken_in(office.town, 1)
    page.goto(f"{first}?tab=late")
    expect(page.locator(f"[data-case='{late}']")).to_contain_text("新计入")
    expect(page.locator(f"[data-case='{late}']")).to_contain_text("影响得分")
    assert evaluator.barriers() == []
    _revised(evaluator, late)
    page.goto(first)
    page.get_by_text("之后已有修订版").wait_for()
    assert _shown(page, "filed") == len(last_year)


def test_period_that_runs_is_not_published_and_says_until_when(office: Office, month: dict[str, str]) -> None:
    evaluator = _somebody(office, "evaluator")
    evaluator.open(AREA)
    evaluator.page.get_by_role("button", name="发布通报").click()
    drawer = evaluator.page.locator(".el-drawer")
    expect(drawer.locator("[role=alert]")).to_contain_text("结束")
    expect(drawer.get_by_text(f"有 {len(month) - 1} 件案件尚未结案")).to_be_visible()
    expect(drawer.locator(".el-drawer__footer .el-button--primary")).to_be_disabled()
    assert evaluator.barriers() == []


def _taken_out(page: Page) -> None:
    """Take the bulletin out in both forms; both name the agency's period."""
    with page.context.expect_page() as opened:
        page.locator("[data-bulletin='html']").click()
    expect(opened.value.locator("h1")).to_contain_text("小镇")
    opened.value.close()
    with page.expect_download() as taken:
        page.locator("[data-bulletin='xlsx']").click()
    book = load_workbook(io.BytesIO(taken.value.path().read_bytes()))
    assert "说明" in book.sheetnames


def _revised(evaluator: Person, number: str) -> None:
    page = evaluator.page
    page.get_by_role("button", name="生成修订建议").click()
    page.get_by_text("这是修订建议").wait_for()
    expect(page.locator("article[data-subject^='grid:']").first).to_be_visible()
    expect(page.locator(f"[data-case='{number}']")).to_contain_text("影响得分")
    assert evaluator.barriers() == []
    assert is_whole(evaluator)
    page.get_by_role("button", name="发布修订版").first.click()
    box = page.locator(".el-message-box")
    box.get_by_role("textbox").fill("案件重新办理")
    box.get_by_role("button", name="发布修订版").click()
    page.get_by_text("修订版已发布").wait_for()
    page.get_by_text("这是修订建议").wait_for(state="detached")


@pytest.mark.parametrize(("phone", "language"), [(False, "zh-CN"), (True, "en")], ids=["desk", "phone"])
def test_publications_are_listed_in_both_sizes(office: Office, phone: bool, language: str) -> None:
    evaluator = _somebody(office, "evaluator", phone=phone, language=language)
    evaluator.open("/publications")
    evaluator.page.locator("[data-publication], .empty").first.wait_for()
    _is_open_to_everybody(evaluator, "publications", phone=phone)


@pytest.mark.parametrize(("phone", "language"), [(False, "zh-CN"), (True, "en")], ids=["desk", "phone"])
def test_dashboard_shows_numbers_rankings_trend_and_heat(office: Office, month: dict[str, str], phone: bool, language: str) -> None:
    evaluator = _somebody(office, "evaluator", phone=phone, language=language)
    page = evaluator.page
    evaluator.open("/dashboards")
    filed_tile = page.locator("[data-tile='filed']")
    expect(filed_tile.locator("button")).to_contain_text(str(len(month)))
    for tile in ("trend", "classes", "streets", "heat"):
        expect(page.locator(f"[data-tile='{tile}']")).to_be_visible()
    page.locator("[data-tile='heat'] .maplibregl-canvas").wait_for()
    page.locator("[data-tile='heat'] .as-table").click()
    expect(page.locator("[data-tile='heat'] [data-value]").first).to_contain_text(str(len(month)))
    page.locator("[data-tile='trend'] .as-table").click()
    expect(page.locator("[data-tile='trend'] td button")).to_have_count(2)
    _is_open_to_everybody(evaluator, "dashboard", phone=phone)
    filed_tile.locator("button").click()
    expect(page.locator(".el-drawer [data-case]")).to_have_count(len(month))
