"""Ledgers over HTTP, served by the real frame; only the sign-in is replaced."""

from __future__ import annotations

import csv
import io

import pytest

from core.db import outbox
from core.ledgers.permissions import LedgerRight
from core.ledgers.tasks import deliver_import

BASE = "/api/v1/ledgers/test.asset"


def new(client, name="井盖", **more):
    body = {"data": {"kind": "0101", "name": name, **more.pop("data", {})}, "position": {"lon": 116.4005, "lat": 39.9005}, **more}
    return client.post(f"{BASE}/records", json=body)


def upload(client, content, name="file.csv", **form):
    form = {"ledger": "test.asset", "crs": "wgs84", **form, "file": (io.BytesIO(content), name)}
    return client.post("/api/v1/imports", data=form, content_type="multipart/form-data")


def deliver(world):
    """Hand the waiting messages over as a worker would."""
    from tests.core.ledgers.conftest import NOON  # noqa: PLC0415

    count = 0
    while outbox.run_next_job(world.database, world.agency.id, now=NOON.replace(year=2100)):
        count += 1
    return count


def test_record_is_added_shown_changed_and_retired(client):
    made = new(client)
    assert made.status_code == 201, made.json
    code, etag = made.json["code"], made.headers["ETag"]
    assert (made.json["grid"], made.json["geometry"]) == ("U00", {"type": "Point", "coordinates": [116.4005, 39.9005]})
    shown = client.get(made.headers["Location"])
    assert (200, etag, made.json) == (shown.status_code, shown.headers["ETag"], shown.json)
    changed = client.patch(f"{BASE}/records/{code}", json={"data": {"note": "记"}}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json["data"]["note"], changed.headers["ETag"]) == (200, "记", '"2"')
    assert client.patch(f"{BASE}/records/{code}", json={"data": {"note": "x"}}, headers={"If-Match": etag}).status_code == 412
    assert client.patch(f"{BASE}/records/{code}", json={"data": {"note": "x"}}).status_code == 428
    retired = client.post(f"{BASE}/retired/{code}", json={"reason": "拆除"}, headers={"If-Match": '"2"'})
    assert (retired.status_code, retired.json["state"]) == (200, "retired")
    assert client.patch(f"{BASE}/records/{code}", json={"data": {"note": "x"}}, headers={"If-Match": '"3"'}).status_code == 409
    assert client.post(f"{BASE}/restored/{code}", json={"reason": "误"}, headers={"If-Match": '"3"'}).status_code == 200
    history = client.get(f"{BASE}/history/{code}").json["items"]
    assert [(one["kind"], one["version"]) for one in history] == [("changed", 2), ("retired", 3), ("restored", 4)]


def test_wrong_values_are_told_with_their_paths(client):
    answer = client.post(f"{BASE}/records", json={"data": {"kind": "9999"}, "position": {"lon": 200, "lat": 0}})
    assert (answer.status_code, [one["path"] for one in answer.json["errors"]]) == (422, ["position.lon"])
    answer = client.post(f"{BASE}/records", json={"data": {"kind": "9999"}})
    assert (422, {"data.kind", "data.name"}) == (answer.status_code, {one["path"] for one in answer.json["errors"]})


@pytest.mark.parametrize(
    "path", ["/ledgers/none.such/records", "/ledgers/test.asset/records/1101010101999999", "/imports/00000000-0000-7000-8000-000000000001"]
)
def test_what_is_not_there_is_404(client, path):
    assert client.get(f"/api/v1{path}").status_code == 404


def test_list_pages_and_narrows(client):
    for number in range(3):
        assert new(client, f"第{number}", position={"lon": 116.4005 + number / 1000, "lat": 39.9005}).status_code == 201
    first = client.get(f"{BASE}/records?limit=2").json
    rest = client.get(f"{BASE}/records", query_string={"limit": 2, "after": first["next"]}).json
    assert (
        [one["title"] for one in first["items"]],
        [one["title"] for one in rest["items"]],
        rest["next"],
    ) == (["第0", "第1"], ["第2"], None)
    assert [one["title"] for one in client.get(f"{BASE}/records?bbox=116.401,39.9,116.402,39.901").json["items"]] == ["第1"]
    near = client.get(f"{BASE}/nearest?lon=116.4025&lat=39.9005&limit=2").json["items"]
    assert [one["title"] for one in near] == ["第2", "第1"]


