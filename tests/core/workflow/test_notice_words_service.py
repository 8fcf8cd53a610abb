"""What a notice says of a case's time: by the clocks of the agency, which need not be those of China's east."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.journeys.town import Town
from tests.journeys.walking import handling

WHY = {"cause": "season", "reason": "等待植树季节补种"}


def test_notice_writes_the_limit_in_the_agencys_own_zone(town: Town) -> None:
    admin, clerk = town.as_("admin"), town.as_("department_clerk")
    answer = admin.send("PATCH", "/agencies/town", json={"time_zone": "Asia/Urumqi"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.get_json()
    assert clerk.get("/me").get_json()["agency"]["time_zone"] == "Asia/Urumqi"
    number = handling(town)
    clerk.moved(number, "request_suspend", WHY)
    town.as_("dispatcher").moved(number, "grant_suspend")
    clerk.moved(number, "resume")
    town.run_outbox()
    said = [one["title"] for one in clerk.get("/me/notices?limit=200").get_json()["items"] if one["topic"] == "resumed"]
    due = datetime.fromisoformat(clerk.case(number)["due_at"])
    assert said == [f"Case {number} has resumed; due {due.astimezone(ZoneInfo('Asia/Urumqi')):%Y-%m-%d %H:%M}"]
