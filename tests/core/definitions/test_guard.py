"""No row can point at another agency's version, whoever writes it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.db.engine import AgencySession
from core.definitions.guard import guard_statements
from core.definitions.models import Definition

INSERT = text("INSERT INTO guarded VALUES (:agency, :form)")
UPDATE = text("UPDATE guarded SET form_id = :form")


@pytest.fixture(scope="module")
def versions(database, agencies):
    """Make a table that names versions, and one version of alpha, of beta and of nobody."""
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        owner.execute(text("CREATE TABLE guarded (agency_id integer, form_id bigint REFERENCES definition (id))"))
        owner.execute(text("GRANT SELECT, INSERT, UPDATE ON guarded TO wangge_app"))
        for statement in guard_statements("guarded", "form_id"):
            owner.connection().exec_driver_sql(statement)
        rows = {
            name: Definition(
                agency_id=agency_id, kind="form", key="guard.x", version=1, status="draft", content={}, checksum="x", origin="x"
            )
            for name, agency_id in (("alpha", agencies[0].id), ("beta", agencies[1].id), ("nobody", None))
        }
        owner.add_all(rows.values())
        owner.commit()
        yield {name: row.id for name, row in rows.items()}
        owner.execute(text("DROP TABLE guarded"))
        owner.execute(text("DELETE FROM definition WHERE key = 'guard.x'"))
        owner.commit()


@pytest.fixture(params=["application", "owner"])
def writer(request, session, owner):
    return session if request.param == "application" else owner


@pytest.mark.parametrize("whose", ["alpha", "nobody"])
def test_own_and_shared_versions_can_be_named(writer, alpha, versions, whose):
    writer.execute(INSERT, {"agency": alpha.id, "form": versions[whose]})
    writer.execute(UPDATE, {"form": versions["alpha"]})


def test_another_agencys_version_is_refused(writer, alpha, versions):
    with pytest.raises(IntegrityError, match="another agency"), writer.begin_nested():
        writer.execute(INSERT, {"agency": alpha.id, "form": versions["beta"]})
    writer.execute(INSERT, {"agency": alpha.id, "form": versions["alpha"]})
    with pytest.raises(IntegrityError, match="another agency"), writer.begin_nested():
        writer.execute(UPDATE, {"form": versions["beta"]})


def test_every_table_of_an_agency_that_names_a_version_is_guarded(owner):
    named = text(
        "SELECT c.conrelid::regclass::text FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'agency_id' "
        "WHERE c.contype = 'f' AND c.confrelid = 'definition'::regclass"
    )
    guarded = text("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%_guard_insert'")
    assert set(owner.scalars(named)) <= set(owner.scalars(guarded))