@pytest.mark.parametrize(
    "query",
    ["limit=201", "bbox=1,2,3", "bbox=3,2,1,4", "bbox=a,b,c,d", "nope=1", "after=%00", "filter=%22", "location=moon", "q=" + "x" * 101],
)
def test_wrong_question_is_422(client, query):
    assert client.get(f"{BASE}/records?{query}").status_code == 422


def test_far_places_have_no_metres(client):
    assert new(client).status_code == 201
    assert client.get(f"{BASE}/nearest?lon=26&lat=0").status_code == 422
    assert len(client.get(f"{BASE}/records?bbox=-180,-90,180,90").json["items"]) == 1


@pytest.mark.parametrize("path", ["records/%00", "records?q=%00", "records?code=%00", "history/%ff", "records/" + "9" * 300])
def test_odd_characters_are_no_defect(client, path):
    assert client.get(f"{BASE}/{path}").status_code in {200, 404, 422}


def test_personal_values_are_masked_and_a_look_is_recorded(client, world, sql):
    code = new(client, data={"keeper_phone": "13812345678"}).json["code"]
    assert client.get(f"{BASE}/records/{code}").json["personal"] == {"keeper_phone": "138****5678"}
    assert "personal" not in client.get(f"{BASE}/records").json["items"][0]
    assert client.get(f"{BASE}/records/{code}?personal=true").json["personal"] == {"keeper_phone": "13812345678"}
    assert sql(world.agency, "SELECT action FROM audit_entry WHERE action LIKE '%personal%'") == [("ledgers:record:personal_read",)]
    client.wangge.actor = world.actor([LedgerRight.READ])
    assert client.get(f"{BASE}/records/{code}?personal=true").status_code == 403


def test_personal_values_can_be_erased_for_good(client, world, sql):
    code = new(client, data={"keeper_phone": "13812345678"}).json["code"]
    erased = client.post(f"{BASE}/erased/{code}", json={"reason": "本人要求"}, headers={"If-Match": '"1"'})
    assert erased.status_code == 200
    assert "personal" not in client.get(f"{BASE}/records/{code}?personal=true").json
    assert [
        one
        for table in ("record", "record_event", "audit_entry")
        for one in sql(world.agency, f"SELECT * FROM {table}")
        if "1381234" in str(one)
    ] == []


