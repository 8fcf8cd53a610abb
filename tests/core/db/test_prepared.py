"""Hot statements over libpq itself, and sessions that SQLAlchemy joins only when it is asked."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import event, select, text

from core.audit.models import AuditEntry
from core.db import epoch
from core.db.prepared import Prepared
from core.lib import clock

_OPENING = Prepared("SELECT set_config('wangge.agency', %(agency)s, true)")
_AGENCY = Prepared("SELECT nullif(current_setting('wangge.agency', true), '')::int AS agency, %(number)s::bigint AS number")
_PID = Prepared("SELECT pg_backend_pid() AS pid")
_WRITER = Prepared("SELECT pg_current_xact_id()::text AS id")
_BROKEN = Prepared("SELECT 1 / %(number)s::int AS nothing")


@pytest.fixture
def opened(database, alpha):
    with database.session(alpha.id) as session:
        session.open_with(_OPENING, {"agency": str(alpha.id)})
        yield session


def test_an_opened_session_acts_for_its_agency_in_one_transaction(opened, alpha):
    row = _AGENCY.first(opened, {"number": None})
    assert (alpha.id, None) == tuple(row)
    assert _AGENCY.first(opened, {"number": 5}).number == 5


def test_sqlalchemy_joins_the_transaction_that_was_opened(opened, alpha):
    pid = _PID.first(opened, {}).pid
    assert pid == opened.scalar(text("SELECT pg_backend_pid()"))
    assert str(alpha.id) == opened.scalar(text("SELECT current_setting('wangge.agency')"))
    assert pid == _PID.first(opened, {}).pid


def test_nothing_of_the_agency_is_left_on_the_connection_that_the_next_session_opens_with(database, opened):
    pid = _PID.first(opened, {}).pid
    opened.commit()
    with database.session(None) as session:
        row = session.open_with(Prepared("SELECT pg_backend_pid() AS pid, current_setting('wangge.agency', true) AS agency"), {})
        assert (row.pid, row.agency) == (pid, "")


def test_connection_that_sqlalchemy_joined_goes_back_to_the_pool_and_leaves_nothing_of_the_agency(database, opened):
    pid = opened.scalar(text("SELECT pg_backend_pid()"))
    opened.commit()
    with database.app_engine.connect() as connection:
        assert pid == connection.scalar(text("SELECT pg_backend_pid()"))
        assert connection.scalar(text("SELECT current_setting('wangge.agency', true)")) in (None, "")


def test_connection_whose_transaction_failed_is_not_kept_for_the_next_session(database, alpha):
    with database.session(alpha.id) as session:
        session.open_with(_OPENING, {"agency": str(alpha.id)})
        with pytest.raises(psycopg.errors.DivisionByZero):
            _BROKEN.first(session, {"number": 0})
    with database.session(None) as session:
        assert session.open_with(_AGENCY, {"number": 7}).number == 7


def test_what_was_not_committed_is_rolled_back_on_close(database, alpha):
    with database.session(alpha.id) as session:
        session.open_with(_OPENING, {"agency": str(alpha.id)})
        mine = _WRITER.first(session, {}).id
    with database.owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_xact_status(CAST(:id AS xid8))"), {"id": mine}) == "aborted"


def test_commit_stores_what_the_hot_statements_wrote(database, alpha):
    with database.session(alpha.id) as session:
        session.open_with(_OPENING, {"agency": str(alpha.id)})
        mine = _WRITER.first(session, {}).id
        session.commit()
    with database.owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_xact_status(CAST(:id AS xid8))"), {"id": mine}) == "committed"


def test_commit_of_a_failed_transaction_raises(opened):
    with pytest.raises(psycopg.errors.DivisionByZero):
        _BROKEN.first(opened, {"number": 0})
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        _PID.first(opened, {})
    with pytest.raises(psycopg.OperationalError):
        opened.commit()


def test_a_rollback_is_heard_and_ends_the_transaction(opened, alpha):
    heard = []
    event.listen(opened, "after_rollback", heard.append)
    opened.rollback()
    assert [opened] == heard
    assert alpha.id == _AGENCY.first(opened, {"number": 1}).agency


def test_statements_stay_known_when_psycopg_lets_go_of_all(database):
    with database.session(None) as session:
        pid = _PID.first(session, {}).pid
        for _ in range(6):
            session.execute(text("SELECT 1"))
        session.rollback()
        assert pid == _PID.first(session, {}).pid


def test_a_bump_is_counted_by_an_opened_session(database, opened):
    before = epoch.epoch(opened)
    epoch.bump(opened)
    opened.commit()
    with database.session(None) as session:
        assert before + 1 == epoch.epoch(session)


def test_what_the_orm_holds_is_written_by_commit(database, opened, alpha):
    opened.add(AuditEntry(agency_id=alpha.id, at=clock.now(), action="test:line:written", subject="line:1"))
    opened.commit()
    with database.session(alpha.id) as session:
        assert session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "test:line:written")).all() == ["line:1"]


def test_a_lost_connection_is_an_operational_error_and_leaves_the_pool(database, opened):
    pid = _PID.first(opened, {}).pid
    with database.owner_engine.connect() as owner:
        owner.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(psycopg.OperationalError):
        _AGENCY.first(opened, {"number": 1})
    opened.close()
    with database.session(None) as session:
        assert pid != _PID.first(session, {}).pid
