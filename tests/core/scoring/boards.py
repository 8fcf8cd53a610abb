"""Asking for boards in tests, and the numbers of one laid out flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert

from core.authz import Actor, Grant
from core.db.engine import AgencySession
from core.db.epoch import bump
from core.definitions import store
from core.definitions.check import check
from core.definitions.load import load_folder
from core.definitions.models import Definition
from core.facts.service import catch_up
from core.lib import clock
from core.scoring.periods import containing
from core.scoring.permissions import ScoringRight
from core.scoring.service import facts_behind, scoreboard
from core.scoring.types import PARTS, Asked, Board, FactPage, Number, Row, Sheet
from tests.journeys.town import Town

FILES = Path(__file__).parent / "definitions" / "town"
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


def put_into_force(town: Town) -> None:
    """Put the town's own cards into force, checked as any file is."""
    loaded = load_folder(FILES, origin="plugin:urban_mgmt@test", prefix="urban_mgmt")
    with AgencySession(town.database.owner_engine, agency_id=None) as session:
        outcome = check([loaded], store.StoredDefinitions(session))
        assert list(outcome.problems) == []
        for one in outcome.prepared:
            values = {"kind": one.kind, "key": one.key, "version": 1, "status": "published", "content": one.content}
            more = {"checksum": one.checksum, "origin": one.origin, "published_at": clock.now()}
            session.execute(insert(Definition).values(**values, **more))
        bump(session)
        session.commit()


def sheet(town: Town, name: str, **more: Any) -> Sheet:
    """Give one card of this year."""
    found: Board = board(town, f"urban_mgmt.{name}", **more)
    return found.sheets[0]


def row(town: Town, name: str, subject: str, **more: Any) -> Row:
    """Give one subject's row of a card."""
    return next(one for one in sheet(town, name, **more).rows if one.subject.ref == subject)
