"""Holidays and office hours over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

from core.calendar import OfficeHours
from core.holidays import service
from core.holidays.schemas import (
    DaySettingSchema,
    OfficeHoursSchema,
    OfficeHoursSettingSchema,
    PublishedSchema,
    SeenDaySchema,
    YearPublicationSchema,
    YearQuery,
    YearSchema,
)
from core.holidays.types import SpecialDay
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.lib.errors import Invalid
from core.lib.text import msg

routes = Routes("holidays")


@routes.get("/holidays", query=YearQuery, answers={200: YearSchema}, errors=(403, 422))
def list_holidays(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the holidays and make-up working days of a year as your agency has them."""
    year = query["year"]
    days = service.list_days(work.session, work.actor, year)
    published = year in service.published_years(work.session, work.actor.agency_id)
    return {"year": year, "published": published, "items": [_day_out(day) for day in days]}


@routes.put("/holidays/<day>", body=DaySettingSchema, answers={200: SeenDaySchema}, errors=(403, 422))
def set_holiday(work: Work, day: str, body: dict[str, Any]) -> dict[str, Any]:
    """Say for your agency that a day is free or worked."""
    setting = SpecialDay(_day_in(day), body["kind"], body["title"])
    service.set_day(work.session, work.actor, setting)
    return _day_out(setting)


@routes.delete("/holidays/<day>", answers={204: None}, errors=(403, 422))
def unset_holiday(work: Work, day: str) -> Answer:
    """Take your agency's own word on a day back."""
    service.unset_day(work.session, work.actor, _day_in(day))
    return Answer(status=204)


@routes.put("/holiday-years/<int:year>", body=YearPublicationSchema, answers={200: PublishedSchema}, errors=(403, 422))
def publish_holiday_year(work: Work, year: int, body: dict[str, Any]) -> dict[str, Any]:
    """Decide a whole year for your agency; its provisional deadlines are worked out again."""
    days = [SpecialDay(**day) for day in body["days"]]
    done = service.publish_year(work.session, work.actor, year, days)
    return {"year": done.year, "days": done.days, "to_rework": done.to_rework}


@routes.get("/office-hours", answers={200: OfficeHoursSchema}, errors=(403,))
def show_office_hours(work: Work) -> dict[str, Any]:
    """Show your agency's office hours."""
    return _hours_out(service.office_hours(work.session, work.actor))


@routes.put("/office-hours", body=OfficeHoursSettingSchema, answers={200: OfficeHoursSchema}, errors=(403, 422))
def set_office_hours(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Set your agency's office hours, for deadlines made from now on."""
    spans = [(span["start"], span["end"]) for span in body["spans"]]
    return _hours_out(service.set_office_hours(work.session, work.actor, spans, work_day_hours=body["work_day_hours"]))


def _day_in(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(msg("holidays.bad_day", day=text), path="day") from error
    if day.isoformat() != text:  # Week dates and days without hyphens would give one day two addresses.
        raise Invalid(msg("holidays.bad_day", day=text), path="day")
    return day


def _day_out(day: SpecialDay) -> dict[str, Any]:
    return {"day": day.day.isoformat(), "kind": str(day.kind), "title": dict(day.title), "own": day.own}


def _hours_out(hours: OfficeHours) -> dict[str, Any]:
    spans = [{"start": start.isoformat("minutes"), "end": end.isoformat("minutes")} for start, end in hours.spans]
    return {"spans": spans, "work_day_hours": hours.work_day_hours, "zone": hours.zone}
