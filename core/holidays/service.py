"""The working calendar of an agency: asked for deadlines, and changed by its admins.

A change bumps the configuration epoch, so every process makes the calendar
anew. Stored deadlines keep their basis; those that were provisional for a
year are worked out again by whoever follows its publication.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.audit.service import record
from core.authz import Actor, require
from core.calendar import Calendar, Holidays, OfficeHours
from core.calendar.office import FIRST_DAY, LAST_DAY
from core.db.epoch import EpochCache, bump
from core.holidays.models import AgencyOfficeHours, Holiday, HolidayYear
from core.holidays.permissions import HolidayRight
from core.holidays.seed import seed
from core.holidays.types import DayKind, Published, SpecialDay
from core.lib.errors import Invalid
from core.lib.text import msg

__all__ = [
    "calendar_for",
    "follow_year",
    "list_days",
    "office_hours",
    "publish_year",
    "published_years",
    "rework_year",
    "seed",
    "set_day",
    "set_office_hours",
    "unset_day",
]

YearFollower = Callable[[Session, Actor, int], int]
"""Sees to it that deadlines provisional because of a year are worked out again; says how many."""

_calendars: EpochCache[Calendar] = EpochCache()
_followers: list[YearFollower] = []


def follow_year(follower: YearFollower) -> YearFollower:
    """Register (as a decorator) what is done when a year is published."""
    if follower not in _followers:
        _followers.append(follower)
    return follower


def calendar_for(session: Session, agency_id: int) -> Calendar:
    """Give the agency's calendar; made once per change of configuration and process."""
    return _calendars.get(session, agency_id, lambda: _make_calendar(session, agency_id))


def list_days(session: Session, actor: Actor, year: int) -> list[SpecialDay]:
    """List the special days of ``year``, an agency's own in place of the installation's."""
    require(actor, HolidayRight.READ)
    rows = session.scalars(_visible(actor.agency_id).where(Holiday.day.between(*_bounds(year))))
    merged = {row.day: SpecialDay(row.day, DayKind(row.kind), row.title, own=row.agency_id is not None) for row in rows}
    return [merged[day] for day in sorted(merged)]


def published_years(session: Session, agency_id: int) -> frozenset[int]:
    """Give the years whose holidays are decided for this agency."""
    of_agency = HolidayYear.agency_id.is_(None) | (HolidayYear.agency_id == agency_id)
    return frozenset(session.scalars(select(HolidayYear.year).where(of_agency)))


def set_day(session: Session, actor: Actor, day: SpecialDay) -> None:
    """Say for the actor's agency that a day is free or worked; holds for deadlines made from now on."""
    require(actor, HolidayRight.WRITE)
    _bounds(day.day.year)
    old = session.scalar(select(Holiday.kind).where(Holiday.agency_id == actor.agency_id, Holiday.day == day.day))
    _write_days(session, actor, [day])
    record(session, actor, "holidays:holiday:set", subject=f"holiday:{day.day}", old={"kind": old}, new={"kind": day.kind})
    bump(session)


def unset_day(session: Session, actor: Actor, day: date) -> None:
    """Take the agency's own word on a day back; the installation's, or the weekday, holds again."""
    require(actor, HolidayRight.WRITE)
    _bounds(day.year)
    own = (Holiday.agency_id == actor.agency_id, Holiday.day == day)
    old = session.scalar(delete(Holiday).where(*own).returning(Holiday.kind))
    if old is None:
        return
    record(session, actor, "holidays:holiday:unset", subject=f"holiday:{day}", old={"kind": old})
    bump(session)


def publish_year(session: Session, actor: Actor, year: int, days: Sequence[SpecialDay]) -> Published:
    """Decide a whole year for the actor's agency: these days, in place of its own earlier ones.

    The deadlines that were provisional because of the year are worked out
    again; the answer says how many. Raises Invalid for days of another year
    or named twice.
    """
    require(actor, HolidayRight.WRITE)
    first, last = _bounds(year)
    if any(day.day.year != year for day in days):
        raise Invalid(msg("holidays.other_year", year=year), path="days")
    if len({day.day for day in days}) != len(days):
        raise Invalid(msg("holidays.day_twice"), path="days")
    session.execute(delete(Holiday).where(Holiday.agency_id == actor.agency_id, Holiday.day.between(first, last)))
    _write_days(session, actor, days)
    published = {"agency_id": actor.agency_id, "year": year, "source": "agency"}
    session.execute(insert(HolidayYear).values(published).on_conflict_do_nothing(index_elements=["agency_id", "year"]))
    record(session, actor, "holidays:year:published", subject=f"holiday_year:{year}", new={"days": len(days)})
    bump(session)
    return Published(year, len(days), rework_year(session, actor, year))


