"""Deadlines in the four units: known days, and laws that hold for all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.calendar import Calendar, Holidays, OfficeHours, Pause, Unit, deadline, elapsed, remaining, shifted
from core.lib.errors import Invalid

CHINA = ZoneInfo("Asia/Shanghai")
# The real table around the autumn holidays of 2025: 1–8 October off, 28 September and 11 October worked.
CALENDAR = Calendar(
    holidays=Holidays(
        days_off=frozenset(date(2025, 10, day) for day in range(1, 9)),
        working_days=frozenset({date(2025, 9, 28), date(2025, 10, 11)}),
        published_years=frozenset({2025}),
    )
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2025-06-06 16:30", 2, Unit.URGENT_HOUR, "2025-06-06 18:30"),
        ("2025-06-06 23:30", 0.5, Unit.URGENT_HOUR, "2025-06-07 00:00"),
        ("2025-06-06 16:30", 2, Unit.URGENT_DAY, "2025-06-08 16:30"),
        ("2025-06-05 11:00", 2, Unit.WORK_HOUR, "2025-06-05 15:00"),
        ("2025-06-05 10:00", 2, Unit.WORK_HOUR, "2025-06-05 12:00"),
        ("2025-06-05 12:30", 4, Unit.WORK_HOUR, "2025-06-05 18:00"),
        ("2025-06-06 16:30", 2, Unit.WORK_HOUR, "2025-06-09 08:30"),
        ("2025-06-06 16:30", 1, Unit.WORK_DAY, "2025-06-09 16:30"),
        ("2025-06-07 03:00", 1, Unit.WORK_DAY, "2025-06-09 18:00"),
        ("2025-06-05 19:00", 0.5, Unit.WORK_DAY, "2025-06-06 12:00"),
        ("2025-09-27 10:00", 1, Unit.WORK_DAY, "2025-09-28 18:00"),
        ("2025-09-30 17:00", 2, Unit.WORK_DAY, "2025-10-10 17:00"),
        ("2025-09-30 17:00", 3, Unit.WORK_DAY, "2025-10-11 17:00"),
        ("2025-10-11 17:00", 1, Unit.WORK_DAY, "2025-10-13 17:00"),
        ("2025-06-07 03:00", 0, Unit.WORK_DAY, "2025-06-07 03:00"),
    ],
)
def test_deadline_known_start_gives_known_due(start, amount, unit, due):
    assert at(due) == deadline(at(start), amount, unit, CALENDAR).due_at


def test_deadline_into_unpublished_year_is_provisional():
    inside = deadline(at("2025-06-05 10:00"), 5, Unit.WORK_DAY, CALENDAR)
    across = deadline(at("2025-12-31 10:00"), 5, Unit.WORK_DAY, CALENDAR)
    urgent = deadline(at("2025-12-31 10:00"), 5, Unit.URGENT_DAY, CALENDAR)
    assert (inside.provisional, inside.basis.unpublished_years) == (False, ())
    assert (across.provisional, across.basis.unpublished_years) == (True, (2026,))
    assert not urgent.provisional
    assert across.basis.as_json() == {
        "start": "2025-12-31T10:00:00+08:00",
        "amount": 5,
        "unit": "work_day",
        "pauses": [],
        "unpublished_years": [2026],
    }


def test_deadline_other_zone_and_hours_follow_the_agency():
    calendar = Calendar(OfficeHours(((time(9), time(17)),), "Europe/Berlin", 7.5))
    start = datetime(2025, 6, 5, 15, 0, tzinfo=UTC)
    assert datetime(2025, 6, 6, 14, 30, tzinfo=UTC) == deadline(start, 1, Unit.WORK_DAY, calendar).due_at


@pytest.mark.parametrize("spans", [(), ((time(9), time(9)),), ((time(12), time(8)),), ((time(8), time(12)), (time(11), time(18)))])
def test_office_hours_that_make_no_day_are_refused(spans):
    with pytest.raises(Invalid):
        OfficeHours(spans)


def test_office_hours_unknown_zone_or_empty_day_is_refused():
    for wrong in ({"zone": "Mars/Base"}, {"zone": "../etc"}, {"work_day_hours": 0}, {"work_day_hours": 25}):
        with pytest.raises(Invalid):
            OfficeHours(**wrong)


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), 1e9])
def test_deadline_impossible_amount_is_refused(amount):
    for unit in Unit:
        with pytest.raises(Invalid):
            deadline(at("2025-06-05 10:00"), amount, unit, CALENDAR)


def test_moment_beyond_the_calendar_is_refused():
    for far in (datetime(1969, 6, 1, tzinfo=UTC), datetime(2200, 6, 1, tzinfo=UTC)):
        with pytest.raises(Invalid, match="1970 to 2199"):
            deadline(far, 1, Unit.WORK_DAY, CALENDAR)


def test_naive_moments_and_open_pauses_are_refused():
    naive = datetime(2025, 6, 5)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        deadline(naive, 1, Unit.WORK_DAY, CALENDAR)
    with pytest.raises(ValueError, match="close it"):
        deadline(at("2025-06-05 10:00"), 1, Unit.WORK_DAY, CALENDAR, [Pause(at("2025-06-05 11:00"))])
    with pytest.raises(ValueError, match="close it"):
        shifted(at("2025-06-05 10:00"), Pause(at("2025-06-05 11:00")), Unit.WORK_DAY, CALENDAR)
    with pytest.raises(ValueError, match="forward"):
        elapsed(at("2025-06-05 10:00"), at("2025-06-05 09:00"), Unit.WORK_DAY, CALENDAR)


def test_elapsed_open_pause_lasts_until_end():
    pause = Pause(at("2025-06-05 11:00"))
    assert timedelta(hours=1) == elapsed(at("2025-06-05 10:00"), at("2025-06-06 11:00"), Unit.WORK_HOUR, CALENDAR, [pause])


MOMENTS = st.datetimes(datetime(2025, 8, 1), datetime(2026, 2, 1)).map(lambda moment: moment.replace(tzinfo=CHINA))  # noqa: DTZ001
UNITS = st.sampled_from(list(Unit))
AMOUNTS = st.integers(0, 4000).map(lambda quarter: quarter / 64)  # Exact in binary, so that sums are.
SPANS = st.tuples(MOMENTS, st.integers(0, 10**7)).map(lambda span: Pause(span[0], span[0] + timedelta(seconds=span[1])))
LAWS = settings(max_examples=200, deadline=None)


@LAWS
@given(MOMENTS, AMOUNTS, UNITS)
def test_elapsed_until_deadline_is_the_amount(start, amount, unit):
    due = deadline(start, amount, unit, CALENDAR).due_at
    hours = amount * {Unit.URGENT_DAY: 24, Unit.WORK_DAY: 8}.get(unit, 1)
    assert timedelta(hours=hours) == elapsed(start, due, unit, CALENDAR)
    assert remaining(due, start, unit, CALENDAR) == timedelta(hours=hours)


@LAWS
@given(MOMENTS, AMOUNTS, AMOUNTS, UNITS)
def test_deadline_in_two_parts_is_deadline_of_the_sum(start, one, two, unit):
    assume(one > 0)
    assume(two > 0)
    halfway = deadline(start, one, unit, CALENDAR).due_at
    assert deadline(start, one + two, unit, CALENDAR).due_at == deadline(halfway, two, unit, CALENDAR).due_at


@LAWS
@given(MOMENTS, MOMENTS, AMOUNTS, AMOUNTS, UNITS)
def test_deadline_never_runs_backwards(one, two, less, more, unit):
    (one, two), (less, more) = sorted((one, two)), sorted((less, more))
    assume(less > 0)
    assert deadline(one, less, unit, CALENDAR).due_at <= deadline(two, less, unit, CALENDAR).due_at
    assert deadline(one, less, unit, CALENDAR).due_at <= deadline(one, more, unit, CALENDAR).due_at


@LAWS
@given(MOMENTS, MOMENTS, MOMENTS, UNITS)
def test_elapsed_adds_up(one, two, three, unit):
    one, two, three = sorted((one, two, three))
    assert elapsed(one, three, unit, CALENDAR) == elapsed(one, two, unit, CALENDAR) + elapsed(two, three, unit, CALENDAR)


@LAWS
@given(MOMENTS, AMOUNTS, UNITS, st.lists(SPANS, max_size=3))
def test_paused_time_is_given_back_exactly(start, amount, unit, pauses):
    assume(amount > 0)
    due = deadline(start, amount, unit, CALENDAR, pauses).due_at
    assert elapsed(start, due, unit, CALENDAR, pauses) == elapsed(start, deadline(start, amount, unit, CALENDAR).due_at, unit, CALENDAR)


@LAWS
@given(MOMENTS, AMOUNTS, UNITS, SPANS)
def test_shifted_equals_deadline_with_the_pause(start, amount, unit, pause):
    assume(amount > 0)
    assume(pause.start >= start)
    due = deadline(start, amount, unit, CALENDAR).due_at
    assert deadline(start, amount, unit, CALENDAR, [pause]).due_at == shifted(due, pause, unit, CALENDAR)


@settings(max_examples=60, deadline=None)
@given(MOMENTS, MOMENTS)
def test_work_time_equals_counting_minutes(one, two):
    one, two = (moment.replace(second=0, microsecond=0) for moment in sorted((one, two)))
    two = min(two, one + timedelta(days=4))
    minutes, moment = 0, one
    while moment < two:
        open_now = any(start <= moment.time() < end for start, end in CALENDAR.hours.spans)
        minutes += open_now and CALENDAR.holidays.is_working_day(moment.date())
        moment += timedelta(minutes=1)
    assert timedelta(minutes=minutes) == elapsed(one, two, Unit.WORK_HOUR, CALENDAR)
