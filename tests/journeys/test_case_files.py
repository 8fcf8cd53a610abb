"""The photos of a case are seen by whoever sees the case, and by nobody else."""

from __future__ import annotations

from tests.journeys.test_loop import dispatched
from tests.journeys.town import Town


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
