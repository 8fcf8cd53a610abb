"""The holidays that this installation knows of: written at its start and after each upgrade, and followed by its agencies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core.accounts.models import Agency
from core.authz import Actor
from core.db.engine import AgencySession, Database
from core.db.uow import commit, unit_of_work
from core.holidays.seed import seed
from core.holidays.service import rework_year
from core.holidays.types import Seeded


def seed_installed(database: Database, *, now: datetime) -> Seeded:
    """Write the published holidays and commit; then work out again what was provisional in every agency.

    The parts must be loaded, or nobody follows. Run again it changes nothing.
    """
    with AgencySession(database.owner_engine, agency_id=None) as session:
        seeded = seed(session)
        agencies = session.execute(select(Agency.id, Agency.key).order_by(Agency.id)).all() if seeded.new_years else []
        commit(session)
    for agency_id, key in agencies:
        with unit_of_work(database, agency_id) as inside:
            actor = Actor(None, agency_id, key, "system", (), now, is_system=True)
            for year in seeded.new_years:
                rework_year(inside, actor, year)
    return seeded
