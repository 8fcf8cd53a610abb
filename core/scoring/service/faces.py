"""How a card looks: its lines and tables, its grades, its levels, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Actor
from core.definitions.store import Version
from core.grid import service as grids
from core.lib.errors import Invalid, NotFound
from core.lib.text import Title, msg, say
from core.scoring.definition import Indicator, Line, Scale, Scorecard, Steps
from core.scoring.service.counting import parts_of
from core.scoring.service.formulas import Formula
from core.scoring.service.scoreboard import heads_of
from core.scoring.types import FINDINGS, LineHead


@dataclass(frozen=True)
class Face:
    """One version of a card as people see it."""

    card: Scorecard
    formula: Formula
    version: Version
    levels: Mapping[str, Title]
    locale: str

    @property
    def scale(self) -> Scale:
        """The card's grades."""
        return self.formula.scale(self.card)

    @cached_property
    def heads(self) -> tuple[LineHead, ...]:
        """Everything that is weighed."""
        heads, _ = heads_of(self.formula, self.card)
        return heads + self._made()

    @cached_property
    def also(self) -> tuple[LineHead, ...]:
        """What is shown beside."""
        return heads_of(self.formula, self.card)[1]

    @cached_property
    def written(self) -> dict[tuple[int, ...], tuple[Any, Any]]:
        """The numbers that were written already, by the identities of what they are made of."""
        return self.formula.known("written", self.card.key, self.locale)

    def summary(self) -> dict[str, Any]:
        """Give the card as a list shows it."""
        return {
            "key": self.card.key,
            "title": self.say(self.card.title),
            "method": self.card.method,
            "subject_kind": self.card.subjects.kind,
            "levels": [{"key": level, "title": self.say(self.levels.get(level, {"en": level}))} for level in self.card.subjects.levels],
            "periods": list(self.card.periods),
            "version": self.version.version,
            "in_force_since": self.version.published_at,
            "source": self.version.content.get("source"),
        }

    def whole(self) -> dict[str, Any]:
        """Give the card with its lines and grades."""
        return {
            **self.summary(),
            "lines": [self._line(head) for head in self.heads],
            "also": [self._line(head) for head in self.also],
            "grades": [
                {"key": grade.code, "title": self.say(grade.title), "colour": grade.colour or "grey", "from": float(grade.least)}
                for grade in self.scale.grades
            ],
        }

    def say(self, title: Title) -> str:
        """Say a title in the reader's language."""
        return say(title, self.locale)

    def line(self, key: str) -> Line | None:
        """Give a line of a weighted card."""
        return next((line for line in self.card.lines if line.key == key), None)

    def indicator(self, key: str) -> Indicator | None:
        """Give the indicator of a line, or of what is shown beside; of a ratio it is the one that stands above the line."""
        found = self.card.measured.get(key)
        if found is None:
            return None
        return parts_of(self.formula, found)[0]

    def title_of(self, key: str) -> str:
        """Give the title of a line, a part or a veto by its key."""
        for head in (*self.heads, *self.also):
            if head.key == key:
                return self.say(head.title)
        for sheet in (self.card.deduction, self.card.inspection):
            for veto in sheet.vetoes if sheet else ():
                if veto.key == key:
                    return self.say(veto.title)
        return key

    def _made(self) -> tuple[LineHead, ...]:
        """Give the lines that are no indicators: the groups of an inspection, what a deduction sheet takes."""
        if self.card.inspection is not None:
            return tuple(
                LineHead(group.key, group.title, "", group.points, "items", "higher", None) for group in self.card.inspection.groups
            )
        if self.card.deduction is not None:
            found = self.formula.indicators[self.card.deduction.findings]
            return (LineHead(FINDINGS, found.title, found.key, Fraction(100), "deduction", "lower", None),)
        return ()

    def _line(self, head: LineHead) -> dict[str, Any]:
        line = self.line(head.key)
        part = next((part for part in self.card.parts if part.key == head.key), None)
        return {
            "key": head.key,
            "title": self.say(head.title),
            "help": None if head.help is None else self.say(head.help),
            "kind": head.of,
            "unit": head.unit,
            "better": head.better,
            "weight": None if head.weight is None else float(head.weight),
            "steps": _steps(line.points.steps) if line is not None and line.points.steps is not None else [],
            "part_of": part.scorecard if part else None,
        }


def face_of(session: Session, actor: Actor, card: Scorecard, formula: Formula, version: Version, locale: str) -> Face:
    """Give the face of a card."""
    return Face(card, formula, version, levels_of(session, actor, card), locale)


def levels_of(session: Session, actor: Actor, card: Scorecard) -> Mapping[str, Title]:
    """Give the titles of the levels of areas; none where the agency has no land yet."""
    if card.subjects.kind != "grid":
        return {}
    try:
        scheme = grids.scheme_of(session, actor, card.subjects.scheme)
    except (NotFound, Invalid):
        return {}
    return {level.key: level.title for level in scheme.levels.values()}


def _steps(table: Steps) -> list[dict[str, Any]]:
    """Write a table of points as its author did: steps up to and with a bound, or from a bound on."""
    bounds = [None if step.bound is None else float(step.bound) for step in table.steps]
    return [
        {"from": bound if table.is_from_below else None, "up_to": None if table.is_from_below else bound, "points": float(step.points)}
        for bound, step in zip(bounds, table.steps, strict=True)
    ]


def period_title(kind: str, starts_on: Any, ends_on: Any, locale: str) -> str:
    """Name a period as people say it."""
    year, month = starts_on.year, starts_on.month
    if kind == "free":
        return msg("scoring.period_free", first=starts_on.isoformat(), last=ends_on.isoformat()).text(locale)
    if kind == "half_month":
        half = "a" if starts_on.day == 1 else "b"
        return msg(f"scoring.period_half_month_{half}", year=year, month=month).text(locale)
    if kind == "half_year":
        return msg(f"scoring.period_half_year_{1 if month == 1 else 2}", year=year).text(locale)
    if kind == "week":
        year, number, _ = starts_on.isocalendar()
        return msg("scoring.period_week", year=year, number=number).text(locale)
    if kind == "quarter":
        return msg("scoring.period_quarter", year=year, number=(month + 2) // 3).text(locale)
    if kind == "month":
        return msg("scoring.period_month", year=year, month=month).text(locale)
    return msg("scoring.period_year", year=year).text(locale)


def period_shown(period: Any, ends_at: datetime, now: datetime, locale: str) -> dict[str, Any]:
    """Write a period as the screens show it."""
    return {
        "key": period.text,
        "kind": period.kind,
        "title": period_title(period.kind, period.starts_on, period.ends_on, locale),
        "starts_on": period.starts_on.isoformat(),
        "ends_on": period.ends_on.isoformat(),
        "is_over": ends_at <= now,
    }
