"""A deadline that hung on an undecided year is worked out again when the year is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from core.holidays import service as holidays
from core.holidays.types import DayKind, SpecialDay
from core.lib import clock
from core.workflow.models import CaseTimer
from tests.journeys.town import Town
from tests.journeys.walking import done, handling, reported


def test_published_year_moves_what_was_provisional_and_records_it(town: Town, later: Callable[[timedelta], None]) -> None:
    with town.work() as (session, _):
        known = holidays.published_years(session, town.agency_id)
    year = next(one for one in range(clock.now().year, clock.now().year + 9) if one not in known)
    eve = datetime(year - 1, 12, 28, tzinfo=UTC)
    later(max(timedelta(), eve - clock.now()))
    number, passed, urgent = handling(town), done(town, handling(town)), reported(town)
    before = town.found(number)
    assert before.is_provisional
    assert not town.found(urgent).is_provisional
    first = max(date(year, 1, 1), clock.now().date() + timedelta(days=1))
    days = [SpecialDay(first + timedelta(days=one), DayKind.DAY_OFF, {"zh_CN": "假", "en": "Holiday"}) for one in range(14)]
    with town.work() as (session, actor):
        published = holidays.publish_year(session, actor, year, days)
    after = town.found(number)
    assert published.to_rework >= 1
    assert (after.is_provisional, after.version) == (False, before.version + 1)
    assert before.due_at is not None
    assert after.due_at is not None
    assert after.due_at >= before.due_at + timedelta(days=5)
    assert town.found(passed).version == 5
    event = town.as_("leader").case(number)["events"][-1]
    assert (event["verb"], event["data"]["year"]) == ("rework_deadline", year)
    assert datetime.fromisoformat(event["data"]["new_due_at"]) == after.due_at
    with town.work() as (session, _):
        waiting = session.scalars(select(CaseTimer).where(CaseTimer.case_id == after.id)).all()
    assert [(one.key, one.due_at) for one in waiting] == [("escalate.0", after.warn_at)]
    assert town.broken(number) == []
