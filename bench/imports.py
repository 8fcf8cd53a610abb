"""The measured import: 168,339 components from a CSV file, beside a plain COPY of the same rows.

The world is made up and needs no plugin: 4,225 square unit grids in a scheme of
their own, 44 departments, one ledger with 16-digit codes. The bench runner calls
``prepare`` once and then ``measure_import`` and ``measure_floor`` in turn; each
empties what it fills.
"""

from __future__ import annotations

import csv
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from core.accounts.models import Agency, Department
from core.authz import Actor
from core.db import epoch
from core.db.engine import AgencySession, Database
from core.db.uow import unit_of_work
from core.definitions.models import Definition
from core.grid.models import Grid, GridLevel, GridScheme
from core.ledgers.exchange.jobs import ImportOrder, create_import
from core.ledgers.exchange.running import run_import
from core.ledgers.models import ImportJob
from core.ledgers.types import ImportState

ROWS = 168_339
SIDE = 65
WEST, SOUTH, EAST, NORTH = 116.366, 39.856, 116.446, 39.974
KINDS = 56
DEPARTMENTS = 44
NOW = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
LEDGER = "bench.component"
NAMES = ("上水井盖", "污水井盖", "雨水箅子", "路灯", "行道树", "公厕", "果皮箱", "交通信号灯", "报刊亭", "消火栓", "电话亭", "健身设施")


@dataclass(frozen=True)
class World:
    """What a measured import needs."""

    database: Database
    agency_id: int
    file: Path
    folder: Path
    rows: int


def prepare(database: Database, folder: Path, *, rows: int = ROWS) -> World:
    """Make the agency, the grids, the definitions and the file."""
    with AgencySession(database.owner_engine, agency_id=None) as session:
        agency = Agency(key="bench_imports", title={"zh_CN": "测", "en": "Bench"}, origin_lon=116.41, origin_lat=39.91)
        agency.settings = {"county": "110101"}
        agency.scheme_key = "bench_imports"
        session.add(agency)
        session.flush()
        _make_grids(session, agency.id)
        session.execute(insert(Definition), [_definition(agency.id, kind, content) for kind, content in definitions()])
        departments = [
            {"agency_id": agency.id, "code": f"D{number:02d}", "name": f"测试单位{number:02d}", "path": str(number)}
            for number in range(1, DEPARTMENTS + 1)
        ]
        session.execute(insert(Department), departments)
        epoch.bump(session)
        session.commit()
        agency_id = agency.id
    file = folder / "components.csv"
    write_components(file, rows)
    return World(database, agency_id, file, folder, rows)


def definitions() -> list[tuple[str, dict[str, Any]]]:
    """Give the catalogue, the form and the ledger of the bench."""
    title = {"zh_CN": "部件", "en": "Component"}
    items = [{"code": kind_code(number), "title": {"zh_CN": NAMES[number % len(NAMES)], "en": f"Kind {number}"}} for number in range(KINDS)]
    catalogue = {"key": "bench.kinds", "title": title, "items": items}
    form = {
        "key": "bench.component_form",
        "title": title,
        "fields": [
            {
                "id": "kind",
                "type": "catalogue",
                "catalogue": "bench.kinds",
                "label": {"zh_CN": "小类", "en": "Kind"},
                "required": True,
                "index": True,
            },
            {"id": "name", "type": "text", "label": {"zh_CN": "名称", "en": "Name"}, "required": True, "max_length": 120},
            {"id": "place", "type": "text", "label": {"zh_CN": "位置", "en": "Place"}, "max_length": 200},
            {
                "id": "accuracy_class",
                "type": "choice",
                "label": {"zh_CN": "精度", "en": "Accuracy"},
                "options": [{"value": value, "label": {"zh_CN": f"{value.upper()}类", "en": value}} for value in "abc"],
            },
            {"id": "quantity", "type": "integer", "label": {"zh_CN": "数量", "en": "Quantity"}, "min": 1, "max": 100_000},
            {"id": "surveyed_on", "type": "date", "label": {"zh_CN": "普查日期", "en": "Surveyed on"}},
        ],
    }
    roles = {
        key: {"title": {"zh_CN": zh, "en": key.title()}}
        for key, zh in (("maintainer", "养护单位"), ("owner", "权属单位"), ("authority", "主管部门"))
    }
    ledger = {
        "key": LEDGER,
        "title": title,
        "form": form["key"],
        "geometry": "point",
        "title_field": "name",
        "departments": roles,
        "code": {"segments": [{"from": "agency.county", "digits": 6}, {"from": "field.kind", "digits": 4}, {"serial": 6}]},
    }
    return [("catalogue", catalogue), ("form", form), ("ledger", ledger)]


def kind_code(number: int) -> str:
    """Give the four digits of a kind."""
    return f"{number // 10 + 1:02d}{number % 10 + 1:02d}"


