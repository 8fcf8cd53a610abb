"""Bad input gets a clear error and loses nothing."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.journeys.town import HERE, Person, Town
from tests.journeys.walking import closed, dispatched, handling, reported

JSON = "application/problem+json"


def report(town: Town, data: Any, *, who: str = "inspector", headers: dict[str, str] | None = None) -> Any:
    """Send a report as it is given."""
    return town.as_(who).post("/cases", json={"workflow": "urban_mgmt.case", "data": data}, headers=headers or {})


def good(town: Town, **more: Any) -> dict[str, Any]:
    """Write a report that is right, but for what is changed."""
    photo = town.as_("inspector").photo()
    base = {"source": "inspector", "kind": "event", "event_class": "e0113", "description": "路面破损", "position": HERE, "photos": [photo]}
    return {**base, **more}


def paths(answer: Any, status: int = 422) -> list[str]:
    """Expect a refusal that names fields; give their paths."""
    document = answer.get_json()
    assert answer.status_code == status, document
    assert answer.content_type == JSON
    assert all(one["detail"] for one in document["errors"])
    return sorted(one["path"] for one in document["errors"])


def cases_of(town: Town) -> int:
    """Count the cases in the town."""
    from sqlalchemy import func, select  # noqa: PLC0415

    from core.workflow.models import Case  # noqa: PLC0415

    with town.work() as (session, _):
        return session.scalar(select(func.count()).select_from(Case)) or 0


# -- values


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"description": None}, "description"),
        ({"description": "字" * 2001}, "description"),
        ({"description": {"$gt": ""}}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"source": "rumour"}, "source"),
        ({"kind": ["event"]}, "kind"),
        ({"event_class": "e9999"}, "event_class"),
        ({"event_class": "c0101"}, "event_class"),
        ({"event_class": "e011301"}, "event_class"),
        ({"event_class": "' OR 1=1 --"}, "event_class"),
        ({"position": None}, "position"),
        ({"position": "here"}, "position"),
        ({"position": {"lon": 500.0, "lat": 31.2}}, "position"),
        ({"position": {"lon": 121.4, "lat": -91}}, "position"),
        ({"position": {"lon": "121.4", "lat": 31.2}}, "position"),
        ({"position": {"lon": 121.4}}, "position"),
        ({"photos": []}, "photos"),
        ({"photos": ["not a uuid"]}, "photos"),
        ({"photos": ["6f1c1e0a-3d5b-4a77-9a44-0c8a4f6f0001"]}, "photos"),
        ({"photos": "6f1c1e0a-3d5b-4a77-9a44-0c8a4f6f0001"}, "photos"),
        ({"self_handled": "perhaps"}, "self_handled"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_value_is_refused_by_name_and_nothing_is_born(town: Town, change: dict[str, Any], path: str) -> None:
    before = cases_of(town)
    found = paths(report(town, good(town, **change)))
    assert any(one.removeprefix("data.").startswith(path) for one in found), found
    assert cases_of(town) == before


def test_every_wrong_field_is_named_at_once(town: Town) -> None:
    found = paths(report(town, {"source": "inspector", "kind": "event", "description": ""}))
    assert {"description", "event_class", "photos", "position"} <= set(found)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 422),
        (b'"text"', "application/json", 422),
        (b"workflow=urban_mgmt.case", "application/x-www-form-urlencoded", 415),
        (b'{"workflow": "urban_mgmt.case", "data": ' + b"[" * 100_000 + b"}", "application/json", 400),
        (b'{"workflow": "urban_mgmt.case", "data": {"description": "\xff\xfe"}}', "application/json", 400),
        (b'{"workflow": "urban_mgmt.case", "data": []}', "application/json", 422),
        (b'{"workflow": "urban_mgmt.nothing", "data": {}}', "application/json", 404),
        (b'{"workflow": 5, "data": {}}', "application/json", 422),
        (b'{"workflow": "urban_mgmt.case", "data": {}, "state": "closed"}', "application/json", 422),
    ],
)
def test_body_that_cannot_be_read_or_is_no_report_is_refused(town: Town, body: bytes, content_type: str, status: int) -> None:
    answer = town.as_("inspector").post("/cases", data=body, content_type=content_type)
    assert (answer.status_code, answer.content_type) == (status, JSON), answer.get_json()


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "after=nonsense",
        "sort=random()",
        "filter=state%20==",
        "filter=secret==1",
        "unknown=1",
        "open=maybe",
    ],
)
def test_wrong_question_is_refused(town: Town, query: str) -> None:
    answer = town.as_("leader").get(f"/cases?{query}")
    assert (answer.status_code, answer.content_type) == (422, JSON), answer.get_json()


def test_filing_under_what_the_catalogue_lacks_is_refused(town: Town) -> None:
    number = reported(town)
    lead = town.as_("duty_lead")
    assert paths(lead.move(number, "file", {"condition": "e999999"})) == ["condition"]
    assert paths(lead.move(number, "file", {"condition": "e0113"})) == ["condition"]
    assert lead.case(number)["version"] == 1


def test_department_and_person_of_another_agency_are_not_found(town: Town, village: Town) -> None:
    number = reported(town)
    town.as_("duty_lead").moved(number, "file", {"condition": "e011301"})
    assert paths(town.as_("dispatcher").move(number, "dispatch", {"department": 10**12})) == ["department"]
    town.as_("dispatcher").moved(number, "dispatch", {"department": town.departments["E01"]})
    stranger = village.users["village_duty_lead"]
    assert paths(town.as_("department_clerk").move(number, "accept", {"handler": stranger})) == ["handler"]


# -- versions and states


def test_write_without_a_version_or_with_a_stale_one_changes_nothing(town: Town) -> None:
    number = reported(town)
    lead = town.as_("duty_lead")
    body = {"transition": "file", "data": {"condition": "e011301"}}
    place = f"/cases/{number}/transitions"
    assert lead.post(place, json=body).status_code == 428
    assert lead.post(place, json=body, headers={"If-Match": "soon"}).status_code == 400
    assert lead.moved(number, "file", body["data"]) == "filed"
    stale = town.as_("dispatcher").move(number, "dispatch", {"department": town.departments["E01"]}, version=1)
    assert (stale.status_code, stale.get_json()["version"]) == (412, 2)
    assert lead.case(number)["state"]["key"] == "filed"


def test_step_that_the_state_forbids_says_what_is_allowed(town: Town) -> None:
    number = handling(town)
    answer = town.as_("duty_lead").move(number, "close")
    document = answer.get_json()
    assert (answer.status_code, document["state"], document["transition"]) == (409, "handling", "close")
    assert document["allowed"] == ["force_close"]
    assert document["type"] == "/problems/transition-refused"
    unknown = town.as_("duty_lead").move(number, "explode")
    assert paths(unknown) == ["transition"]


def test_step_without_the_right_is_forbidden_even_to_who_sees_the_case(town: Town) -> None:
    number = dispatched(town)
    for who, verb in (("leader", "close"), ("evaluator", "accept"), ("inspector", "handle"), ("admin", "file")):
        answer = town.as_(who).move(number, verb, {"photos": [], "result": "x", "condition": "e011301"})
        assert answer.status_code == 403, (who, verb, answer.get_json())
    assert town.as_("handler").get(f"/cases/{number}/transitions").get_json() == {"items": []}


def test_case_of_another_agency_is_not_there(town: Town, village: Town) -> None:
    number = reported(town)
    lead, leader = village.as_("village_duty_lead"), village.as_("village_leader")
    for answer in (
        lead.get(f"/cases/{number}"),
        lead.get(f"/cases/{number}/transitions"),
        lead.move(number, "file", {"condition": "e011301"}, version=1),
        leader.move(number, "urge", {"note": "快办"}, version=1),
        lead.get(f"/cases/{number}", headers={"X-Wangge-Agency": "town"}),
    ):
        assert answer.status_code == 404, answer.get_json()
    assert lead.get("/cases?limit=200").get_json()["items"] == []


def test_plugin_that_is_off_takes_its_cases_with_it_and_gives_them_back(town: Town, village: Town) -> None:
    admin, lead = village.as_("village_agency_admin"), village.as_("village_duty_lead")
    body = {"workflow": "urban_mgmt.case", "data": {}}
    assert lead.post("/cases", json=body).status_code in {403, 422}
    assert admin.send("PUT", "/plugins/urban_mgmt", json={"enabled": False}).status_code == 200
    try:
        assert lead.post("/cases", json=body).status_code == 404
        assert town.as_("duty_lead").get("/cases?limit=1").status_code == 200
        assert report(town, good(town)).status_code == 201
    finally:
        assert admin.send("PUT", "/plugins/urban_mgmt", json={"enabled": True}).status_code == 200
    assert lead.post("/cases", json=body).status_code in {403, 422}


# -- sent twice


def test_repeated_key_gives_the_same_answer_and_one_case(town: Town) -> None:
    data, key = good(town), {"Idempotency-Key": "once-1"}
    before = cases_of(town)
    first, second = report(town, data, headers=key), report(town, data, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotent-Replay"] == "true"
    other = report(town, {**data, "description": "另一处"}, headers=key)
    assert paths(other) == ["Idempotency-Key"]
    assert cases_of(town) == before + 1
    assert report(town, data, headers={"Idempotency-Key": "x" * 129}).status_code == 422


def test_refused_report_does_not_use_its_key_up(town: Town) -> None:
    data, key = good(town), {"Idempotency-Key": "once-2"}
    assert report(town, {**data, "description": ""}, headers=key).status_code == 422
    assert report(town, data, headers=key).status_code == 201


def test_key_belongs_to_its_sender(town: Town) -> None:
    key = {"Idempotency-Key": "once-3"}
    first = report(town, good(town), headers=key)
    body = {"source": "hotline", "kind": "event", "description": "市民反映"}
    second = report(town, body, who="intake", headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json()["number"] != second.get_json()["number"]


def test_two_senders_of_one_key_at_once_make_one_case(town: Town) -> None:
    data, before = good(town), cases_of(town)
    people = [town.as_("inspector") for _ in range(4)]
    assert people[0].token

    def send(person: Person) -> Any:
        body = {"workflow": "urban_mgmt.case", "data": data}
        return person.post("/cases", json=body, headers={"Idempotency-Key": "at-once"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, people))
    assert {one.status_code for one in answers} == {201}
    assert len({one.get_json()["number"] for one in answers}) == 1
    assert cases_of(town) == before + 1


def test_repeated_step_with_its_key_is_taken_once(town: Town) -> None:
    number = reported(town)
    headers = {"If-Match": '"1"', "Idempotency-Key": "step-1"}
    body = {"transition": "file", "data": {"condition": "e011301"}}
    answers = [town.as_("duty_lead").post(f"/cases/{number}/transitions", json=body, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].get_json() == answers[1].get_json()
    assert town.as_("leader").case(number)["version"] == 2


# -- uploads


def upload(town: Town, data: bytes, name: str = "photo.jpg", who: str = "inspector", **fields: Any) -> Any:
    """Send a file."""
    return town.as_(who).post("/attachments", data={"file": (io.BytesIO(data), name), **fields})


def picture(kind: str, **options: Any) -> bytes:
    """Make a small photo of a kind."""
    out = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 10, 30)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.jpg"),
        (b"plain text", "photo.jpg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "drawing.svg"),
        (b"<!doctype html><script>alert(1)</script>", "page.html"),
        (b"GIF89a" + b"\x00" * 60, "anim.gif"),
        (b"MZ" + b"\x00" * 60, "tool.exe"),
        (b"PK\x03\x04" + b"\x00" * 60, "archive.zip"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 60, "broken.jpg"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "drawing.eps"),
    ],
)
def test_file_that_is_not_what_may_be_kept_is_refused(town: Town, data: bytes, name: str) -> None:
    assert paths(upload(town, data, name)) == ["file"]


def test_picture_cut_in_the_middle_is_refused(town: Town) -> None:
    whole = picture("JPEG")
    assert paths(upload(town, whole[: len(whole) // 2])) == ["file"]


def png_of(width: int, height: int) -> bytes:
    """Write the head of a picture that would unfold to many gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (12_000, 7_000), (2**31 - 1, 2**31 - 1)])
