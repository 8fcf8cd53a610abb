"""Two agencies of this folder's own with a small ledger; imports commit, so nothing here is rolled back."""

from __future__ import annotations

import csv
import io
import itertools
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, text

from core.accounts.models import Agency, Department
from core.authz import Actor, Grant
from core.db import epoch
from core.db.engine import AgencySession
from core.db.uow import unit_of_work
from core.definitions.check import checksum_of
from core.definitions.installed import import_compilers
from core.definitions.models import Definition
from core.definitions.registry import compiler_of
from core.grid.models import Grid, GridLevel, GridScheme
from core.http import serve
from core.http.application import WebApplication
from core.http.work import Frame, Identity
from core.ledgers.exchange.jobs import ImportOrder, create_import
from core.ledgers.exchange.running import run_import
from core.ledgers.models import ImportJob, ImportProblem, Record
from core.ledgers.permissions import LedgerRight
from core.ledgers.service.reading import surroundings
from core.ledgers.types import ImportMode
from core.ledgers.views import routes

import_compilers()

NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
WEST, SOUTH, STEP = 116.40, 39.90, 0.001
KEY = "test.asset"
TITLE = {"zh_CN": "资产", "en": "Asset"}


def _text(name, zh, **more):
    return {"id": name, "type": "text", "label": {"zh_CN": zh, "en": name.title()}, **more}


CATALOGUE = {"key": "test.kinds", "title": TITLE, "items": [{"code": code, "title": TITLE} for code in ("0101", "0102", "0203")]}
FORM = {
    "key": "test.asset_form",
    "title": TITLE,
    "fields": [
        {
            "id": "kind",
            "type": "catalogue",
            "catalogue": "test.kinds",
            "label": {"zh_CN": "小类", "en": "Kind"},
            "required": True,
            "index": True,
        },
        _text("name", "名称", required=True, max_length=60),
        _text("note", "备注", max_length=500),
        {"id": "size", "type": "decimal", "digits": 2, "min": 0, "label": {"zh_CN": "尺寸", "en": "Size"}},
        {"id": "count", "type": "integer", "min": 1, "label": {"zh_CN": "数量", "en": "Count"}},
        {"id": "surveyed_on", "type": "date", "label": {"zh_CN": "普查日期", "en": "Surveyed on"}},
        {"id": "public", "type": "boolean", "label": {"zh_CN": "公用", "en": "Public"}},
        {
            "id": "grade",
            "type": "choice",
            "label": {"zh_CN": "等级", "en": "Grade"},
            "options": [{"value": "a", "label": {"zh_CN": "甲", "en": "First"}}, {"value": "b", "label": {"zh_CN": "乙", "en": "Second"}}],
        },
        {"id": "photos", "type": "photo", "max_count": 5, "label": {"zh_CN": "照片", "en": "Photos"}},
        {"id": "parent", "type": "record", "ledger": KEY, "label": {"zh_CN": "上级", "en": "Parent"}},
        _text("keeper_phone", "联系电话", personal=True, max_length=20),
    ],
}
RULED = {
    "key": "test.ruled_form",
    "title": TITLE,
    "fields": [
        _text("name", "名称", required=True),
        {"id": "rooms", "type": "integer", "min": 0, "label": {"zh_CN": "房间", "en": "Rooms"}},
        {"id": "exit", "type": "boolean", "label": {"zh_CN": "出口", "en": "Exit"}, "visible": "rooms > 3", "required": "rooms > 3"},
        {"id": "double", "type": "computed", "result": "integer", "value": "rooms * 2", "label": {"zh_CN": "两倍", "en": "Double"}},
    ],
    "checks": [{"rule": "rooms < 100", "message": {"zh_CN": "房间太多", "en": "Too many rooms"}, "at": "rooms"}],
}
LEDGER = {
    "key": KEY,
    "title": TITLE,
    "form": FORM["key"],
    "geometry": "point",
    "title_field": "name",
    "departments": {
        "maintainer": {"title": {"zh_CN": "养护单位", "en": "Maintainer"}},
        "owner": {"title": {"zh_CN": "权属单位", "en": "Owner"}},
    },
    "code": {"segments": [{"from": "agency.county", "digits": 6}, {"from": "field.kind", "digits": 4}, {"serial": 6}]},
}
ROOMS = {"key": "test.rooms", "title": TITLE, "form": RULED["key"], "geometry": "polygon"}


class World:
    """One agency, its ledger, and short ways to do what a test does."""

    def __init__(self, database, agency, folder):
        self.database, self.agency, self.folder = database, agency, folder
        self.system = Actor(None, agency.id, agency.key, "system", (), NOON, is_system=True)

    def unit(self):
        return unit_of_work(self.database, self.agency.id)

    def actor(self, rights=tuple(LedgerRight), *, grid_path=None, department_path=None):
        grants = tuple(Grant(str(right), grid_path, department_path) for right in rights)
        return Actor(None, self.agency.id, self.agency.key, "tester", grants, NOON)

    @contextmanager
    def around(self, actor=None, key=KEY):
        with self.unit() as session:
            yield session, surroundings(session, actor or self.system, key)

    def order(self, content, *, name="file.csv", actor=None, key=KEY, crs="wgs84", mode="insert", dry_run=False, mapping=None):
        with self.unit() as session:
            order = ImportOrder(key, name, crs, mode=ImportMode(mode), dry_run=dry_run, mapping=mapping)
            return create_import(session, actor or self.system, order, io.BytesIO(content), store_url=f"file://{self.folder}").id

    def run(self, job_id, **options):
        run_import(self.unit, job_id, now=NOON, **options)
        return self.job(job_id)

    def take(self, content, *, chunk_rows=20_000, **options):
        return self.run(self.order(content, **options), chunk_rows=chunk_rows)

    def job(self, job_id):
        with self.unit() as session:
            job = session.get_one(ImportJob, (self.agency.id, job_id))
            session.expunge_all()
        return job

    def problems(self, job):
        with self.unit() as session:
            rows = session.scalars(select(ImportProblem).where(ImportProblem.import_job_id == job.id).order_by(ImportProblem.row)).all()
            return {row.row: [(one["target"], one["key"]) for one in row.problems] for row in rows}

    def records(self, key=KEY):
        with self.unit() as session:
            found = session.scalars(select(Record).where(Record.ledger_key == key).order_by(Record.code)).all()
            session.expunge_all()
        return found


