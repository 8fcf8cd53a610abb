"""The history proves itself: whatever is changed behind the application's back is found; erasing personal values is not a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError

from core.accounts.service.personal_data import _sources
from core.cli.main import run
from core.lib import clock
from core.lib.ids import uuid7
from core.lib.terminal import Terminal
from core.workflow.models import CaseEvent
from core.workflow.service import history
from core.workflow.types import EventFacts
from tests.journeys.town import Town
from tests.journeys.walking import called, checking, done, handling, reported


@pytest.fixture
def number(town: Town) -> str:
    """Walk a case a few steps."""
    return done(town, handling(town))


def tamper(town: Town, statement: str, number: str, **values: Any) -> None:
    """Change history as somebody who owns the tables could; ``:case`` is the case's id."""
    with town.database.owner_engine.begin() as connection:
        connection.execute(text("SELECT set_config('wangge.agency', :agency, true)"), {"agency": str(town.agency_id)})
        connection.execute(text(statement), {"case": town.found(number).id, **values})


def test_untouched_history_proves_itself(town: Town, number: str) -> None:
    assert town.broken(number) == []


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("data", '{"condition": "e011302"}'),
        ("verb", "reject"),
        ("actor_id", None),
        ("to_state", "closed"),
        ("facts", "{}"),
        ("at", "2026-01-01T00:00:00Z"),
    ],
)
def test_changed_event_is_found(town: Town, number: str, what: str, value: str | None) -> None:
    cast = {"data": "::jsonb", "facts": "::jsonb", "at": "::timestamptz", "actor_id": "::integer"}.get(what, "")
    column = f"UPDATE case_event SET {what} = (:value){cast} WHERE case_id = :case AND sequence = 2"
    tamper(town, column, number, value=value)
    assert town.broken(number) == ["was changed after it was written"]


def test_deleted_event_is_found_in_the_middle_and_at_the_end(town: Town, number: str) -> None:
    tamper(town, "DELETE FROM case_event WHERE case_id = :case AND sequence = 3", number)
    assert "step 3 is missing" in town.broken(number)
    other = reported(town)
    tamper(town, "DELETE FROM case_event WHERE case_id = :case AND sequence = 1", other)
    assert town.broken(other) == ["steps at the end are missing"]


def test_reordered_events_are_found(town: Town, number: str) -> None:
    swap = "UPDATE case_event SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE case_id = :case AND sequence IN (2, 3)"
    tamper(town, swap, number)
    tamper(town, "UPDATE case_event SET sequence = -sequence WHERE case_id = :case AND sequence < 0", number)
    broken = town.broken(number)
    assert "does not follow from the step before" in broken
    assert "was changed after it was written" in broken


def test_changed_head_of_the_case_is_found(town: Town, number: str) -> None:
    tamper(town, "UPDATE cases SET chain_length = chain_length - 1 WHERE id = :case", number)
    assert town.broken(number) == ["steps at the end are missing"]


def test_state_changed_behind_the_history_is_found(town: Town, number: str) -> None:
    tamper(town, "UPDATE cases SET state = 'checked' WHERE id = :case", number)
    assert town.broken(number) == ["leads to another state than the case is in"]


@pytest.mark.parametrize("lon", [-0.0, -0.0000001, 1e-7, 121.0])
def test_number_that_is_stored_in_another_form_is_no_fault(town: Town, lon: float) -> None:
    number = reported(town, position={"lon": lon, "lat": -0.0})
    assert town.broken(number) == []


@pytest.mark.parametrize(
    "value", [-0.0, 1e15, 1e16, -1e16, 1.2345678901234568e17, 1.8e19, 1e20, 1e22, 5e-324, 0.1, 2**63, [{"a": -0.0}], "1e16", None, True]
)
def test_hash_is_of_what_will_be_read_again(town: Town, value: Any) -> None:
    at = clock.now()
    facts = EventFacts(verb="x", from_state="", to_state="y", at=at, actor_id=None, seconds_in_state=-0.0001)
    one = history.link(uuid7(), sequence=1, previous=None, event=facts, form_id=None, data={"value": value}, personal={"p": value})
    with town.work() as (session, _):
        given = [one.columns["data"], one.columns["facts"], one.personal[0]["value"]]
        read = [session.scalar(select(literal(json_value, JSONB))) for json_value in given]
    assert [orjson.dumps(value) for value in read] == [orjson.dumps(value) for value in given]


