"""Scores, from the record: ten cases worked out by hand, one of them handled late, and an appeal before and after publishing.

The town has one district, one street and three communities of two grids of
four unit grids each. Ten cases lie in four unit grids of two communities and
were handled by two departments:

====  =========  =======  ==========  ==========
unit  grid       reports  of the      department
                          public
====  =========  =======  ==========  ==========
U1    1.1        1, 2     2           E01, E01
U2    1.2        3, 4, 5              E01, E01, E02
U3    2.1        6, 7                 E01, E02
U4    2.2        8, 9, 10             E01, E02, E02
====  =========  =======  ==========  ==========

An area's score is 10 % of the share of public reports turned round, 20 % of
the table of the number filed per unit grid (0 → 100, up to 2 → 90, up to 4 →
75), 30 % of what was closed and 40 % of what was closed in time. With all ten
closed in time, by hand:

===========  ==========  ================  =======
area         public      filed per unit    score
===========  ==========  ================  =======
U1           1/2 →  5.0   2      → 18.0     93.00
U2           0/3 → 10.0   3      → 15.0     95.00
U3           0/2 → 10.0   2      → 18.0     98.00
U4           0/3 → 10.0   3      → 15.0     95.00
grid 1.1     1/2 →  5.0   2 ÷ 4  → 18.0     93.00
grid 1.2     0/3 → 10.0   3 ÷ 4  → 18.0     98.00
grid 2.1     0/2 → 10.0   2 ÷ 4  → 18.0     98.00
grid 2.2     0/3 → 10.0   3 ÷ 4  → 18.0     98.00
community 1  1/5 →  8.0   5 ÷ 8  → 18.0     96.00
community 2  0/5 → 10.0   5 ÷ 8  → 18.0     98.00
street       1/10 → 9.0   10 ÷ 24 → 18.0    97.00
===========  ==========  ================  =======

Case 1 handled late takes 40 % of one case out of those owed: 1 of 2 in U1 and
in grid 1.1 (-20.00), 1 of 5 in community 1 (-8.00), 1 of 10 in the street and
the district (-4.00); and 30 % of 1 of 6 of department E01 (-5.00). It lowers
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.app import create_app
from core.facts.service import catch_up
from core.lib import clock
from core.settings import Settings
from core.testing.fixtures import new_database
from plugins.urban_mgmt.demo import small_land
from tests.journeys.town import Founded, Town
from tests.journeys.walking import called, reported

CHINA = ZoneInfo("Asia/Shanghai")
CARDS = ("area", "department", "inspector", "acceptor", "duty_lead", "dispatcher", "area_total", "department_total")
CODES = sorted(one["properties"]["code"] for one in small_land.feature_collection()["features"])
DISTRICT, STREET = (next(code for code in CODES if len(code) == digits) for digits in (6, 9))
COMMUNITY = [code for code in CODES if len(code) == 12]
U1, U2, U3, U4 = (f"{COMMUNITY[row]}{cell:03d}" for row, cell in ((0, 1), (0, 5), (1, 1), (1, 5)))
G11, G12, G21, G22 = (f"{COMMUNITY[row]}{half:02d}" for row, half in ((0, 1), (0, 2), (1, 1), (1, 2)))
PLACE = {U1: (0, 0), U2: (4, 0), U3: (0, 1), U4: (4, 1)}
CASES = {
    1: (U1, "inspector", "E01"),
    2: (U1, "hotline", "E01"),
    3: (U2, "inspector", "E01"),
    4: (U2, "inspector", "E01"),
    5: (U2, "inspector", "E02"),
    6: (U3, "inspector", "E01"),
    7: (U3, "inspector", "E02"),
    8: (U4, "inspector", "E01"),
    9: (U4, "inspector", "E02"),
    10: (U4, "inspector", "E02"),
}
CLERKS = {"E01": "department_clerk", "E02": "law_clerk"}
IN_TIME = {
    U1: 93.0, U2: 95.0, U3: 98.0, U4: 95.0, G11: 93.0, G12: 98.0, G21: 98.0, G22: 98.0,
    COMMUNITY[0]: 96.0, COMMUNITY[1]: 98.0, STREET: 97.0, DISTRICT: 97.0,
}  # fmt: skip
AREAS_LATE = {f"grid:{U1}": -20.0, f"grid:{G11}": -20.0, f"grid:{COMMUNITY[0]}": -8.0, f"grid:{STREET}": -4.0, f"grid:{DISTRICT}": -4.0}
LATE = {
    "area": AREAS_LATE,
    "department": {"department:E01": -5.0},
    # Nobody has answered anything, so the outer part gives its weight to the inner one; unit grids and grids have no total.
    "area_total": {key: value for key, value in AREAS_LATE.items() if key not in (f"grid:{U1}", f"grid:{G11}")},
    "department_total": {"department:E01": -5.0},
    "inspector": {}, "acceptor": {}, "duty_lead": {}, "dispatcher": {},
}  # fmt: skip
"""What one case handled late takes away, card by card, and nothing beside it."""


class Time:
    """The clock of every process of this test: it stands where it is put, and goes on from there."""

    def __init__(self) -> None:
        self._real = clock.now
        self._put = self._since = self._real()

    def now(self) -> datetime:
        return self._put + (self._real() - self._since)

    def put(self, at: datetime) -> None:
        self._put, self._since = at, self._real()


@pytest.fixture(scope="module")
def time() -> Iterator[Time]:
    """Put the clock to the second morning of a month to come: no sign-in of the test is then older than the real time."""
    with pytest.MonkeyPatch.context() as patch:
        found = Time()
        patch.setattr(clock, "now", found.now)
        yield found


def month_after(day: datetime) -> datetime:
    """Give the second of the month after, at half past nine in China."""
    first = (day.astimezone(CHINA).replace(day=1) + timedelta(days=32)).replace(day=2, hour=9, minute=30, second=0, microsecond=0)
    return first.astimezone(UTC)


@dataclass
class World:
    """A town in which the ten cases have been walked, and the month they fell into."""

    town: Town
    numbers: dict[int, str]
    time: Time
    begun: datetime

    @property
    def month(self) -> str:
        return f"{self.begun.astimezone(CHINA):%Y-%m}"

    def put(self, at: datetime) -> None:
        """Move the clock; whoever acts then signs in anew."""
        self.time.put(at)
        self.town.tokens.clear()

    def get(self, path: str, who: str = "evaluator", **query: Any) -> Any:
        answer = self.town.as_(who).get(path, query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def post(self, path: str, body: Any, status: int, who: str = "evaluator") -> Any:
        answer = self.town.as_(who).post(path, json=body)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()

    def follow(self) -> None:
        catch_up(self.town.database, self.town.agency_id, now=clock.now())
        self.town.run_outbox()

    def boards(self) -> dict[str, dict[str, Any]]:
        """Give every row of every card by its subject."""
        self.follow()
        cards = ",".join(f"urban_mgmt.{card}" for card in CARDS)
        found = self.get("/scoreboards", scorecards=cards, period=self.month)
        return {
            board["scorecard"]["key"].removeprefix("urban_mgmt."): {row["subject"]["key"]: row for row in board["items"]}
            for board in found["items"]
        }

    def scores(self) -> dict[str, dict[str, float | None]]:
        return {card: {key: row["score"] for key, row in rows.items()} for card, rows in self.boards().items()}

    def cell(self, card: str, subject: str, line: str) -> Any:
        row = self.boards()[card][subject]
        return next(cell for cell in (*row["cells"], *row["also"]) if cell["key"] == line)

    def facts(self, card: str, subject: str, line: str, part: str) -> list[Any]:
        self.follow()
        page = self.get(f"/scorecards/urban_mgmt.{card}/scores/{subject}/lines/{line}/facts", period=self.month, part=part, limit=200)
        assert page["total"] == len(page["items"])
        return page["items"]


def walk(town: Town, number: int) -> str:
    """Report a case in its place and bring it into its department's hands."""
    unit, source, department = CASES[number]
    x, y = PLACE[unit]
    position = {
        "lon": small_land.ORIGIN[0] + (x + 0.2 + number * 0.05) * small_land._STEP[0],
        "lat": small_land.ORIGIN[1] + (y + 0.5) * small_land._STEP[1],
        "accuracy": 5.0,
    }
    lead = town.as_("duty_lead")
    if source == "inspector":
        case = reported(town, position=position)
    else:
        case = called(town, position=position)
        inspector = town.as_("inspector")
        assert town.as_("acceptor").moved(case, "request_verify", {"inspector": town.users["inspector"]}) == "verifying"
        assert inspector.moved(case, "verify", {"result": "true", "photos": [inspector.photo()]}) == "verified"
    assert lead.moved(case, "file", {"condition": "e011301"}) == "filed"
    assert town.as_("dispatcher").moved(case, "dispatch", {"department": town.departments[department]}) == "dispatched"
    assert town.as_(CLERKS[department]).moved(case, "accept") == "handling"
    return case