def write_components(file: Path, rows: int) -> None:
    """Write the file as a survey would deliver it: Chinese headings, GCJ-02 positions."""
    chance = random.Random(20260318)
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["小类", "名称", "位置", "精度", "数量", "普查日期", "经度", "纬度", "养护单位", "权属单位", "主管部门"])
        for number in range(rows):
            kind = chance.randrange(KINDS)
            lon, lat = chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)
            street = f"示例路{chance.randrange(400)}号"
            departments = [f"D{chance.randrange(1, DEPARTMENTS + 1):02d}" for _ in range(3)]
            writer.writerow(
                [kind_code(kind), f"{street}{NAMES[kind % len(NAMES)]}", f"{street}门前{number % 97}米", chance.choice(["A类", "B类", "C类"]), "1",
                 f"2025-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}", f"{lon:.8f}", f"{lat:.8f}", *departments]
            )  # fmt: skip


def measure_import(world: World) -> float:
    """Empty the ledger, import the file and give the seconds it took, from reading to the last commit."""
    _empty(world)
    actor = Actor(None, world.agency_id, "bench_imports", "bench", (), NOW, is_system=True)

    def unit() -> Any:
        return unit_of_work(world.database, world.agency_id)

    with unit() as session, world.file.open("rb") as stream:
        order = ImportOrder(LEDGER, world.file.name, "gcj02")
        job_id = create_import(session, actor, order, stream, store_url=f"file://{world.folder}/kept").id
    began = time.perf_counter()
    state = run_import(unit, job_id, now=NOW, actor=actor)
    seconds = time.perf_counter() - began
    with unit() as session:
        job = session.get_one(ImportJob, (world.agency_id, job_id))
        if state is not ImportState.DONE or job.created_count != world.rows:
            raise AssertionError(f"the import ended {state} with {job.created_count} of {world.rows} rows: {job.failure}")
    return seconds


def measure_floor(world: World) -> float:
    """Give the seconds of a plain COPY of the same rows into a table with the same columns and indexes, without policies, keys or triggers."""
    connection: Any = world.database.owner_engine.raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS record_floor")
            cursor.execute("CREATE TABLE record_floor (LIKE record INCLUDING ALL)")
            dumped = world.folder / "floor.copy"
            with (
                dumped.open("wb") as file,
                cursor.copy(f"COPY (SELECT * FROM record WHERE agency_id = {world.agency_id} ORDER BY id) TO STDOUT") as copy,
            ):
                for block in copy:
                    file.write(block)
        connection.commit()
        began = time.perf_counter()
        with connection.cursor() as cursor, dumped.open("rb") as file:
            with cursor.copy("COPY record_floor FROM STDIN") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
        connection.commit()
        seconds = time.perf_counter() - began
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE record_floor")
        connection.commit()
    finally:
        connection.close()
    return seconds


def run(database: Database, folder: Path, *, rounds: int = 3) -> dict[str, Any]:
    """Measure import and floor in turn and give the figures, the best of each."""
    world = prepare(database, folder)
    pairs = [(measure_import(world), measure_floor(world)) for _ in range(rounds)]
    took, floor = (min(one) for one in zip(*pairs, strict=True))
    return {
        "rows": world.rows,
        "seconds": round(took, 2),
        "floor_seconds": round(floor, 2),
        "ratio": round(took / floor, 2),
        "goal": 6.0,
        "rounds": pairs,
    }


def _empty(world: World) -> None:
    with world.database.owner_engine.begin() as connection:
        for table in ("record_event", "record_relation", "record", "record_serial", "import_problem", "import_job"):
            connection.execute(text(f"DELETE FROM {table} WHERE agency_id = :agency"), {"agency": world.agency_id})
    with world.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM record"))


def _definition(agency_id: int, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "agency_id": agency_id, "kind": kind, "key": content["key"], "version": 1, "status": "published", "content": content,
        "checksum": f"bench-{kind}-{abs(hash(json.dumps(content))):x}"[:64], "origin": "bench", "created_at": NOW, "published_at": NOW,
    }  # fmt: skip


def _make_grids(session: Session, agency_id: int) -> None:
    scheme = GridScheme(
        key="bench_imports", title={"zh_CN": "测", "en": "Bench"}, owner_agency_id=agency_id, origin_lon=116.41, origin_lat=39.91
    )
    session.add(scheme)
    session.flush()
    level = GridLevel(scheme_id=scheme.id, key="unit_grid", title={"zh_CN": "单元网格", "en": "Unit grid"}, depth=0)
    session.add(level)
    session.flush()
    width, height = (EAST - WEST + 0.02) / SIDE, (NORTH - SOUTH + 0.02) / SIDE
    rows = []
    for number in range(SIDE * SIDE):
        west, south = WEST - 0.01 + number % SIDE * width, SOUTH - 0.01 + number // SIDE * height
        east, north = west + width, south + height
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        code = f"{number + 1:015d}"
        rows.append(
            {"scheme_id": scheme.id, "level_id": level.id, "code": code, "name": f"单元网格{number + 1}", "name_pinyin": "", "search": code,
             "path": f"bench_imports.{code}", "polygon": {"type": "Polygon", "coordinates": [ring]}, "west": west, "south": south, "east": east,
             "north": north, "area_m2": 1.0, "lon": (west + east) / 2, "lat": (south + north) / 2, "valid_from": NOW}
        )  # fmt: skip
    session.execute(insert(Grid), rows)
    assert session.scalar(select(Grid.id).where(Grid.scheme_id == scheme.id).limit(1)) is not None
