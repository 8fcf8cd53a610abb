"""What was answered before comes in as facts: nobody is told, no case moves, and twice is once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from core.api.feedback import PastAnswer, PastRoundAnswer, RoundWished, import_answers, import_round
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackReopening, FeedbackWords, SurveyRound
from core.grid.models import Grid, GridLevel
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from tests.core.feedback.conftest import GOOD, closed_call
from tests.journeys.walking import called

SATISFACTION, RESIDENTS = "urban_mgmt.satisfaction", "urban_mgmt.residents"


@pytest.fixture(scope="module")
def number(town):
    """A closed call without any number: nobody is asked about it by itself."""
    return closed_call(town, None)


def past(town, number, **more):
    case = town.found(number)
    closed = case.closed_at
    return PastAnswer(number, case.chain_length, closed, **{"answered_at": closed + timedelta(hours=2), "data": GOOD, **more})


def kept(town, number):
    with town.work() as (session, _):
        return session.scalars(select(FeedbackAnswer).where(FeedbackAnswer.case_id == town.found(number).id)).all()


def test_answers_come_in_once_with_their_time_place_and_points(town, number):
    before = town.found(number).version
    told = {**GOOD, "comment": "谢谢"}
    with town.work() as (session, actor):
        assert import_answers(session, actor, SATISFACTION, [past(town, number, data=told)]) == 1
    with town.work() as (session, actor):
        assert import_answers(session, actor, SATISFACTION, [past(town, number)]) == 0
        (answer,) = kept(town, number)
        assert session.scalars(select(FeedbackWords.value).where(FeedbackWords.answer_id == answer.id)).all() == ["谢谢"]
    case = town.found(number)
    assert (answer.points, answer.data, answer.answered_at) == (80, GOOD, case.closed_at + timedelta(hours=2))
    assert (answer.grid_id, answer.department_id, case.version) == (case.grid_id, case.department_id, before)


def test_whoever_did_not_answer_was_asked_all_the_same(town):
    silent = closed_call(town, None)
    with town.work() as (session, actor):
        assert import_answers(session, actor, SATISFACTION, [past(town, silent, answered_at=None, data=None)]) == 0
        asked = session.scalars(select(FeedbackInvitation).where(FeedbackInvitation.case_id == town.found(silent).id)).all()
    assert [(one.used_at, one.sent_at) for one in asked] == [(None, None)]


def test_answer_that_opened_its_case_names_the_step(town):
    opened = closed_call(town, None)
    one = past(town, opened)
    town.as_("duty_lead").moved(opened, "reopen", {"reason": "群众不满意"})
    step = town.found(opened).chain_length
    bad = {"solved": "no", "satisfaction": "dissatisfied", "comment": "没有修好"}
    with town.work() as (session, actor):
        import_answers(session, actor, SATISFACTION, [PastAnswer(opened, one.closing_sequence, one.closed_at, one.answered_at, bad, step)])
        found = session.scalars(select(FeedbackReopening)).all()
    assert [(row.state, row.sequence) for row in found if row.case_id == town.found(opened).id] == [("taken", step)]


@pytest.mark.parametrize(
    ("survey", "data", "error"),
    [
        (SATISFACTION, {"solved": "yes"}, Invalid),
        (SATISFACTION, {"solved": "no", "satisfaction": "dissatisfied"}, Invalid),
        (RESIDENTS, {"order": "good"}, Invalid),
        ("urban_mgmt.nothing", GOOD, NotFound),
    ],
)
def test_wrong_answers_and_surveys_are_refused_whole(town, survey, data, error):
    running = called(town)
    with pytest.raises(error), town.work() as (session, actor):
        import_answers(session, actor, survey, [PastAnswer(running, 1, actor.now, actor.now, data)])
    assert kept(town, running) == []


def test_unknown_case_and_missing_right_are_refused(town):
    with pytest.raises(NotFound), town.work() as (session, actor):
        import_answers(session, actor, SATISFACTION, [PastAnswer("20200101-000001", 1, actor.now)])
    with pytest.raises(Forbidden), town.work() as (session, actor):
        import_answers(session, nobody(actor), SATISFACTION, [])


def nobody(actor):
    """The same agency, without any right."""
    return replace(actor, is_system=False)


def communities(session):
    level = select(GridLevel.id).where(GridLevel.key == "community")
    return session.scalars(select(Grid.code).where(Grid.level_id.in_(level), Grid.valid_to.is_(None)).order_by(Grid.code)).all()


def test_round_comes_in_with_its_answers_and_whoever_did_not_answer(town):
    wished = RoundWished(date(2026, 1, 10), date(2026, 1, 19), wanted=2, seed="eins")
    with town.work() as (session, actor):
        first, second, *_ = communities(session)
        at = actor.now - timedelta(days=200)
        given = [PastRoundAnswer(first, at, {"order": "good"}), PastRoundAnswer(first, at, {"order": "poor", "comment": "噪声"})]
        assert import_round(session, actor, RESIDENTS, wished, [*given, PastRoundAnswer(second, at, {"order": "fair"})]) == 3
    with town.work() as (session, actor):
        made = session.scalars(select(SurveyRound).where(SurveyRound.opens_on == wished.opens_on)).one()
        asked = session.execute(
            select(Grid.code, func.count(), func.count(FeedbackInvitation.used_at))
            .join(FeedbackInvitation, FeedbackInvitation.grid_id == Grid.id)
            .where(FeedbackInvitation.round_id == made.id)
            .group_by(Grid.code)
        ).all()
        assert {tuple(row) for row in asked} == {(code, 6, {first: 2, second: 1}.get(code, 0)) for code in communities(session)}
        points = session.scalars(select(FeedbackAnswer.points).where(FeedbackAnswer.survey_key == RESIDENTS)).all()
    assert sorted(points) == [30, 60, 80]


def test_round_with_more_answers_than_asked_or_from_elsewhere_is_refused_whole(town):
    with town.work() as (session, actor):
        code, now = communities(session)[0], actor.now
    many = [PastRoundAnswer(code, now, {"order": "good"})] * 4
    for answers, error in ((many, Conflict), ([PastRoundAnswer("nowhere", now, {"order": "good"})], NotFound)):
        with pytest.raises(error), town.work() as (session, actor):
            import_round(session, actor, RESIDENTS, RoundWished(date(2026, 2, 1), date(2026, 2, 2), wanted=1), answers)
    with pytest.raises(Invalid), town.work() as (session, actor):
        import_round(session, actor, SATISFACTION, RoundWished(date(2026, 2, 1), date(2026, 2, 2)), [])
    with town.work() as (session, _):
        assert session.scalars(select(SurveyRound.id).where(SurveyRound.opens_on == date(2026, 2, 1))).all() == []
