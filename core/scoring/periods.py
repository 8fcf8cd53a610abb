"""The periods that scores are made for: whole days of the agency's own calendar, written as people file them.

``2026-03`` a month, ``2026-03-a`` and ``-b`` its halves, ``2026-W12`` an ISO
week, ``2026-Q1``, ``2026-H1``, ``2026``, and ``2026-03-05..2026-03-20`` from
one day to another, both included.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.lib.errors import Invalid
from core.lib.text import msg

KINDS = ("half_month", "week", "month", "quarter", "half_year", "year", "free")
_LONGEST_DAYS = 366 * 5
_YEAR = r"(?P<year>(?:19|20|21)\d{2})"
_DAY = r"(?:19|20|21)\d{2}-\d{2}-\d{2}"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("half_month", re.compile(rf"{_YEAR}-(?P<number>\d{{2}})-(?P<half>[ab])", re.ASCII)),
    ("week", re.compile(rf"{_YEAR}-W(?P<number>\d{{2}})", re.ASCII)),
    ("month", re.compile(rf"{_YEAR}-(?P<number>\d{{2}})", re.ASCII)),
    ("quarter", re.compile(rf"{_YEAR}-Q(?P<number>[1-4])", re.ASCII)),
    ("half_year", re.compile(rf"{_YEAR}-H(?P<number>[12])", re.ASCII)),
    ("year", re.compile(_YEAR, re.ASCII)),
    ("free", re.compile(rf"(?P<first>{_DAY})\.\.(?P<last>{_DAY})", re.ASCII)),
)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from ``starts_on`` to ``ends_on``, both included."""

    kind: str
    starts_on: date
    ends_on: date

    @property
    def text(self) -> str:
        """Write it as ``parse`` reads it."""
        return _WRITE[self.kind](self)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Give the first instant of it in ``zone``, and the first one after it."""
        after = self.ends_on + timedelta(days=1)
        return _midnight(self.starts_on, zone), _midnight(after, zone)

    def before(self) -> Period:
        """Give the one of the same kind just before; of a free range, as many days just before."""
        last = self.starts_on - timedelta(days=1)
        if self.kind == "free":
            return Period("free", last - (self.ends_on - self.starts_on), last)
        return containing(self.kind, last)

    def year_ago(self) -> Period:
        """Give the same period of the year before; of a week, the week of the same number, or the year's last."""
        if self.kind == "free":
            return Period("free", _a_year_back(self.starts_on), _a_year_back(self.ends_on))
        if self.kind == "week":
            year, week, _ = self.starts_on.isocalendar()
            return _week(year - 1, min(week, date(year - 1, 12, 28).isocalendar().week))
        return containing(self.kind, _a_year_back(self.starts_on))


def parse(text: str) -> Period:
    """Read a period; raises Invalid naming the ways to write one."""
    for kind, form in _FORMS:
        found = form.fullmatch(text)
        if found:
            try:
                return _read(kind, found)
            except ValueError:
                break
    raise Invalid(msg("scoring.bad_period", text=text[:60]), path="period")


def containing(kind: str, day: date) -> Period:
    """Give the period of ``kind`` that ``day`` falls into; a free range is the day alone."""
    return _CONTAINING[kind](day)


def _read(kind: str, found: re.Match[str]) -> Period:
    if kind == "free":
        first, last = date.fromisoformat(found["first"]), date.fromisoformat(found["last"])
        if not timedelta(0) <= last - first < timedelta(days=_LONGEST_DAYS):
            raise ValueError(kind)
        return Period("free", first, last)
    year = int(found["year"])
    number = int(found["number"]) if kind != "year" else 1
    if kind == "week":
        return _week(year, number)
    month = {"quarter": number * 3 - 2, "half_year": number * 6 - 5}.get(kind, number)
    day = 16 if kind == "half_month" and found["half"] == "b" else 1
    return containing(kind, date(year, month, day))


def _week(year: int, number: int) -> Period:
    return containing("week", date.fromisocalendar(year, number, 1))


def _months(kind: str, length: int) -> Callable[[date], Period]:
    def around(day: date) -> Period:
        first = (day.month - 1) // length * length + 1
        last = first + length - 1
        return Period(kind, date(day.year, first, 1), date(day.year, last, monthrange(day.year, last)[1]))

    return around


def _half_month(day: date) -> Period:
    if day.day <= 15:
        return Period("half_month", day.replace(day=1), day.replace(day=15))
    return Period("half_month", day.replace(day=16), day.replace(day=monthrange(day.year, day.month)[1]))


def _around_week(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return Period("week", monday, monday + timedelta(days=6))


def _a_year_back(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, monthrange(day.year - 1, day.month)[1]))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _written_week(period: Period) -> str:
    year, week, _ = period.starts_on.isocalendar()
    return f"{year:04d}-W{week:02d}"


_CONTAINING: dict[str, Callable[[date], Period]] = {
    "half_month": _half_month,
    "week": _around_week,
    "month": _months("month", 1),
    "quarter": _months("quarter", 3),
    "half_year": _months("half_year", 6),
    "year": _months("year", 12),
    "free": lambda day: Period("free", day, day),
}
_WRITE: dict[str, Callable[[Period], str]] = {
    "half_month": lambda period: f"{period.starts_on:%Y-%m}-{'a' if period.starts_on.day == 1 else 'b'}",
    "week": _written_week,
    "month": lambda period: f"{period.starts_on:%Y-%m}",
    "quarter": lambda period: f"{period.starts_on:%Y}-Q{(period.starts_on.month + 2) // 3}",
    "half_year": lambda period: f"{period.starts_on:%Y}-H{1 if period.starts_on.month == 1 else 2}",
    "year": lambda period: f"{period.starts_on:%Y}",
    "free": lambda period: f"{period.starts_on.isoformat()}..{period.ends_on.isoformat()}",
}
