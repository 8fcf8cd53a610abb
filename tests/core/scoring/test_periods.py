"""Periods: how they are written, where they begin and end, what comes before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lib.errors import Invalid
from core.scoring.periods import KINDS, containing, parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = st.dates(date(1990, 1, 1), date(2150, 1, 1))


@pytest.mark.parametrize(
    ("text", "kind", "first", "last"),
    [
        ("2026-03", "month", "2026-03-01", "2026-03-31"),
        ("2026-03-a", "half_month", "2026-03-01", "2026-03-15"),
        ("2024-02-b", "half_month", "2024-02-16", "2024-02-29"),
        ("2026-W12", "week", "2026-03-16", "2026-03-22"),
        ("2026-W01", "week", "2025-12-29", "2026-01-04"),
        ("2020-W53", "week", "2020-12-28", "2021-01-03"),
        ("2026-Q1", "quarter", "2026-01-01", "2026-03-31"),
        ("2026-Q4", "quarter", "2026-10-01", "2026-12-31"),
        ("2026-H2", "half_year", "2026-07-01", "2026-12-31"),
        ("2026", "year", "2026-01-01", "2026-12-31"),
        ("2026-03-05..2026-03-20", "free", "2026-03-05", "2026-03-20"),
    ],
)
def test_period_is_read_and_written_alike(text, kind, first, last):
    found = parse(text)
    assert (kind, first, last) == (found.kind, str(found.starts_on), str(found.ends_on))
    assert text == found.text


@pytest.mark.parametrize(
    "text", ["", "26-03", "2026-13", "2026-00", "2026-3", "2026-03-c", "2026-W54", "2021-W53", "2026-Q5", "2026-H3", "2026-03-20..2026-03-05",
             "2026-02-30..2026-03-01", "2026-03-01..2040-03-01", "2026-03 ", "٢٠٢٦-03", "9999", "0001-01"]
)  # fmt: skip
def test_other_texts_are_refused_with_the_ways_to_write_one(text):
    with pytest.raises(Invalid, match="2026-W12"):
        parse(text)


def test_bounds_are_midnights_of_the_agency():
    start, end = parse("2026-03").bounds(SHANGHAI)
    assert (datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 3, 31, 16, tzinfo=UTC)) == (start, end)


@given(DAYS, st.sampled_from(KINDS))
def test_periods_of_a_kind_follow_each_other_without_gap(day, kind):
    here = containing(kind, day)
    assert here.starts_on <= day <= here.ends_on
    assert parse(here.text) == here
    before = here.before()
    assert (here.starts_on - before.ends_on).days == 1
    assert before.kind == kind


@given(DAYS, st.sampled_from(KINDS))
def test_year_ago_is_of_the_same_kind_and_about_a_year_back(day, kind):
    here = containing(kind, day)
    ago = here.year_ago()
    assert ago.kind == kind
    assert 350 <= (here.starts_on - ago.starts_on).days <= 380
