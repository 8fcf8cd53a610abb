"""The photos of a case are seen by whoever sees the case, and by nobody else."""

from __future__ import annotations

from typing import Any

from tests.journeys.test_loop import dispatched
from tests.journeys.town import HERE, Town


def test_photo_is_seen_by_whoever_sees_its_case(town: Town) -> None:
    number = dispatched(town)
    (file,) = town.as_("duty_lead").case(number)["attachments"]
    for username in ("duty_lead", "department_clerk", "leader"):
        answer = town.as_(username).client.get(file["thumbnail_url"], headers={"Authorization": f"Bearer {town.as_(username).token}"})
        assert (username, answer.status_code, answer.mimetype) == (username, 200, "image/jpeg")


def test_photo_that_hangs_on_no_visible_case_is_not_found(town: Town) -> None:
    loose = town.as_("inspector").photo()
    assert town.as_("duty_lead").get(f"/attachments/{loose}").status_code == 404
    number = dispatched(town)
    (file,) = town.as_("leader").case(number)["attachments"]
    outsider = town.as_("admin")
    expected = 200 if outsider.get(f"/cases/{number}").status_code == 200 else 404
    assert outsider.get(f"/attachments/{file['uuid']}").status_code == expected


def sent(town: Town, username: str, **more: Any) -> Any:
    """Send a report; give the answer."""
    data = {"source": "inspector", "kind": "event", "event_class": "e0113", "description": "路面破损", "position": HERE, **more}
    return town.as_(username).post("/cases", json={"workflow": "urban_mgmt.case", "data": data})


def test_photo_of_somebody_else_may_be_used_where_its_case_is_seen(town: Town) -> None:
    number = dispatched(town)
    clerk, inspector = town.as_("department_clerk"), town.as_("inspector")
    clerk.moved(number, "accept")
    theirs = clerk.photo()
    assert sent(town, "inspector", photos=[theirs]).status_code == 422
    clerk.moved(number, "handle", {"photos": [theirs], "result": "已修复"})
    answer = sent(town, "inspector", photos=[theirs, inspector.photo()])
    assert answer.status_code == 201, answer.get_json()
    files = inspector.case(answer.get_json()["number"])["attachments"]
    assert (len(files), files[0]["uuid"]) == (2, theirs)


def test_report_with_a_file_of_somebody_else_stores_nothing_and_names_the_field(town: Town) -> None:
    mine, loose = town.as_("inspector").photo(), town.as_("department_clerk").photo()
    before = town.as_("leader").get("/cases").get_json()["items"][:1]
    answer = sent(town, "inspector", photos=[mine, loose])
    assert answer.status_code == 422
    assert [one["path"].partition("[")[0] for one in answer.get_json()["errors"]] == ["photos"]
    assert before == town.as_("leader").get("/cases").get_json()["items"][:1]


def test_unknown_file_is_told_beside_every_other_wrong_field(town: Town) -> None:
    answer = sent(town, "inspector", photos=["0192a000-0000-7000-8000-000000000000"], event_class="none")
    assert {"photos", "event_class"} <= {one["path"].partition("[")[0] for one in answer.get_json()["errors"]}