def finish(town: Town, number: int, case: str) -> None:
    """Handle a case, check it and close it."""
    clerk, inspector = town.as_(CLERKS[CASES[number][2]]), town.as_("inspector")
    assert clerk.moved(case, "handle", {"photos": [clerk.photo()], "result": "已修复"}) == "handled"
    assert town.as_("acceptor").moved(case, "request_check") == "checking"
    assert inspector.moved(case, "check_pass", {"photos": [inspector.photo()]}) == "checked"
    assert town.as_("duty_lead").moved(case, "close") == "closed"


@pytest.fixture(scope="module")
def world(server_urls: tuple[str, str, str], settings: Settings, founded: Founded, time: Time) -> Iterator[Callable[[str], World]]:
    """Give a world of its own for each telling, in which case 1 is handled in time or late."""
    begun = month_after(month_after(clock.now()))
    made: dict[str, World] = {}
    closing = []

    def tell(name: str, *, late: bool) -> World:
        if name not in made:
            opened = new_database(server_urls, template=founded.template)
            database = opened.__enter__()
            closing.append(opened)
            app = create_app(settings, database)
            app.testing = False
            town = Town(app, database, founded.agency_id, deepcopy(founded.sign_ins), dict(founded.departments), dict(founded.users))
            one = made[name] = World(town, {}, time, begun)
            one.put(begun)
            one.numbers = {number: walk(town, number) for number in CASES}
            for number, case in one.numbers.items():
                if number != 1:
                    finish(town, number, case)
            if late:
                one.put(begun + timedelta(days=20))  # the limit was five working days
            finish(town, 1, one.numbers[1])
        made[name].town.tokens.clear()
        made[name].put(begun + timedelta(days=21))
        return made[name]

    yield tell
    for opened in reversed(closing):
        opened.__exit__(None, None, None)