def table(*rows, encoding="utf-8", newline="\r\n"):
    """Write rows as CSV bytes."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=newline).writerows(rows)
    return buffer.getvalue().encode(encoding)


@pytest.fixture(scope="session")
def csv_of():
    return table


_numbers = itertools.count(1)


def _make_agency(session, name):
    number = next(_numbers)
    agency = Agency(key=f"{name}_{number}", title=TITLE, origin_lon=WEST, origin_lat=SOUTH, scheme_key=f"{name}_{number}")
    agency.settings = {"county": "110101"}
    session.add(agency)
    session.flush()
    scheme = GridScheme(key=agency.scheme_key, title=TITLE, owner_agency_id=agency.id, origin_lon=WEST, origin_lat=SOUTH)
    session.add(scheme)
    session.flush()
    levels = [GridLevel(scheme_id=scheme.id, key=key, title=TITLE, depth=depth) for depth, key in enumerate(("street", "unit_grid"))]
    session.add_all(levels)
    session.flush()
    _make_grids(session, scheme, levels)
    session.execute(
        insert(Department),
        [{"agency_id": agency.id, "code": f"D{n}", "name": f"单位{n}", "path": f"{n}"} for n in range(1, 5)],
    )
    for kind, content in (("catalogue", CATALOGUE), ("form", FORM), ("form", RULED), ("ledger", LEDGER), ("ledger", ROOMS)):
        session.execute(insert(Definition).values(**_definition(agency.id, kind, content)))
    return agency


def _make_grids(session, scheme, levels):
    """One street of 4 x 4 unit squares, and an empty street beside it."""

    def values(code, level, path, parent, column=None, row=None):
        shape = {}
        if column is not None:
            west, south = WEST + column * STEP, SOUTH + row * STEP
            ring = [[west, south], [west + STEP, south], [west + STEP, south + STEP], [west, south + STEP], [west, south]]
            shape = {"polygon": {"type": "Polygon", "coordinates": [ring]}, "west": west, "south": south, "east": west + STEP,
                     "north": south + STEP, "area_m2": 1.0, "lon": west + STEP / 2, "lat": south + STEP / 2}  # fmt: skip
        return {"scheme_id": scheme.id, "level_id": level.id, "code": code, "name": code, "name_pinyin": "", "search": code,
                "path": path, "parent_id": parent, "valid_from": NOON, **shape}  # fmt: skip

    root = scheme.key
    streets = [session.scalar(insert(Grid).values(values(f"S{n}", levels[0], f"{root}.S{n}", None)).returning(Grid.id)) for n in (1, 2)]
    units = [values(f"U{n:02d}", levels[1], f"{root}.S1.U{n:02d}", streets[0], n % 4, n // 4) for n in range(16)]
    session.execute(insert(Grid), units)


def _definition(agency_id, kind, content):
    compiler = compiler_of(kind)
    ready = compiler.prepare(content, SimpleNamespace(find=lambda *_: None)) if compiler.prepare else content
    return {"agency_id": agency_id, "kind": kind, "key": content["key"], "version": 1, "status": "published", "content": ready,
            "checksum": checksum_of(ready), "origin": "test", "created_at": NOON, "published_at": NOON}  # fmt: skip


@pytest.fixture
def make_world(database, tmp_path):
    """Make an agency with everything a ledger needs; its rows are other tests' concern no more than theirs are its."""
    made = []

    def make(name="ledgers"):
        with AgencySession(database.owner_engine, agency_id=None) as session:
            agency = _make_agency(session, name)
            epoch.bump(session)
            session.commit()
            session.refresh(agency)
            session.expunge_all()
        made.append(agency)
        return World(database, agency, tmp_path)

    return make


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def client(world, settings):
    """An application of the ledgers' routes alone; whoever asks holds the rights set on ``client.actor``."""

    class Authenticator:
        def identify(self, _request):
            return Identity(0, "", None)

        def agency_id(self, _identity):
            return world.agency.id

        def actor(self, session, _identity, **_options):
            epoch.epoch(session)
            return application.actor

    application = WebApplication("ledgers")
    application.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes
    application.actor = world.actor()
    application.extensions["wangge"] = Frame(settings, world.database, Authenticator())
    serve.mount(application, [routes])
    found = application.test_client()
    found.wangge = application
    return found


@pytest.fixture
def sql(database):
    """Run SQL as the application role, for an agency or for none."""

    def run(agency, statement, **parameters):
        with AgencySession(database.app_engine, agency_id=agency.id if agency else None) as session:
            return session.execute(text(statement), parameters).all()

    return run
