"""A plugin of somebody else's, from installation to removal: each hook is called, in its place, and hurts nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.accounts import service as accounts
from core.accounts.models import Agency
from core.app import create_app
from core.authz import Actor
from core.cli.database import components
from core.db import migrate, rls
from core.db.base import Base
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.definitions.installed import sync_installed
from core.lib import clock
from core.pluginmanager import Plugins
from core.pluginmanager.setup import switch_on
from core.settings import Settings
from core.testing.fixtures import new_database
from core.testing.people import Browser, Person, browser_of, make_person
from core.worker.due import work_off
from core.workflow.tasks import fire_due
from tests.installing import installed

OUTSIDE = Path(__file__).with_name("outside")
RIGHTS = (
    "core:case:read",
    "core:plugin:read",
    "core:plugin:switch",
    "definitions:definition:read",
    "ledgers:record:read",
    "ledgers:record:write",
    "playground:repair:mend",
    "playground:repair:report",
    "playground:repair:send",
)


@dataclass
class Stage:
    """The installation with the plugin, and one person of each of two agencies."""

    app: Flask
    database: Database
    found: Plugins
    alpha: Agency
    keeper: Person
    neighbour: Person

    def browser(self, person: Person | None = None) -> Browser:
        return browser_of(self.app, person or self.keeper)

    def run_outbox(self, after: timedelta = timedelta()) -> None:
        work_off(self.database, "outbox", self.alpha.id, now=clock.now() + after)

    def rows(self, statement: str, agency_id: int | None, **values: Any) -> list[Any]:
        with unit_of_work(self.database, agency_id) as session:
            return list(session.execute(text(statement), values))

    def switch(self, *, on: bool) -> None:
        answer = self.browser().send("PUT", "/plugins/playground", json={"enabled": on})
        assert answer.status_code == 200, answer.get_json()


@pytest.fixture(scope="module")
def database(server_urls: tuple[str, str, str], blank: str) -> Iterator[Database]:
    """Give an installation without the town."""
    with new_database(server_urls, template=blank) as made:
        yield made


@pytest.fixture(scope="module")
def stage(
    database: Database, agencies: tuple[Agency, Agency], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Install the plugin, migrate, store its definitions, and switch it on for alpha alone."""
    with installed(OUTSIDE / "playground", tmp_path_factory.mktemp("site"), key="playground") as found:
        assert found.failed == []
        own = next(one for one in components() if one.key == "playground")
        migrate.upgrade(database.owner_engine, [own])
        sync_installed(database, now=datetime.now(UTC))
        alpha, beta = agencies
        with unit_of_work(database, alpha.id) as session:
            actor = Actor(None, alpha.id, alpha.key, "system", (), clock.now(), is_system=True)
            switch_on(session, actor, "playground")
            accounts.create_department(session, actor, code="W1", name="维修队")
        people = [make_person(database, agency, RIGHTS) for agency in agencies]
        assert beta.id == people[1].agency.id
        yield Stage(create_app(settings, database), database, found, alpha, *people)


@pytest.fixture
def keeper(stage: Stage) -> Browser:
    return stage.browser()


def report(browser: Browser, words: str = "秋千链条断裂") -> Any:
    body = {"workflow": "playground.repair", "data": {"words": words}}
    return browser.post("/cases", body, headers={"Idempotency-Key": uuid4().hex})


def move(browser: Browser, number: str, transition: str, **data: Any) -> Any:
    seen = browser.get(f"/cases/{number}").headers["ETag"]
    body = {"transition": transition, "data": data}
    return browser.post(f"/cases/{number}/transitions", body, headers={"If-Match": seen})


def sent(browser: Browser) -> str:
    """Report a case and send it to the workshop."""
    number = report(browser).get_json()["number"]
    answer = move(browser, number, "send")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "sent")
    return str(number)


def case_id(stage: Stage, number: str) -> int:
    return int(stage.rows("SELECT id FROM cases WHERE number = :number", stage.alpha.id, number=number)[0][0])


def what(stage: Stage, number: str) -> list[str]:
    return [
        row[0] for row in stage.rows("SELECT what FROM playground_visit WHERE case_id = :id", stage.alpha.id, id=case_id(stage, number))
    ]


def ready(stage: Stage, keeper: Browser) -> str:
    """Bring a case as far as mending lets it go."""
    number = sent(keeper)
    answer = keeper.post("/playground/visits", {"case_id": case_id(stage, number), "what": "seen"})
    assert answer.status_code == 200, answer.get_json()
    return number


