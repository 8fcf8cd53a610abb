"""A town whose clock can be moved, with one case closed in time and one handled late, and both published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from core.facts.service import catch_up
from core.lib import clock
from tests.journeys import walking
from tests.journeys.town import Town

SHANGHAI = ZoneInfo("Asia/Shanghai")
AREA, DEPARTMENT = "urban_mgmt.area", "urban_mgmt.department"


class Stage:
    """A town whose clock can be moved, and what was done in its first days."""

    def __init__(self, town: Town, patch: pytest.MonkeyPatch) -> None:
        self.town, self.shift, self.real = town, timedelta(), clock.now
        patch.setattr(clock, "now", lambda: self.real() + self.shift)
        first = clock.now().astimezone(SHANGHAI).date()
        self.in_time = walking.closed(town, walking.handling(town))
        self.late = walking.handling(town, walking.REFUSE)
        due_at = town.found(self.late).due_at
        assert due_at is not None
        self.later(due_at - clock.now() + timedelta(hours=2, minutes=3))
        walking.closed(town, self.late)
        last = clock.now().astimezone(SHANGHAI).date()
        self.period = f"{first}..{last}"
        self.follow()

    def later(self, by: timedelta) -> None:
        self.shift += by
        self.town.tokens.clear()

    def get(self, path: str, who: str = "evaluator", status: int = 200, **query: Any) -> Any:
        answer = self.town.as_(who).get(path, query_string=query)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json() if answer.is_json else answer.get_data()

    def post(self, path: str, body: Any = None, who: str = "evaluator", status: int = 200) -> Any:
        answer = self.town.as_(who).post(path, **({} if body is None else {"json": body}))
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()

    def results(self, uuid: str) -> dict[str, dict[str, Any]]:
        found = self.get(f"/publications/{uuid}/results", limit=200)
        assert found["next"] is None
        return {row["subject"]["key"]: row for row in found["items"]}

    def appeal(self, number: str) -> None:
        assert self.town.as_("department_clerk").moved(number, "appeal", {"reason": "连日暴雨"}) == "closed"
        assert self.town.as_("dispatcher").moved(number, "grant_appeal") == "closed"
        assert self.town.as_("acceptor").moved(number, "grant_appeal") == "closed"

    def follow(self) -> None:
        catch_up(self.town.database, self.town.agency_id, now=clock.now())

    def publish(self, *more: str) -> dict[str, dict[str, Any]]:
        """Publish both cards, and ``more``, once the period is over; give the publications by card."""
        self.later(timedelta(days=1, minutes=2))
        body = {"scorecards": [AREA, DEPARTMENT, *more], "period": self.period, "reason": "第一次发布"}
        return {one["scorecard"]["key"]: one for one in self.post("/publications", body, status=201)["items"]}


def kept(stage: Stage) -> list[tuple[Any, ...]]:
    """Everything that is kept of publications, as text."""
    tables = ("snapshot", "publication", "publication_result", "frozen_case", "frozen_holding", "frozen_task", "frozen_answer")
    with stage.town.database.owner_engine.connect() as connection:
        return [(table, row[0]) for table in tables for row in connection.execute(text(f"SELECT t::text FROM {table} t ORDER BY 1"))]
