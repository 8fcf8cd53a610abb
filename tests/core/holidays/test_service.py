"""The working calendar on a real database: seed, overrides, publication, isolation."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from core.calendar import Unit, deadline
from core.db.engine import AgencySession, set_agency
from core.holidays import service
from core.holidays.models import Holiday, HolidayYear
from core.holidays.permissions import HolidayRight
from core.holidays.types import DayKind, SpecialDay
from core.lib.errors import Forbidden, Invalid

TITLE = {"zh_CN": "区庆", "en": "District day"}
ALL = list(HolidayRight)


@pytest.fixture(scope="module")
def _seeded(database):
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        service.seed(owner)
        owner.commit()
    yield
    with database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM holiday WHERE agency_id IS NULL"))
        connection.execute(text("DELETE FROM holiday_year WHERE agency_id IS NULL"))
        connection.execute(text("UPDATE configuration_epoch SET value = value + 1"))


@pytest.fixture
def admin(make_actor):
    return make_actor(ALL)


@pytest.mark.usefixtures("_seeded")
def test_seed_gives_calendar_of_published_years(session, alpha):
    calendar = service.calendar_for(session, alpha.id)
    assert calendar.holidays.published_years >= set(range(2004, 2027))
    assert not calendar.holidays.is_working_day(date(2025, 10, 1))
    assert calendar.holidays.is_working_day(date(2025, 10, 11))
    start = datetime(2025, 9, 30, 9, tzinfo=UTC)  # 17:00 in Beijing, the eve of the holidays
    assert datetime(2025, 10, 10, 9, tzinfo=UTC) == deadline(start, 2, Unit.WORK_DAY, calendar).due_at


@pytest.mark.usefixtures("_seeded")
def test_seed_again_changes_nothing_and_leaves_the_caches(database):
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        before = owner.scalar(text("SELECT value FROM configuration_epoch"))
        count = owner.scalar(select(func.count()).select_from(Holiday))
        again = service.seed(owner)
        assert (count, ()) == (again.days, again.new_years)
        assert before == owner.scalar(text("SELECT value FROM configuration_epoch"))


@pytest.mark.usefixtures("_seeded")
def test_seed_mends_a_wrong_day_and_adds_a_lost_year(database):
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        owner.execute(text("UPDATE holiday SET kind = 'working_day' WHERE agency_id IS NULL AND day = '2025-10-01'"))
        owner.execute(text("INSERT INTO holiday (agency_id, day, kind, title, source) VALUES (NULL, '2025-03-03', 'day_off', '{}', 'x')"))
        owner.execute(text("DELETE FROM holiday_year WHERE agency_id IS NULL AND year = 2026"))
        assert service.seed(owner).new_years == (2026,)
        kinds = {row.day: row.kind for row in owner.execute(select(Holiday.day, Holiday.kind).where(Holiday.agency_id.is_(None)))}
        assert kinds[date(2025, 10, 1)] == "day_off"
        assert date(2025, 3, 3) not in kinds
        owner.rollback()


@pytest.mark.usefixtures("_seeded")
def test_set_day_overrides_for_one_agency_only(session, connection, alpha, beta, admin):
    service.set_day(session, admin, SpecialDay(date(2026, 10, 1), DayKind.WORKING_DAY, TITLE))
    service.set_day(session, admin, SpecialDay(date(2026, 3, 18), DayKind.DAY_OFF, TITLE))
    mine = service.calendar_for(session, alpha.id).holidays
    assert mine.is_working_day(date(2026, 10, 1))
    assert not mine.is_working_day(date(2026, 3, 18))
    by_day = {day.day: day for day in service.list_days(session, admin, 2026)}
    assert (
        by_day[date(2026, 10, 1)].own,
        by_day[date(2026, 10, 1)].kind,
        by_day[date(2026, 10, 2)].own,
    ) == (True, DayKind.WORKING_DAY, False)
    set_agency(connection, beta.id)
    theirs = service.calendar_for(session, beta.id).holidays
    assert not theirs.is_working_day(date(2026, 10, 1))
    assert session.scalar(select(func.count()).where(Holiday.agency_id == alpha.id)) == 0
    set_agency(connection, alpha.id)
    service.unset_day(session, admin, date(2026, 10, 1))
    service.unset_day(session, admin, date(2026, 12, 24))
    assert not service.calendar_for(session, alpha.id).holidays.is_working_day(date(2026, 10, 1))


@pytest.mark.usefixtures("_seeded")
def test_publish_year_ends_provisional_and_counts_rework(session, alpha, admin, monkeypatch):
    asked = []
    monkeypatch.setattr(service, "_followers", [])

    @service.follow_year
    def rework(_session, actor, year):
        asked.append((actor.agency_id, year))
        return 7

    start = datetime(2027, 2, 1, 2, tzinfo=UTC)
    assert deadline(start, 1, Unit.WORK_DAY, service.calendar_for(session, alpha.id)).provisional
    done = service.publish_year(session, admin, 2027, [SpecialDay(date(2027, 2, 1), DayKind.DAY_OFF, TITLE)])
    assert (done.year, done.days, done.to_rework) == (2027, 1, 7)
    assert [(alpha.id, 2027)] == asked
    again = deadline(start, 1, Unit.WORK_DAY, service.calendar_for(session, alpha.id))
    assert (False, datetime(2027, 2, 2, 10, tzinfo=UTC)) == (again.provisional, again.due_at)
    service.publish_year(session, admin, 2027, [])
    assert service.list_days(session, admin, 2027) == []
    assert session.scalar(select(func.count()).where(HolidayYear.year == 2027)) == 1


def test_publish_year_wrong_days_are_refused(session, admin):
    day = SpecialDay(date(2027, 2, 1), DayKind.DAY_OFF, TITLE)
    for year, days in ((2028, [day]), (2027, [day, day]), (1969, []), (2500, [])):
        with pytest.raises(Invalid):
            service.publish_year(session, admin, year, days)


def test_office_hours_default_then_set_move_deadlines(session, alpha, admin):
    assert (time(8), time(12)) == service.office_hours(session, admin).spans[0]
    service.set_office_hours(session, admin, [(time(9), time(17))], work_day_hours=7.5)
    service.set_office_hours(session, admin, [(time(9), time(16, 30))], work_day_hours=7.5)
    calendar = service.calendar_for(session, alpha.id)
    assert ((time(9), time(16, 30)),) == calendar.hours.spans
    start = datetime(2025, 6, 5, 2, tzinfo=UTC)  # 10:00 in Beijing
    assert datetime(2025, 6, 6, 2, tzinfo=UTC) == deadline(start, 1, Unit.WORK_DAY, calendar).due_at
    with pytest.raises(Invalid):
        service.set_office_hours(session, admin, [(time(9), time(8))], work_day_hours=8)


def test_without_right_nothing_is_told_or_changed(session, make_actor):
    nobody = make_actor()
    reader = make_actor([HolidayRight.READ])
    day = SpecialDay(date(2027, 2, 1), DayKind.DAY_OFF, TITLE)
    service.list_days(session, reader, 2026)
    for refused in (
        lambda: service.list_days(session, nobody, 2026),
        lambda: service.office_hours(session, nobody),
        lambda: service.set_day(session, reader, day),
        lambda: service.unset_day(session, reader, day.day),
        lambda: service.publish_year(session, reader, 2027, [day]),
        lambda: service.set_office_hours(session, reader, [(time(9), time(17))], work_day_hours=8),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_application_role_cannot_write_installation_days(session):
    with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
        session.execute(text("INSERT INTO holiday (agency_id, day, kind, title, source) VALUES (NULL, '2030-01-01', 'day_off', '{}', 'x')"))


def test_changes_are_audited(session, admin):
    service.set_day(session, admin, SpecialDay(date(2026, 3, 18), DayKind.DAY_OFF, TITLE))
    service.publish_year(session, admin, 2027, [])
    service.set_office_hours(session, admin, [(time(9), time(17))], work_day_hours=8)
    actions = session.scalars(text("SELECT action FROM audit_entry ORDER BY id DESC LIMIT 3")).all()
    assert list(actions) == ["holidays:office_hours:set", "holidays:year:published", "holidays:holiday:set"]
