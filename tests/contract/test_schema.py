"""The history of migrations ends where the models are: what an upgrade makes and what `create_all` makes are one schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from core.db import freeze, migrate
from core.db.base import Base
from core.testing.fixtures import new_database
from tests.contract.catalogue import QUERIES, differences
from tests.contract.source import ROOT

HOW_TO_MEND = """
The models have changed and the migrations have not. Write a revision: make revision NAME="what it does".
Before the first release, as long as there is only 0001, write that again: python -m core.db.freeze
"""


@pytest.fixture(scope="module")
def pair(server_urls, database) -> Iterator[tuple[Engine, Engine]]:
    """One database made by migrations and one made from the models."""
    with new_database(server_urls) as migrated:
        migrate.upgrade(migrated.owner_engine)
        yield migrated.owner_engine, database.owner_engine


def test_upgrade_makes_what_the_models_say(pair) -> None:
    found = differences(*pair)
    assert [] == found, "\n".join([*found, HOW_TO_MEND])


def test_alembic_finds_nothing_to_migrate(pair) -> None:
    assert [] == migrate.differences(pair[0])


CHANGES = {
    "extensions": "CREATE EXTENSION citext",
    "relations": "CREATE TABLE stray ()",
    "row-level security": "ALTER TABLE case_event NO FORCE ROW LEVEL SECURITY",
    "columns": "ALTER TABLE agency ALTER time_zone SET DEFAULT 'UTC'",
    "constraints": "ALTER TABLE notice_sending DROP CONSTRAINT ck_notice_sending_state",
    "indexes": "DROP INDEX ix_notice_inbox",
    "policies": "ALTER POLICY own_agency ON notice USING (true)",
    "triggers": "ALTER TABLE record DISABLE TRIGGER record_departments_inserted",
    "functions": "ALTER FUNCTION record_departments_exist() SECURITY DEFINER",
    "types": "CREATE TYPE mood AS ENUM ('good', 'bad')",
    "views": "CREATE VIEW seen AS SELECT id FROM agency",
    "sequences": "ALTER SEQUENCE case_number MAXVALUE 99",
    "grants on tables, sequences and columns": "GRANT UPDATE ON case_event TO wangge_app",
    "grants on functions": "GRANT EXECUTE ON FUNCTION record_departments_exist() TO wangge_scan",
    "grants on the schema, and by default": "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO wangge_app",
    "epoch": "UPDATE configuration_epoch SET value = 7",
}


@pytest.mark.parametrize("topic", sorted(QUERIES))
def test_any_change_by_hand_is_seen(server_urls, blank, database, topic: str) -> None:
    """Each kind of thing that the catalogue knows is compared."""
    with new_database(server_urls, template=blank) as changed:
        with changed.owner_engine.begin() as connection:
            connection.execute(text(CHANGES[topic]))
        assert {line[2:].partition(":")[0] for line in differences(database.owner_engine, changed.owner_engine)} >= {topic}


def test_first_migration_does_not_ask_the_models() -> None:
    """What it does to a database is all in the SQL file beside it."""
    assert "core" not in (ROOT / "migrations/versions/0001_base.py").read_text("utf-8").partition('"""')[2].partition('"""')[2]


def test_freezing_twice_writes_the_same() -> None:
    assert freeze.frozen() == freeze.frozen()


def test_first_migration_is_history_once_another_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0001_base.py").touch()
    (tmp_path / "0002_more.py").touch()
    monkeypatch.setattr(freeze, "VERSIONS", tmp_path)
    with pytest.raises(SystemExit, match="0002_more"):
        freeze.main()
    assert not (tmp_path / "0001_base.sql").exists()


LOGS_THAT_CHANGE = {"notice_sending", "sign_in_record"}
"""The state of a sending is brought up to date; the address of a sign-in is emptied when a person is erased, and the row goes after its time."""


@pytest.fixture(scope="module")
def granted(database) -> dict[str, set[str]]:
    """What the application may do with each whole table."""
    query = text("SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = 'wangge_app'")
    found: dict[str, set[str]] = {}
    with database.owner_engine.connect() as connection:
        for table, privilege in connection.execute(query):
            found.setdefault(table, set()).add(privilege)
    return found


def test_application_may_do_nothing_beside_reading_and_writing_rows(granted) -> None:
    assert set().union(*granted.values()) == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_logs_are_only_added_to(granted) -> None:
    logs = {mapper.class_.__tablename__ for mapper in Base.registry.mappers if getattr(mapper.class_, "__config_scope__", "") == "log"}
    assert logs > LOGS_THAT_CHANGE
    logs -= LOGS_THAT_CHANGE
    assert {table: {"SELECT", "INSERT"} for table in logs | {"case_event", "case_attachment"}} == {
        table: granted[table] for table in logs | {"case_event", "case_attachment"}
    }


def test_what_others_point_to_is_never_deleted(granted) -> None:
    kept = (
        "agency",
        "ab_user",
        "member",
        "department",
        "team",
        "role",
        "grid",
        "grid_scheme",
        "cases",
        "case_personal",
        "record",
        "notice",
    )
    assert [] == [table for table in (*kept, "attachment", "configuration_epoch") if "DELETE" in granted[table]]
    assert granted["configuration_epoch"] == {"SELECT", "UPDATE"}


def test_tables_of_the_kernel_are_only_read(granted) -> None:
    kernel = {table for table in granted if table.startswith("ab_")} - {"ab_user"}
    assert kernel >= {"ab_role", "ab_permission", "ab_user_role", "ab_api_key"}
    assert {"SELECT"} == set().union(*(granted[table] for table in kernel))


def test_scan_role_reads_what_is_due_and_nothing_else(database) -> None:
    query = text("SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges WHERE grantee = 'wangge_scan'")
    with database.owner_engine.connect() as connection:
        found = {tuple(row) for row in connection.execute(query)}
    due = {("case_timer", name, "SELECT") for name in ("agency_id", "id", "due_at")}
    waiting = {("outbox", name, "SELECT") for name in ("agency_id", "id", "due_at", "state")}
    facts = {("fact_progress", name, "SELECT") for name in ("agency_id", "due_at", "known_at")}
    assert found == due | waiting | facts
