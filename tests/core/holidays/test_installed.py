"""The holidays of the installation are written once, and every agency follows a year that is newly published."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from core.db.engine import AgencySession
from core.holidays import service
from core.holidays.installed import seed_installed
from core.holidays.models import Holiday, HolidayYear
from core.testing.fixtures import NOON


@pytest.fixture
def followed(monkeypatch) -> list[tuple[int, str, int]]:
    """Which agency was told of which year, in place of those who follow in earnest."""
    told: list[tuple[int, str, int]] = []

    def follow(session, actor, year):
        told.append((session.scalar(text("SELECT current_setting('wangge.agency')::integer")), actor.agency_key, year))
        return 1

    monkeypatch.setattr(service, "_followers", [follow])
    return told


@pytest.fixture(autouse=True)
def _nothing_yet(database) -> None:
    with database.owner_engine.begin() as connection:
        connection.execute(text("TRUNCATE holiday, holiday_year"))


def seeded(database) -> tuple[int, set[int]]:
    with AgencySession(database.owner_engine, agency_id=None) as session:
        return session.scalar(select(func.count()).select_from(Holiday)) or 0, set(session.scalars(select(HolidayYear.year)))


def test_every_agency_follows_a_new_year_once(database, alpha, beta, followed):
    first = seed_installed(database, now=NOON)
    assert seeded(database) == (first.days, set(first.new_years))
    assert {2025, 2026} <= set(first.new_years)
    assert followed == [(one.id, one.key, year) for one in (alpha, beta) for year in first.new_years]
    followed.clear()
    assert seed_installed(database, now=NOON).new_years == ()
    assert followed == []


def test_year_that_was_missing_is_followed_alone(database, alpha, beta, followed):
    seed_installed(database, now=NOON)
    followed.clear()
    with database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM holiday_year WHERE year = 2026"))
    assert seed_installed(database, now=NOON).new_years == (2026,)
    assert [(key, year) for _, key, year in followed] == [("alpha", 2026), ("beta", 2026)]
