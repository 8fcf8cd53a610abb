"""Holidays and office hours as the routes take and give them."""

from __future__ import annotations

from datetime import date, time

import pytest
from flask import Request
from marshmallow import ValidationError

from core.accounts.signin import SignIn
from core.holidays import service, views
from core.holidays.permissions import HolidayRight
from core.holidays.views import routes
from core.http.work import Frame, Work
from core.lib.errors import Invalid

TITLE = {"zh_CN": "区庆", "en": "District day"}


@pytest.fixture
def call(session, make_actor, settings, database):
    """Call a view as the frame does: body and query loaded, the answer dumped by its schema."""
    frame = Frame(settings, database, SignIn(settings, database))
    by_view = {route.view.__name__: route for route in routes.all}

    def run(view, *, body=None, query=None, **path):
        route = by_view[view.__name__]
        given = {}
        if route.body is not None:
            given["body"] = route.body().load(body)
        if route.query is not None:
            given["query"] = route.query().load(query)
        answer = view(Work(session, make_actor(list(HolidayRight)), frame, route, Request({})), **path, **given)
        schema = route.answers.get(200)
        if schema is None:
            return answer
        assert schema().validate(answer) == {}
        return answer

    return run


def test_set_list_and_unset_a_day(call):
    setting = {"kind": "day_off", "title": TITLE}
    set_day = call(views.set_holiday, day="2030-05-06", body=setting)
    assert {"day": "2030-05-06", "own": True, **setting} == set_day
    assert {"year": 2030, "published": False, "items": [set_day]} == call(views.list_holidays, query={"year": "2030"})
    assert call(views.unset_holiday, day="2030-05-06").status == 204
    assert call(views.list_holidays, query={"year": "2030"})["items"] == []


def test_publish_year_makes_it_published(call):
    days = [{"day": "2030-01-01", "kind": "day_off", "title": TITLE}, {"day": "2030-01-05", "kind": "working_day", "title": TITLE}]
    assert call(views.publish_holiday_year, year=2030, body={"days": days}) == {"year": 2030, "days": 2, "to_rework": 0}
    listed = call(views.list_holidays, query={"year": "2030"})
    assert (listed["published"], len(listed["items"])) == (True, 2)


def test_office_hours_are_shown_and_set(call, session, alpha):
    usual = {
        "spans": [{"start": "08:00", "end": "12:00"}, {"start": "14:00", "end": "18:00"}],
        "work_day_hours": 8.0,
        "zone": "Asia/Shanghai",
    }
    assert usual == call(views.show_office_hours)
    wanted = {"spans": [{"start": "09:00", "end": "17:30"}], "work_day_hours": 7.5}
    assert {**wanted, "zone": "Asia/Shanghai"} == call(views.set_office_hours, body=wanted)
    assert ((time(9), time(17, 30)),) == service.calendar_for(session, alpha.id).hours.spans


@pytest.mark.parametrize("day", ["2030-13-01", "soon", "2030-1-1", "20300101", "2030-W01-1", ""])
def test_day_that_is_none_is_refused(call, day):
    with pytest.raises(Invalid):
        call(views.unset_holiday, day=day)


@pytest.mark.parametrize(
    ("view", "given"),
    [
        (views.set_holiday, {"day": "2030-05-06", "body": {"kind": "party", "title": TITLE}}),
        (views.set_holiday, {"day": "2030-05-06", "body": {"kind": "day_off"}}),
        (views.set_holiday, {"day": "2030-05-06", "body": {"kind": "day_off", "title": {"zh_CN": ""}}}),
        (views.list_holidays, {"query": {}}),
        (views.list_holidays, {"query": {"year": "1200"}}),
        (views.set_office_hours, {"body": {"spans": [], "work_day_hours": 8}}),
        (views.set_office_hours, {"body": {"spans": [{"start": "8", "end": "12:00"}], "work_day_hours": 8}}),
        (views.set_office_hours, {"body": {"spans": [{"start": "08:00", "end": "12:00"}], "work_day_hours": 0}}),
        (views.publish_holiday_year, {"year": 2030, "body": {"days": [{"day": "x", "kind": "day_off", "title": TITLE}]}}),
    ],
)
def test_wrong_values_are_refused_by_the_schema(call, view, given):
    with pytest.raises(ValidationError):
        call(view, **given)


def test_day_of_the_year_is_kept_as_a_date(call, session, alpha):
    call(views.set_holiday, day="2030-05-06", body={"kind": "day_off", "title": TITLE})
    assert not service.calendar_for(session, alpha.id).holidays.is_working_day(date(2030, 5, 6))
