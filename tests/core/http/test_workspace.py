"""The one page of the workspace and the script that keeps it for where there is no network."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask

from core.http import workspace

SCRIPT = "self.addEventListener('install', () => SHELL);\n"


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Write a build of the front end; its files carry ``mark`` in their names."""
    monkeypatch.setattr(workspace, "STATIC", tmp_path)

    def make(mark):
        entry = {"file": f"assets/main-{mark}.js", "css": [f"assets/main-{mark}.css"], "imports": ["_vue.js"]}
        manifest = tmp_path / ".vite" / "manifest.json"
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text(json.dumps({workspace.ENTRY: entry, "_vue.js": {"file": f"assets/vue-{mark}.js"}}))
        (tmp_path / "service-worker.js").write_text(SCRIPT)
        workspace._read.cache_clear()

    return make


@pytest.fixture
def client():
    app = Flask("probe", static_folder=None)
    app.register_blueprint(workspace.blueprint)
    return app.test_client()


def shell_of(answer):
    found = re.match(r"const SHELL = (\{.*\});\n", answer.text)
    assert found
    return json.loads(found[1])


def test_service_worker_names_the_page_and_exactly_what_it_links(build, client):
    build("a")
    answer = client.get("/service-worker.js")
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "text/javascript", "no-cache")
    assert answer.text.endswith(SCRIPT)
    shell = shell_of(answer)
    page = client.get(shell["page"]).text
    assert sorted(shell["files"]) == sorted(re.findall(r'(?:href|src)="(/static/assets/[^"]+)"', page))
    assert len(shell["files"]) == 3


def test_service_worker_differs_with_every_build_and_only_then(build, client):
    build("a")
    first, again = (client.get("/service-worker.js").data for _ in range(2))
    assert first == again
    build("b")
    second = shell_of(client.get("/service-worker.js"))
    assert shell_of(client.get("/service-worker.js"))["version"] != json.loads(first.split(b"\n")[0][14:-1])["version"]
    assert all("-b." in path for path in second["files"])


def test_service_worker_is_not_there_before_a_build(tmp_path, monkeypatch, client):
    monkeypatch.setattr(workspace, "STATIC", tmp_path)
    assert client.get("/service-worker.js").status_code == 404
    assert client.get("/tasks").status_code == 503
