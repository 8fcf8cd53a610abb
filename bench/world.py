"""The bench's own installation: the demo district under ``var/bench``, filled up to a million cases by the bulk history import."""

from __future__ import annotations

import gc
import io
import os
import random
import resource
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import parts
from core.accounts.signin import passwords
from core.api.accounts import NewUser, RolePlace, assign_role, create_user
from core.attachments import service as attachments
from core.attachments.store import Store
from core.authz import Actor
from core.cli.database import components
from core.db import migrate
from core.db.embedded import EmbeddedPostgres
from core.db.engine import AgencySession, Database
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.definitions.installed import sync_installed
from core.holidays.seed import seed as seed_holidays
from core.settings import Settings
from core.workflow.models import Case, CaseEvent
from core.workflow.service import reporting
from core.workflow.service.bulk import PastCase, PastStep, import_history
from core.workflow.types import EventFacts
from plugins.urban_mgmt.demo.seed import seed

PASSWORD = "a-bench-password-1"  # of a throw-away installation on loopback


@dataclass
class World:
    """A seeded installation and how to reach it."""

    settings: Settings
    database: Database
    env: dict[str, str]
    agency_id: int
    path: str
    """The path of the street to which the measured list is limited."""

    def address(self) -> str:
        """Give the owner role's address for the floor."""
        return self.database.owner_url.replace("postgresql+psycopg://", "postgresql://")


def prepare(folder: Path) -> World:
    """Make the installation anew."""
    env = {
        "WANGGE_VAR": str(folder.absolute()),
        "WANGGE_SECRET_KEY": secrets.token_urlsafe(48),
        "WANGGE_JWT_SECRET_KEY": secrets.token_urlsafe(48),
    }
    os.environ.update(env)
    settings = Settings.from_env()
    urls = EmbeddedPostgres.of(settings).ensure()
    database = Database(app_url=urls.app, owner_url=urls.owner, scan_url=urls.scan)
    parts.load()
    with database.owner_engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        for extension in ("ltree", "pg_trgm", "btree_gist"):
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
    migrate.upgrade(database.owner_engine, components())
    with database.owner_engine.begin() as connection:
        connection.execute(text(_FLOOR_TABLES))
    sync_installed(database, now=datetime.now(UTC))
    with AgencySession(database.owner_engine, agency_id=None) as session:
        seed_holidays(session)
        session.commit()
    seed(database, settings=settings, progress=lambda *_: None)
    _make_street_reader(database)
    with database.owner_engine.begin() as connection:
        connection.execute(
            text("UPDATE ab_user SET password = :hash WHERE password IS NOT NULL"), {"hash": passwords.hash_password(PASSWORD)}
        )
        agency_id = connection.execute(text("SELECT id FROM agency WHERE key = 'dongcheng'")).scalar_one()
        path = connection.execute(text("SELECT path::text FROM grid WHERE code = '110101010'")).scalar_one()
    return World(settings, database, env, agency_id, path)


def _make_street_reader(database: Database) -> None:
    """Make somebody whose scope is one street of seventeen."""
    with database.owner_engine.connect() as connection:
        agency_id = connection.execute(text("SELECT id FROM agency WHERE key = 'dongcheng'")).scalar_one()
        street = connection.execute(text("SELECT id FROM grid WHERE code = '110101010'")).scalar_one()
    actor = Actor(None, agency_id, "dongcheng", "system", (), datetime.now(UTC), is_system=True)
    with unit_of_work(database, agency_id) as session:
        member = create_user(session, actor, NewUser("street_reader", "测", password=PASSWORD, must_change_password=False))
        assign_role(session, actor, user_id=member.user_id, role_key="urban_mgmt.inspector", place=RolePlace(grid_id=street))


_FLOOR_TABLES = """
CREATE TABLE floor_case (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, status text DEFAULT 'new', grid_id bigint REFERENCES grid (id),
  component_id bigint, lon float8, lat float8, data jsonb, created_at timestamptz);
CREATE INDEX ON floor_case (grid_id, status, created_at DESC);
CREATE INDEX ON floor_case (component_id);
"""


