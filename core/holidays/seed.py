"""Fill the installation's holidays from ``chinesecalendar``, offline.

The package knows only the years the State Council has published; run again
after an upgrade of it, the seed adds the new ones and changes nothing else.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from chinese_calendar import constants
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db.epoch import bump
from core.holidays.models import Holiday, HolidayYear
from core.holidays.types import DayKind, Seeded


def seed(session: Session) -> Seeded:
    """Write the published holidays; ``session`` must be the owner role's.

    Agencies' own days are left alone. A day that the package no longer lists
    goes. Calendars are dropped from every cache only when something changed.
    """
    source = f"chinesecalendar {version('chinesecalendar')}"
    rows = _rows(source)
    years = {row["day"].year for row in rows}
    present = {row.day: row.kind for row in session.execute(select(Holiday.day, Holiday.kind).where(Holiday.agency_id.is_(None)))}
    known = set(session.scalars(select(HolidayYear.year).where(HolidayYear.agency_id.is_(None))))
    new_years = tuple(sorted(years - known))
    if present == {row["day"]: row["kind"] for row in rows} and not new_years:
        return Seeded(len(rows), ())
    gone = present.keys() - {row["day"] for row in rows}
    if gone:
        session.execute(delete(Holiday).where(Holiday.agency_id.is_(None), Holiday.day.in_(gone)))
    days = insert(Holiday).values(rows)
    session.execute(
        days.on_conflict_do_update(
            index_elements=["agency_id", "day"], set_={name: days.excluded[name] for name in ("kind", "title", "source")}
        )
    )
    if new_years:
        session.execute(insert(HolidayYear).values([{"agency_id": None, "year": year, "source": source} for year in new_years]))
    bump(session)
    return Seeded(len(rows), new_years)


def _rows(source: str) -> list[dict[str, Any]]:
    kinds = ((constants.holidays, DayKind.DAY_OFF), (constants.workdays, DayKind.WORKING_DAY))
    return [
        {"agency_id": None, "day": day, "kind": str(kind), "title": _title(name, kind), "source": source}
        for days, kind in kinds
        for day, name in days.items()
    ]


def _title(name: str, kind: DayKind) -> dict[str, str]:
    chinese = constants.Holiday(name).chinese
    if kind is DayKind.WORKING_DAY:
        return {"zh_CN": f"{chinese}调休上班", "en": f"Worked to make up for {name}"}
    return {"zh_CN": chinese, "en": name}