def test_case_moved_while_it_is_proved_is_no_fault(town: Town, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, moves = history._of, []

    def slow(session: Any, model: Any, ids: Any) -> Any:
        if not moves:
            moves.append(checking(town, number))
        return real(session, model, ids)

    monkeypatch.setattr(history, "_of", slow)
    assert town.broken(number) == []
    assert moves == [number]


def test_application_role_can_neither_change_nor_delete_history(town: Town, number: str) -> None:
    for statement in ("UPDATE case_event SET verb = 'x'", "DELETE FROM case_event", "TRUNCATE case_event"):
        with pytest.raises(ProgrammingError, match="permission denied"), town.work() as (session, _):
            session.execute(text(statement))
    assert town.broken(number) == []


# -- personal values


def values_of(town: Town, number: str) -> dict[str, Any]:
    """Read the stored personal values of a case."""
    with town.work() as (session, _):
        rows = session.execute(text("SELECT field, value FROM case_personal WHERE case_id = :case"), {"case": town.found(number).id})
        return {row.field: row.value for row in rows}


def test_personal_values_stand_outside_the_chain_and_are_masked_without_the_right(town: Town) -> None:
    number = called(town)
    assert values_of(town, number) == {"caller_name": "张三", "caller_phone": "010-12345678"}
    assert town.as_("duty_lead").case(number)["personal"] == {"caller_name": "张三", "caller_phone": "010-12345678"}
    for other in ("leader", "inspector", "dispatcher"):
        case = town.as_(other).case(number)
        assert set(case["personal"].values()) == {"＊＊＊"}, other
        assert "张三" not in json.dumps(case, ensure_ascii=False)
        assert "12345678" not in json.dumps(case)
    with town.work() as (session, _):
        events = session.query(CaseEvent).filter(CaseEvent.case_id == town.found(number).id).all()
        assert "张三" not in json.dumps([one.data for one in events], ensure_ascii=False)
        assert set(events[0].digests) == {"caller_name", "caller_phone"}


def test_each_unmasked_look_is_audited_without_the_value(town: Town) -> None:
    number = called(town)
    town.as_("leader").case(number)
    looks = [one for one in entries(town, number) if one["action"] == "core:case:personal_read"]
    assert looks == []
    town.as_("duty_lead").case(number)
    looks = [one for one in entries(town, number) if one["action"] == "core:case:personal_read"]
    assert [(one["user_id"], one["new"]) for one in looks] == [(town.users["duty_lead"], {"fields": ["caller_name", "caller_phone"]})]
    assert "12345678" not in json.dumps(entries(town, number))


def entries(town: Town, number: str) -> list[dict[str, Any]]:
    """Read the audit log of a case as the administrator."""
    answer = town.as_("admin").get("/audit", query_string={"subject": f"case:{number}", "limit": 200})
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def test_audit_log_is_for_whoever_holds_the_right(town: Town) -> None:
    assert town.as_("duty_lead").get("/audit").status_code == 403
    assert town.as_("admin").get("/audit?limit=2").get_json()["next"]


def test_erased_values_leave_the_chain_whole_and_changed_ones_break_it(town: Town) -> None:
    number, other = called(town), called(town)
    assert town.as_("duty_lead").send("DELETE", f"/cases/{number}/personal").status_code == 403
    answer = town.as_("admin").send("DELETE", f"/cases/{number}/personal")
    assert (answer.status_code, answer.get_json()) == (200, {"erased": 2})
    assert values_of(town, number) == {"caller_name": None, "caller_phone": None}
    assert town.as_("duty_lead").case(number)["personal"] == {"caller_name": None, "caller_phone": None}
    assert town.broken(number) == []
    with town.work() as (session, _):
        salts = session.scalars(text("SELECT salt FROM case_personal WHERE case_id = :case"), {"case": town.found(number).id}).all()
    assert salts == [b"", b""]  # with its salt a digest of a telephone number could be guessed
    assert town.as_("admin").send("DELETE", f"/cases/{number}/personal").get_json() == {"erased": 0}
    erased = [one["new"] for one in entries(town, number) if one["action"] == "core:case:personal_erased"]
    assert erased == [{"values": 0}, {"values": 2}]
    tamper(town, """UPDATE case_personal SET value = '"李四"'::jsonb WHERE case_id = :case AND field = 'caller_name'""", other)
    assert town.broken(other) == ["personal value caller_name was changed"]
    tamper(town, "DELETE FROM case_personal WHERE case_id = :case AND field = 'caller_name'", other)
    assert town.broken(other) == ["personal value caller_name is missing"]


def test_what_callers_left_is_theirs_and_not_the_clerks(town: Town) -> None:
    number = called(town, caller_name="王五")
    intake = town.users["intake"]
    with town.work() as (session, actor):
        exported = _sources["cases"].exporter(session, intake)
        assert number in [one["case"] for one in exported]
        assert "王五" not in json.dumps(exported, default=str, ensure_ascii=False)
        assert _sources["cases"].eraser(session, actor, intake) == 0
    assert values_of(town, number)["caller_name"] == "王五"


def test_caller_without_account_is_found_and_erased_by_telephone_however_written(town: Town, command: Any, tmp_path: Path) -> None:
    mine = [called(town, caller_name="赵六", caller_phone=phone) for phone in ("139 1234 5678", "+86 139-1234-5678")]
    other = called(town, caller_name="赵六", caller_phone="139 1234 5679")
    file = tmp_path / "caller.json"
    assert command("person", "export", "--phone", "13912345678", "--output", str(file))[0] == 0
    found = json.loads(file.read_text("utf-8"))["agencies"]["town"]["cases"]
    assert sorted((one["case"], one["field"]) for one in found) == [(one, name) for one in mine for name in ("caller_name", "caller_phone")]
    assert file.stat().st_mode & 0o777 == 0o600
    assert command("person", "erase", "--phone", "+86 13912345678", "--yes") == (
        0,
        {"agencies": {"town": {"answers": 0, "cases": 4, "records": 0}}},
    )
    for number in mine:
        assert values_of(town, number) == {"caller_name": None, "caller_phone": None}
        assert town.broken(number) == []
    assert values_of(town, other)["caller_phone"] == "139 1234 5679"
    assert command("person", "erase", "--phone", "13912345678", "--yes")[1] == {
        "agencies": {"town": {"answers": 0, "cases": 0, "records": 0}}
    }
    with town.work() as (session, _):
        logged = session.execute(
            text("SELECT action, subject, new FROM audit_entry WHERE action LIKE 'accounts:caller:%' ORDER BY id")
        ).all()
    assert [tuple(one) for one in logged] == [
        ("accounts:caller:exported", "caller:-", {"answers": 0, "cases": 4, "records": 0}),
        ("accounts:caller:erased", "caller:-", {"answers": 0, "cases": 4, "records": 0}),
        ("accounts:caller:erased", "caller:-", {"answers": 0, "cases": 0, "records": 0}),
    ]


@pytest.mark.parametrize("arguments", [("--phone", "12 34 56"), (), ("intake", "--phone", "13912345678")])
def test_erasure_asks_for_one_person_and_no_more(command: Any, arguments: tuple[str, ...]) -> None:
    assert command("person", "erase", *arguments, "--yes") == (1, None)


# -- the command


@pytest.fixture
def command(town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run ``wangge`` in this process on the town's database; give (exit code, answer)."""
    for name, url in (("", town.database.app_url), ("OWNER_", town.database.owner_url), ("SCAN_", town.database.scan_url)):
        monkeypatch.setenv(f"WANGGE_DATABASE_{name}URL", url)

    def call(*arguments: str) -> tuple[int, Any]:
        code = run(Terminal(as_json=True), [*arguments, "--json"])
        out = capsys.readouterr().out.strip()
        return code, json.loads(out.splitlines()[-1]) if out else None

    return call


def test_command_exits_with_one_on_a_broken_link_and_names_it(town: Town, command: Any) -> None:
    whole, broken = reported(town), reported(town)
    assert command("audit", "verify", "--agency", "town", "--case", whole)[0] == 0
    tamper(town, "UPDATE case_event SET verb = 'x' WHERE case_id = :case", broken)
    code, answer = command("audit", "verify", "--agency", "town")
    assert code == 1
    assert {"agency": "town", "case_number": broken, "sequence": 1, "reason": "was changed after it was written"} in answer["broken"]
    assert whole not in [one["case_number"] for one in answer["broken"]]


def test_command_says_in_one_line_that_there_is_no_such_case(town: Town, command: Any) -> None:
    assert command("audit", "verify", "--agency", "town", "--case", "20200101-000001") == (1, None)
