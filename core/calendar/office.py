"""When an agency works: its hours, its days off, and the running total of work time.

All totals are whole microseconds since the calendar's first day, so that sums
and differences of limits are exact.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from core.lib.errors import Invalid
from core.lib.text import msg

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2199, 12, 31)
_FIRST = FIRST_DAY.toordinal()
_LENGTH = LAST_DAY.toordinal() - _FIRST + 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SATURDAY = 5


@dataclass(frozen=True)
class OfficeHours:
    """The spans of a working day in the agency's own time zone.

    Spans stand in order and do not overlap; ``work_day_hours`` is how many
    office hours one work day of a limit means. Raises Invalid otherwise.
    """

    spans: tuple[tuple[time, time], ...] = ((time(8), time(12)), (time(14), time(18)))
    zone: str = "Asia/Shanghai"
    work_day_hours: float = 8.0

    def __post_init__(self) -> None:
        edges = [edge for span in self.spans for edge in span]
        if not edges or edges != sorted(edges) or any(start >= end for start, end in self.spans):
            raise Invalid(msg("calendar.bad_hours"), path="spans")
        if not 0 < self.work_day_hours <= 24:
            raise Invalid(msg("calendar.bad_work_day"), path="work_day_hours")
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, KeyError) as error:
            raise Invalid(msg("calendar.unknown_zone", zone=self.zone), path="zone") from error


@dataclass(frozen=True)
class Holidays:
    """Days off that fall on weekdays, working days that fall on week-ends, and the years decided.

    For a year that is not in ``published_years`` week-ends alone count (with
    whatever an agency has set itself), and deadlines in it are provisional.
    """

    days_off: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()
    published_years: frozenset[int] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Say whether offices are open on ``day``."""
        if day in self.working_days:
            return True
        return day not in self.days_off and day.weekday() < _SATURDAY

    def unpublished(self, first: date, last: date) -> tuple[int, ...]:
        """List the years between two days whose holidays are not decided yet."""
        if first.year == last.year:  # The common case, kept cheap for bulk imports.
            return () if first.year in self.published_years else (first.year,)
        return tuple(year for year in range(first.year, last.year + 1) if year not in self.published_years)


@dataclass(frozen=True)
class Calendar:
    """One agency's working time; made once per change of hours or holidays, then asked very often."""

    hours: OfficeHours = field(default_factory=OfficeHours)
    holidays: Holidays = field(default_factory=Holidays)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The agency's time zone."""
        return ZoneInfo(self.hours.zone)

    @cached_property
    def _spans(self) -> tuple[tuple[int, int], ...]:
        return tuple((_of_day(start), _of_day(end)) for start, end in self.hours.spans)

    @cached_property
    def per_day(self) -> int:
        """Office time of one working day."""
        return sum(end - start for start, end in self._spans)

    @cached_property
    def _days(self) -> array[int]:
        """How many working days there are up to and including each day."""
        shift = FIRST_DAY.weekday()
        pattern = ([1] * _SATURDAY + [0, 0]) * (_LENGTH // 7 + 2)
        working = bytearray(pattern[shift : shift + _LENGTH])
        for days, value in ((self.holidays.days_off, 0), (self.holidays.working_days, 1)):
            for index in _indexes(days):
                working[index] = value
        return array("i", accumulate(working))

    def local_day(self, moment: datetime) -> date:
        """Give the day of ``moment`` where the agency is."""
        return moment.astimezone(self.zone).date()

    def worked(self, moment: datetime) -> int:
        """Give the office time from the first day of the calendar to ``moment``."""
        local = moment.astimezone(self.zone)
        days = self._days
        index = local.toordinal() - _FIRST
        if not 0 < index < _LENGTH:
            raise _beyond()
        before = days[index - 1]
        if days[index] == before:
            return before * self.per_day
        now = ((local.hour * 60 + local.minute) * 60 + local.second) * SECOND + local.microsecond
        within = 0
        for start, end in self._spans:
            if now <= start:
                break
            within += min(now, end) - start
        return before * self.per_day + within

    def moment(self, worked: int) -> datetime:
        """Give the earliest moment (UTC) at which so much office time has passed."""
        nth, rest = divmod(worked - 1, self.per_day)
        index = bisect_left(self._days, nth + 1)
        if nth < 0 or index >= _LENGTH:
            raise _beyond()
        rest += 1
        for start, end in self._spans:
            if rest <= end - start:
                local = datetime.combine(date.fromordinal(_FIRST + index), time(), self.zone) + timedelta(microseconds=start + rest)
                return local.astimezone(UTC)
            rest -= end - start
        raise AssertionError("the spans hold a whole working day")


def clock(moment: datetime) -> int:
    """Give the time of the clock since 1970 to ``moment``."""
    return (moment - _EPOCH) // _MICROSECOND


def clock_moment(passed: int) -> datetime:
    """Give the moment (UTC) so much after 1970."""
    try:
        return _EPOCH + timedelta(microseconds=passed)
    except OverflowError as error:
        raise _beyond() from error


def _of_day(edge: time) -> int:
    # A span may end with the day; 23:59:59.999999 is as near as a time can say it.
    return ((edge.hour * 60 + edge.minute) * 60 + edge.second) * SECOND + edge.microsecond


def _indexes(days: Iterable[date]) -> list[int]:
    return [day.toordinal() - _FIRST for day in days if FIRST_DAY <= day <= LAST_DAY]


def _beyond() -> Invalid:
    return Invalid(msg("calendar.beyond", first=FIRST_DAY.year, last=LAST_DAY.year))
