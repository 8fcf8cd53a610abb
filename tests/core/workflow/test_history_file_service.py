"""History from a file: every fault is told with its line, what is right goes in, twice is once, and nobody is told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from core.audit.models import AuditEntry
from core.cli.main import run
from core.db.outbox import OutboxMessage
from core.lib import clock
from core.lib.terminal import Terminal
from core.notices.models import Notice
from core.workflow import commands
from core.workflow.models import Case, CaseTimer
from core.workflow.service.bulk import ImportReport, PastCase, import_history
from core.workflow.service.history_file import LONGEST_LINE, HistoryReader
from core.workflow.tasks import fire_due
from tests.journeys.town import HERE, Town

Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def command(town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``wangge import-history`` on the town's database; give (exit code, answer)."""
    for name, url in (("", town.database.app_url), ("OWNER_", town.database.owner_url), ("SCAN_", town.database.scan_url)):
        monkeypatch.setenv(f"WANGGE_DATABASE_{name}URL", url)

    def call(*arguments: str) -> tuple[int, Any]:
        code = run(Terminal(as_json=True), ["import-history", *arguments, "--agency", "town", "--json"])
        return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return call


def past(number: str | None = None, **more: Any) -> dict[str, Any]:
    """Tell a closed case of last year."""
    steps = [
        ("2025-03-03T09:00:00+08:00", "report", "reported", {"by": "inspector", "data": {"description": "路面破损"}}),
        ("2025-03-03T09:20:00+08:00", "file", "filed", {"by": "duty_lead", "data": {"condition": "e011301"}}),
        ("2025-03-03T09:40:00+08:00", "dispatch", "dispatched", {"department": "E01"}),
        ("2025-03-03T10:00:00+08:00", "accept", "handling", {}),
        ("2025-03-12T15:00:00+08:00", "handle", "handled", {"due_at": "2025-03-10T18:00:00+08:00"}),
        ("2025-03-12T16:00:00+08:00", "request_check", "checking", {}),
        ("2025-03-12T17:00:00+08:00", "check_pass", "checked", {}),
        ("2025-03-12T17:10:00+08:00", "close", "closed", {}),
    ]
    return {
        "number": number or f"OLD-{uuid4().hex[:12]}",
        "workflow": "urban_mgmt.case",
        "kind": "event",
        "class": "e0113",
        "condition": "e011301",
        "source": "inspector",
        "position": HERE | {"crs": "wgs84"},
        "reporter": "inspector",
        "steps": [{"at": at, "verb": verb, "state": state, **rest} for at, verb, state, rest in steps],
        **more,
    }


def file_of(tmp_path: Path, *told: Any) -> str:
    """Write a file of lines."""
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) if not isinstance(one, str) else one for one in told), "utf-8")
    return str(path)


def counted(town: Town) -> tuple[int, int, int]:
    """Count cases, messages in the outbox and notices."""
    with town.work() as (session, _):
        cases, messages, notices = (session.scalar(select(func.count()).select_from(table)) or 0 for table in (Case, OutboxMessage, Notice))
    return cases, messages, notices


def test_good_file_goes_in_whole_once_and_tells_nobody(town: Town, command: Command, tmp_path: Path) -> None:
    told = [past() for _ in range(3)]
    path = file_of(tmp_path, *told)
    before = counted(town)
    good = {"wrong": 0, "faults": 0, "problems": []}
    assert command(path, "--dry-run") == (0, {"cases": 3, "dry_run": True, **good})
    assert counted(town) == before
    assert command(path) == (0, {"imported": 3, "known": 0, "dry_run": False, **good})
    assert counted(town) == (before[0] + 3, before[1], before[2])
    assert command(path) == (0, {"imported": 0, "known": 3, "dry_run": False, **good})
    assert counted(town) == (before[0] + 3, before[1], before[2])
    for one in told:
        assert town.broken(one["number"]) == []


def test_imported_case_reads_like_any_other(town: Town, command: Command, tmp_path: Path) -> None:
    told = past()
    assert command(file_of(tmp_path, told))[0] == 0
    case = town.as_("leader").case(told["number"])
    assert (case["state"]["key"], case["category"], case["title"], case["department"]["key"]) == ("closed", "closed", "道路破损", "E01")
    assert (case["located"], case["due_at"], case["closed_at"]) == ("inside", None, "2025-03-12T09:10:00+00:00")
    assert case["counts"] == {"dispatches": 1, "late_handle": 1}
    assert [one["verb"] for one in case["events"]] == [one["verb"] for one in told["steps"]]
    assert [one["in_time"] for one in case["events"] if one["in_time"] is not None] == [False]
    assert case["events"][0]["actor"] == "示例监督员"
    assert town.as_("duty_lead").moved(told["number"], "reopen", {"reason": "再次出现"}) == "filed"
    assert town.broken(told["number"]) == []