def deltas(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Say by how much each score of each card differs, where it does."""
    assert {card: set(rows) for card, rows in before.items()} == {card: set(rows) for card, rows in after.items()}
    return {
        card: {
            key: round((after[card][key] or 0) - score, 2) for key, score in rows.items() if score is not None and score != after[card][key]
        }
        for card, rows in before.items()
    }


def test_scores_are_those_worked_out_by_hand(world) -> None:
    one = world("in time", late=False)
    scores = one.scores()
    assert {code: scores["area"][f"grid:{code}"] for code in IN_TIME} == IN_TIME
    assert (scores["department"]["department:E01"], scores["department"]["department:E02"]) == (100.0, 100.0)
    empty = one.boards()["area"][f"grid:{COMMUNITY[2]}"]
    assert (empty["score"], empty["is_ranked"]) == (100.0, False)
    shared = "has no data (nothing to divide by); its weight of {} % is shared among the others"
    assert empty["notes"] == [
        f"Share of public reports {shared.format(10)}",
        f"Closing rate {shared.format(30)}",
        f"Closed in time {shared.format(40)}",
        "Too few to rank (0 < 5)",
    ]


def test_a_case_handled_late_lowers_exactly_the_scores_it_should(world) -> None:
    before = world("in time", late=False).scores()
    after = world("late", late=True).scores()
    assert deltas(before, after) == LATE


def test_every_number_that_moved_opens_the_case_that_moved_it(world) -> None:
    one = world("late", late=True)
    for card, subjects in (("area", AREAS_LATE), ("department", {"department:E01": -5.0})):
        for subject in subjects:
            missed = one.facts(card, subject, "in_time", "missed")
            assert [fact["number"] for fact in missed] == [one.numbers[1]]
            counted = one.facts(card, subject, "in_time", "counted")
            cell = one.cell(card, subject, "in_time")
            assert (len(counted), len(missed) + len(counted)) == (cell["counted"], cell["base"])


def appeal(one: World) -> None:
    """Let the department appeal against the overtime of case 1, and have it granted on both levels."""
    number, town = one.numbers[1], one.town
    assert town.as_("department_clerk").moved(number, "appeal", {"reason": "连日暴雨，无法施工。"}) == "closed"
    assert town.as_("dispatcher").moved(number, "grant_appeal") == "closed"
    assert town.as_("acceptor").moved(number, "grant_appeal") == "closed"


def test_an_appeal_granted_before_publication_gives_it_back(world) -> None:
    before = world("in time", late=False).scores()
    one = world("appealed before", late=True)
    late = one.scores()
    assert deltas(before, late) == LATE
    appeal(one)
    assert deltas(before, one.scores()) == {card: {} for card in CARDS}
    cell = one.cell("area", f"grid:{U1}", "in_time")
    assert (cell["counted"], cell["base"], cell["exempted"]) == (1, 1, 1)
    (exempted,) = one.facts("department", "department:E01", "in_time", "exempted")
    stays_visible(one, exempted)


def stays_visible(one: World, fact: Any) -> None:
    """Hold the overtime against what happened: due five working days after it was given, handled on the twentieth day, and excused by name."""
    assert fact["number"] == one.numbers[1]
    due, done = (datetime.fromisoformat(fact[name]) for name in ("due_at", "ended_at"))
    assert done - due > timedelta(days=3)
    assert done.astimezone(CHINA).date() == (one.begun + timedelta(days=20)).astimezone(CHINA).date()
    hours, minutes = divmod(round((done - due).total_seconds() / 60), 60)
    told = f"Appeal granted (had been late by {hours} h {minutes:02} min)"
    assert fact["exemption"] == told
    events = one.get(f"/cases/{one.numbers[1]}")["events"]
    assert [event["verb"] for event in events][-4:] == ["close", "appeal", "grant_appeal", "grant_appeal"]


def publish(one: World) -> dict[str, Any]:
    """Publish the month once it is over; give the publications by card."""
    one.put(month_after(one.begun))
    one.follow()
    body = {"scorecards": [f"urban_mgmt.{card}" for card in CARDS], "period": one.month, "reason": "月度考核"}
    made = one.post("/publications", body, 201)
    return {item["scorecard"]["key"].removeprefix("urban_mgmt."): item for item in made["items"]}


def results(one: World, uuid: str) -> dict[str, Any]:
    return {row["subject"]["key"]: row for row in one.get(f"/publications/{uuid}/results", limit=200)["items"]}


def test_an_appeal_granted_after_publication_makes_a_revision_beside_the_frozen_scores(world) -> None:
    in_time = world("in time", late=False).scores()
    one = world("appealed after", late=True)
    published = publish(one)
    frozen = {card: results(one, published[card]["uuid"]) for card in CARDS}
    assert deltas(in_time, {card: {key: row["score"] for key, row in rows.items()} for card, rows in frozen.items()}) == LATE

    appeal(one)
    one.follow()
    area = published["area"]["uuid"]
    assert {card: results(one, published[card]["uuid"]) for card in CARDS} == frozen
    late = one.get(f"/publications/{area}/late-events")
    assert [(case["number"], [step["verb"] for step in case["steps"]], case["changes_numbers"]) for case in late["items"]] == [
        (one.numbers[1], ["appeal", "grant_appeal", "grant_appeal"], True)
    ]

    for card, moved in LATE.items():
        if not moved:
            continue
        revision = one.post(f"/publications/{published[card]['uuid']}/revisions", {}, 201)
        assert (revision["revision"], revision["state"]) == (2, "proposed")
        told = one.get(f"/publications/{revision['uuid']}/differences")
        given_back = {item["subject"]["key"]: round(item["score_after"] - item["score_before"], 2) for item in told["items"]}
        assert {key: -value for key, value in moved.items()} == {key: value for key, value in given_back.items() if value}
        assert [case["number"] for case in told["cases"]] == [one.numbers[1]]
        done = one.post(f"/publications/{revision['uuid']}/publish", {"reason": "申诉成立"}, 200)
        assert (done["state"], done["is_newest"]) == ("published", True)
        assert results(one, published[card]["uuid"]) == frozen[card]
        after = {key: row["score"] for key, row in results(one, revision["uuid"]).items()}
        assert deltas({card: in_time[card]}, {card: after}) == {card: {}}

    still = one.get(f"/publications/{area}/facts", subject=f"grid:{U1}", line="in_time", part="missed")
    assert [fact["number"] for fact in still["items"]] == [one.numbers[1]]
    (exempted,) = one.facts("department", "department:E01", "in_time", "exempted")
    stays_visible(one, exempted)


def test_what_a_resident_says_counts_for_the_outer_scores_and_for_the_whole(world) -> None:
    """Case 2 is rated 80 by whoever called; nobody was surveyed, so the answer is all of the outer score of its areas and its department.

    The whole is 70 % inner and 30 % outer: 0.7 · 100 + 0.3 · 80 = 94.00 for E01, 0.7 · 96 + 24 = 91.20 for community 1,
    0.7 · 97 + 24 = 91.90 for the street and the district.
    """
    before = world("in time", late=False).scores()
    one = world("answered", late=False)
    one.put(one.begun + timedelta(days=2))
    one.post(f"/cases/{one.numbers[2]}/answers", {"data": {"solved": "yes", "satisfaction": "satisfied"}}, 201, who="intake")
    one.put(one.begun + timedelta(days=21))
    after = one.scores()
    moved = {
        "department_total": {"department:E01": -6.0},
        "area_total": {f"grid:{COMMUNITY[0]}": -4.8, f"grid:{STREET}": -5.1, f"grid:{DISTRICT}": -5.1},
    }
    assert deltas(before, after) == {card: moved.get(card, {}) for card in CARDS}
    (answer,) = one.facts("area_outer", f"grid:{COMMUNITY[0]}", "satisfaction", "base")
    assert (answer["number"], answer["value"]) == (one.numbers[2], 80)
