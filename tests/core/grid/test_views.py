"""Grids over HTTP, served by the real frame; only the sign-in is replaced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from shapely.geometry import mapping, shape

from core.db.engine import AgencySession
from core.grid import views
from core.grid.permissions import GridRight
from core.http import openapi, serve
from core.http.application import WebApplication
from core.http.work import Frame, Identity
from tests.core.grid.conftest import COMMUNITY, HIGH, LEVELS, WIDE, collection, community, feature, square

FIRST = f"{COMMUNITY}01"


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
def serving(settings, connection, session, make_actor):
    """Give a client of an actor with these rights; all its requests run in the test's transaction."""

    def open_session(agency_id):
        return AgencySession(connection, agency_id=agency_id, join_transaction_mode="create_savepoint")

    def serve_as(*rights):
        app = WebApplication("test")
        app.extensions["wangge"] = Frame(settings, SimpleNamespace(session=open_session), SignedIn(make_actor(rights)), None)
        serve.mount(app, [views.routes])
        return app.test_client()

    return serve_as


@pytest.fixture
def client(serving, scheme):
    return serving(*GridRight)


def items(client, path, **query):
    answer = client.get(f"/api/v1/{path}", query_string=query)
    assert answer.status_code == 200, answer.json
    return [one["code"] for one in answer.json["items"]]


def test_list_is_paged_without_loss(client):
    seen, after = [], ""
    while after is not None:
        page = client.get("/api/v1/grids", query_string={"limit": 4, **({"after": after} if after else {})}).json
        seen += [one["code"] for one in page["items"]]
        after = page["next"]

    assert len(seen) == 14
    assert seen == sorted(set(seen))


def test_list_filters_by_level_place_and_words(client):
    assert items(client, "grids", level="grid", below=COMMUNITY) == [FIRST, f"{COMMUNITY}02"]
    assert items(client, "grids", q="银闸") == ["110101001002"]
    assert items(client, "grids", q="yzsq") == ["110101001002"]
    assert items(client, f"grids/{COMMUNITY}/children") == [FIRST, f"{COMMUNITY}02"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("grids", {"limit": 201}, 422),
        ("grids", {"after": "x"}, 422),
        ("grids", {"level": "village"}, 422),
        ("grids", {"below": "1"}, 404),
        ("grids", {"scheme": "nobody"}, 404),
        ("grids", {"colour": "red"}, 422),
        ("grids", {"q": "\0"}, 422),
        ("grids/1", {}, 404),
        ("grids/%00", {}, 404),
        ("grids/1/children", {}, 404),
        ("grids/locate", {}, 422),
        ("grids/locate", {"lon": "nan", "lat": 1}, 422),
        ("grids/locate", {"lon": 1, "lat": 91}, 422),
        ("grids/locate", {"lon": 1, "lat": 1, "crs": "mars"}, 422),
        ("grids.geojson", {}, 422),
        ("grids.geojson", {"level": "grid", "bbox": "1,2,3"}, 422),
        ("grids.geojson", {"level": "grid", "bbox": "3,2,1,4"}, 422),
        ("grid-schemes/nobody", {}, 404),
        ("grid-schemes/nobody/check", {}, 404),
    ],
)
def test_bad_questions_get_a_clear_answer(client, path, query, status):
    answer = client.get(f"/api/v1/{path}", query_string=query)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]


def test_grid_is_shown_with_land_and_history(client):
    client.post("/api/v1/grids/split", json=split_of(FIRST))

    shown = client.get(f"/api/v1/grids/{FIRST}").json

    assert (shown["scheme"], shown["level"], shown["parent"]) == ("squares", "grid", COMMUNITY)
    assert shown["valid_to"] is not None
    assert [(one["code"], one["is_successor"]) for one in shown["history"]] == [(f"{COMMUNITY}03", True), (f"{COMMUNITY}04", True)]
    assert shape(shown["polygon"]).equals(square(0, columns=2))
    assert client.get(f"/api/v1/grids/{COMMUNITY}").json["parent"] is None


def split_of(code, columns=(1, 1)):
    parts = [
        {"name": "甲", "polygon": mapping(square(0, columns=columns[0]))},
        {"name": "乙", "polygon": mapping(square(1, columns=columns[1]))},
    ]
    return {"code": code, "parts": parts, "reason": "人口增加"}


def test_split_then_merge_over_http(client):
    split = client.post("/api/v1/grids/split", json=split_of(FIRST))
    merge = {"codes": [one["code"] for one in split.json["items"]], "name": "一网格", "reason": "撤销"}
    merged = client.post("/api/v1/grids/merge", json=merge)

    assert (split.status_code, merged.status_code) == (201, 201)
    assert merged.json["code"] == f"{COMMUNITY}05"
    assert client.post("/api/v1/grids/split", json=split_of(FIRST)).status_code == 409


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (split_of(FIRST, (1, 0.5)), "parts"),
        ({**split_of(FIRST), "reason": " "}, "reason"),
        ({**split_of(FIRST), "parts": [{"name": "甲", "polygon": {"type": "Point"}}] * 2}, "parts[0].polygon"),
        ({"code": FIRST}, "parts"),
    ],
)
def test_bad_split_names_the_field(client, body, path):
    answer = client.post("/api/v1/grids/split", json=body)

    assert answer.status_code == 422
    assert path in [one["path"] for one in answer.json["errors"]]