def test_masked_value_is_never_saved_back(client):
    code = new(client, data={"keeper_phone": "13812345678"}).json["code"]
    answer = client.patch(
        f"{BASE}/records/{code}", json={"data": {"keeper_phone": "138****5678", "note": "x"}}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert client.get(f"{BASE}/records/{code}?personal=true").json["personal"] == {"keeper_phone": "13812345678"}
    answer = client.patch(f"{BASE}/records/{code}", json={"data": {"keeper_phone": "1*"}}, headers={"If-Match": '"2"'})
    assert answer.status_code == 422


def test_rights_decide(client, world):
    new(client)
    client.wangge.actor = world.actor([])
    assert [
        client.get(f"{BASE}/{path}").status_code for path in ("records", "nearest?lon=116&lat=39", "export", "records/1101010101000001")
    ] == [403] * 4
    assert [new(client).status_code, upload(client, b"a\n1\n").status_code] == [403, 403]


def test_import_runs_in_the_background_and_reports(client, world, csv_of):
    content = csv_of(
        ["小类", "名称", "经度", "纬度"],
        ["0101", "好", "116.4005", "39.9005"],
        ["0101", "", "116.4005", "39.9005"],
        ["0101", "=远", "118", "39.9"],
    )
    started = upload(client, content, name="部件.csv")
    assert (started.status_code, started.json["state"], started.json["encoding"]) == (202, "waiting", "utf-8"), started.json
    assert started.json["mapping"] == {"小类": "data.kind", "名称": "data.name", "经度": "lon", "纬度": "lat"}
    address = started.headers["Location"]
    assert client.get(f"{address}/errors").status_code == 409
    assert deliver(world) == 1
    job = client.get(address).json
    assert tuple(job[name] for name in ("state", "created", "failed", "outside", "rows_total")) == ("done", 2, 1, 1, 3)
    assert [job["uuid"]] == [one["uuid"] for one in client.get("/api/v1/imports").json["items"]]
    report = list(csv.reader(io.StringIO(client.get(f"{address}/errors").data.decode("utf-8-sig"))))
    assert (
        report[0],
        report[1][:5],
    ) == (["小类", "名称", "经度", "纬度", "#原文件行号", "#需要修改"], ["0101", "", "116.4005", "39.9005", "3"])
    assert report[1][5].startswith("名称: ")
    assert client.get(f"{address}/errors?format=xlsx").data.startswith(b"PK")


def test_mended_report_can_be_imported_as_it_is(client, world, csv_of):
    address = upload(client, csv_of(["小类", "名称"], ["0101", ""])).headers["Location"]
    deliver(world)
    rows = list(csv.reader(io.StringIO(client.get(f"{address}/errors").data.decode("utf-8-sig"))))
    rows[1][1] = "改好"
    again = upload(client, csv_of(*rows))
    deliver(world)
    assert tuple(client.get(again.headers["Location"]).json[name] for name in ("created", "failed")) == (1, 0)


def test_message_delivered_twice_imports_once(client, world, csv_of, sql):
    upload(client, csv_of(["小类", "名称"], ["0101", "一"]))
    ((payload,),) = sql(world.agency, "SELECT payload FROM outbox")
    deliver(world)
    from tests.core.ledgers.conftest import NOON  # noqa: PLC0415

    deliver_import(world.unit, outbox.Delivery(1, world.agency.id, "ledgers.import", payload, 1, NOON))
    assert sql(world.agency, "SELECT count(*) FROM record") == [(1,)]


@pytest.mark.parametrize(
    ("content", "name", "form", "status"),
    [
        (b"", "a.csv", {}, 400),
        (b"x,y\n1,2\n", "a.csv", {}, 422),
        (b"x,y\n1,2\n", "a.exe", {}, 422),
        (b"PK\x03\x04", "a.xlsx", {}, 400),
        (b"{}", "a.geojson", {}, 400),
        ("名称\n甲\n".encode(), "a.csv", {"crs": "mars"}, 422),
        ("名称\n甲\n".encode(), "a.csv", {"mapping": "[1]"}, 422),
        ("名称\n甲\n".encode(), "a.csv", {"mapping": '{"名称": "nothing"}'}, 422),
        ("名称\n甲\n".encode(), "a.csv", {"mapping": '{"不在": "data.name"}'}, 422),
        ("名称\n甲\n".encode(), "a.csv", {"ledger": "none.such"}, 404),
    ],
)
def test_wrong_upload_is_told(client, content, name, form, status):
    assert status == upload(client, content, name=name, **form).status_code


def test_upload_without_file_is_told(client):
    answer = client.post("/api/v1/imports", data={"ledger": "test.asset", "crs": "wgs84"}, content_type="multipart/form-data")
    assert answer.status_code == 422


def test_200_mb_upload_is_refused_without_reading_it(client, settings):
    read = 0

    class Endless(io.RawIOBase):
        def tell(self):
            return 0

        def seek(self, *_):
            return 0

        def readable(self):
            return True

        def readinto(self, buffer):
            nonlocal read
            read += len(buffer)
            buffer[:] = b"a" * len(buffer)
            return len(buffer)

    environ = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(200 * 1024 * 1024)}
    answer = client.post("/api/v1/imports", content_type="multipart/form-data; boundary=x", environ_overrides=environ)
    assert answer.status_code == 413
    assert read <= settings.max_upload_bytes


def test_export_is_a_download(client):
    new(client, "=1+1")
    answer = client.get(f"{BASE}/export?format=csv")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "'=1+1" in answer.data.decode("utf-8-sig")
    assert client.get(f"{BASE}/export?personal=true").status_code == 422
    assert client.get(f"{BASE}/export?filter=nothing%20%3D%3D%201").status_code == 422


@pytest.mark.parametrize("coordinates", [[], [[1]], "x", [[[0, 0], [1, 1]]], {"a": 1}, [[[500, 500], [501, 500], [501, 501], [500, 500]]]])
def test_broken_polygon_is_told(client, coordinates):
    body = {"data": {"name": "甲", "rooms": 1}, "code": "r1", "polygon": {"type": "Polygon", "coordinates": coordinates}}
    answer = client.post("/api/v1/ledgers/test.rooms/records", json=body)
    assert (answer.status_code, [one["path"] for one in answer.json["errors"]]) == (422, ["polygon"])


def test_polygon_a_thousand_deep_is_no_defect(client):
    deep = "[" * 900 + "]" * 900
    body = f'{{"data": {{"name": "甲", "rooms": 1}}, "code": "r1", "polygon": {{"type": "Polygon", "coordinates": {deep}}}}}'
    answer = client.post("/api/v1/ledgers/test.rooms/records", data=body.encode(), content_type="application/json")
    assert answer.status_code in {400, 422}
