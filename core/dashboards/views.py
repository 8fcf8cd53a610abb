"""Dashboards over HTTP: tiles with what their viewer may see, and the list behind each number."""

from __future__ import annotations

from typing import Any

from core.authz import require_anywhere
from core.dashboards import schemas
from core.dashboards.permissions import DashboardRight
from core.dashboards.service.counting import facts_of, series_of
from core.dashboards.service.parting import Asker, Parting
from core.dashboards.service.reading import get_dashboard, list_dashboards
from core.dashboards.service.tiles import tiles_shown
from core.facts.service import known_until
from core.http.routes import Routes
from core.http.work import Work
from core.lib.text import say
from core.scoring import periods
from core.scoring.schemas import FactPageSchema
from core.scoring.service.faces import period_shown
from core.scoring.service.lists import facts_shown

routes = Routes("dashboards")


@routes.get("/dashboards", answers={200: schemas.DashboardListSchema})
def list_all(work: Work) -> dict[str, Any]:
    """List the dashboards that you may open."""
    found = list_dashboards(work.session, work.actor)
    return {"items": [{"key": one.key, "title": say(one.title, work.locale)} for one in found]}


@routes.get("/dashboards/<key>", query=schemas.DashboardQuery, answers={200: schemas.DashboardSchema})
def show_dashboard(work: Work, key: str, query: dict[str, Any]) -> dict[str, Any]:
    """Show a dashboard over what you may see."""
    dashboard = get_dashboard(work.session, work.actor, key)
    tiles = tiles_shown(_asker(work), dashboard, query.get("period"))
    return {"key": dashboard.key, "title": say(dashboard.title, work.locale), "tiles": tiles, **_times(work)}


@routes.get("/indicators/<key>/values", query=schemas.IndicatorQuery, answers={200: schemas.IndicatorValuesSchema})
def list_values(work: Work, key: str, query: dict[str, Any]) -> dict[str, Any]:
    """Give the values of an indicator over what you may see."""
    require_anywhere(work.actor, DashboardRight.READ)
    found = series_of(_asker(work), key, periods.parse(query["period"]), Parting(query["by"], query.get("level")))
    shown = period_shown(found.window.period, found.window.ends_at, work.actor.now, work.locale)
    return {"period": shown, "series": found.shown(work.locale), **_times(work)}


@routes.get("/indicators/<key>/facts", query=schemas.IndicatorFactsQuery, answers={200: FactPageSchema})
def list_facts(work: Work, key: str, query: dict[str, Any]) -> dict[str, Any]:
    """List what stands behind a value: as many as the value says."""
    require_anywhere(work.actor, DashboardRight.READ)
    parting = Parting(query["by"], query.get("level"))
    wanted = {"value": query["value"], "part": query["part"], "after": query["after"], "limit": query["limit"]}
    indicator, page = facts_of(_asker(work), key, periods.parse(query["period"]), parting, **wanted)
    items = facts_shown(work.session, work.actor, indicator, page.facts, work.locale)
    return {"items": items, "next": page.after, "part": query["part"], "total": page.total}


def _asker(work: Work) -> Asker:
    return Asker(work.session, work.actor, work.locale)


def _times(work: Work) -> dict[str, Any]:
    as_of = known_until(work.session)
    return {"as_of": as_of, "lag_seconds": max(0.0, round((work.actor.now - as_of).total_seconds(), 1))}
