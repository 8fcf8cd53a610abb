"""What a bulletin is made of, before it becomes a workbook or a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.lib.text import msg

LOCALE = "zh_CN"
"""A bulletin is an official paper of the agency: it is written in Chinese whoever takes it out."""

MOST_BARS = 40
"""As many subjects a chart shows one by one; of more it shows how the grades are spread."""

_COLOURS = {"green": "#2e7d32", "blue": "#1565c0", "yellow": "#b26a00", "red": "#c62828", "black": "#333333"}
_NO_COLOUR = "#607d8b"


@dataclass(frozen=True)
class Section:
    """One card's part of a bulletin: the publication, the card and its rows as the screens show them."""

    publication: Mapping[str, Any]
    scorecard: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    hidden: int = 0
    """How many rows of people were left out, because who took the bulletin out may not see them."""

    @property
    def tables(self) -> list[Table]:
        """Give a table for each level of areas, largest first; other cards have one."""
        levels = [(level["key"], level["title"]) for level in self.scorecard["levels"]]
        if not levels:
            return [Table(self, "", self.rows)]
        known = {key for key, _ in levels}
        tables = [Table(self, title, [row for row in self.rows if row["subject"]["level"] == key]) for key, title in levels]
        rest = [row for row in self.rows if row["subject"]["level"] not in known]
        if rest:
            tables.append(Table(self, msg("scoring.bulletin_other_rows").text(LOCALE), rest))
        return [table for table in tables if table.rows]

    def grade(self, key: str | None) -> Mapping[str, Any] | None:
        """Give a grade of the card by its key."""
        return next((grade for grade in self.scorecard["grades"] if grade["key"] == key), None)

    def colour(self, key: str | None) -> str:
        """Give the colour in which a grade is drawn."""
        grade = self.grade(key)
        return _COLOURS.get(grade["colour"], _NO_COLOUR) if grade else _NO_COLOUR


@dataclass(frozen=True)
class Table:
    """One ranking: the rows of a card, or of one level of its areas."""

    section: Section
    title: str
    rows: Sequence[Mapping[str, Any]]

    @property
    def scored(self) -> list[Mapping[str, Any]]:
        """Give the rows that have a score."""
        return [row for row in self.rows if row["score"] is not None]

    @property
    def is_drawn_by_subject(self) -> bool:
        """Say whether the chart shows each subject, rather than how the grades are spread."""
        return len(self.scored) <= MOST_BARS

    def grades(self) -> list[tuple[Mapping[str, Any], int]]:
        """Count the rows of each grade, best first."""
        counts = Counter(row["grade"] for row in self.scored)
        return [(grade, counts[grade["key"]]) for grade in self.section.scorecard["grades"]]


@dataclass(frozen=True)
class Bulletin:
    """The published scores of one period."""

    agency: str
    period: str
    zone: ZoneInfo
    sections: Sequence[Section]

    @property
    def title(self) -> str:
        """Give the title: whose bulletin of which period."""
        return msg("scoring.bulletin_title", agency=self.agency, period=self.period).text(LOCALE)

    def when(self, at: datetime | None) -> str:
        """Write an instant by the agency's clocks."""
        return "" if at is None else at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")


def said(key: str, **params: Any) -> str:
    """Say a sentence in the bulletin's language."""
    return msg(f"scoring.{key}", **params).text(LOCALE)


def line_heading(line: Mapping[str, Any]) -> str:
    """Write the heading of a line with its weight."""
    weight = line["weight"]
    return str(line["title"]) if weight is None else f"{line['title']}（{weight:g} %）"


def explained(line: Mapping[str, Any]) -> str:
    """Say in a sentence how a line gets its points."""
    if line["part_of"]:
        return said("bulletin_part", title=line["title"], weight=f"{line['weight']:g}")
    if line["steps"]:
        steps = "；".join(_step(step) for step in line["steps"])
        return said("bulletin_steps", title=line["title"], weight=f"{line['weight']:g}", steps=steps)
    key = "bulletin_lower" if line["better"] == "lower" else "bulletin_rate"
    return said(key, title=line["title"], weight=f"{line['weight']:g}")


def _step(step: Mapping[str, Any]) -> str:
    points = f"{step['points']:g}"
    if step["from"] is not None:
        return said("bulletin_step_from", bound=f"{step['from']:g}", points=points)
    if step["up_to"] is not None:
        return said("bulletin_step", up_to=f"{step['up_to']:g}", points=points)
    return said("bulletin_last_step", points=points)
