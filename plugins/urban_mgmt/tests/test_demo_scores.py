"""The demo's two whole months: rankings that could be real, and numbers that are those of its own cases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from core import parts
from core.authz import Actor
from core.db.uow import unit_of_work
from core.definitions.installed import sync_installed
from core.scoring.periods import Period, containing
from core.scoring.service import scoreboard
from core.scoring.types import Asked
from plugins.urban_mgmt.demo.seed import PUBLISHED, seed

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
"""The day decides which cases are walked: on the same day they are the same."""
CHINA = ZoneInfo("Asia/Shanghai")
pytestmark = pytest.mark.timeout(300)  # seeding takes half a minute on a quiet machine
CARDS = ("area", "department", "inspector", "acceptor", "duty_lead", "dispatcher", "area_outer")


@dataclass
class Demo:
    """The seeded demo, and its boards of the two months that are over."""

    database: object
    agency_id: int
    months: list[Period]
    boards: dict[str, dict[str, list]]

    def streets(self, month):
        return [row for row in self.boards[month.text]["area"] if row.subject.level == "street"]

    def asked(self, query, **values):
        with unit_of_work(self.database, self.agency_id) as session:
            return session.execute(text(query), values).all()


@pytest.fixture(scope="module")
def demo(database, settings):
    """Seed the demo as `wangge demo` does, with few components: no score counts them."""
    parts.load()
    now = NOW
    sync_installed(database, now=now)
    seed(database, settings=settings, progress=lambda *_: None, now=now, component_count=200)
    with unit_of_work(database, None) as session:
        agency_id = session.execute(text("SELECT id FROM agency WHERE key = 'dongcheng'")).scalar_one()
    last = containing("month", now.astimezone(CHINA).date()).before()
    months = [last.before(), last]
    boards = {}
    with unit_of_work(database, agency_id) as session:
        actor = Actor(None, agency_id, "dongcheng", "system", (), now, is_system=True)
        for month in months:
            board = scoreboard(session, actor, Asked(tuple(f"urban_mgmt.{card}" for card in CARDS), month))
            boards[month.text] = {sheet.scorecard.removeprefix("urban_mgmt."): sheet.rows for sheet in board.sheets}
    return Demo(database, agency_id, months, boards)


def test_every_street_is_ranked_with_few_alike_and_ten_points_between_best_and_worst(demo):
    for month in demo.months:
        scores = [row.score.score for row in demo.streets(month) if row.score.is_ranked]
        assert len(scores) == 17
        assert len(scores) - len(set(scores)) <= 2
        assert max(scores) - min(scores) >= 10
        assert 60 <= min(scores) < max(scores) < 100


def test_best_and_worst_of_one_month_are_not_turned_round_in_the_next(demo):
    """What makes a street good or bad lasts, so the months agree more than chance would have them."""
    first, second = ({row.subject.code: row.score.score for row in demo.streets(month)} for month in demo.months)
    best, worst = (sorted(first, key=first.get, reverse=turn)[:5] for turn in (True, False))
    assert sum(second[code] for code in best) > sum(second[code] for code in worst)


def test_grades_from_a_to_c_are_given(demo):
    for month in demo.months:
        found = {row.score.grade for rows in demo.boards[month.text].values() for row in rows if row.score.is_ranked}
        assert {"a", "b", "c"} <= found
        assert len({row.score.grade for row in demo.streets(month)}) >= 2


def test_posts_have_several_holders_who_differ(demo):
    for month in demo.months:
        boards = demo.boards[month.text]
        people = {card: [row for row in boards[card] if row.subject.ref.startswith("person:")] for card in CARDS[2:6]}
        assert (len(people["acceptor"]), len(people["duty_lead"]), len(people["dispatcher"])) == (6, 4, 4)
        assert len(people["inspector"]) >= 400
        for card in ("acceptor", "duty_lead", "dispatcher"):
            scores = [row.score.score for row in people[card]]
            assert max(scores) - min(scores) >= 5, card
            assert len(set(scores)) == len(scores), card


def test_what_was_filed_is_what_the_events_say(demo):
    """Counted anew from the record alone: filed first in the month, and neither voided nor suspended now."""
    for month in demo.months:
        rows = demo.asked(
            "SELECT left(g.code, 9) AS street, count(*) AS filed, count(*) FILTER (WHERE c.source IN ('hotline', 'web', 'public_app')) AS public"
            " FROM cases c JOIN grid g ON g.id = c.grid_id"
            " JOIN LATERAL (SELECT min(e.at) AS at FROM case_event e WHERE e.agency_id = c.agency_id AND e.case_id = c.id"
            " AND e.to_state = 'filed' AND e.from_state <> 'filed') first ON true"
            " WHERE c.parent_id IS NULL AND c.state NOT IN ('void', 'suspended') AND first.at >= :begin AND first.at < :end GROUP BY 1",
            **bounds(month),
        )
        expected = {row.street: (row.filed, row.public) for row in rows}
        found = {row.subject.code: (row.values["filed"].base, row.values["public_reports"].counted) for row in demo.streets(month)}
        assert expected == found
        assert sum(filed for filed, _ in found.values()) > 1_000


def test_what_was_dispatched_by_whom_is_what_the_events_say(demo):
    for month in demo.months:
        rows = demo.asked(
            "SELECT actor_id, count(*) AS steps FROM case_event WHERE verb = 'dispatch' AND at >= :begin AND at < :end GROUP BY 1",
            **bounds(month),
        )
        boards = demo.boards[month.text]
        found = {row.subject.ref: row.values["dispatched"].base for row in boards["dispatcher"] if row.subject.ref.startswith("person:")}
        assert {f"person:{row.actor_id}": row.steps for row in rows} == found


def test_residents_were_asked_and_answered(demo):
    answers = demo.asked(
        "SELECT survey_key, count(*) AS given, count(case_id) AS about_cases, avg(points) AS mean FROM feedback_answer GROUP BY 1"
    )
    by_survey = {row.survey_key: row for row in answers}
    assert set(by_survey) == {"urban_mgmt.satisfaction", "urban_mgmt.residents"}
    assert by_survey["urban_mgmt.satisfaction"].about_cases == by_survey["urban_mgmt.satisfaction"].given > 100
    assert by_survey["urban_mgmt.residents"].given > 2_000
    assert all(50 < row.mean < 95 for row in answers)
    ((asked,),) = demo.asked("SELECT count(*) FROM feedback_invitation WHERE case_id IS NOT NULL")
    assert 0.25 < by_survey["urban_mgmt.satisfaction"].given / asked < 0.45
    last = demo.boards[demo.months[1].text]["area_outer"]
    ranked = [row for row in last if row.subject.level == "street" and row.values["residents"].base]
    assert len(ranked) == 17


def test_bad_answers_opened_cases_again_and_some_problems_count_as_missed(demo):
    verbs = Counter({row.verb: row.steps for row in demo.asked("SELECT verb, count(*) AS steps FROM case_event GROUP BY 1")})
    assert verbs["reopen"] > 0
    assert verbs["mark_missed"] > 0
    reopened = demo.asked(
        "SELECT e.verb, e.actor_id FROM feedback_reopening r JOIN case_event e ON e.case_id = r.case_id AND e.sequence = r.sequence"
    )
    assert len(reopened) == verbs["reopen"]
    assert {(row.verb, row.actor_id) for row in reopened} == {("reopen", None)}


def bounds(month):
    begin, end = month.bounds(CHINA)
    return {"begin": begin.astimezone(UTC), "end": end.astimezone(UTC)}


def test_two_whole_months_are_published_and_stand_as_they_are_scored(demo):
    published = demo.asked("SELECT scorecard_key, starts_on, state, revision, id FROM publication ORDER BY starts_on, scorecard_key")
    assert {(row.starts_on, row.state, row.revision) for row in published} == {(month.starts_on, "published", 1) for month in demo.months}
    assert len(published) == 2 * len(PUBLISHED)
    for month in demo.months:
        (area,) = [row.id for row in published if row.scorecard_key == "urban_mgmt.area" and row.starts_on == month.starts_on]
        frozen = demo.asked("SELECT subject_code, score FROM publication_result WHERE publication_id = :one AND level = 'street'", one=area)
        assert {row.subject_code: row.score for row in frozen} == {row.subject.code: row.score.score for row in demo.streets(month)}
