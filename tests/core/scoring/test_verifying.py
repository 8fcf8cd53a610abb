"""Proving publications: one flipped byte anywhere is found and named, and taken back it is sound again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text

from core.authz.console import Console
from core.lib.terminal import Terminal
from core.scoring.commands import score
from core.scoring.models import Publication
from core.scoring.service.verifying import Proof, verify
from core.settings import Settings
from tests.core.scoring.stage import AREA, DEPARTMENT, Stage
from tests.journeys.town import Town


@pytest.fixture(scope="module")
def stage(town: Town) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        yield Stage(town, patch)
    town.tokens.clear()


@pytest.fixture(scope="module")
def published(stage: Stage) -> dict[str, str]:
    """Both cards published, and the department's revised after an appeal."""
    first = {key: one["uuid"] for key, one in stage.publish().items()}
    stage.appeal(stage.late)
    proposed = stage.post(f"/publications/{first[DEPARTMENT]}/revisions", status=201)
    stage.post(f"/publications/{proposed['uuid']}/publish", {"reason": "申诉成立"})
    return {"area": first[AREA], "department": first[DEPARTMENT], "revision": proposed["uuid"]}


def proof(stage: Stage, uuid: str) -> Proof:
    with stage.town.work() as (session, actor):
        found = session.scalars(select(Publication).where(Publication.uuid == UUID(uuid))).one()
        return verify(session, actor, found)


def faults(stage: Stage, uuid: str) -> set[str]:
    return {fault.reason.key.removeprefix("scoring.verify_") for fault in proof(stage, uuid).faults}


@contextmanager
def tampered(stage: Stage, table: str, change: str, where: str) -> Iterator[None]:
    """Change a row as somebody with the keys to the server might, and put it back."""
    with stage.town.database.owner_engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {where}"))
        place = connection.execute(text(f"UPDATE {table} SET {change} WHERE {where} RETURNING ctid::text")).scalar_one()
    try:
        yield
    finally:
        columns = change.partition(" = ")[0]
        with stage.town.database.owner_engine.begin() as connection:
            connection.execute(text(f"UPDATE {table} SET {columns} = (SELECT {columns} FROM kept) WHERE ctid = '{place}'"))
            connection.execute(text("DROP TABLE kept"))
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def test_what_was_published_is_sound(stage: Stage, published: dict[str, str]) -> None:
    for uuid in published.values():
        found = proof(stage, uuid)
        assert (list(found.faults), found.is_recounted) == ([], True)


def case_id(stage: Stage, number: str) -> int:
    return stage.town.found(number).id


@pytest.mark.parametrize(
    ("table", "change", "where", "named"),
    [
        ("publication_result", "score = 85.01", "subject = 'department:E01' AND score = 85", {"row"}),
        ("publication_result", "grade = 'a'", "subject = 'department:E01' AND score = 85", {"row"}),
        ("publication_result", "lines = replace(lines::text, '\"counted\": 1', '\"counted\": 2')::jsonb", "subject = 'department:E01' AND score = 85", {"row"}),
        ("snapshot", "sha256 = sha256('x')", "id = :first", {"digest"}),
        ("snapshot", "cases = 3", "id = :first", {"digest"}),
        ("frozen_case", "chain_head = sha256('x')", "case_id = :late AND snapshot_id = :first", {"digest", "head"}),
        ("frozen_case", "state = 'void'", "case_id = :late AND snapshot_id = :first", {"head"}),
        ("frozen_case", "missed_at = NULL", "case_id = :late AND snapshot_id = :first", {"missed"}),
        ("frozen_case", "missed_at = done_at", "case_id = :in_time AND snapshot_id = :first", {"missed"}),
        ("frozen_holding", "missed_at = NULL", "case_id = :late AND snapshot_id = :first", {"row"}),
        ("frozen_task", "due_at = due_at + interval '1 day'", "case_id = :late AND limit_key = 'handle' AND snapshot_id = :first", {"task"}),
        ("frozen_task", "person_id = person_id + 1", "case_id = :late AND limit_key = 'close' AND snapshot_id = :first", {"task"}),
        ("frozen_task", "sequence = 90", "case_id = :late AND limit_key = 'close' AND snapshot_id = :first", {"task", "task_missing"}),
        ("publication", "formula_sha256 = sha256('x')", "scorecard_key = 'urban_mgmt.department' AND revision = 1", {"formula"}),
        ("definition", "checksum = 'x'", "kind = 'catalogue' AND key = 'urban_mgmt.grades'", {"definition"}),
    ],
)  # fmt: skip
def test_flipped_byte_is_found(stage: Stage, published: dict[str, str], table: str, change: str, where: str, named: set[str]) -> None:
    with stage.town.work() as (session, _):
        first = session.scalars(select(Publication.snapshot_id).where(Publication.uuid == UUID(published["department"]))).one()
    places = {":late": case_id(stage, stage.late), ":in_time": case_id(stage, stage.in_time), ":first": first}
    for name, number in places.items():
        where = where.replace(name, str(number))
    with tampered(stage, table, change, where):
        assert faults(stage, published["department"]) == named
    assert faults(stage, published["department"]) == set()


