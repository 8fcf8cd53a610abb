"""However cases wander, following says what rebuilding says, and both say what the events say."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from core.facts.service import catch_up, check, follow_once, rebuild
from tests.core.facts.walks import Walks, assert_facts
from tests.journeys.town import Town

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
TABLES = ("fact_case", "fact_holding", "fact_task")
CASES, STEPS = 8, 160


def all_rows(town: Town) -> dict[str, list[Any]]:
    with town.work() as (session, _):
        return {name: session.execute(text(f"SELECT * FROM {name} AS f ORDER BY f")).all() for name in TABLES}


def unwatched(*_: int) -> None:
    """Progress that nobody looks at."""


def assert_sound(town: Town, walks: Walks) -> None:
    """Assert that the followed facts are the rebuilt ones and what each case's events say."""
    catch_up(town.database, town.agency_id, now=walks.now)
    found = check(town.database, town.agency_id, unwatched, now=walks.now)
    assert (found.differences, found.case_ids, found.moving) == (0, (), ())
    with town.work() as (session, _):
        for case_id in walks.cases:
            assert_facts(session, case_id)
    followed = all_rows(town)
    with town.database.owner_engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
    rebuild(town.database, town.agency_id, unwatched, now=walks.now)
    assert followed == all_rows(town)


@pytest.mark.parametrize("seed", range(5))
def test_following_is_rebuilding_whatever_way_cases_go(town: Town, seed: int) -> None:
    walks = Walks(town, random.Random(seed), BEGIN)
    for number in range(STEPS):
        if number % (STEPS // CASES) == 0:
            walks.report()
        walks.step()
        if walks.chance.random() < 0.2:
            follow_once(town.database, town.agency_id, now=walks.now)
    assert walks.taken > STEPS / 3
    assert_sound(town, walks)
