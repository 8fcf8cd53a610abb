"""The tutorial is true: its files are written out, its commands and requests are made, and what it shows comes back."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.accounts.models import Agency
from core.app import create_app
from core.cli.main import run
from core.db.engine import Database
from core.definitions.installed import sync_installed
from core.lib import clock
from core.lib.terminal import Terminal
from core.settings import Settings
from core.testing.fixtures import new_database
from core.testing.people import Browser, browser_of, make_person
from core.worker.due import work_off
from tests.contract.source import ROOT
from tests.installing import installed

TUTORIAL = ROOT / "docs/tutorials/first-plugin.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
NOT_RUN_HERE = (".venv/bin/pip install", "curl")
"""What pip does is done by a fixture; the sign-in is made by the test's own browser."""
MAY = (
    "accounts:agency:administer",
    "accounts:assignment:grant",
    "core:case:read",
    "core:plugin:read",
    "definitions:definition:read",
    "ledgers:record:read",
    "ledgers:record:write",
)


@dataclass
class Reader:
    """Somebody who follows the tutorial, and what they remember of the last answers."""

    database: Database
    settings: Settings
    agency: Agency
    folder: Path
    urls: tuple[str, str, str]
    browser: Browser | None = None
    seen: dict[str, Any] = field(default_factory=dict)

    def work_off(self) -> None:
        work_off(self.database, "outbox", self.agency.id, now=clock.now())


def blocks() -> list[tuple[str, str, str]]:
    """Every fenced block: language, title, text."""
    return [(language, title, text) for language, title, text in BLOCK.findall(TUTORIAL.read_text("utf-8"))]


@pytest.fixture(scope="module")
def database(server_urls: tuple[str, str, str], blank: str) -> Iterator[Database]:
    with new_database(server_urls, template=blank) as made:
        yield made


@pytest.fixture
def reader(
    database: Database,
    agencies: tuple[Agency, Agency],
    settings: Settings,
    server_urls: tuple[str, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Reader]:
    """Write the files of the tutorial out and install them."""
    for _, title, text in blocks():
        if title:
            (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / title).write_text(text, "utf-8")
    monkeypatch.setenv("WANGGE_DATABASE_URL", database.app_url)
    monkeypatch.setenv("WANGGE_DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("WANGGE_VAR", str(settings.var))
    with installed(tmp_path / "street_trees", tmp_path, key="street_trees") as found:
        assert found.failed == []
        yield Reader(database, settings, agencies[0], tmp_path, server_urls)


def test_whoever_follows_the_tutorial_gets_what_it_shows(reader: Reader) -> None:
    for language, title, text in blocks():
        if title:
            continue
        if language == "sh":
            for command in text.replace("\\\n", " ").splitlines():
                give(reader, command)
        elif language == "http":
            send(reader, text)


def test_every_kind_of_block_is_known() -> None:
    assert {language for language, title, _ in blocks() if not title} == {"sh", "http"}
    assert {language for language, title, _ in blocks() if title} == {"toml", "yaml", "python"}
    assert len([1 for language, *_ in blocks() if language == "http"]) == 8


def give(reader: Reader, command: str) -> None:
    """Give a command as the tutorial does, with the agency of this test in place of the demo's."""
    if command.strip().startswith(NOT_RUN_HERE):
        return
    words = [reader.agency.key if word == "dongcheng" else word for word in shlex.split(command)]
    if words[0] == "wangge":
        assert run(Terminal(as_json=True), [*words[1:], "--json"]) == 0, command
    elif words[0] == ".venv/bin/pytest":
        run_tests(reader)
    else:
        raise AssertionError(f"nobody knows how to give {command!r}")


def run_tests(reader: Reader) -> None:
    app, owner, scan = reader.urls
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(reader.folder), str(ROOT))),
        "WANGGE_TEST_DATABASE_URL": owner,
        "WANGGE_TEST_APP_URL": app,
        "WANGGE_TEST_SCAN_URL": scan,
    }
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"], cwd=reader.folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "17 passed" in done.stdout


def send(reader: Reader, text: str) -> None:
    """Send a request of the tutorial; what it shows of the answer must be in the answer."""
    if reader.browser is None:
        sync_installed(reader.database, now=datetime.now(UTC))
        reader.browser = browser_of(create_app(reader.settings, reader.database), make_person(reader.database, reader.agency, MAY))
    request, _, shown = text.rpartition("\n\n")
    first, _, body = request.partition("\n")
    method, path = first.replace("{number}", str(reader.seen.get("number"))).split()
    sent = json.loads(body.replace("{uuid}", str(reader.seen.get("uuid")))) if body else None
    if sent and "user_id" in sent:
        sent["user_id"] = reader.seen["id"]
    headers = {"Idempotency-Key": uuid4().hex}
    if "{number}" in first:
        headers["If-Match"] = reader.browser.get(f"/cases/{reader.seen['number']}").headers["ETag"]
    answer = reader.browser.send(method, path.removeprefix("/api/v1"), json=sent, headers=headers)
    status, _, expected = shown.strip().partition(" ")
    got = answer.get_json()
    assert answer.status_code == int(status), got
    wanted = json.loads(expected)
    if who := wanted.pop("user", None):  # somebody else here than the demo's administrator
        assert who.keys() <= got["user"].keys()
        reader.seen["id"] = got["user"]["id"]
    assert wanted.items() <= got.items(), got
    reader.seen |= got
    reader.work_off()
