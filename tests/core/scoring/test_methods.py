"""Inspections, targets, decided points and composite cards, over real cases, records and answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.accounts.models import Department, Member, Team, TeamMember
from core.db.epoch import bump
from core.definitions import store
from core.feedback.models import FeedbackAnswer, FeedbackInvitation
from core.grid.models import Grid
from core.ledgers.models import Record
from core.lib import clock
from core.lib.errors import NotFound
from tests.core.scoring.boards import behind, board, put_into_force, row, sheet, unlike_their_lists
from tests.journeys import walking
from tests.journeys.town import Town

UNIT = "310105001001001"


@pytest.fixture(scope="module", autouse=True)
def _cards(town: Town) -> None:
    put_into_force(town)


def keep(town: Town, ledger: str, *, department: str | None = None, **data: Any) -> int:
    """Keep a row in one of the town's ledgers; give its id."""
    with town.work() as (session, _):
        form = store.current(session, "form", "urban_mgmt.town_row")
        record = Record(
            agency_id=town.agency_id, uuid=uuid4(), ledger_key=f"urban_mgmt.town_{ledger}", form_version_id=form.id, code=uuid4().hex[:12],
            title=str(data.get("what", "")), title_search="", state="normal", location="unlocated", data=data,
            department_id=None if department is None else town.departments[department],
        )  # fmt: skip
        session.add(record)
        session.flush()
        return record.id


# -- inspection --------------------------------------------------------------------------


def test_record_is_scored_by_its_newest_inspection(town: Town) -> None:
    house = keep(town, "houses", what="1 号房")
    assert sheet(town, "town_star").rows == ()
    number = walking.handling(town)
    with town.database.owner_engine.begin() as connection:
        connection.execute(text("UPDATE cases SET record_id = :house WHERE number = :number"), {"house": house, "number": number})
    walking.done(town, number)
    (found,) = sheet(town, "town_star").rows
    # mended 70, and one photo of two: half of 30
    assert (house, Decimal("85.00"), "b") == (found.subject.id, found.score.score, found.score.grade)
    page = behind(town, "urban_mgmt.town_star", found.subject.ref, "work", "counted")
    assert (1, number, "handle") == (page.total, page.facts[0].number, page.facts[0].verb)
    for subject, line in (("record:none", "work"), (found.subject.ref, "nothing"), ("grid:310105", "work")):
        with pytest.raises(NotFound):
            behind(town, "urban_mgmt.town_star", subject, line, "counted")
    walking.checking(town, number)
    inspector = town.as_("inspector")
    assert inspector.moved(number, "check_fail", {"reason": "仍有破损", "photos": [inspector.photo()]}) == "rework"
    clerk = town.as_("department_clerk")
    assert clerk.moved(number, "accept") == "handling"
    assert clerk.moved(number, "handle", {"photos": [clerk.photo(), clerk.photo()], "result": "部分修复"}) == "handled"
    (found,) = sheet(town, "town_star").rows
    assert Decimal("30.00") == found.score.score


# -- targets, decided points, shares of two bodies -------------------------------------------


@pytest.fixture(scope="module")
def team(town: Town) -> str:
    """A team of two people of E01 and E02, one of them holding a role that the card knows."""
    with town.work() as (session, _):
        made = Team(agency_id=town.agency_id, uuid=uuid4(), key="first_team", name="一队", kind="grid")
        session.add(made)
        session.flush()
        for username in ("dispatcher", "law_clerk"):
            session.add(TeamMember(agency_id=town.agency_id, team_id=made.id, user_id=town.users[username]))
        department = session.scalars(select(Department).where(Department.code == "E02")).one()
        member = session.scalars(select(Member).where(Member.user_id == town.users["dispatcher"])).one()
        member.department_id = department.id
        bump(session)
    return "team:first_team"


@pytest.fixture(scope="module")
def sales(town: Town, team: str) -> str:
    """What the team sold this year, 300 and 50, and what somebody else did or was sold before."""
    year = clock.now().year
    for seller, amount in (("dispatcher", 300), ("law_clerk", 50), ("inspector", 1000)):
        keep(town, "sales", seller=town.users[seller], amount=amount, decided_on=f"{year}-02-03")
    keep(town, "sales", seller=town.users["dispatcher"], amount=999, decided_on=f"{year - 1}-12-31")
    return team


def test_target_is_attained_by_the_sum_of_the_team(town: Town, sales: str) -> None:
    team, year = sales, clock.now().year
    # Without a target the line has nothing to say: only the rate counts, 1 of 2.
    assert Decimal("50.00") == row(town, "town_team", team).score.score
    keep(town, "targets", what="revenue", subject="first_team", period=str(year), amount=400)
    keep(town, "targets", what="revenue", subject="first_team", period=str(year), amount=100)
    keep(town, "targets", what="visits", subject="first_team", period=str(year), amount=7)
    keep(town, "targets", what="revenue", subject="first_team", period=str(year - 1), amount=7)
    found = row(town, "town_team", team)
    # 350 ÷ 500 = 70 × 60 % + 50 × 40 %
    assert (Decimal("62.00"), Fraction(500), 350) == (found.score.score, found.score.line("revenue").target, found.values["revenue"].total)
    nobody = row(town, "town_team", "nobody")
    assert (nobody.values["revenue"].total, nobody.score.score) == (1000, None)
    facts = behind(town, "urban_mgmt.town_team", team, "revenue", "counted").facts
    assert sorted(fact.value or 0 for fact in facts) == [50, 300]
    assert unlike_their_lists(town, board(town, "urban_mgmt.town_team")) == []


