"""Counting real cases: what a step does to every number, who sees which, and that each list is as long as its number says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.authz import Actor
from core.facts.service import catch_up
from core.grid.models import Grid
from core.lib import clock
from core.lib.errors import Invalid, NotFound
from core.scoring.periods import containing, parse
from core.scoring.permissions import ScoringRight
from core.workflow.service import placing
from tests.core.scoring.boards import CARDS, behind, board, changed, numbers, scores, somebody, unlike_their_lists
from tests.journeys import walking
from tests.journeys.town import STREET, Town

UNIT = "310105001001001"
ABOVE = ("310105", "310105001", "310105001001", "31010500100101", UNIT)
Later = Callable[[timedelta], None]


def on_every_area(line: str, value: tuple[Any, Any]) -> dict[str, tuple[Any, Any]]:
    return {f"area grid:{code} {line}": value for code in ABOVE}


def by_person(town: Town, card: str, username: str, line: str, value: tuple[Any, Any]) -> dict[str, tuple[Any, Any]]:
    return {f"{card} {subject} {line}": value for subject in (f"person:{town.users[username]}", "whole")}


def listed(town: Town, line: str, part: str, subject: str = f"grid:{UNIT}") -> list[str | None]:
    board(town, "urban_mgmt.area")
    return [fact.number for fact in behind(town, "urban_mgmt.area", subject, line, part, limit=500).facts]


@pytest.fixture
def straight(town: Town) -> str:
    """A case that went the straight way, all in time."""
    number = walking.handling(town)
    walking.closed(town, number)
    return number


def test_one_step_changes_just_the_numbers_it_should(town: Town) -> None:
    number = walking.dispatched(town)
    before = numbers(board(town, *CARDS))
    assert town.as_("department_clerk").moved(number, "accept") == "handling"
    assert changed(before, numbers(board(town, *CARDS))) == {}  # taking it in hand ends no limit
    walking.done(town, number)
    after = numbers(board(town, *CARDS))
    had = {key: before.get(f"area grid:{UNIT} {key}", (0, 0, 0)) for key in ("closing", "in_time", "rework")}

    def one_more(line: str) -> tuple[Any, Any]:
        counted, base, exempted = had[line]
        return (before.get(f"area grid:{UNIT} {line}"), (counted, base + 1, exempted))

    found = changed(before, after)
    for line in ("closing", "in_time", "rework"):
        assert {key: found[key] for key in on_every_area(line, one_more(line))} == on_every_area(line, one_more(line))
    department = {key for key in found if key.startswith("department ")}
    assert {f"department department:E01 {line}" for line in ("closing", "in_time", "rework", "hours")} == department
    assert {key.partition(" ")[0] for key in found} == {"area", "department"}


def test_handled_late_is_late_for_the_area_and_the_department_alone(town: Town, later: Later) -> None:
    number = walking.handling(town, walking.REFUSE)
    assert number not in listed(town, "closing", "base")
    later(timedelta(days=9))
    # Its time has run out: owed, not closed, not in time, and counted as open and overdue.
    owing = numbers(board(town, *CARDS))
    for line, part in (("closing", "missed"), ("in_time", "missed"), ("rework", "missed"), ("overdue", "counted")):
        assert number in listed(town, line, part)
    walking.done(town, number)
    after = numbers(board(town, *CARDS))
    done = changed(owing, after)
    assert {key.rpartition(" ")[2] for key in done if key.startswith("area ")} == {"overdue"}  # handling it late moves it no more
    assert {key.rpartition(" ")[2] for key in done if key.startswith("department ")} == {"late_handled", "late_unhandled", "hours"}
    facts = behind(town, "urban_mgmt.area", f"grid:{UNIT}", "in_time", "missed").facts
    (own,) = [fact for fact in facts if fact.number == number]
    assert own.is_late
    assert own.due_at is not None
    assert own.ended_at is not None
    assert own.due_at < own.ended_at


def test_every_list_is_as_long_as_its_number(town: Town, straight: str) -> None:
    found = board(town, *CARDS)
    assert unlike_their_lists(town, found) == []
    assert straight in [fact.number for fact in behind(town, "urban_mgmt.area", f"grid:{UNIT}", "filed", "counted").facts]


def test_pages_of_a_list_together_are_the_whole(town: Town, straight: str) -> None:
    walking.handling(town)
    board(town, *CARDS)
    for line in ("filed", "hours"):
        whole = behind(town, "urban_mgmt.area", f"grid:{UNIT}", line, "counted")
        found, after = [], None
        while True:
            page = behind(town, "urban_mgmt.area", f"grid:{UNIT}", line, "counted", limit=1, after=after)
            found += page.facts
            assert page.total == whole.total
            after = page.after
            if after is None:
                break
        assert list(whole.facts) == found
    with pytest.raises(Invalid):
        behind(town, "urban_mgmt.area", f"grid:{UNIT}", "filed", "counted", after="forged")


def test_outside_every_grid_is_a_row_of_its_own(town: Town) -> None:
    before = numbers(board(town, "urban_mgmt.area"))
    walking.called(town, position={"lon": 121.61, "lat": 31.31})
    found = board(town, "urban_mgmt.area")
    was = before.get("area outside reported", (0, 0, 0))[0]
    assert changed(before, numbers(found)) == {
        f"area outside {line}": (before.get(f"area outside {line}"), value)
        for line, value in (("reported", (was + 1, was + 1, 0)), ("filing", (0, was + 1, 0)))
    }
    assert "area outside" not in scores(found)


def test_what_lies_on_a_street_itself_is_scored_in_the_street_only(town: Town) -> None:
    number = walking.called(town, position={"lon": 121.61, "lat": 31.31})
    before = numbers(board(town, "urban_mgmt.area"))
    case = town.found(number)
    with town.work() as (session, actor):
        placing.assign_grid(session, actor, number, grid=STREET, version=case.version)
    found = board(town, "urban_mgmt.area")
    moved = changed(before, numbers(found))
    assert {key for key in moved if key.endswith(" reported")} == {
        "area outside reported", "area grid:310105 reported", f"area grid:{STREET} reported", f"area own:{STREET} reported",
    }  # fmt: skip
    assert numbers(found)[f"area own:{STREET} reported"] == (1, 1, 0)
    assert f"area own:{STREET}" not in scores(found)
    (fact,) = behind(town, "urban_mgmt.area", f"own:{STREET}", "reported", "base").facts
    assert fact.number == number


def test_larger_area_is_scored_by_its_number_of_unit_grids(town: Town, straight: str) -> None:
    sheet = board(town, "urban_mgmt.area").sheets[0]
    with town.work() as (session, _):
        units = session.scalars(select(Grid.code)).all()
    per = {row.subject.code: row.score.line("filed").per for row in sheet.rows if row.subject.special is None}
    assert per[UNIT] == 1
    assert per["310105"] == sum(1 for code in units if len(code) == len(UNIT))


def test_level_and_below_narrow_the_rows_and_keep_the_places(town: Town, straight: str) -> None:
    whole = board(town, "urban_mgmt.area").sheets[0]
    places = {row.subject.ref: row.rank for row in whole.rows}
    streets = board(town, "urban_mgmt.area", level="street").sheets[0]
    assert {row.subject.level for row in streets.rows} == {"street"}
    assert {row.subject.ref: row.rank for row in streets.rows}.items() <= places.items()
    below = board(town, "urban_mgmt.area", below=STREET, level="community").sheets[0]
    assert below.rows
    assert all(row.subject.path.split(".")[-2] == STREET for row in below.rows)
    for wrong in ({"level": "continent"}, {"level": "city"}):
        with pytest.raises(Invalid):
            board(town, "urban_mgmt.area", **wrong)
    with pytest.raises(NotFound):
        board(town, "urban_mgmt.area", below="999")


def test_wrong_questions_are_refused(town: Town) -> None:
    with pytest.raises(NotFound):
        board(town, "urban_mgmt.nothing")
    for card, subject, line in (
        ("urban_mgmt.area", "grid:999", "filed"),
        ("urban_mgmt.area", "department:E01", "filed"),
        ("urban_mgmt.area", f"grid:{UNIT}", "nothing"),
        ("urban_mgmt.department", "department:E99", "filed"),
        ("urban_mgmt.department", "whole", "filed"),
        ("urban_mgmt.inspector", "person:999999", "valid"),
    ):
        with pytest.raises(NotFound):
            behind(town, card, subject, line, "base")


def test_period_before_has_nothing_of_it(town: Town, straight: str) -> None:
    before = containing("month", clock.now().date()).before().before()
    assert numbers(board(town, *CARDS, period=before)) == {}
    assert numbers(board(town, *CARDS, period=parse("2019-01-01..2019-12-31"))) == {}


# -- who sees which ------------------------------------------------------------------


def seen(town: Town, actor: Actor, *cards: str) -> set[str]:
    return {row.subject.ref for sheet in board(town, *cards, actor=actor).sheets for row in sheet.rows}


def test_department_head_sees_his_own_row_with_the_whole_number(town: Town, straight: str) -> None:
    with town.work() as (session, _):
        from core.accounts.models import Department  # noqa: PLC0415

        path = session.scalar(select(Department.path).where(Department.code == "E01"))
    head = somebody(town, "department_head", ScoringRight.SCORE_READ, department_path=path)
    assert seen(town, head, "urban_mgmt.department") == {"department:E01"}
    assert seen(town, head, "urban_mgmt.area") == set()
    own = {key: value for key, value in numbers(board(town, "urban_mgmt.department")).items() if "E01" in key}
    assert numbers(board(town, "urban_mgmt.department", actor=head)) == own
    page = behind(town, "urban_mgmt.department", "department:E01", "filed", "counted", actor=head)
    assert page.total == len(page.facts) == own["department department:E01 filed"][0]
    with pytest.raises(NotFound):
        behind(town, "urban_mgmt.department", "department:E02", "filed", "counted", actor=head)


def test_street_sees_itself_and_below(town: Town, straight: str) -> None:
    with town.work() as (session, _):
        path = session.scalar(select(Grid.path).where(Grid.code == STREET))
    street = somebody(town, "leader", ScoringRight.SCORE_READ, grid_path=path)
    found = seen(town, street, "urban_mgmt.area")
    assert f"grid:{STREET}" in found
    assert f"grid:{UNIT}" in found
    assert {"grid:310105", "outside"}.isdisjoint(found)
    with pytest.raises(NotFound):
        behind(town, "urban_mgmt.area", "grid:310105", "filed", "counted", actor=street)


def test_people_see_themselves_and_others_only_by_right(town: Town, straight: str) -> None:
    inspector = somebody(town, "inspector")
    own = f"person:{town.users['inspector']}"
    assert seen(town, inspector, "urban_mgmt.inspector") == {own}
    assert behind(town, "urban_mgmt.inspector", own, "valid", "counted", actor=inspector).total >= 1
    other = f"person:{town.users['second_inspector']}"
    for subject in (other, "whole", "nobody"):
        with pytest.raises(NotFound):
            behind(town, "urban_mgmt.inspector", subject, "valid", "base", actor=inspector)
    reader = somebody(town, "evaluator", ScoringRight.SCORE_READ)
    assert seen(town, reader, "urban_mgmt.inspector") == {"whole"}
    by_name = somebody(town, "evaluator", ScoringRight.SCORE_READ, ScoringRight.PERSON_READ)
    assert {own, other, "whole"} <= seen(town, by_name, "urban_mgmt.inspector")


def test_other_agency_sees_nothing_of_it(town: Town, village: Town, straight: str) -> None:
    assert numbers(board(town, *CARDS))
    assert numbers(board(village, *CARDS)) == {}
    with pytest.raises(NotFound):
        behind(village, "urban_mgmt.area", f"grid:{UNIT}", "filed", "counted")


def test_what_is_not_yet_known_is_not_counted(town: Town) -> None:
    before = numbers(board(town, "urban_mgmt.area"))
    number = walking.filed(town)
    with town.work() as (session, system):
        from core.scoring.service import scoreboard  # noqa: PLC0415
        from core.scoring.types import Asked  # noqa: PLC0415

        period = containing("year", clock.now().date())
        behind_time = numbers(scoreboard(session, system, Asked(("urban_mgmt.area",), period)))
    assert behind_time == before
    catch_up(town.database, town.agency_id, now=clock.now())
    facts = behind(town, "urban_mgmt.area", f"grid:{UNIT}", "filed", "counted").facts
    assert number in [fact.number for fact in facts]