# --- what it brings -------------------------------------------------------------


def test_definitions_are_there_for_who_has_it_on(stage: Stage, keeper: Browser) -> None:
    record = {"data": {"name": "滑梯", "height": 2.5}}
    answer = keeper.post("/ledgers/playground.device/records", record, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201, answer.get_json()
    assert keeper.get("/workflows/playground.repair").status_code == 200
    neighbour = stage.browser(stage.neighbour)
    for path in ("/ledgers/playground.device/records", "/workflows/playground.repair", "/forms/playground.report", "/playground/visits"):
        assert neighbour.get(path).status_code == 404, path


def test_role_of_the_plugin_comes_with_switching_on(stage: Stage) -> None:
    keys = "SELECT count(*) FROM role WHERE key = 'playground.keeper'"
    assert stage.rows(keys, stage.alpha.id)[0][0] == 1
    assert stage.rows(keys, stage.neighbour.agency.id)[0][0] == 0


def test_route_is_in_the_document(stage: Stage) -> None:
    document = stage.app.test_client().get("/api/v1/openapi.json").get_json()
    assert "get" in document["paths"]["/api/v1/playground/visits"]


def test_migration_written_by_the_command_makes_what_the_models_say(
    stage: Stage, server_urls: tuple[str, str, str], blank: str, tmp_path: Path
) -> None:
    assert stage.found.failed == []
    own = migrate.plugin_component("playground", tmp_path)
    with new_database(server_urls, template=blank) as other:
        migrate.new_revision(other.owner_engine, own, "first tables")
        migrate._script.cache_clear()
        assert [one.title for one in migrate.upgrade(other.owner_engine, [own])] == ["first tables."]
        assert migrate.differences(other.owner_engine, own) == []
    written = next(tmp_path.glob("*.py")).read_text("utf-8")
    assert "core." not in written
    assert "ENABLE ROW LEVEL SECURITY" in written


def test_own_table_belongs_to_one_agency_even_in_raw_sql(stage: Stage, keeper: Browser) -> None:
    number = ready(stage, keeper)
    everything = "SELECT count(*) FROM playground_visit"
    assert stage.rows(everything, stage.alpha.id)[0][0] > 0
    assert stage.rows(everything, stage.neighbour.agency.id)[0][0] == 0
    assert stage.rows(everything, None)[0][0] == 0
    intruder = "INSERT INTO playground_visit (agency_id, case_id, what, visited_at) VALUES (:other, :id, 'x', now()) RETURNING id"
    with pytest.raises(DBAPIError, match="row-level security"):
        stage.rows(intruder, stage.neighbour.agency.id, other=stage.alpha.id, id=case_id(stage, number))


def test_tables_of_a_plugin_are_none_of_cores(stage: Stage) -> None:
    names = {table.name for table in rls.core_tables()}
    assert {"cases", "ab_user", "ab_user_role"} <= names
    assert "playground_visit" in Base.metadata.tables
    assert "playground_visit" not in names


def test_removing_the_tables_takes_them_and_nothing_else(stage: Stage) -> None:
    own = next(one for one in components() if one.key == "playground")
    kept = stage.rows("SELECT count(*) FROM cases", stage.alpha.id)
    migrate.downgrade(stage.database.owner_engine, own)
    assert stage.rows("SELECT to_regclass('playground_visit') IS NULL", None)[0][0]
    migrate.upgrade(stage.database.owner_engine, [own])
    assert stage.rows("SELECT count(*) FROM playground_visit", stage.alpha.id)[0][0] == 0
    assert stage.rows("SELECT count(*) FROM cases", stage.alpha.id) == kept


# --- inside the transaction -----------------------------------------------------


def test_hook_that_resolves_fills_in_what_the_form_left_open(stage: Stage, keeper: Browser) -> None:
    shown = keeper.get(f"/cases/{sent(keeper)}").get_json()
    assert shown["department"]["title"] == "维修队"


def test_hook_that_checks_may_refuse_and_leaves_nothing_behind(stage: Stage, keeper: Browser) -> None:
    number = sent(keeper)
    refused = move(keeper, number, "mend", words="done")
    assert refused.status_code == 409
    assert refused.content_type == "application/problem+json"
    assert number in refused.get_json()["detail"]
    assert "还没有人到场" in refused.get_json()["detail"]
    assert what(stage, number) == []  # what the hook itself wrote is rolled back
    assert keeper.get(f"/cases/{number}").get_json()["state"]["key"] == "sent"


def test_refusal_is_told_in_the_language_of_who_asks(keeper: Browser) -> None:
    number = sent(keeper)
    keeper.headers["Accept-Language"] = "en"
    assert move(keeper, number, "mend", words="done").get_json()["detail"] == f"Nobody has visited {number} yet, so it cannot be mended."


def test_defect_in_a_checking_hook_stops_the_step_and_names_the_plugin(stage: Stage, keeper: Browser) -> None:
    before = stage.rows("SELECT count(*) FROM cases", stage.alpha.id)
    answer = report(keeper, "break")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert "游乐设施" in answer.get_json()["detail"]
    assert stage.rows("SELECT count(*) FROM cases", stage.alpha.id) == before
    assert report(keeper).status_code == 201


# --- after the commit -----------------------------------------------------------


def test_after_hook_runs_once_by_the_outbox_and_not_before(stage: Stage, keeper: Browser) -> None:
    number = ready(stage, keeper)
    assert move(keeper, number, "mend", words="done").status_code == 200
    assert what(stage, number) == ["seen"]
    stage.run_outbox()
    assert what(stage, number) == ["seen", "sent>mend>mended"]
    stage.run_outbox()
    assert what(stage, number) == ["seen", "sent>mend>mended"]


def test_after_hook_is_told_only_of_the_states_it_watches(stage: Stage, keeper: Browser) -> None:
    number = ready(stage, keeper)
    waiting = "SELECT count(*) FROM outbox WHERE topic = 'workflow.case_moved' AND payload->>'case_id' = :id"
    assert stage.rows(waiting, stage.alpha.id, id=str(case_id(stage, number)))[0][0] == 0


def test_after_hook_that_fails_is_kept_with_its_reason_tried_again_and_stops_nobody(
    stage: Stage, keeper: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["playground.visits"], "workshop_is_closed", True)
    number = ready(stage, keeper)
    assert move(keeper, number, "mend", words="done").status_code == 200
    stage.run_outbox()
    mine = "SELECT state, attempts, last_error FROM outbox WHERE topic = 'workflow.case_moved' AND payload->>'case_id' = :id"
    message = stage.rows(mine, stage.alpha.id, id=str(case_id(stage, number)))[0]
    assert tuple(message) == ("waiting", 1, "RuntimeError: the workshop is closed")
    assert what(stage, number) == ["seen"]  # what it wrote before it failed is gone
    monkeypatch.undo()
    stage.run_outbox(after=timedelta(minutes=1))
    assert stage.rows(mine, stage.alpha.id, id=str(case_id(stage, number)))[0].state == "done"
    assert what(stage, number) == ["seen", "sent>mend>mended"]


# --- off ------------------------------------------------------------------------


def test_off_closes_everything_at_once_and_loses_nothing(stage: Stage, keeper: Browser) -> None:
    number = ready(stage, keeper)
    assert move(keeper, number, "mend", words="done").status_code == 200
    open_number = sent(keeper)
    stage.switch(on=False)
    try:
        closed = ("/playground/visits", "/workflows/playground.repair", "/ledgers/playground.device/records", "/forms/playground.report")
        assert [keeper.get(path).status_code for path in closed] == [404] * len(closed)
        assert report(keeper).status_code == 404
        stage.run_outbox()
        assert what(stage, number) == ["seen"]  # a plugin that is off is told nothing
        assert fire_due(stage.database, stage.alpha.id, now=clock.now() + timedelta(days=3)) == 0
    finally:
        stage.switch(on=True)
    assert keeper.get(f"/cases/{open_number}").get_json()["state"]["key"] == "sent"
    assert keeper.get("/playground/visits").get_json()["items"]
    assert fire_due(stage.database, stage.alpha.id, now=clock.now() + timedelta(days=3, hours=1)) > 0


def test_listing_says_what_is_on(stage: Stage, keeper: Browser) -> None:
    states = {one["key"]: one["enabled"] for one in keeper.get("/plugins").get_json()["items"]}
    assert states == {"playground": True, "urban_mgmt": False}


def test_demo_function_seeds_and_gives_its_sign_ins(stage: Stage, settings: Settings) -> None:
    told: list[tuple[str, int, int]] = []
    seed = stage.found.collect("register_demo")["playground"]
    assert seed(stage.database, settings=settings, progress=lambda *step: told.append(step)) == []
    assert told == [("playground", 0, 0)]
