"""Asking for boards in tests, and the numbers of one laid out flat."""

from __future__ import annotations

from typing import Any

from core.authz import Actor, Grant
from core.facts.service import catch_up
from core.lib import clock
from core.scoring.periods import containing
from core.scoring.permissions import ScoringRight
from core.scoring.service import facts_behind, scoreboard
from core.scoring.types import PARTS, Asked, Board, FactPage, Number
from tests.journeys.town import Town

CARDS = tuple(f"urban_mgmt.{name}" for name in ("area", "department", "inspector", "dispatcher", "duty_lead", "acceptor"))


def board(town: Town, *cards: str, actor: Actor | None = None, **more: Any) -> Board:
    """Give a board of this year, with everything that has happened up to now."""
    now = clock.now()
    catch_up(town.database, town.agency_id, now=now)
    with town.work() as (session, system):
        period = more.pop("period", None) or containing("year", now.date())
        return scoreboard(session, actor or system, Asked(cards, period, **more))


def numbers(found: Board) -> dict[str, tuple[int, int, int]]:
    """Give every number that is not nothing, by card, subject and line: counted, base, exempted."""
    return {
        f"{sheet.scorecard.removeprefix('urban_mgmt.')} {row.subject.ref} {key}": (value.counted, value.base, value.exempted)
        for sheet in found.sheets
        for row in sheet.rows
        for key, value in row.values.items()
        if value.base or value.exempted
    }


def scores(found: Board) -> dict[str, str]:
    """Give every score, by card and subject."""
    return {
        f"{sheet.scorecard.removeprefix('urban_mgmt.')} {row.subject.ref}": f"{row.score.score} {row.score.grade}"
        for sheet in found.sheets
        for row in sheet.rows
        if row.score.score is not None
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Give what differs, before and after."""
    return {key: (before.get(key), after.get(key)) for key in {**before, **after} if before.get(key) != after.get(key)}


def behind(town: Town, card: str, subject: str, line: str, part: str, **more: Any) -> FactPage:
    """Open the list behind a number of this year."""
    with town.work() as (session, system):
        actor = more.pop("actor", None) or system
        number = Number(card, more.pop("period", None) or containing("year", clock.now().date()), subject, line, part)  # type: ignore[arg-type]
        return facts_behind(session, actor, number, **more)


def unlike_their_lists(town: Town, found: Board, period: Any = None) -> list[str]:
    """Give every part of every number whose list is not as long as it says."""
    wrong = []
    for sheet in found.sheets:
        for row in sheet.rows:
            for key, value in row.values.items():
                missed = value.base - value.counted
                said = {"counted": value.counted, "base": value.base, "exempted": value.exempted, "missed": missed}
                for part in PARTS:
                    page = behind(town, sheet.scorecard, row.subject.ref, key, part, period=period, limit=500)
                    if not page.total == len(page.facts) == said[part]:
                        wrong.append(f"{sheet.scorecard} {row.subject.ref} {key} {part}: {said[part]} {page.total} {len(page.facts)}")
    return wrong


def somebody(town: Town, username: str, *rights: ScoringRight, **place: str) -> Actor:
    """Give a person with rights at a place."""
    grants = tuple(Grant(right, **place) for right in rights)
    return Actor(town.users[username], town.agency_id, "town", username, grants, clock.now())