def test_open_case_gets_its_running_limit_and_what_lies_ahead(town: Town, command: Command, tmp_path: Path) -> None:
    now = clock.now()
    steps = [
        {"at": (now - timedelta(minutes=30)).isoformat(), "verb": "report", "state": "reported"},
        {"at": (now - timedelta(minutes=20)).isoformat(), "verb": "file", "state": "filed"},
        {"at": (now - timedelta(minutes=10)).isoformat(), "verb": "dispatch", "state": "dispatched", "department": "E01"},
    ]
    told = past(steps=steps)
    assert command(file_of(tmp_path, told))[0] == 0
    case = town.found(told["number"])
    assert case.due_at is not None
    assert case.due_at > now + timedelta(days=4)
    with town.work() as (session, _):
        timers = session.scalars(select(CaseTimer).where(CaseTimer.case_id == case.id)).all()
    assert [(one.key, one.due_at) for one in timers] == [("escalate.0", case.warn_at)]
    assert town.as_("department_clerk").moved(told["number"], "accept") == "handling"


def changed(**more: Any) -> dict[str, Any]:
    """Tell a case with its second step changed."""
    told = past()
    told["steps"][1] |= more
    return told


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("{", ""),
        ("[]", ""),
        ('"text"', ""),
        ('{"number": "A-1", "workflow": "urban_mgmt.case", "steps": [], "title": "a\\u0000b"}', ""),
        ({}, "number"),
        (past(surprise=1), "surprise"),
        (past(number="20250303-000001"), "number"),
        (past(number="a/b"), "number"),
        (past(workflow="urban_mgmt.nothing"), "workflow"),
        (past(steps=[]), "steps"),
        (past(steps="none"), "steps"),
        (past(**{"class": "e9999"}), "class"),
        (past(**{"class": "e0110"}), "condition"),
        (past(condition="e999999"), "condition"),
        (past(condition="e0113"), "condition"),
        (past(reporter="nobody"), "reporter"),
        (past(grid="999"), "grid"),
        (past(position={"lon": 500, "lat": 0}), "position"),
        (past(position={"lon": 1}), "position"),
        (past(position="here"), "position"),
        (past(title="字" * 201), "title"),
        (past(facts=[]), "facts"),
        (changed(state="nowhere"), "steps[1].state"),
        (changed(verb="explode"), "steps[1].verb"),
        (changed(at="2025-03-03T08:00:00+08:00"), "steps[1].at"),
        (changed(at="2025-03-03T09:10:00"), "steps[1].at"),
        (changed(at=None), "steps[1].at"),
        (changed(at="2999-01-01T00:00:00+08:00"), "steps[1].at"),
        (changed(by="nobody"), "steps[1].by"),
        (changed(department="X99"), "steps[1].department"),
        (changed(assignee=7), "steps[1].assignee"),
        (changed(due_at="soon"), "steps[1].due_at"),
        (changed(data=[]), "steps[1].data"),
        (changed(note="x"), "steps[1].note"),
        (past(kind="animal"), "kind"),
        (past(source="rumour"), "source"),
        (past(facts={"suspend_until": "soon"}), "facts.suspend_until"),
        (past(facts={"suspend_until": 7}), "facts.suspend_until"),
        (past(facts={"worked_by": "nobody"}), "facts.worked_by"),
        (past(facts={"worked_by": 1}), "facts.worked_by"),
        (past(facts={"surprise": 1}), "facts.surprise"),
        (changed(at="0001-01-01T00:00:00+14:00"), "steps[1].at"),
        (changed(due_at="9999-12-31T23:59:59-14:00"), "steps[1].due_at"),
        (past(steps=[past()["steps"][0] | {"data": {"caller_phone": "010-12345678"}}]), "steps[0].data.caller_phone"),
        (json.dumps(past(facts={"suspend_until": "@"})).replace('"@"', "[" * 400 + "]" * 400), ""),
        (past(position={"lon": "east", "lat": 39}), "position"),
        (past(position=HERE | {"crs": "mars"}), "position"),
    ],
)
def test_fault_is_told_with_its_line_and_place_and_nothing_is_stored(
    town: Town, command: Command, tmp_path: Path, told: Any, path: str
) -> None:
    before = counted(town)
    code, answer = command(file_of(tmp_path, past(), "", told), "--all-or-nothing")
    assert (code, answer["cases"], answer["wrong"]) == (1, 2, 1)
    assert (3, path) in [(one["line"], one["path"]) for one in answer["problems"]], answer
    assert all(one["problem"] for one in answer["problems"])
    assert {one["line"] for one in answer["problems"]} == {3}
    assert counted(town) == before