def test_picture_that_would_unfold_without_end_is_refused_unfolded(town: Town, width: int, height: int) -> None:
    assert paths(upload(town, png_of(width, height), "bomb.png")) == ["file"]


def exif_of(photo: Image.Image) -> bytes:
    """Write position and camera into EXIF."""
    exif = photo.getexif()
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (31.0, 13.0, 12.0), 3: "E", 4: (121.0, 25.0, 11.0)}
    return exif.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_photo_is_kept_without_anything_hidden_in_it(town: Town, kind: str) -> None:
    plain = Image.new("RGB", (40, 20), (200, 10, 30))
    options: dict[str, Any] = {"exif": exif_of(plain), "xmp": b"<x:xmpmeta>SecretOwner</x:xmpmeta>"}
    if kind == "JPEG":
        options["comment"] = b"SecretComment"
    if kind == "PNG":
        options.pop("xmp")
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Author", "SecretAuthor")
    out = io.BytesIO()
    plain.save(out, kind, **options)
    assert b"Secret" in out.getvalue()
    answer = upload(town, out.getvalue(), f"photo.{kind.lower()}")
    assert answer.status_code == 201, answer.get_json()
    kept = town.as_("inspector").get(f"/attachments/{answer.get_json()['uuid']}").get_data()
    assert b"Secret" not in kept
    with Image.open(io.BytesIO(kept)) as photo:
        assert (photo.format, photo.size, dict(photo.getexif())) == (kind, (40, 20), {})


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")


