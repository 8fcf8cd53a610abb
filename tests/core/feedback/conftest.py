"""The town of the journeys, with a gateway to residents and the pieces that every story of an answer needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, create_engine, text

from core.db.engine import Database
from core.facts.service import catch_up
from core.lib import clock
from core.settings import Settings
from tests.journeys.town import Town
from tests.journeys.walking import called

BAD = {"solved": "no", "satisfaction": "very_dissatisfied", "comment": "井盖仍有异响，请打 13800138000"}
GOOD = {"solved": "yes", "satisfaction": "satisfied"}


@pytest.fixture(scope="module")
def database(town: Town) -> Database:
    """Give whatever asks for a database the town's."""
    return town.database


@dataclass
class Gateway:
    """A gateway that takes texts for telephone numbers, or does not."""

    port: int = 0
    status: int = 200
    texts: list[tuple[str, str]] = field(default_factory=list)
    """Number and text."""

    def links_to(self, number: str) -> list[tuple[str, str]]:
        """Give the agency key and the token of each link sent to this number."""
        found = [re.search(r"/a#([a-z_]+)/([0-9A-Z]+)", words) for to, words in self.texts if to == number]
        return [(one[1], one[2]) for one in found if one]


@pytest.fixture
def gateway(town: Town, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Set up the town's gateway on a port of this machine."""
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.status == 200:
                found.texts.append((urlsplit(self.path).path.rsplit("/", 1)[-1], said["message"]))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.port = server.server_port
    monkeypatch.setenv("WANGGE_SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("WANGGE_NOTICE_HOSTS", "127.0.0.1")
    monkeypatch.setattr(town.app.extensions["wangge"], "settings", replace(settings, notice_hosts=("127.0.0.1",)))
    body = {"title": "短信网关", "url": f"json://127.0.0.1:{found.port}/sms/{{phone}}"}
    added = town.as_("admin").post("/notice-channels", json=body)
    assert added.status_code == 201, added.get_data(as_text=True)
    yield found
    town.as_("admin").send("DELETE", f"/notice-channels/{added.get_json()['id']}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def unlocked(town: Town) -> None:
    """Let each test begin with no try counted."""
    with owner(town) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM sign_in_count"))


@contextmanager
def owner(town: Town) -> Iterator[Engine]:
    """Give the owner role's engine."""
    engine = create_engine(town.database.owner_url)
    yield engine
    engine.dispose()


def follow(town: Town) -> None:
    """Let the facts catch up, which tells who is to be asked, and send what waits."""
    catch_up(town.database, town.agency_id, now=clock.now())
    town.run_outbox()


def walked_to_close(town: Town, number: str) -> str:
    """Bring a called-in case from its report to its close."""
    inspector, clerk, lead = town.as_("inspector"), town.as_("department_clerk"), town.as_("duty_lead")
    if town.found(number).state == "reported":
        assert town.as_("acceptor").moved(number, "request_verify", {"inspector": town.users["inspector"]}) == "verifying"
        verified = {"result": "true", "photos": [inspector.photo()]}
        assert inspector.moved(number, "verify", verified) == "verified"
        assert lead.moved(number, "file", {"condition": "e011301"}) == "filed"
    assert town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]}) == "dispatched"
    assert clerk.moved(number, "accept") == "handling"
    assert clerk.moved(number, "handle", {"photos": [clerk.photo()], "result": "已修复"}) == "handled"
    assert town.as_("acceptor").moved(number, "request_check") == "checking"
    assert inspector.moved(number, "check_pass", {"photos": [inspector.photo()]}) == "checked"
    assert lead.moved(number, "close") == "closed"
    return number


def closed_call(town: Town, phone: str, **more: Any) -> str:
    """Register a call and bring it to its close; give its number."""
    return walked_to_close(town, called(town, caller_phone=phone, **more))


def opened(town: Town, link: tuple[str, str]) -> Any:
    """Open a link as somebody without any account."""
    return town.app.test_client().post("/api/v1/answers/open", json={"agency": link[0], "token": link[1]})


def answered(town: Town, link: tuple[str, str], data: dict[str, Any]) -> Any:
    """Answer through a link as somebody without any account."""
    return town.app.test_client().post("/api/v1/answers", json={"agency": link[0], "token": link[1], "data": data})
