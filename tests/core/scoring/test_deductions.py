"""A deduction sheet over real findings, worked by hand; in a town of its own, since each finding counts for the next."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from sqlalchemy import text

from core.facts.service import derive_cases
from tests.core.scoring.boards import behind, put_into_force, row, sheet
from tests.journeys import walking
from tests.journeys.town import Town

UNIT = "310105001001001"


def test_sheet_takes_what_findings_cost_and_no_more(town: Town) -> None:
    put_into_force(town)
    assert row(town, "town_sheet", f"grid:{UNIT}").score.score == Decimal("100.00")
    first = walking.reported(town)
    second = walking.reported(town)
    other = walking.reported(town, walking.REFUSE)
    # 1, again 1 × 2, and 5 for the other class
    assert row(town, "town_sheet", f"grid:{UNIT}").score.score == Decimal("92.00")
    facts = behind(town, "urban_mgmt.town_sheet", f"grid:{UNIT}", "findings", "counted").facts
    assert {first: 1, second: 2, other: 5} == {fact.number: fact.value for fact in facts}
    whole = row(town, "town_sheet", f"grid:{UNIT}").values["findings"]
    assert whole.total == sum(fact.value or 0 for fact in facts)
    # A page that begins later takes what the whole list takes.
    (one,) = behind(town, "urban_mgmt.town_sheet", f"grid:{UNIT}", "findings", "counted", limit=1).facts
    after = behind(town, "urban_mgmt.town_sheet", f"grid:{UNIT}", "findings", "counted", limit=1).after
    rest = behind(town, "urban_mgmt.town_sheet", f"grid:{UNIT}", "findings", "counted", after=after).facts
    assert [one, *rest] == list(facts)
    units = [one for one in sheet(town, "town_sheet").rows if one.subject.level == "unit_grid"]
    mean = sum((Fraction(one.score.score or 0) for one in units), Fraction(0)) / len(units)
    reached = row(town, "town_sheet", "grid:310105").score.score
    assert reached is not None
    assert abs(Fraction(reached) - mean) <= Fraction(1, 200)
    assert reached < 100
    # A class takes no more than its limit, and a veto sets the result whatever else was found.
    for _ in range(4):
        walking.reported(town, walking.REFUSE)
    found = row(town, "town_sheet", f"grid:{UNIT}")
    taking = {one.key: one for one in found.score.takings}
    assert taking["e0117"].points > taking["e0117"].taken == 20
    number = walking.filed(town)
    with town.database.owner_engine.begin() as connection:
        connection.execute(text("UPDATE cases SET state = 'force_closed' WHERE number = :number"), {"number": number})
    rederive(town, number)
    found = row(town, "town_sheet", f"grid:{UNIT}")
    assert (Decimal("0.00"), ("voided",)) == (found.score.score, found.score.vetoes)


def rederive(town: Town, number: str) -> None:
    case = town.found(number)
    with town.work() as (session, _):
        derive_cases(session, town.agency_id, [case.id])