def test_every_fault_of_every_line_is_told_at_once(command: Command, tmp_path: Path) -> None:
    twice = past()
    code, answer = command(file_of(tmp_path, past(reporter="nobody", grid="999"), twice, twice), "--dry-run")
    assert (code, answer["cases"], answer["wrong"], answer["faults"]) == (1, 3, 2, 3)
    assert [(one["line"], one["path"]) for one in answer["problems"]] == [(1, "reporter"), (1, "grid"), (3, "number")]


def test_wrong_line_is_left_out_and_the_others_go_in(town: Town, command: Command, tmp_path: Path) -> None:
    first, wrong, last = past(), changed(state="nowhere"), past()
    before = counted(town)
    errors = tmp_path / "errors.jsonl"
    code, answer = command(file_of(tmp_path, first, wrong, last), "--errors", str(errors))
    assert (code, answer["imported"], answer["known"], answer["wrong"]) == (1, 2, 0, 1)
    assert [json.loads(line) for line in errors.read_text("utf-8").splitlines()] == answer["problems"]
    assert [(one["line"], one["path"]) for one in answer["problems"]] == [(2, "steps[1].state")]
    assert counted(town) == (before[0] + 2, before[1], before[2])
    corrected = wrong | {"steps": past()["steps"]}
    code, answer = command(file_of(tmp_path, first, corrected, last))
    assert (code, answer["imported"], answer["known"], answer["wrong"]) == (0, 1, 2, 0)
    for one in (first, wrong, last):
        assert town.broken(one["number"]) == []


def test_more_faults_than_are_shown_are_counted_and_written(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SHOWN", 2)
    errors = tmp_path / "errors.jsonl"
    code, answer = command(file_of(tmp_path, *[past(grid="999") for _ in range(5)]), "--dry-run", "--errors", str(errors))
    assert (code, answer["faults"], [one["line"] for one in answer["problems"]]) == (1, 5, [1, 2])
    assert [json.loads(line)["line"] for line in errors.read_text("utf-8").splitlines()] == [1, 2, 3, 4, 5]


def test_what_came_in_before_a_failure_is_on_record(town: Town, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server that goes away in the middle takes nothing back that was stored and counted."""

    def breaks_off(*arguments: Any, **options: Any) -> Iterator[ImportReport]:
        for number, report in enumerate(import_history(*arguments, **options)):
            yield report
            if number == 1:
                raise OSError("the disk is full")

    monkeypatch.setattr(commands, "CHUNK", 1)
    monkeypatch.setattr(commands, "import_history", breaks_off)
    monkeypatch.setenv("WANGGE_DEBUG", "1")
    path = file_of(tmp_path, *[past() for _ in range(5)])
    with pytest.raises(OSError, match="the disk is full"):
        command(path)
    with town.work() as (session, _):
        found = session.scalars(
            select(AuditEntry.new).where(AuditEntry.action == "core:case:history_imported").order_by(AuditEntry.id.desc()).limit(1)
        ).one()
    assert found == {"imported": 2, "known": 0, "wrong": 0}


def test_line_without_end_is_one_fault_and_the_next_is_read(town: Town) -> None:
    lines = b'{"number": "' + b"x" * (3 * LONGEST_LINE) + b'"}\n' + json.dumps(past()).encode()
    with town.work() as (session, actor):
        found = list(HistoryReader(session, actor).read(io.BytesIO(lines)))
    assert [isinstance(one, PastCase) for one in found] == [False, True]


def test_file_that_begins_with_a_byte_order_mark_is_read(town: Town, command: Command, tmp_path: Path) -> None:
    path = Path(file_of(tmp_path, past()))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert command(str(path))[1]["imported"] == 1


def test_person_that_a_case_goes_back_to_is_told_by_name(town: Town, command: Command, tmp_path: Path) -> None:
    told = past(facts={"worked_by": "handler", "suspend_until": "2025-04-01"})
    assert command(file_of(tmp_path, told))[0] == 0
    assert town.found(told["number"]).data == {"worked_by": town.users["handler"], "suspend_until": "2025-04-01"}
    assert town.broken(told["number"]) == []


def test_suspended_case_wakes_up_on_its_day(town: Town, command: Command, tmp_path: Path) -> None:
    now = clock.now()
    steps = [
        {"at": (now - timedelta(minutes=30)).isoformat(), "verb": "report", "state": "reported"},
        {"at": (now - timedelta(minutes=10)).isoformat(), "verb": "grant_suspend", "state": "suspended", "department": "E01"},
    ]
    told = past(steps=steps, facts={"suspend_until": (now + timedelta(days=3)).date().isoformat()})
    assert command(file_of(tmp_path, told))[0] == 0
    case = town.found(told["number"])
    assert case.due_at is None
    with town.work() as (session, _):
        keys = session.scalars(select(CaseTimer.key).where(CaseTimer.case_id == case.id)).all()
    assert keys == ["resume"]
    fire_due(town.database, town.agency_id, now=now + timedelta(days=4))
    assert town.found(told["number"]).state == "handling"
    assert town.broken(told["number"]) == []
