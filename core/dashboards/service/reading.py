"""Which dashboards somebody may open."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.authz import Actor, require_anywhere
from core.dashboards.definition import Dashboard
from core.dashboards.permissions import DashboardRight
from core.definitions import store
from core.definitions.visibility import visible, visible_current
from core.lib.errors import NotFound
from core.lib.text import msg


def list_dashboards(session: Session, actor: Actor) -> list[Dashboard]:
    """List the dashboards of the plugins that are on, by key; raises Forbidden without the right to see any."""
    require_anywhere(actor, DashboardRight.READ)
    found: list[Dashboard] = [store.compiled(version) for version in visible(session, store.list_current(session, "dashboard"))]
    return [dashboard for dashboard in found if _may_open(actor, dashboard)]


def get_dashboard(session: Session, actor: Actor, key: str) -> Dashboard:
    """Give one dashboard; raises NotFound when it is not there, its plugin is off, or its own right is missing."""
    require_anywhere(actor, DashboardRight.READ)
    found: Dashboard = store.compiled(visible_current(session, "dashboard", key))
    if not _may_open(actor, found):
        raise NotFound(msg("dashboards.no_dashboard", key=key))
    return found


def _may_open(actor: Actor, dashboard: Dashboard) -> bool:
    return dashboard.right is None or actor.is_system or dashboard.right in actor.by_right