@dataclass
class Ran:
    """How a command ended, and what it said."""

    exit_code: int
    output: str


def test_every_card_can_be_published_revised_and_proven(stage: Stage, published: dict[str, str]) -> None:
    keys = [one["key"] for one in stage.get("/scorecards")["items"]]
    assert {"urban_mgmt.area_total", "urban_mgmt.area_outer", "urban_mgmt.duty_lead"} <= set(keys)
    made = stage.post("/publications", {"scorecards": keys, "period": stage.period}, status=201)["items"]
    assert [one["scorecard"]["key"] for one in made] == keys
    for one in made:
        found = proof(stage, one["uuid"])
        assert (list(found.faults), found.is_recounted) == ([], True), one["scorecard"]["key"]
        card, results = one["scorecard"]["key"], stage.get(f"/publications/{one['uuid']}/results", limit=200)
        levels = [level["key"] for level in results["scorecard"]["levels"]] or [None]
        board = stage.get(f"/scorecards/{card}/scores", period=stage.period, limit=200, **({"level": levels[-1]} if levels[-1] else {}))
        frozen = {row["subject"]["key"]: row["score"] for row in results["items"]}
        if card not in {DEPARTMENT, AREA}:  # published before the appeal
            assert {row["subject"]["key"]: row["score"] for row in board["items"]}.items() <= frozen.items()
        late = stage.get(f"/publications/{one['uuid']}/late-events")
        assert late["total"] == (1 if one["uuid"] == published["area"] else 0)


def run(stage: Stage, settings: Settings, *arguments: str) -> Ran:
    out = io.StringIO()
    console = Console(settings, Terminal(out=out, err=out))
    console.__dict__["database"] = stage.town.database
    ended = CliRunner().invoke(score, [*arguments, "--agency", "town"], obj=console)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ran(ended.exit_code, out.getvalue())


def test_command_proves_everything_and_fails_on_a_fault(stage: Stage, settings: Settings, published: dict[str, str]) -> None:
    sound = run(stage, settings, "verify")
    assert sound.exit_code == 0
    with stage.town.work() as (session, _):
        count = session.scalar(select(func.count()).select_from(Publication))
    assert sound.output.startswith((f"{count} publications proven", f"已核验 {count} 个发布结果"))
    with tampered(stage, "publication_result", "score = 85.01", "subject = 'department:E01' AND score = 85"):
        broken = run(stage, settings, "verify")
    assert broken.exit_code == 1
    assert f"{published['department']} department:E01" in broken.output


def test_command_shows_a_board(stage: Stage, settings: Settings, published: dict[str, str]) -> None:
    shown = run(stage, settings, "show", DEPARTMENT, stage.period)
    assert shown.exit_code == 0, shown.output
    assert "100" in shown.output


@pytest.mark.parametrize("suffix", ["xlsx", "html"])
def test_command_writes_a_bulletin(stage: Stage, settings: Settings, published: dict[str, str], tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"bulletin.{suffix}"
    written = run(stage, settings, "export", published["revision"], str(file))
    assert written.exit_code == 0, written.output
    if suffix == "xlsx":
        assert openpyxl.load_workbook(file).sheetnames[0] == "说明"
    else:
        assert "小镇" in file.read_text("utf-8")


def test_command_publishes(stage: Stage, settings: Settings, published: dict[str, str]) -> None:
    again = run(stage, settings, "publish", stage.period, DEPARTMENT)
    assert again.exit_code == 0, again.output
    assert published["revision"] in again.output
    assert published["area"] not in again.output
