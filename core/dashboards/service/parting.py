"""By what the values of an indicator are parted: places, people, classes, or days; and which facts belong to which part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, Text, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from core.accounts.models import Department, Member
from core.authz import Actor
from core.db.base import User
from core.forms.fields.choice import labels_of
from core.lib.errors import Invalid, NotFound
from core.lib.text import Title, msg, say
from core.scoring.definition import Indicator
from core.scoring.service import attribution
from core.scoring.service.land import Land, land_of
from core.scoring.service.naming import Grain
from core.scoring.service.seeing import may_see
from core.scoring.service.sources import Window, zone_of
from core.scoring.types import Subject
from core.workflow.service import known

TIMES = ("day", "week", "month")
_OF_CASES = {"class": "class_code", "source": "source", "state": "state"}
NONE = "none"
"""The key of what belongs to no part: outside every grid, without a class."""


@dataclass(frozen=True)
class Asker:
    """Who asks, and in which language the parts are named."""

    session: Session
    actor: Actor
    locale: str


@dataclass(frozen=True)
class Parting:
    """One way of parting: the column of the parts, and what each is called. ``by`` None is one part, the whole."""

    by: str | None
    level: str | None = None

    def column(self, asker: Asker, grain: Grain, indicator: Indicator) -> ColumnElement[Any]:
        """Give the column that says to which part a fact belongs."""
        if self.by in TIMES:
            return _bucket(grain.instant(str(indicator.at)), self.by, zone_of(asker.session).key)
        if self.by in _OF_CASES:
            return _of_case(grain, _OF_CASES[self.by])
        return attribution.leaf(grain, self.by or "agency", indicator)

    def parts(self, asker: Asker, window: Window, leaves: Sequence[Any], plugin: str) -> dict[Any, tuple[str, str] | None]:
        """Name the part of each leaf as (key, title); None for one that the asker may not see by name. Days without anything are there too."""
        if self.by is None:
            return dict.fromkeys(leaves, ("all", ""))
        if self.by in TIMES:
            return {leaf: (leaf, leaf) for leaf in _days(window, self.by, zone_of(asker.session))}
        if self.by == "grid":
            return _grids(asker, self.wanted_level(asker), leaves)
        if self.by == "department":
            return _departments(asker, leaves)
        if self.by == "person":
            return _people(asker, leaves)
        titles = _titles(asker.session, self.by, plugin)
        return {leaf: _nothing(asker) if leaf is None else (leaf, _said(titles, leaf, asker.locale)) for leaf in leaves}

    def condition(self, asker: Asker, column: ColumnElement[Any], value: str | None) -> ColumnElement[bool]:
        """Give the condition of the facts of one part; raises NotFound for a part that is not there."""
        if self.by is None or value is None:
            return literal(value=True)
        if self.by == "grid":
            land = land_of(asker.session, asker.actor, None)
            if value == NONE:
                inside = _grids(asker, self.wanted_level(asker), land.ids)
                return or_(column.is_(None), column.not_in([leaf for leaf, part in inside.items() if part and part[0] != NONE]))
            place = land.place_of_code.get(value)
            if place is None:
                raise NotFound(msg("dashboards.no_part", value=value))
            return column.in_(land.within(place))
        if value == NONE:
            return column.is_(None)
        if self.by == "department":
            return column == select(Department.id).where(Department.code == value).scalar_subquery()
        if self.by == "person":
            named = {
                str(leaf): part for leaf, part in _people(asker, [int(value)] if value.isdecimal() and len(value) < 10 else []).items()
            }
            if named.get(value) is None:
                raise NotFound(msg("dashboards.no_part", value=value))
            return column == int(value)
        return cast(column, Text) == value

    def wanted_level(self, asker: Asker) -> str:
        """Give the level of areas; raises Invalid for one that the agency's land does not have."""
        levels = land_of(asker.session, asker.actor, None).levels
        if self.level is None and levels:
            return levels[0]
        if self.level is None or (levels and self.level not in levels):
            raise Invalid(msg("dashboards.no_level", level=self.level or "-", known=", ".join(levels) or "-"), path="level")
        return self.level


def _of_case(grain: Grain, name: str) -> ColumnElement[Any]:
    if grain.name == "record":
        if name != "state":
            raise Invalid(msg("dashboards.not_of_records", name=name), path="by")
        return grain.facts.c.state
    return grain.column(name if grain.name == "case" else f"case.{name}")