def test_decided_points_are_added_within_bounds(town: Town) -> None:
    year = clock.now().year
    assert row(town, "town_body", "department:E03").score.score == Decimal("100.00")
    keep(town, "honours", department="E03", what="通报批评", amount=-3, decided_on=f"{year}-03-01")
    keep(town, "honours", department="E03", what="去年的", amount=-2, decided_on=f"{year - 1}-03-01")
    found = row(town, "town_body", "department:E03").score
    assert (Decimal("97.00"), ["通报批评"]) == (found.score, [one.title for one in found.adjustments])
    keep(town, "honours", department="E03", what="又一次", amount=-9.5, decided_on=f"{year}-03-02")
    assert row(town, "town_body", "department:E03").score.score == Decimal("95.00")


def test_member_shares_the_scores_of_team_and_department(town: Town, sales: str) -> None:
    reached = row(town, "town_team", sales).score.score
    own = row(town, "town_body", "department:E02").score.score
    assert reached is not None
    assert own is not None
    # As dispatcher 80 to 20; the other's role is not named: 60 to 40.
    for username, share in (("dispatcher", 80), ("law_clerk", 60)):
        found = row(town, "town_member", f"person:{town.users[username]}")
        assert [Fraction(share), Fraction(100 - share)] == [line.weight for line in found.score.lines]
        exact = (Fraction(reached) * share + Fraction(own) * (100 - share)) / 100
        assert abs(Fraction(found.score.score or 0) - exact) <= Fraction(1, 200)
    assert len(sheet(town, "town_member").rows) == 2


def test_ratio_opens_two_lists(town: Town) -> None:
    walking.reported(town)
    walking.called(town)
    found = row(town, "town_ratio", "agency:town")
    value = found.values["ratio"]
    called = behind(town, "urban_mgmt.town_ratio", "agency:town", "ratio", "counted")
    base = behind(town, "urban_mgmt.town_ratio", "agency:town", "ratio", "base")
    assert (value.counted, value.base) == (called.total, base.total)
    assert found.score.line("ratio").value == Fraction(called.total, base.total)


# -- answers and composites ---------------------------------------------------------------------


@pytest.fixture
def answers(town: Town) -> Iterator[None]:
    """Five answers about the unit grid and E01: 100, 100, 80, 60 and 60, and one of a survey round elsewhere."""
    with town.work() as (session, _):
        grid = session.scalars(select(Grid).where(Grid.code == UNIT)).one()
        community = session.scalars(select(Grid).where(Grid.code == "310105001001")).one()
        for points in (100, 100, 80, 60, 60):
            answered(town, session, "urban_mgmt.satisfaction", grid.id, town.departments["E01"], points)
        answered(town, session, "urban_mgmt.residents", community.id, None, 30)
    yield
    with town.database.owner_engine.begin() as connection:
        connection.execute(text("TRUNCATE feedback_answer, feedback_invitation CASCADE"))


def answered(town: Town, session: Any, survey: str, grid_id: int, department_id: int | None, points: int) -> None:
    form = store.current(session, "form", survey).id
    case = town.found(walking.called(town))
    now = clock.now()
    invitation = FeedbackInvitation(
        agency_id=town.agency_id, uuid=uuid4(), survey_key=survey, definition_id=store.current(session, "survey", survey).id,
        case_id=case.id, closing_sequence=1, grid_id=grid_id, created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    session.add(invitation)
    session.flush()
    session.add(
        FeedbackAnswer(
            agency_id=town.agency_id, invitation_id=invitation.id, survey_key=survey, case_id=case.id, grid_id=grid_id, form_id=form,
            department_id=department_id, answered_at=now - timedelta(minutes=1), points=Decimal(points), data={"solved": "yes"},
        )
    )  # fmt: skip


@pytest.mark.usefixtures("answers")
def test_answers_are_pooled_at_every_level(town: Town) -> None:
    # The unit grid is no subject of the outer card; its answers are those of all above it: 400 ÷ 5 = 80.
    for code in ("310105001001", "310105001", "310105"):
        found = row(town, "area_outer", f"grid:{code}")
        assert (Fraction(80), Fraction(30)) == (found.score.line("satisfaction").value, found.score.line("residents").value)
        assert (Decimal("55.00"), 5) == (found.score.score, found.score.volume)
        assert found.score.is_ranked
    assert not [one for one in sheet(town, "area_outer").rows if one.subject.special]
    department = row(town, "department_outer", "department:E01")
    assert (Decimal("80.00"), True) == (department.score.score, department.score.is_ranked)
    assert unlike_their_lists(town, board(town, "urban_mgmt.area_outer", "urban_mgmt.department_outer")) == []


def test_composite_puts_inner_and_outer_together(town: Town, answers: None) -> None:
    walking.closed(town, walking.handling(town))
    inner = row(town, "department", "department:E01").score.score
    total = row(town, "department_total", "department:E01")
    assert inner is not None
    exact = (Fraction(inner) * 70 + 80 * 30) / 100
    assert abs(Fraction(total.score.score or 0) - exact) <= Fraction(1, 200)
    assert [Fraction(70), Fraction(30)] == [line.effective for line in total.score.lines]
    # Whoever has no answers has the inner score alone.
    walking.dispatched(town, department="E02")
    for one in sheet(town, "department_total").rows:
        alone = next((row for row in sheet(town, "department").rows if row.subject.ref == one.subject.ref), None)
        if one.subject.code != "E01":
            assert alone is not None
            assert alone.score.score == one.score.score
    areas = {one.subject.level for one in sheet(town, "area_total").rows}
    assert areas == {"district", "street", "community"}
    with pytest.raises(NotFound):
        behind(town, "urban_mgmt.area_total", "grid:310105", "inner", "counted")
