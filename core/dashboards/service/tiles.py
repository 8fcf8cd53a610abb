"""Tiles with what they show: numbers and their comparison, rankings, trends, heat; each over what its viewer may see."""

from __future__ import annotations

from datetime import date
from typing import Any

from core.dashboards.definition import Dashboard, Tile
from core.dashboards.service.counting import Series, ranked, series_of
from core.dashboards.service.parting import Asker, Parting
from core.lib.text import listed, msg, say
from core.scoring import periods
from core.scoring.periods import Period, containing
from core.scoring.service import boards
from core.scoring.service.boards import Selection
from core.scoring.service.faces import Face, period_shown
from core.scoring.service.formulas import formula_of, indicator_of
from core.scoring.service.sources import zone_of
from core.scoring.service.visibility import may_see_some
from core.scoring.service.wording import subject_name
from core.scoring.types import Row


def period_of(asker: Asker, kind: str, given: str | None) -> Period:
    """Give the period of a tile: the one asked for, or the one of its kind that today is in."""
    if given is not None:
        return periods.parse(given)
    today: date = asker.actor.now.astimezone(zone_of(asker.session)).date()
    return containing("free" if kind == "today" else kind, today)


def tiles_shown(asker: Asker, dashboard: Dashboard, given: str | None) -> list[dict[str, Any]]:
    """Fill every tile of a dashboard."""
    return [tile_shown(asker, tile, period_of(asker, tile.period, given)) for tile in dashboard.tiles]


def tile_shown(asker: Asker, tile: Tile, period: Period) -> dict[str, Any]:
    """Fill one tile."""
    told = _frame(asker, tile, period)
    if tile.scorecard is not None:
        return told | _scores(asker, tile, period)
    if tile.kind == "trend":
        found = [series_of(asker, key, period, Parting(tile.step)) for key in tile.series]
        return told | {"series": [one.shown(asker.locale) for one in found], "total": len(found[0].values)}
    assert tile.indicator is not None
    if tile.kind in {"count", "rate"}:
        return told | _number(asker, tile, period)
    by = "grid" if tile.kind == "heat" else tile.by
    series = series_of(asker, tile.indicator, period, Parting(by, tile.level))
    values = ranked(series)
    shown = values if tile.kind == "heat" else values[: tile.most]
    return told | {"series": [Series(series.head, series.window, shown).shown(asker.locale)], "total": len(values)}


def _frame(asker: Asker, tile: Tile, period: Period) -> dict[str, Any]:
    _, ends_at = period.bounds(zone_of(asker.session))
    return {
        "key": tile.key,
        "title": _title(asker, tile),
        "kind": tile.kind,
        "width": tile.width,
        "period": period_shown(period, ends_at, asker.actor.now, asker.locale),
        "by": "grid" if tile.kind == "heat" else tile.step if tile.kind == "trend" else tile.by,
        "level": tile.level,
        "scorecard": tile.scorecard,
        "series": [],
        "compared": None,
        "is_alarm": False,
        "total": 0,
        "reason": None,
    }


def _title(asker: Asker, tile: Tile) -> str:
    if tile.title is not None:
        return say(tile.title, asker.locale)
    if tile.scorecard is not None:
        return say(formula_of(asker.session, (tile.scorecard,)).cards[tile.scorecard].title, asker.locale)
    return listed((say(indicator_of(asker.session, key).title, asker.locale) for key in tile.indicators), asker.locale)


def _number(asker: Asker, tile: Tile, period: Period) -> dict[str, Any]:
    assert tile.indicator is not None
    series = series_of(asker, tile.indicator, period, Parting(None))
    shown = series.shown(asker.locale)
    number = shown["values"][0]["value"]
    compared = None
    if tile.compare is not None:
        before = period.before() if tile.compare == "previous" else period.year_ago()
        earlier = series_of(asker, tile.indicator, before, Parting(None))
        title = period_shown(before, series.window.ends_at, asker.actor.now, asker.locale)["title"]
        compared = earlier.value_shown(before.text, title, earlier.whole, asker.locale)
    return {"series": [shown], "compared": compared, "is_alarm": tile.alarm is not None and tile.alarm.rings(number), "total": 1}


def _scores(asker: Asker, tile: Tile, period: Period) -> dict[str, Any]:
    """Rank the subjects of a card, those whose scores the viewer may see: a score goes by its subject, not by the cases in it."""
    key = str(tile.scorecard)
    card = formula_of(asker.session, (key,)).cards[key]
    if not may_see_some(asker.actor, card):
        return {"reason": msg("dashboards.no_scores").text(asker.locale)}
    if period.kind not in card.periods:
        return {"reason": msg("dashboards.not_of_period").text(asker.locale)}
    page = boards.board_page(asker.session, asker.actor, key, Selection(period.text, tile.level, limit=tile.most), asker.locale)
    values = [_scored(row, page.face) for row in page.rows if row.score.score is not None]
    series = {"indicator": None, "title": say(card.title, asker.locale), "unit": "point", "values": values}
    return {"series": [series], "total": page.total}


def _scored(row: Row, face: Face) -> dict[str, Any]:
    score = row.score.score
    colour = next((grade.colour for grade in face.scale.grades if grade.code == row.score.grade), None)
    return {
        "key": row.subject.ref,
        "title": subject_name(row.subject, face.locale),
        "counted": None,
        "base": row.score.volume,
        "value": None if score is None else float(score),
        "text": str(score),
        "grade": colour,
        "is_ranked": row.score.is_ranked,
    }