def test_upload_of_sixty_megabytes_is_refused_without_reading_it(town: Town) -> None:
    environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(60 * 1024 * 1024)}
    answer = town.as_("inspector").post("/attachments", environ_overrides=environ, content_type="multipart/form-data; boundary=b")
    assert (answer.status_code, answer.content_type) == (413, JSON)


def test_file_over_its_limit_is_refused_with_the_limit(town: Town) -> None:
    answer = upload(town, b"%PDF-" + b"x" * (20 * 1024 * 1024), "big.pdf")
    assert answer.status_code == 413
    assert "20" in answer.get_json()["detail"]
    answer.request.environ["wsgi.input"].close()  # the client's own copy of the body


def test_file_of_somebody_else_can_be_neither_read_nor_used(town: Town, village: Town) -> None:
    uuid = town.as_("inspector").photo()
    for other in (town.as_("duty_lead"), town.as_("department_clerk"), village.as_("village_duty_lead")):
        assert other.get(f"/attachments/{uuid}").status_code == 404
        assert other.get(f"/attachments/{uuid}/thumbnail").status_code == 404
    number = handling(town)
    answer = town.as_("department_clerk").move(number, "handle", {"photos": [uuid], "result": "已修复"})
    assert [one.partition("[")[0] for one in paths(answer)] == ["photos"]


