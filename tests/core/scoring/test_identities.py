"""However cases wander: parts add up to the whole at every level, lists to their numbers, and both to what the rules say of each fact.

The rules are evaluated here once more, in Python and fact by fact.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select

from core.facts.models import FactCase, FactHolding, FactTask
from core.facts.service import catch_up
from core.grid.models import Grid
from core.rules import evaluate, truthy
from core.scoring.definition import INSTANTS, Indicator
from core.scoring.periods import Period, parse
from core.scoring.service import Source, scoreboard
from core.scoring.service.formulas import Formula, formula_of
from core.scoring.service.measuring import measure, statement
from core.scoring.service.naming import Grain
from core.scoring.service.packing import PER_NUMBER, packed, unpacked
from core.scoring.service.sources import window_of
from core.scoring.types import NOBODY, OUTSIDE, OWN, WHOLE, Asked, Board, Row, Value
from core.workflow.models import Case
from core.workflow.service import placing, reporting
from tests.core.facts.walks import Walks
from tests.core.scoring.boards import CARDS, behind
from tests.journeys.town import HERE, STREET, Town

OUTSIDE_TOWN = {"lon": 121.61, "lat": 31.31}
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
CASES, STEPS = 36, 420
PERIODS = ("2026-03", "2026-03-b", "2026-Q1", "2026", "2026-03-05..2026-04-20")


@dataclass
class Busy(Walks):
    """Walks all over the town, in a few weeks, reported by all sorts of people."""

    spots: list[dict[str, float]] = field(default_factory=list)

    def report(self) -> None:
        source = self.chance.choice(["hotline", "inspector", "video"])
        data = {
            "source": source,
            "kind": "event",
            "event_class": "e0113",
            "description": "路面破损",
            "position": self.chance.choice(self.spots),
        }
        if source == "inspector":
            data["photos"] = [self.town.as_("inspector").photo()]
        self._pass()
        with self.work("inspector" if source == "inspector" else None) as (session, actor):
            reporter = replace(actor, is_system=True)
            self.cases.append(reporting.report_case(session, reporter, workflow="urban_mgmt.case", data=data).id)

    def _pass(self) -> None:
        self.now += timedelta(minutes=self.chance.choice([1, 7, 20, 90, 300]))


@dataclass
class Wandered:
    """A town whose cases have wandered, and when that was."""

    town: Town
    now: datetime
    seed: int

    def board(self, period: str) -> Board:
        with self.town.work() as (session, system):
            return scoreboard(session, system, Asked(CARDS, parse(period)), Source(as_of=self.now))


@pytest.fixture(scope="module")
def wandered(town: Town) -> Wandered:
    seed = random.randrange(10**6)
    with town.work() as (session, _):
        units = session.execute(
            select(Grid.lon, Grid.lat).where(Grid.code.like("_" * 15), Grid.valid_to.is_(None)).order_by(Grid.code)
        ).all()
    spots = [{"lon": row.lon, "lat": row.lat, "accuracy": 5.0} for row in units[:6]] + [{**HERE, **OUTSIDE_TOWN}]
    walks = Busy(town, random.Random(seed), BEGIN, spots=spots)
    for number in range(STEPS):
        if number % (STEPS // CASES) == 0:
            walks.report()
        walks.step()
    with town.work() as (session, system):
        outside = session.scalars(select(Case).where(Case.grid_id.is_(None), Case.category == "open").limit(1)).first()
        if outside is not None:
            placing.assign_grid(session, system, outside.number, grid=STREET, version=outside.version)
    catch_up(town.database, town.agency_id, now=walks.now)
    return Wandered(town, walks.now, seed)


def added(rows: list[Row], key: str) -> Value:
    return sum((row.values[key] for row in rows), Value())


def plain(value: Value) -> tuple[int, int, int, Fraction]:
    return value.counted, value.base, value.exempted, value.total


@pytest.mark.parametrize("period", PERIODS)
def test_parts_add_up_to_the_whole_at_every_level(wandered: Wandered, period: str) -> None:
    sheet = wandered.board(period).sheet("urban_mgmt.area")
    keys = [head.key for head in (*sheet.heads, *sheet.also)]
    areas = [row for row in sheet.rows if row.subject.special is None]
    own = {row.subject.id: row for row in sheet.rows if row.subject.special == OWN}
    by_parent: dict[int | None, list[Row]] = {}
    for row in areas:
        by_parent.setdefault(row.subject.parent, []).append(row)
    split = [row for row in areas if row.subject.id in by_parent]
    assert {row.subject.level for row in split} == {"district", "street", "community", "grid"}
    for row in split:
        parts = by_parent[row.subject.id] + [own[one] for one in [row.subject.id] if one in own]
        for key in keys:
            assert plain(row.values[key]) == plain(added(parts, key)), (wandered.seed, row.subject.ref, key)
    everything = by_parent[None] + [row for row in sheet.rows if row.subject.special == OUTSIDE]
    with wandered.town.work() as (session, _):
        formula = formula_of(session, CARDS)
        for key, indicator in formula.cards["urban_mgmt.area"].measured.items():
            assert plain(added(everything, key)) == counted_by_hand(session, formula.indicators[indicator], parse(period), wandered.now)


@pytest.mark.parametrize("period", PERIODS)
def test_departments_together_hold_all_that_is_held(wandered: Wandered, period: str) -> None:
    sheet = wandered.board(period).sheet("urban_mgmt.department")
    with wandered.town.work() as (session, _):
        formula = formula_of(session, CARDS)
        for key, indicator in formula.cards["urban_mgmt.department"].measured.items():
            found = plain(added(list(sheet.rows), key))
            assert found == counted_by_hand(session, formula.indicators[indicator], parse(period), wandered.now), (wandered.seed, key)


@pytest.mark.parametrize("period", PERIODS)
def test_people_and_nobody_together_are_the_post(wandered: Wandered, period: str) -> None:
    found = wandered.board(period)
    with wandered.town.work() as (session, _):
        formula = formula_of(session, CARDS)
        for card in CARDS[2:]:
            sheet = found.sheet(card)
            (whole,) = [row for row in sheet.rows if row.subject.special == WHOLE]
            parts = [row for row in sheet.rows if row.subject.special in {None, NOBODY}]
            for key, indicator in formula.cards[card].measured.items():
                by_hand = counted_by_hand(session, formula.indicators[indicator], parse(period), wandered.now)
                assert plain(whole.values[key]) == plain(added(parts, key)) == by_hand, (wandered.seed, card, key)


def test_walks_reach_what_the_cards_speak_of(wandered: Wandered) -> None:
    """Assert that the identities above were not about nothing."""
    found = wandered.board("2026")
    kinds = Counter(
        (sheet.scorecard, key, part)
        for sheet in found.sheets
        for row in sheet.rows
        for key, value in row.values.items()
        for part, number in (("counted", value.counted), ("missed", value.base - value.counted), ("exempted", value.exempted))
        if number
    )
    for key in (
        ("urban_mgmt.area", "in_time", "missed"), ("urban_mgmt.area", "closing", "missed"), ("urban_mgmt.department", "in_time", "missed"),
        ("urban_mgmt.department", "in_time", "counted"), ("urban_mgmt.dispatcher", "dispatched", "counted"),
    ):  # fmt: skip
        assert kinds[key], (wandered.seed, key)


def test_every_score_lies_between_0_and_100_and_weighs_100(wandered: Wandered) -> None:
    for sheet in wandered.board("2026").sheets:
        for row in sheet.rows:
            weights = sum(line.effective for line in row.score.lines)
            assert weights == (0 if all(line.is_empty for line in row.score.lines) else 100)
            assert row.score.score is None or 0 <= row.score.score <= 100
            assert (row.score.score is None) == (row.score.grade is None)


def test_lists_are_as_long_as_their_numbers(wandered: Wandered) -> None:
    period = parse("2026-Q1")
    chance = random.Random(wandered.seed)
    cells = [
        (sheet.scorecard, row.subject.ref, key, value)
        for sheet in wandered.board("2026-Q1").sheets
        for row in sheet.rows
        for key, value in row.values.items()
        if value.base or value.exempted
    ]
    assert len(cells) > 100
    for card, subject, key, value in chance.sample(cells, 120):
        said = {"counted": value.counted, "base": value.base, "exempted": value.exempted, "missed": value.base - value.counted}
        for part, number in said.items():
            page = behind(wandered.town, card, subject, key, part, period=period, source=Source(as_of=wandered.now), limit=500)
            assert number == page.total == len(page.facts), (wandered.seed, card, subject, key, part)
            if part != "base":
                assert {fact.verdict for fact in page.facts} <= {part}
            if part == "counted":
                assert value.total == sum((fact.value or Fraction(0) for fact in page.facts), Fraction(0))


def test_facts_of_a_subject_lie_where_it_is(wandered: Wandered) -> None:
    with wandered.town.work() as (session, _):
        paths = dict(session.execute(select(Grid.id, Grid.path)).all())
    for row in wandered.board("2026").sheet("urban_mgmt.area").rows:
        if row.subject.special is None and row.values["reported"].base:
            page = behind(
                wandered.town,
                "urban_mgmt.area",
                row.subject.ref,
                "reported",
                "base",
                period=parse("2026"),
                source=Source(as_of=wandered.now),
                limit=500,
            )
            assert all(f"{paths[fact.grid_id]}.".startswith(f"{row.subject.path}.") for fact in page.facts)


# -- the same by hand ---------------------------------------------------------------------


def counted_by_hand(session: Any, indicator: Indicator, period: Period, as_of: datetime) -> tuple[int, int, int, Fraction]:
    """Count an indicator over every fact there is, by evaluating its rules on each."""
    start, end = period.bounds(ZoneInfo("Asia/Shanghai"))
    found = Counter(dict.fromkeys(("counted", "base", "exempted"), 0))
    total = Fraction(0)
    for fact, names in facts(session, indicator, as_of):
        at = getattr(fact, INSTANTS[indicator.grain][indicator.at])
        if at is None or not start <= at < end or at > as_of or fact.workflow != indicator.workflow:
            continue
        if indicator.limit is not None and fact.limit_key != indicator.limit:
            continue
        if indicator.filter is not None and not truthy(indicator.filter, names):
            continue
        held = [one for one in indicator.exemptions if truthy(one.when, names)]
        if any(one.is_silent for one in held):
            continue
        if held:
            found["exempted"] += 1
            continue
        found["base"] += 1
        value = None if indicator.value is None else evaluate(indicator.value, names)
        counts = value is not None if indicator.of in {"mean", "sum"} else indicator.numerator is None or truthy(indicator.numerator, names)
        found["counted"] += counts
        total += Fraction(round(Fraction(str(value)) * 10**6), 10**6) if value is not None else 0
    return found["counted"], found["base"], found["exempted"], total


def facts(session: Any, indicator: Indicator, as_of: datetime) -> Iterator[tuple[Any, dict[str, Any]]]:
    cases = {one.case_id: one for one in session.scalars(select(FactCase))}
    if indicator.grain == "case":
        yield from ((one, of_case(one, as_of)) for one in cases.values())
    elif indicator.grain == "holding":
        for held in session.scalars(select(FactHolding)):
            late = is_late(held, as_of)
            gone = (held.is_present, held.done_at, held.missed_at, held.running_due_at) == (False, None, None, None)
            own = {
                name: getattr(held, name)
                for name in ("is_present", "times_done", "times_given_back", "times_held_again", "seconds_held", "ended_by")
            }
            named = {"limit": held.limit_key, "is_late": late, "is_done": held.done_at is not None, "is_given_back": gone}
            yield held, own | named | {"case": of_case(cases[held.case_id], as_of)}
    else:
        for task in session.scalars(select(FactTask)):
            late = task.due_at is not None and (task.ended_at or as_of) > task.due_at
            named = {"limit": task.limit_key, "is_late": late, "is_done": task.verb is not None, "is_superseded": task.is_superseded}
            yield task, named | {"verb": task.verb, "state": task.state, "case": of_case(cases[task.case_id], as_of)}


def of_case(case: FactCase, as_of: datetime) -> dict[str, Any]:
    close = None if case.closed_at is None else (case.closed_at - case.reported_at) / timedelta(seconds=1)
    return {
        **{name: getattr(case, name) for name in ("state", "source", "counts", "facts", "kind", "class_code")},
        "is_late": is_late(case, as_of),
        "is_handled": case.done_at is not None,
        "is_filed": case.filed_at is not None,
        "is_dispatched": case.dispatched_at is not None,
        "is_sub_case": case.parent_id is not None,
        "seconds_to_close": close,
    }


def is_late(fact: Any, as_of: datetime) -> bool:
    return any(one is not None and one <= as_of for one in (fact.missed_at, fact.running_due_at))


def test_formula_names_every_definition_that_made_the_numbers(wandered: Wandered) -> None:
    sheet = wandered.board("2026").sheet("urban_mgmt.department")
    assert set(sheet.formula) == {
        "scorecard:urban_mgmt.department", "indicator:urban_mgmt.on_holdings", "catalogue:urban_mgmt.grades",
    }  # fmt: skip
    with wandered.town.work() as (session, system):
        frozen: Formula = formula_of(session, ("urban_mgmt.department",), sheet.formula)
        assert frozen.cards == formula_of(session, ("urban_mgmt.department",)).cards
        again = scoreboard(
            session, system, Asked(("urban_mgmt.department",), parse("2026")), Source(as_of=wandered.now, formula=sheet.formula)
        )
    assert again.sheets[0].rows == sheet.rows


def test_more_indicators_than_one_number_holds_are_counted_alike(wandered: Wandered) -> None:
    with wandered.town.work() as (session, actor):
        source = Source(as_of=wandered.now)
        formula = formula_of(session, CARDS)
        tasks = sorted(key for key in formula.indicators if key.startswith("urban_mgmt.on_tasks."))
        grain = Grain("task", source.tables)
        measures = [measure(grain, formula.indicators[key]) for key in (tasks * 4)[: 2 * PER_NUMBER + 3]]
        leaf = grain.column("limit")
        given = window_of(session, parse("2026"), source).parameters(actor, source)
        rows = session.execute(packed(grain, measures, [leaf]), given).mappings().all()
        limits = list(dict.fromkeys(row["leaf_0"] for row in rows))
        own = np.array([limits.index(row["leaf_0"]) for row in rows])
        facts = np.array([row["facts"] for row in rows])
        counted = 0
        for number, one in enumerate(measures):
            numbers = np.array([row[f"p{number // PER_NUMBER}"] for row in rows])
            found = unpacked(numbers, number % PER_NUMBER, facts, None, own, len(limits))
            plainly = session.execute(statement(grain, [one], [leaf]), given).mappings().all()
            assert {limits[n]: tuple(row[1:3]) for n, row in enumerate(found.tolist()) if row[1] or row[2]} == {
                row["leaf_0"]: (row["b0"], row.get("e0", 0)) for row in plainly if row["b0"] or row.get("e0")
            }
            counted += int(found[:, 0].sum())
        assert counted
