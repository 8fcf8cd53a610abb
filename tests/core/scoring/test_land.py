"""Boards over land that changes: a unit grid that is split keeps its past, and every level still adds up."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from core.lib import clock
from core.scoring.periods import Period
from core.scoring.types import OWN, Row
from tests.core.scoring.boards import behind, board, unlike_their_lists
from tests.journeys import walking
from tests.journeys.test_land_changes import split, spot, unit_at
from tests.journeys.town import Town

CARD = "urban_mgmt.area"


def areas(town: Town, **more: object) -> dict[str, Row]:
    return {row.subject.ref: row for row in board(town, CARD, **more).sheets[0].rows}


def adds_up(rows: dict[str, Row]) -> bool:
    by_parent: dict[int | None, list[Row]] = {}
    for row in rows.values():
        by_parent.setdefault(row.subject.id if row.subject.special == OWN else row.subject.parent, []).append(row)
    whole = [row for row in rows.values() if row.subject.special is None and row.subject.id in by_parent]
    return bool(whole) and all(
        row.values[key].base == sum(part.values[key].base for part in by_parent[row.subject.id]) for row in whole for key in row.values
    )


def test_split_grid_keeps_its_closed_cases_and_is_told_as_split(town: Town) -> None:
    unit = unit_at(town, spot(0.5, 0.5))
    position = {**spot(0.5, 0.5), "accuracy": 5.0}
    number = walking.handling(town)
    walking.closed(town, number)
    before = areas(town)
    assert before[f"grid:{unit}"].values["filed"].base >= 1
    halves = split(town, unit, 0, 1, 0)
    later = walking.called(town, position=position)
    after = areas(town)
    assert adds_up(before)
    assert adds_up(after)
    old = after[f"grid:{unit}"]
    # What was closed stays where it was; the old grid is told as split, with its heirs, and its number is of its one unit.
    assert (old.subject.is_retired, old.subject.heirs) == (True, tuple(sorted(halves)))
    assert old.values["filed"] == before[f"grid:{unit}"].values["filed"]
    assert old.score.line("filed").per == 1
    assert number in [fact.number for fact in behind(town, CARD, f"grid:{unit}", "filed", "counted").facts]
    assert {f"grid:{half}" for half in halves} <= after.keys()
    assert sum(after[f"grid:{half}"].values["reported"].base for half in halves) == 1
    assert later in [fact.number for half in halves for fact in behind(town, CARD, f"grid:{half}", "reported", "counted").facts]
    # A larger area is divided by the unit grids at the end: one more than before.
    district = next(ref for ref, row in after.items() if row.subject.level == "district")
    units = [row.score.line("filed").per or 0 for row in (before[district], after[district])]
    assert units[1] == units[0] + 1
    assert after[district].score.line("filed").value == Fraction(after[district].values["filed"].counted, units[1])
    assert unlike_their_lists(town, board(town, CARD, level="unit_grid")) == []


def test_grid_of_another_time_is_not_shown_without_facts(town: Town) -> None:
    today = clock.now().date()
    past = Period("free", today - timedelta(days=900), today - timedelta(days=800))
    assert areas(town, period=past) == {}
    assert areas(town)


def test_level_that_the_land_does_not_have_is_no_row(town: Town, village: Town) -> None:
    assert board(village, CARD).sheets[0].rows == ()
    assert {row.subject.level for row in areas(town).values() if row.subject.special is None} == {
        "district", "street", "community", "grid", "unit_grid",
    }  # fmt: skip


def test_place_among_equals_is_shared(town: Town) -> None:
    for _ in range(5):
        walking.closed(town, walking.handling(town))
    rows = [row for row in areas(town).values() if row.subject.special is None and row.rank is not None]
    assert rows
    for level in {row.subject.level for row in rows}:
        reached = sorted((row.score.score for row in rows if row.subject.level == level and row.score.score is not None), reverse=True)
        assert all(
            row.rank == reached.index(row.score.score) + 1 for row in rows if row.subject.level == level and row.score.score is not None
        )