def test_photo_of_a_case_is_seen_with_the_case_and_with_nothing_else(town: Town) -> None:
    number = closed(town, handling(town))
    photo = town.as_("leader").case(number)["attachments"][0]["uuid"]
    assert town.as_("leader").get(f"/attachments/{photo}").status_code == 200
    assert town.as_("garden_clerk").get(f"/attachments/{photo}").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\temp\\a.jpg", "a\r\nSet-Cookie: x=1.jpg", "照片" * 200 + ".jpg", "\u202egpj.exe"]
)
def test_hostile_file_name_is_only_a_name(town: Town, name: str) -> None:
    answer = upload(town, picture("JPEG", quality=len(name) % 40 + 40), name)
    assert answer.status_code in {201, 400, 422}, answer.get_json()
    if answer.status_code == 201:
        kept = answer.get_json()
        assert "/" not in kept["name"]
        assert "\\" not in kept["name"]
        assert len(kept["name"]) <= 200
        download = town.as_("inspector").get(f"/attachments/{kept['uuid']}")
        assert download.status_code == 200
        assert "Set-Cookie" not in download.headers
        assert download.headers["X-Content-Type-Options"] == "nosniff"


def test_upload_with_two_files_or_none_is_refused(town: Town) -> None:
    inspector = town.as_("inspector")
    two = [("file", (io.BytesIO(picture("JPEG")), "a.jpg")), ("file", (io.BytesIO(picture("PNG")), "b.png"))]
    from werkzeug.datastructures import MultiDict  # noqa: PLC0415

    assert paths(inspector.post("/attachments", data=MultiDict(two))) == ["file"]
    assert paths(inspector.post("/attachments", data={"stage": "report"}, content_type="multipart/form-data")) == ["file"]
    assert paths(upload(town, picture("JPEG"), stage="whenever")) == ["stage"]
    assert paths(upload(town, picture("JPEG"), lon="900", lat="0")) == ["lon"]