def fill(world: World, upto: int, *, opened: int = 0) -> dict[str, Any]:
    """Import past cases until there are ``upto``, so many of them ``opened``; say how many came, how fast, and what it took."""
    actor = Actor(None, world.agency_id, "dongcheng", "system", (), datetime.now(UTC), is_system=True)
    with unit_of_work(world.database, world.agency_id) as session:
        present = session.query(Case).count()
        templates = _templates(session)
        messages = session.query(OutboxMessage).count()
    gc.collect()
    gc.freeze()  # the patterns stay: no collection need look at them again
    started, used = time.perf_counter(), time.process_time()
    brought = sum(report.imported for report in import_history(world.database, actor, _copies(templates, upto - present, present, opened)))
    seconds, used = time.perf_counter() - started, time.process_time() - used
    with unit_of_work(world.database, world.agency_id) as session:
        if session.query(OutboxMessage).count() != messages:
            raise SystemExit("the import of history left messages")
    with world.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) cases"))
        connection.execute(text("ANALYZE case_event"))
    return {
        "cases": brought,
        "seconds": round(seconds, 1),
        "cases_per_second": round(brought / max(seconds, 0.001)),
        "importer_cpu_seconds": round(used, 1),
        "importer_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def photo_of_inspector(world: World) -> str:
    """Keep a photo of the inspector's own, as a phone uploads it before the report; give its uuid."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 30)).save(out, "JPEG")
    with unit_of_work(world.database, world.agency_id) as session:
        taken = attachments.Taken(stage="report")
        kept = attachments.keep(session, _inspector(world), Store.of(world.settings), name="photo.jpg", data=out.getvalue(), taken=taken)
        return str(kept.uuid)


def _inspector(world: World) -> Actor:
    with world.database.owner_engine.connect() as connection:
        user = connection.execute(text("SELECT id FROM ab_user WHERE username = 'inspector'")).scalar_one()
    return Actor(user, world.agency_id, "dongcheng", "inspector", (), datetime.now(UTC), is_system=True)


def report_many(world: World, count: int) -> list[str]:
    """Report cases through the service, as the form would; give their numbers."""
    numbers: list[str] = []
    actor = _inspector(world)
    data = {
        "source": "inspector",
        "kind": "event",
        "event_class": "e0113",
        "description": "待立案",
        "position": {"lon": 116.41, "lat": 39.915},
        "photos": [photo_of_inspector(world)],
    }
    for _ in range(count // 500):
        with unit_of_work(world.database, world.agency_id) as session:
            numbers += [reporting.report_case(session, actor, workflow="urban_mgmt.case", data=data).number for _ in range(500)]
    return numbers


def _templates(session: Session) -> list[PastCase]:
    """Take the demo's walked cases as patterns, each shortened to its first, second and last step."""
    found = []
    for case in session.scalars(select(Case).where(Case.parent_id.is_(None)).order_by(Case.id).limit(4000)):
        columns = {column.name: getattr(case, column.name) for column in Case.__table__.columns if column.computed is None}
        events = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.sequence)).all()
        kept = [events[0], *events[1:2], *([events[-1]] if len(events) > 2 else [])]
        steps = [PastStep(EventFacts(e.verb, e.from_state, e.to_state, e.at, e.actor_id), e.data, e.form_id) for e in kept]
        place = {name: columns[name] for name in ("grid_id", "located", "lon", "lat", "xy")}
        found.append(PastCase("", case.workflow, case.definition_id, case.title, columns, place, case.reported_at, steps, case.reporter_id))
    return found


def _copies(templates: list[PastCase], count: int, first: int, opened_of_them: int) -> Iterator[PastCase]:
    """Make ``count`` cases of the years before, of the same patterns, the first ones still open."""
    chance = random.Random(7)  # reproducible
    closed = [one for one in templates if one.columns["category"] == "closed"]
    opened = [one for one in templates if one.columns["category"] == "open"]
    for number in range(count):
        pattern = chance.choice(opened if number < opened_of_them else closed)
        back = timedelta(seconds=90 * 86_400 + int(chance.random() * 1_910 * 86_400))
        columns = dict(pattern.columns)
        for name in ("state_entered_at", "closed_at", "due_at", "warn_at"):
            if columns[name]:
                columns[name] -= back
        yield PastCase(
            f"H{first + number:09d}", pattern.workflow, pattern.definition_id, pattern.title, columns, pattern.place,
            pattern.reported_at - back, [_earlier(step, back) for step in pattern.steps], pattern.reporter_id,
        )  # fmt: skip


def _earlier(step: PastStep, back: timedelta) -> PastStep:
    told = step.facts
    return PastStep(EventFacts(told.verb, told.from_state, told.to_state, told.at - back, told.actor_id), step.data, step.form_id)
