"""Notices: nobody is told twice, each sending has its state and its tries, and a channel's address is never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, text

from core.db import outbox
from core.lib import clock
from core.notices import service
from core.notices.destinations import Inside
from core.notices.models import Notice, NoticeSending
from core.notices.sender import Sealer, SendingFailed, send
from core.settings import Settings
from tests.journeys.town import Town

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of apprise
SECRET = "hidden-token-77"


@dataclass
class Outside:
    """A service on the outside that takes notices, or does not."""

    url: str = ""
    status: int = 200
    location: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Listen on a port of this machine."""
    found = Outside()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(found.status)
            if found.location:
                self.send_header("Location", found.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.url = f"json://127.0.0.1:{server.server_port}/{SECRET}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def channel(town: Town, outside: Outside, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Set up a channel for the topic ``urged``; the worker reads its secret, and the hosts inside, from the environment."""
    monkeypatch.setenv("WANGGE_SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("WANGGE_NOTICE_HOSTS", "127.0.0.1")
    monkeypatch.setattr(town.app.extensions["wangge"], "settings", replace(settings, notice_hosts=("127.0.0.1",)))
    body = {"title": "值班群", "url": outside.url, "topics": ["urged"]}
    answer = town.as_("admin").post("/notice-channels", json=body)
    assert answer.status_code == 201, answer.get_json()
    yield answer.get_json()["id"]
    town.as_("admin").send("DELETE", f"/notice-channels/{answer.get_json()['id']}")


def tell(town: Town, source: str, *, topic: str = "urged", users: tuple[str, ...] = ("leader",)) -> int:
    """Tell people something."""
    with town.work() as (session, actor):
        return service.tell(
            session,
            agency_id=town.agency_id,
            users=[town.users[one] for one in users],
            topic=topic,
            subject="case:20260101-900777",
            title={"zh_CN": "请尽快办理", "en": "Please act"},
            source=source,
            now=actor.now,
        )


def sendings(town: Town, source: str) -> list[NoticeSending]:
    """Read what became of the sendings of one source."""
    with town.work() as (session, _):
        same = (Notice.agency_id == NoticeSending.agency_id) & (Notice.id == NoticeSending.notice_id)
        return list(session.scalars(select(NoticeSending).join(Notice, same).where(Notice.source == source)))


def deliver(town: Town, after: timedelta = timedelta()) -> None:
    """Deliver what is due in the outbox."""
    with town.work() as (session, actor):
        while outbox.deliver_due(session, now=actor.now + after):
            pass


def test_same_source_tells_nobody_twice(town: Town) -> None:
    assert tell(town, "test:twice", users=("leader", "admin", "leader")) == 2
    assert tell(town, "test:twice", users=("leader", "evaluator")) == 1


def test_notice_goes_out_once_by_the_channels_that_carry_its_topic(town: Town, outside: Outside, channel: int) -> None:
    tell(town, "test:out")
    tell(town, "test:other_topic", topic="rework")
    deliver(town)
    deliver(town)
    assert [one["title"] for one in outside.taken] == ["请尽快办理"]
    assert outside.taken[0]["message"] == "20260101-900777"
    assert [(one.state, one.attempts, one.channel_id) for one in sendings(town, "test:out")] == [("sent", 1, channel)]
    assert sendings(town, "test:other_topic") == []


def test_channel_that_does_not_take_it_is_tried_again_later_and_given_up_at_last(town: Town, outside: Outside, channel: int) -> None:
    outside.status = 503
    tell(town, "test:down")
    deliver(town)
    one = sendings(town, "test:down")[0]
    assert (one.state, one.attempts, one.sent_at) == ("waiting", 1, None)
    assert one.last_error
    assert SECRET not in one.last_error
    deliver(town, timedelta(seconds=1))
    assert sendings(town, "test:down")[0].attempts == 1
    for day in range(1, outbox.MAX_ATTEMPTS):
        deliver(town, timedelta(days=day))
    assert [(one.state, one.attempts) for one in sendings(town, "test:down")] == [("failed", outbox.MAX_ATTEMPTS)]
    with town.work() as (session, _):
        dead = session.execute(text("SELECT last_error FROM outbox WHERE topic = 'notices.send' AND state = 'dead'")).scalars().all()
    assert dead
    assert all(SECRET not in reason for reason in dead)


def test_channel_that_recovers_takes_what_waited(town: Town, outside: Outside, channel: int) -> None:
    outside.status = 500
    tell(town, "test:back")
    deliver(town)
    outside.status = 200
    deliver(town, timedelta(minutes=5))
    assert [(one.state, one.attempts, one.last_error) for one in sendings(town, "test:back")] == [("sent", 2, None)]


def test_removed_channel_is_sent_nothing_more(town: Town, outside: Outside, channel: int) -> None:
    tell(town, "test:gone")
    assert town.as_("admin").send("DELETE", f"/notice-channels/{channel}").status_code == 204
    deliver(town)
    assert outside.taken == []
    assert town.as_("admin").send("DELETE", f"/notice-channels/{channel}").status_code == 404


def test_address_of_a_channel_is_kept_sealed_and_never_shown(town: Town, outside: Outside, channel: int) -> None:
    shown = town.as_("admin").get("/notice-channels").get_data(as_text=True)
    assert "值班群" in json.dumps(json.loads(shown), ensure_ascii=False)
    assert SECRET not in shown
    with town.work() as (session, _):
        stored = session.execute(text("SELECT sealed_url FROM notice_channel WHERE id = :id"), {"id": channel}).scalar_one()
        audited = session.execute(text("SELECT new::text FROM audit_entry WHERE action LIKE 'notices:%'")).scalars().all()
    assert SECRET not in stored
    assert not [one for one in audited if one and SECRET in one]


def test_sealed_address_cannot_be_opened_with_another_secret() -> None:
    sealed = Sealer("a" * 40).seal("json://host/token")
    assert Sealer("a" * 40).unseal(sealed) == "json://host/token"
    with pytest.raises(SendingFailed, match="another secret"):
        Sealer("b" * 40).unseal(sealed)


def test_channel_whose_host_is_no_longer_named_sends_nothing(
    town: Town, outside: Outside, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_NOTICE_HOSTS", "other.internal")
    tell(town, "test:unnamed")
    deliver(town)
    assert outside.taken == []
    one = sendings(town, "test:unnamed")[0]
    assert one.state == "waiting"
    assert "127.0.0.1" in (one.last_error or "")


def test_redirect_to_a_host_inside_is_not_followed(outside: Outside) -> None:
    """The address that was written is allowed; the one that it leads to is not."""
    outside.location = f"http://127.0.0.2:{outside.url.rpartition(':')[2].partition('/')[0]}/"
    outside.status = 307
    with pytest.raises(SendingFailed, match="not public"):
        send(outside.url, title="a", body="b", inside=Inside.of(["127.0.0.1"]))
    assert len(outside.taken) == 1


def test_second_address_behind_a_comma_is_not_one(outside: Outside) -> None:
    send(f"{outside.url},{outside.url}", title="a", body="b", inside=Inside.of(["127.0.0.1"]))
    assert len(outside.taken) == 1


def test_refused_channel_says_what_to_use_instead(town: Town) -> None:
    for url, word in (
        ("syslog://", "wecombot"),
        ("json://example.com/hook", "encrypted"),
        ("jsons://127.0.0.1/hook", "WANGGE_NOTICE_HOSTS"),
        ("jsons://example.com/?verify=no", "certificate"),
    ):
        answer = town.as_("admin").post("/notice-channels", json={"title": "x", "url": url})
        assert answer.status_code == 422
        assert [one["path"] for one in answer.get_json()["errors"]] == ["url"]
        assert word in answer.get_json()["errors"][0]["detail"]


def test_channels_are_for_who_may_manage_them_and_must_be_usable(town: Town) -> None:
    body = {"title": "x", "url": "json://localhost"}
    assert town.as_("duty_lead").post("/notice-channels", json=body).status_code == 403
    assert town.as_("duty_lead").get("/notice-channels").status_code == 403
    for url in ("nothing at all", "unknown-scheme://host", ""):
        assert town.as_("admin").post("/notice-channels", json={"title": "x", "url": url}).status_code == 422


def test_inbox_pages_and_marks_what_is_mine_alone(town: Town) -> None:
    leader, other = town.as_("leader"), town.as_("evaluator")
    for number in range(5):
        tell(town, f"test:page:{number}:{clock.now().timestamp()}")
    first = leader.get("/me/notices?limit=2").get_json()
    second = leader.get(f"/me/notices?limit=2&after={first['next']}").get_json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4
    before = first["unread"]
    assert other.send("PUT", f"/me/notices/{ids[0]}/read").status_code == 404
    assert leader.send("PUT", f"/me/notices/{ids[0]}/read").status_code == 204
    assert leader.send("PUT", f"/me/notices/{ids[0]}/read").status_code == 204
    after = leader.get("/me/notices?unread=true").get_json()
    assert after["unread"] == before - 1
    assert ids[0] not in [one["id"] for one in after["items"]]
    assert leader.send("PUT", "/me/notices/read").status_code == 204
    assert leader.get("/me/notices?unread=true").get_json()["items"] == []
