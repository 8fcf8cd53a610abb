"""A real server on the small town, and people who use it in Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from core.settings import Settings
from tests.journeys.town import HERE, Town

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("WANGGE_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
DESK = {"viewport": {"width": 1366, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WAIT_MS = 20_000
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
# What the European norm for public bodies and GB/T 37668 ask for: WCAG 2.1, levels A and AA.
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What a browser says of a refusal that the page itself explains; anything else on the console fails the test.
EXPECTED = (
    "the server responded with a status of 401",
    "the server responded with a status of 410",
    "the server responded with a status of 412",
    "the server responded with a status of 422",
    "the server responded with a status of 429",
    "net::ERR_INTERNET_DISCONNECTED",
    "GPU stall due to ReadPixels",
)


@dataclass
class Person:
    """Somebody at a browser of their own, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    address: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page of the workspace."""
        self.page.goto(self.address + path)

    def field(self, name: str) -> Any:
        """Find a field of the form by its id."""
        return self.page.locator(f'[data-field="{name}"]')

    def choose(self, name: str, typed: str) -> None:
        """Search in a lookup field and take the first that is found."""
        box = self.field(name)
        box.locator(".el-select__wrapper").click()
        box.locator("input").fill(typed)
        self.page.locator(".el-select-dropdown__item:visible", has_text=typed).first.click()

    def photograph(self, name: str, photo: Path) -> None:
        """Take a photo into a field, and wait until the server has it."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/api/v1/attachments") and answer.status == 201):
            self.field(name).locator("input[capture]").set_input_files(photo)

    def sign_in(self, username: str, password: str) -> None:
        """Fill in the sign-in form and send it."""
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("button[type=submit]").click()

    def barriers(self) -> list[str]:
        """Give what keeps people out of this screen: rules broken, and where."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        run = "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
        found = self.page.evaluate(run, AXE_RULES)["violations"]
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]

    def begin(self, number: str, verb: str) -> None:
        """Find the case among one's tasks and open a step of it."""
        self.open("/tasks")
        self.page.get_by_text(number).click()
        self.page.locator(f'[data-verb="{verb}"]').click()
        self.page.locator(".el-drawer__footer").wait_for()

    def finish(self, state: str) -> None:
        """Send the step's form and see the case in its new state."""
        self.page.locator(".el-drawer__footer .el-button--primary").click()
        self.page.locator(".el-drawer").wait_for(state="detached")
        self.page.locator(".head .tags").get_by_text(state, exact=True).wait_for()


@dataclass
class Office:
    """The served town, and the people who have signed in."""

    town: Town
    address: str
    browser: Browser
    people: list[Person] = field(default_factory=list)

    def visitor(self, *, phone: bool = False, language: str = "zh-CN") -> Person:
        """Give somebody at a browser who has not signed in."""
        place = {"longitude": HERE["lon"], "latitude": HERE["lat"], "accuracy": HERE["accuracy"]}
        context = self.browser.new_context(**(PHONE if phone else DESK), geolocation=place, permissions=["geolocation"], locale=language)
        context.set_default_timeout(WAIT_MS)
        # As if it had been chosen on this device before.
        context.add_init_script(f"localStorage.getItem('wangge.locale') ?? localStorage.setItem('wangge.locale', {language!r})")
        person = Person(context.new_page(), context, self.address)
        person.page.on("console", lambda said: self._note(person, said.type, said.text))
        person.page.on("pageerror", lambda error: person.faults.append(str(error)))
        self.people.append(person)
        return person

    def _note(self, person: Person, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(part in text for part in EXPECTED):
            person.faults.append(text)

    def as_(self, username: str, *, phone: bool = False, language: str = "zh-CN") -> Person:
        """Sign somebody in through the screen."""
        person = self.visitor(phone=phone, language=language)
        person.open("/")
        person.sign_in(username, self.town.sign_ins[username]["password"])
        person.page.locator(".shell").wait_for()
        return person


@pytest.fixture(scope="module")
def served(town: Town, settings: Settings) -> Iterator[str]:
    """Start the web process of a real installation on the town's database; give its address."""
    if not (ROOT / "core/static/dist/.vite/manifest.json").is_file():
        pytest.fail("the front end is not built: run `make assets`")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = settings.var / "web.log"
    given = {
        "WANGGE_VAR": str(settings.var),
        "WANGGE_DATABASE_URL": town.database.app_url,
        "WANGGE_DATABASE_OWNER_URL": town.database.owner_url,
        "WANGGE_DATABASE_SCAN_URL": town.database.scan_url,
        "WANGGE_SECRET_KEY": settings.secret_key,
        "WANGGE_JWT_SECRET_KEY": settings.jwt_secret_key,
        "WANGGE_PORT": str(port),
        "WANGGE_WEB_WORKERS": "1",
        "WANGGE_PARENT": str(os.getpid()),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.supervisor.web"], env={**os.environ, **given}, stdout=out, stderr=out, cwd=ROOT
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{address}/sign-in", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text('utf-8')[-4000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def office(town: Town, served: str, chromium: Browser, tmp_path: Path) -> Iterator[Office]:
    """Open the office; at the end nobody's browser may have complained, of the content security policy least of all."""
    made = Office(town, served, chromium)
    yield made
    for number, person in enumerate(made.people):
        person.page.screenshot(path=tmp_path / f"last-{number}.png")
        person.context.close()
    assert [fault for person in made.people for fault in person.faults] == []


@pytest.fixture
def reported(office: Office, photo: Callable[[str], Path]) -> Callable[..., str]:
    """Report an event as the inspector with the phone; give the case's number."""

    def report(words: str = "胡同口堆放暴露垃圾，约两平方米") -> str:
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

    return report


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[str], Path]:
    """Make a photo as large as a phone's."""

    def make(name: str) -> Path:
        picture = Image.new("RGB", (3000, 2000), "#7f8c8d")
        ImageDraw.Draw(picture).text((100, 100), name, fill="#ffffff", font_size=300)
        path = tmp_path / f"{name}.jpg"
        picture.save(path, quality=92)
        return path

    return make
