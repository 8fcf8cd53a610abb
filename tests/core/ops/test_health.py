"""The report says what is ill, the probe whether to send people here, the numbers go to named readers only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from core.db.engine import Database
from core.db.migrate import plugin_component
from core.health import metrics, service
from core.health.access import AccessLog
from core.health.service import Backlog
from core.health.types import Check, Condition, Report
from core.health.views import install_metrics, routes
from core.http import serve
from core.http.application import WebApplication
from core.http.work import Frame
from core.testing.fixtures import NOON


@pytest.fixture
def away(database) -> Database:
    gone = "postgresql+psycopg://wangge_app@/gone?host=/nonexistent"
    return Database(app_url=gone, owner_url=gone, scan_url=gone)


@pytest.fixture
def make_client(settings, tmp_path):
    made = []

    def make(found: Database, token: str = ""):
        app = WebApplication("core")
        made.append(app)
        app.extensions["wangge"] = Frame(replace(settings, metrics_token=token, var=tmp_path), found, None)
        install_metrics(app)
        serve.mount(app, [routes])
        return app.test_client()

    yield make
    for app in made:
        app.extensions["wangge.access"].close()


def test_report_of_a_database_that_is_away_says_so(away):
    found = service.report(away, now=NOON, failed_plugins=[], components=[])
    assert found.condition is Condition.FAILING
    assert [check.name for check in found.checks] == ["database", "plugins"]


def test_failed_plugin_degrades(database):
    found = service.report(database, now=NOON, failed_plugins=["bad"], components=[])
    assert Check("plugins", Condition.DEGRADED, "bad") in found.checks


def test_waiting_migration_fails(database, tmp_path):
    (tmp_path / "1.py").write_text('"""One."""\nrevision, down_revision = "1", None\n')
    check = service.check_migrations(database, [plugin_component("sample", tmp_path)])
    assert check == Check("migrations", Condition.FAILING, "sample:1")


@pytest.mark.parametrize(
    ("conditions", "worst"),
    [([], "well"), (["well", "degraded"], "degraded"), (["failing", "degraded"], "failing")],
)
def test_report_is_as_ill_as_its_worst_part(conditions, worst):
    assert Report(tuple(Check("x", Condition(one)) for one in conditions)).condition == worst


def test_probe_answers_200_while_it_serves(database, make_client, monkeypatch):
    monkeypatch.setattr("core.health.views.components", lambda: ())
    answer = make_client(database).get("/api/v1/health")
    assert answer.status_code == 200
    assert answer.json["parts"]["database"] == "well"
    assert answer.headers["Cache-Control"] == "no-store"


def test_probe_answers_503_when_the_database_is_away(away, make_client):
    answer = make_client(away).get("/api/v1/health")
    assert (answer.status_code, answer.json["condition"]) == (503, "failing")


def test_probe_tells_no_reasons(away, make_client):
    assert b"nonexistent" not in make_client(away).get("/api/v1/health").data


def test_numbers_count_requests_by_route(database, make_client, monkeypatch):
    monkeypatch.setattr("core.health.views.components", lambda: ())
    client = make_client(database)
    client.get("/api/v1/health")
    client.get("/nothing/17")
    client.open("/api/v1/health", method="BREW")
    page = client.get("/metrics").text
    assert 'wangge_http_requests_total{method="GET",route="/api/v1/health",status="200"}' in page
    assert 'wangge_http_requests_total{method="GET",route="unmatched",status="404"}' in page
    assert 'method="other"' in page
    assert "BREW" not in page
    assert 'wangge_well{part="database"} 1.0' in page
    assert "wangge_outbox_due 0.0" in page


def test_numbers_are_served_while_the_database_is_away(away, make_client):
    page = make_client(away).get("/metrics").text
    assert 'wangge_well{part="database"} 0.0' in page
    assert "wangge_outbox_due" not in page.replace("# ", "")


@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "10.0.0.7", {}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 403),
        ("", "127.0.0.1", {"Forwarded": "for=10.0.0.7"}, 403),
        ("secret", "10.0.0.7", {}, 403),
        ("secret", "10.0.0.7", {"Authorization": "Bearer wrong"}, 403),
        ("secret", "10.0.0.7", {"Authorization": "Bearer secret"}, 200),
        ("", "10.0.0.7", {"Authorization": "Bearer "}, 403),
    ],
)
def test_numbers_are_for_named_readers(away, make_client, token, address, headers, status):
    answer = make_client(away, token).get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_exposition_sums_processes(tmp_path):
    code = "from core.health import metrics; metrics.CLAIMED.labels('x').inc(2)"
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=env, check=True)
    show = "from core.health import metrics; from core.health.types import Report; print(metrics.exposition(lambda: (Report(()), None)).decode())"
    page = subprocess.run([sys.executable, "-c", show], env=env, check=True, capture_output=True, text=True).stdout
    assert 'wangge_work_claimed_total{source="x"} 4.0' in page


def test_gauges_name_the_backlog():
    page = metrics.exposition(lambda: (Report(()), Backlog(3, 7.5, 1))).decode()
    assert "wangge_outbox_delay_seconds 7.5" in page


def test_access_log_has_a_line_for_each_request_and_no_query(away, make_client, tmp_path):
    client = make_client(away)
    client.get("/api/v1/health?phone=13800000000", headers={"User-Agent": "probe", "X-Request-ID": "r1"})
    client.get("/nothing")
    (path,) = (tmp_path / "log").iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [("GET", "/api/v1/health", 422), ("GET", "/nothing", 404)]
    assert (lines[0]["address"], lines[0]["agent"], lines[0]["request_id"]) == ("127.0.0.1", "probe", "r1")
    assert "13800000000" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_access_log_turns_over_with_the_day(tmp_path):
    log = AccessLog(tmp_path)
    for days in (0, 1, 1):
        log.write(NOON + timedelta(days=days), path="/")
    log.close()
    assert {path.name: len(path.read_text().splitlines()) for path in tmp_path.iterdir()} == {
        "access-2026-03-18.jsonl": 1,
        "access-2026-03-19.jsonl": 2,
    }