def _bucket(instant: ColumnElement[Any], step: str, zone: str) -> ColumnElement[str]:
    return func.to_char(func.date_trunc(step, func.timezone(zone, instant)), literal("YYYY-MM-DD", String), type_=Text)


def _days(window: Window, step: str, zone: ZoneInfo) -> Iterator[str]:
    """Yield the first day of each day, week or month of the period, as far as it is known."""
    last = min(window.period.ends_on, window.as_of.astimezone(zone).date())
    day = _first(window.period.starts_on, step)
    while day <= last:
        yield day.isoformat()
        day = _first(day + timedelta(days={"day": 1, "week": 7, "month": 31}[step]), step)


def _first(day: date, step: str) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _grids(asker: Asker, level: str, leaves: Sequence[Any]) -> dict[Any, tuple[str, str] | None]:
    land = land_of(asker.session, asker.actor, None)
    found: dict[Any, tuple[str, str] | None] = {}
    for leaf in leaves:
        place = None if leaf is None else land.place_of.get(leaf)
        area = None if place is None else _area(land, str(land.subjects[place].path), level)
        found[leaf] = _nothing(asker) if area is None else (area.code, area.name)
    return found


def _area(land: Land, path: str, level: str) -> Subject | None:
    labels = path.split(".")
    for count in range(1, len(labels) + 1):
        place = land.place_of_path.get(".".join(labels[:count]))
        if place is not None and land.subjects[place].level == level:
            return land.subjects[place]
    return None


def _departments(asker: Asker, leaves: Sequence[Any]) -> dict[Any, tuple[str, str] | None]:
    rows = asker.session.execute(select(Department.id, Department.code, Department.name).where(Department.id.in_(_given(leaves))))
    named: dict[Any, tuple[str, str] | None] = {row.id: (row.code, row.name) for row in rows}
    return {leaf: named.get(leaf) or _nothing(asker) for leaf in leaves}


def _people(asker: Asker, leaves: Sequence[Any]) -> dict[Any, tuple[str, str] | None]:
    """Name people by the rule of their scores: others only where the right to them reaches."""
    query = (
        select(Member.user_id, User.first_name, Department.path)
        .join(User, User.id == Member.user_id)
        .outerjoin(Department, (Department.agency_id == Member.agency_id) & (Department.id == Member.department_id))
        .where(Member.user_id.in_(_given(leaves)))
    )
    found: dict[Any, tuple[str, str] | None] = {leaf: _nothing(asker) if leaf is None else None for leaf in leaves}
    for row in asker.session.execute(query):
        subject = Subject("person", row.user_id, str(row.user_id), row.first_name, department_path=row.path)
        if may_see(asker.actor, subject):
            found[row.user_id] = (str(row.user_id), row.first_name)
    return found


def _titles(session: Session, by: str, plugin: str) -> Mapping[str, Title]:
    if by == "class":
        return {code: item.title for code, item in known.catalogue_items(session, plugin).items()}
    if by == "state":
        versions = sorted(known.all_workflows(session), key=lambda one: one.id)
        return {key: state.title for one in versions if known.plugin_of(one.key) == plugin for key, state in one.workflow.states.items()}
    return _sources(session, plugin)


def _sources(session: Session, plugin: str) -> Mapping[str, Title]:
    """Give the labels of where reports come from, out of the forms that ask for it."""
    found: dict[str, Title] = {}
    for one in known.all_workflows(session):
        forms = {step.form for step in one.workflow.transitions.values() if step.form} if known.plugin_of(one.key) == plugin else set()
        for form in sorted(forms):
            for field in known.form(session, form).form.definition.fields:
                if field.id == "source" and "options" in field.settings:
                    found |= labels_of(field)
    return found


def _said(titles: Mapping[str, Title], key: str, locale: str) -> str:
    title = titles.get(key)
    return str(key) if title is None else say(title, locale)


def _given(leaves: Sequence[Any]) -> list[Any]:
    return [leaf for leaf in leaves if leaf is not None]


def _nothing(asker: Asker) -> tuple[str, str]:
    return NONE, msg("dashboards.no_part_title").text(asker.locale)
