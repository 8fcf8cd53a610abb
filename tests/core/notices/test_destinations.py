"""Where a notice may go: which services, and that no way leads inside but the named ones."""

from __future__ import annotations

import socket
from threading import Thread

import apprise
import pytest

from core.lib.errors import Invalid
from core.notices.destinations import SERVICES, Inside, watched
from core.notices.sender import kind_of
from core.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of apprise
NOWHERE = Inside()
KEY = "0123abcd-89ab-4def-8123-456789abcdef"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"wecombot://{KEY}", "wecombot"),
        (f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", "wecombot"),
        ("dingtalk://abcdefgh12345678/", "dingtalk"),
        ("feishu://abcdefgh-1234-5678", "feishu"),
        ("mailtos://duty:word@example.com?to=chief@example.com", "mailtos"),
        ("jsons://sms.example.com/gateway?+token=abc", "jsons"),
        ("forms://203.0.114.9/hook", "forms"),
    ],
)
def test_services_and_public_hosts_are_taken(url: str, kind: str) -> None:
    assert kind == kind_of(url, NOWHERE)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("syslog://", "notices.kind_not_allowed"),
        ("rsyslog://203.0.114.9", "notices.kind_not_allowed"),
        ("apprises://example.com/token", "notices.kind_not_allowed"),
        ("file:///etc/passwd", "notices.bad_url"),
        ("json://example.com/", "notices.not_encrypted"),
        ("mailto://duty:word@example.com", "notices.not_encrypted"),
        ("mailtos://duty:word@example.com?mode=insecure", "notices.not_encrypted"),
        ("jsons://example.com/?verify=no", "notices.option_not_allowed"),
        ("mailtos://duty:word@example.com?pgp=yes&pgppub=/etc/passwd", "notices.option_not_allowed"),
        ("mailtos://duty:word@example.com?wkd=yes", "notices.option_not_allowed"),
        ("jsons://127.0.0.1/", "notices.host_not_allowed"),
        ("jsons://169.254.169.254/latest/meta-data", "notices.host_not_allowed"),
        ("jsons://10.0.0.7/", "notices.host_not_allowed"),
        ("jsons://[::1]/", "notices.host_not_allowed"),
        ("jsons://[::ffff:10.0.0.7]/", "notices.host_not_allowed"),
        ("jsons://localhost/", "notices.host_not_allowed"),
        ("jsons://localhost./", "notices.host_not_allowed"),
        ("jsons://database.internal/", "notices.host_not_allowed"),
        ("jsons://2130706433/", "notices.host_not_allowed"),
        ("mailtos://duty:word@example.com?smtp=10.0.0.7", "notices.host_not_allowed"),
    ],
)
def test_other_ways_are_refused(url: str, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        kind_of(url, NOWHERE)
    assert (refused.value.message.key, refused.value.errors[0].path) == (key, "url")


INSIDE = Inside.of(["sms.internal", "10.1.0.0/16", "192.168.7.7", "fd00::/8"])


@pytest.mark.parametrize("host", ["sms.internal", "SMS.internal", "10.1.200.3", "192.168.7.7", "[fd00::7]"])
def test_named_hosts_are_taken_in_plain_text_too(host: str) -> None:
    assert kind_of(f"json://{host}/gateway", INSIDE) == "json"


@pytest.mark.parametrize("host", ["other.internal", "10.2.0.1", "192.168.7.8", "fe80::1"])
def test_only_named_hosts_are_inside(host: str) -> None:
    assert not INSIDE.has(host)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::ffff:10",
        "nonsense",
    ],
)
def test_addresses_that_are_not_public_open_no_connection(address: str) -> None:
    assert not NOWHERE.allows(address)


@pytest.mark.parametrize("address", ["203.0.114.9", "2400:3200::1", "64:ff9b::cb00:7209"])
def test_public_addresses_do(address: str) -> None:
    assert NOWHERE.allows(address)


def test_named_host_opens_the_way_to_its_address() -> None:
    assert Inside.of(["localhost"]).with_addresses().allows("127.0.0.1")
    assert not Inside.of(["no-such-host.invalid"]).with_addresses().allows("127.0.0.1")


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def connects(address) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except PermissionError:
        return False
    return True


def test_connection_is_refused_where_it_is_opened(listening) -> None:
    """By whatever name the address was found."""
    with watched(NOWHERE) as watch:
        assert not connects(("localhost", listening[1]))
        assert watch.refused
    with watched(Inside.of(["127.0.0.1"])) as watch:
        assert connects(listening)
        assert not watch.refused


def test_nobody_else_is_watched(listening) -> None:
    found = []
    with watched(NOWHERE):
        thread = Thread(target=lambda: found.append(connects(listening)))
        thread.start()
        thread.join()
    assert [*found, connects(listening)] == [True, True]


def test_every_named_service_is_one_that_apprise_knows() -> None:
    known = {name for one in apprise.Apprise().details()["schemas"] for name in one["secure_protocols"] or ()}
    assert known >= SERVICES


def test_mistyped_network_is_told_at_the_start() -> None:
    assert Settings.from_env({"WANGGE_NOTICE_HOSTS": "sms.internal, 10.1.0.0/16"}).notice_hosts == ("sms.internal", "10.1.0.0/16")
    with pytest.raises(ValueError, match="does not appear to be"):
        Settings.from_env({"WANGGE_NOTICE_HOSTS": "10.1.0.0/99"})