def rework_year(session: Session, actor: Actor, year: int) -> int:
    """Tell every follower that ``year`` is decided for the actor's agency; say how many deadlines that concerns.

    Called by ``publish_year``, and per agency after ``seed`` found new years.
    """
    return sum(follower(session, actor, year) for follower in _followers)


def office_hours(session: Session, actor: Actor) -> OfficeHours:
    """Give the office hours of the actor's agency."""
    require(actor, HolidayRight.READ)
    return _hours(session, actor.agency_id)


def set_office_hours(session: Session, actor: Actor, spans: Sequence[tuple[time, time]], *, work_day_hours: float) -> OfficeHours:
    """Set the office hours of the actor's agency, for deadlines made from now on; raises Invalid when they make no day."""
    require(actor, HolidayRight.WRITE_HOURS)
    old = _hours(session, actor.agency_id)
    hours = OfficeHours(tuple(spans), old.zone, work_day_hours)
    row = {
        "agency_id": actor.agency_id,
        "spans": _spans_as_json(hours),
        "work_day_hours": work_day_hours,
        "changed_at": actor.now,
        "changed_by_id": actor.user_id,
    }
    session.execute(insert(AgencyOfficeHours).values(row).on_conflict_do_update(index_elements=["agency_id"], set_=row))
    record(
        session,
        actor,
        "holidays:office_hours:set",
        subject="office_hours:agency",
        old={"spans": _spans_as_json(old), "work_day_hours": old.work_day_hours},
        new={"spans": row["spans"], "work_day_hours": work_day_hours},
    )
    bump(session)
    return hours


def _make_calendar(session: Session, agency_id: int) -> Calendar:
    kinds = {row.day: row.kind for row in session.execute(_visible(agency_id).with_only_columns(Holiday.day, Holiday.kind))}
    return Calendar(
        _hours(session, agency_id),
        Holidays(
            days_off=frozenset(day for day, kind in kinds.items() if kind == DayKind.DAY_OFF),
            working_days=frozenset(day for day, kind in kinds.items() if kind == DayKind.WORKING_DAY),
            published_years=published_years(session, agency_id),
        ),
    )


def _visible(agency_id: int) -> Select[Holiday]:
    """Select the installation's days first, so that the agency's own come after them and win."""
    of_agency = Holiday.agency_id.is_(None) | (Holiday.agency_id == agency_id)
    return select(Holiday).where(of_agency).order_by(Holiday.agency_id.nulls_first())


def _hours(session: Session, agency_id: int) -> OfficeHours:
    zone = session.scalar(select(Agency.time_zone).where(Agency.id == agency_id)) or OfficeHours.zone
    row = session.get(AgencyOfficeHours, agency_id, populate_existing=True)
    if row is None:
        return OfficeHours(zone=zone)
    spans = tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in row.spans)
    return OfficeHours(spans, zone, row.work_day_hours)


def _spans_as_json(hours: OfficeHours) -> list[list[str]]:
    return [[start.isoformat("minutes"), end.isoformat("minutes")] for start, end in hours.spans]


def _write_days(session: Session, actor: Actor, days: Sequence[SpecialDay]) -> None:
    if not days:
        return
    rows = [
        {"agency_id": actor.agency_id, "day": day.day, "kind": str(day.kind), "title": dict(day.title), "source": "agency"} for day in days
    ]
    statement = insert(Holiday).values(rows)
    changed = {name: statement.excluded[name] for name in ("kind", "title", "source")}
    session.execute(statement.on_conflict_do_update(index_elements=["agency_id", "day"], set_=changed))


def _bounds(year: int) -> tuple[date, date]:
    if not FIRST_DAY.year < year < LAST_DAY.year:
        raise Invalid(msg("holidays.year_beyond", first=FIRST_DAY.year + 1, last=LAST_DAY.year - 1), path="year")
    return date(year, 1, 1), date(year, 12, 31)
