"""Definitions and forms over HTTP, served by the real frame; only the sign-in is replaced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from core.db.engine import AgencySession
from core.definitions import views as definition_views
from core.definitions.permissions import DefinitionRight
from core.definitions.visibility import plugins
from core.forms import views as form_views
from core.http import serve
from core.http.application import WebApplication
from core.http.work import Frame, Identity
from tests.core.definitions.conftest import CATALOGUE, content, prepared, synced

FORM = """key: demo.visit
title: {zh_CN: 走访, en: Visit}
fields:
  - {id: rooms, type: integer, label: {zh_CN: 房间, en: Rooms}, required: true}
  - {id: reason, type: text, label: {zh_CN: 原因, en: Reason}, visible: rooms > 3, required: true}
"""


class SignedIn:
    """Whoever comes is the given actor."""

    def __init__(self, actor):
        self._actor = actor

    def identify(self, _request):
        return Identity(0, "", None)

    def agency_id(self, _identity):
        return self._actor.agency_id

    def actor(self, _session, _identity, **_options):
        return self._actor


@pytest.fixture
def serving(owner, settings, alpha, make_actor, monkeypatch):
    """Give a client whose requests all run in one transaction that is rolled back."""
    synced(owner, prepared(CATALOGUE), prepared(FORM, "form", "library@1"))
    monkeypatch.setattr(plugins(), "is_enabled", lambda _session, plugin: plugin == "demo" and serve_as.is_on)
    connection = owner.connection()

    def session(agency_id):
        return AgencySession(connection, agency_id=agency_id, join_transaction_mode="create_savepoint")

    def serve_as(*rights):
        app = WebApplication("test")
        app.extensions["wangge"] = Frame(settings, SimpleNamespace(session=session), SignedIn(make_actor(rights)), plugins().is_enabled)
        serve.mount(app, [definition_views.routes, form_views.routes])
        return app.test_client()

    serve_as.is_on = True
    return serve_as


def test_lists_hold_what_is_in_force(serving):
    client = serving()
    assert "demo.waste" in [one["key"] for one in client.get("/api/v1/catalogues").json["items"]]
    assert "demo.visit" in [one["key"] for one in client.get("/api/v1/forms").json["items"]]
    assert client.get("/api/v1/workflows").status_code == 200
    assert client.get("/api/v1/ledgers").status_code == 200
    assert len(client.get("/api/v1/catalogues/demo.waste").json["content"]["items"]) == 2


def test_list_is_paged_without_loss(serving, owner):
    synced(owner, *(prepared(CATALOGUE.replace("demo.waste", f"demo.c{number}")) for number in range(5)))
    client = serving()
    seen, after = [], ""
    while after is not None:
        page = client.get("/api/v1/catalogues", query_string={"limit": 2, **({"after": after} if after else {})}).json
        seen += [one["key"] for one in page["items"]]
        after = page["next"]
    assert sorted(set(seen)) == seen
    assert {*(f"demo.c{number}" for number in range(5)), "demo.waste"} <= set(seen)


def test_definitions_of_a_plugin_that_is_off_are_not_there(serving):
    serving.is_on = False
    client = serving()
    assert "demo.waste" not in [one["key"] for one in client.get("/api/v1/catalogues").json["items"]]
    assert client.get("/api/v1/catalogues/demo.waste").status_code == 404


def test_form_can_be_drawn_described_and_tried(serving):
    client = serving()
    drawn = client.get("/api/v1/forms/demo.visit").json
    assert ([one["id"] for one in drawn["fields"]], drawn["version"]) == (["rooms", "reason"], 1)
    schema = client.get("/api/v1/forms/demo.visit/schema?locale=en").json
    Draft202012Validator.check_schema(schema)
    assert (schema["title"], schema["required"]) == ("Visit", ["rooms"])
    tried = client.post("/api/v1/forms/demo.visit/check", json={"data": {"rooms": 2, "reason": "x"}}).json
    assert ({"rooms": 2}, drawn["id"]) == (tried["data"], tried["form_version_id"])
    refused = client.post("/api/v1/forms/demo.visit/check", json={"data": {"rooms": 5}})
    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "reason")
    assert drawn == client.get(f"/api/v1/form-versions/{drawn['id']}").json


def test_draft_is_saved_published_and_restored(serving):
    client = serving(*DefinitionRight)
    own = content()
    own["items"][1] = {**own["items"][1], "title": {"zh_CN": "我的", "en": "Mine"}}
    draft = client.put("/api/v1/definitions/catalogue/demo.waste/draft", json={"content": own}).json
    assert (draft["status"], draft["own"], draft["base_version"]) == ("draft", True, 1)
    published = client.post(f"/api/v1/definition-versions/{draft['id']}/publish").json
    assert published["status"] == "published"
    assert client.get("/api/v1/catalogues/demo.waste").json["content"]["items"][1]["title"]["en"] == "Mine"
    again = client.post(f"/api/v1/definition-versions/{draft['id']}/publish")
    assert again.status_code == 409
    assert client.post(f"/api/v1/definition-versions/{draft['id']}/restore").json["version"] == 2
    versions = client.get("/api/v1/definitions/catalogue/demo.waste/versions").json["items"]
    assert [(one["version"], one["own"]) for one in versions] == [(2, True), (1, True), (1, False)]
    assert client.delete("/api/v1/definitions/catalogue/demo.waste/own").status_code == 204
    assert client.get("/api/v1/catalogues/demo.waste").json["content"]["items"][1]["title"]["en"] == "Litter"


def test_draft_is_seen_and_thrown_away(serving):
    client = serving(*DefinitionRight)
    draft = client.put("/api/v1/definitions/catalogue/demo.waste/draft", json={"content": content()}).json
    assert serving().get(f"/api/v1/definition-versions/{draft['id']}").status_code == 403
    assert client.get(f"/api/v1/definition-versions/{draft['id']}").status_code == 200
    assert client.delete(f"/api/v1/definition-versions/{draft['id']}").status_code == 204
    assert client.get(f"/api/v1/definition-versions/{draft['id']}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("put", "/definitions/catalogue/demo.waste/draft", {"content": {"key": "demo.waste"}}, 422),
        ("put", "/definitions/catalogue/demo.waste/draft", {"content": {"key": "demo.other"}}, 422),
        ("put", "/definitions/catalogue/demo.waste/draft", {"content": {"key": "demo.waste", "source": "\x00"}}, 422),
        ("put", "/definitions/scorecard/demo.waste/draft", {"content": {"key": "demo.waste"}}, 422),
        ("put", "/definitions/nothing/demo.waste/draft", {"content": {}}, 404),
        ("get", "/definitions/catalogue/%00/versions", None, 404),
        ("get", "/catalogues/%00", None, 404),
        ("get", "/forms/no.such", None, 404),
        ("get", "/forms/no.such/schema", None, 404),
        ("get", "/definition-versions/99999999999999999999999", None, 404),
        ("get", "/form-versions/0", None, 404),
        ("get", "/catalogues?limit=201", None, 422),
        ("get", "/catalogues?after=x", None, 422),
        ("get", "/catalogues?after=WyJcdTAwMDAiXQ", None, 422),
        ("get", "/forms/demo.visit/schema?locale=fr", None, 422),
        ("post", "/definition-versions/99/publish", None, 404),
        ("post", "/forms/demo.visit/check", {"data": 5}, 422),
    ],
)
def test_wrong_request_gets_a_clear_error(serving, method, path, body, status):
    answer = getattr(serving(*DefinitionRight), method)(f"/api/v1{path}", **({"json": body} if body is not None else {}))
    assert (status, "application/problem+json") == (answer.status_code, answer.mimetype)


def test_deeply_nested_draft_is_refused(serving):
    deep = {"id": "a", "type": "text", "label": {"zh_CN": "名", "en": "Name"}}
    for _ in range(200):
        deep = {"id": "g", "type": "group", "label": {"zh_CN": "名", "en": "Name"}, "fields": [deep]}
    own = {"key": "own.deep", "title": {"zh_CN": "深", "en": "Deep"}, "fields": [deep]}
    answer = serving(*DefinitionRight).put("/api/v1/definitions/form/own.deep/draft", json={"content": own})
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/definitions/catalogue/demo.waste/versions"])
def test_history_needs_its_right(serving, path):
    assert serving().get(f"/api/v1{path}").status_code == 403