def test_locate_over_http(client):
    place = client.get("/api/v1/grids/locate", query_string={"lon": 116.4 + 1.01 * WIDE, "lat": 39.9 - HIGH / 2}).json

    assert (place["located"], place["code"]) == ("inside", f"{COMMUNITY}002")
    assert place["border_m"] < 2
    assert [one["code"] for one in place["neighbours"]] == [f"{COMMUNITY}001"]


def test_map_over_http(client):
    answer = client.get("/api/v1/grids.geojson", query_string={"level": "unit_grid", "bbox": "116.39,39.89,116.4001,39.91"})

    assert answer.content_type == "application/geo+json"
    assert [one["properties"]["code"] for one in answer.json["features"]] == [f"{COMMUNITY}001"]


def test_scheme_is_made_filled_checked_and_shown(client):
    made = client.post("/api/v1/grid-schemes", json=new_scheme("sales"))
    report = client.post("/api/v1/grid-schemes/sales/import", json=collection(*community(1))).json
    again = client.post("/api/v1/grid-schemes/sales/import", json=collection(*community(1))).json

    assert made.status_code == 201
    assert (len(report["created"]), len(again["unchanged"])) == (7, 7)
    assert client.get("/api/v1/grid-schemes/sales/check").json == {"items": []}
    assert [one["key"] for one in client.get("/api/v1/grid-schemes").json["items"]] == ["sales", "squares"]
    assert client.get("/api/v1/grid-schemes/sales").json["owned"] is True
    assert client.post("/api/v1/grid-schemes", json=new_scheme("sales")).status_code == 409
    assert client.put("/api/v1/grid-schemes/sales/shares/beta").status_code == 204
    assert client.put("/api/v1/grid-schemes/sales/shares/nobody").status_code == 422


def new_scheme(key):
    return {"key": key, "title": {"zh_CN": "销售"}, "origin_lon": 116.4, "origin_lat": 39.9, "levels": LEVELS}


def test_import_refuses_all_and_names_each_fault(client):
    bad = collection(feature("1", "x", "community", None, None), feature("110101001003", "好", "community", None, square(9)))

    refused = client.post("/api/v1/grid-schemes/squares/import", json=bad)
    dry = client.post("/api/v1/grid-schemes/squares/import?dry_run=true", json=bad)

    assert refused.status_code == 422
    assert [one["path"] for one in refused.json["errors"]] == ["features[0]"]
    assert [(one["path"], one["kind"]) for one in dry.json["problems"]] == [("features[0]", "bad_code")]
    assert dry.json["created"] == ["110101001003"]
    assert client.get("/api/v1/grids/110101001003").status_code == 404


def test_import_of_endless_nesting_is_refused(client):
    deep = {}
    for _ in range(600):
        deep = {"a": deep}

    answer = client.post(
        "/api/v1/grid-schemes/squares/import", json=collection(feature("110101001003", "x", "community", None, None, note=deep))
    )

    assert answer.status_code == 422


def test_divisions_over_http(client):
    body = {"code": "1", "name": "区", "streets": []}

    assert (
        client.post("/api/v1/grid-schemes/squares/import-divisions?dry_run=true", json=body).json["problems"][0]["kind"] == "unknown_level"
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "grids", None),
        ("get", f"grids/{COMMUNITY}", None),
        ("get", f"grids/{COMMUNITY}/children", None),
        ("get", "grids/locate?lon=1&lat=1", None),
        ("get", "grids.geojson?level=grid", None),
        ("get", "grid-schemes", None),
        ("get", "grid-schemes/squares", None),
        ("get", "grid-schemes/squares/check", None),
        ("post", "grid-schemes", new_scheme("sales")),
        ("post", "grid-schemes/squares/import", collection()),
        ("post", "grid-schemes/squares/import-divisions", {"code": "1", "name": "x", "streets": []}),
        ("post", "grids/split", split_of(FIRST)),
        ("post", "grids/merge", {"codes": [FIRST, f"{COMMUNITY}02"], "name": "x", "reason": "x"}),
        ("put", "grid-schemes/squares/shares/beta", None),
    ],
)
def test_without_right_every_route_is_closed(serving, scheme, method, path, body):
    answer = getattr(serving(), method)(f"/api/v1/{path}", json=body) if body is not None else getattr(serving(), method)(f"/api/v1/{path}")

    assert answer.status_code == 403


def test_document_describes_every_route():
    document = openapi.document(views.routes.all, version="0")

    assert len(document["paths"].keys() - {"/api/v1/openapi.json"}) == 14
    assert "application/geo+json" in document["paths"]["/api/v1/grids.geojson"]["get"]["responses"]["200"]["content"]
