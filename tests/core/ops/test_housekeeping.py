"""What has had its time goes, what has not stays, and one failing chore stops no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from core.db.outbox import OutboxMessage
from core.http.models import IdempotencyKey
from core.testing.fixtures import NOON
from core.worker import housekeeping


@pytest.fixture
def rows(database, alpha, beta):
    with database.owner_engine.begin() as connection:
        for agency in (alpha, beta):
            for state, days in (("done", 31), ("done", 29), ("dead", 400), ("waiting", 400)):
                at = NOON - timedelta(days=days)
                done_at = at if state == "done" else None
                values = {"agency_id": agency.id, "topic": "tests.old", "payload": {}, "due_at": at, "state": state, "done_at": done_at}
                connection.execute(insert(OutboxMessage).values(values))
        for number, days in (("old", 8), ("new", 6)):
            at = NOON - timedelta(days=days)
            values = {"agency_id": alpha.id, "user_id": 1, "key": number, "request_hash": b"", "created_at": at}
            connection.execute(insert(IdempotencyKey).values(values))
    yield
    with database.owner_engine.begin() as connection:
        connection.execute(delete(OutboxMessage))
        connection.execute(delete(IdempotencyKey))


def left(database, agency) -> list[str]:
    with database.session(agency.id) as session:
        return sorted(session.scalars(select(OutboxMessage.state)))


@pytest.mark.usefixtures("rows")
def test_old_deliveries_of_every_agency_go_and_failures_stay(database, alpha, beta, tmp_path):
    assert housekeeping.housekeep(database, logs=tmp_path, now=NOON) == 0
    assert left(database, alpha) == left(database, beta) == ["dead", "done", "waiting"]


@pytest.mark.usefixtures("rows")
def test_idempotency_keys_are_kept_seven_days(database, alpha, tmp_path):
    housekeeping.housekeep(database, logs=tmp_path, now=NOON)
    with database.session(alpha.id) as session:
        assert list(session.scalars(select(IdempotencyKey.key))) == ["new"]


@pytest.mark.usefixtures("rows")
def test_failing_chore_stops_no_other(database, alpha, monkeypatch, tmp_path):
    def fail(_session, *, now):
        raise RuntimeError(now)

    monkeypatch.setattr(housekeeping, "OF_AN_AGENCY", [fail, housekeeping.forget_delivered])
    assert housekeeping.housekeep(database, logs=tmp_path, now=NOON) == 2
    assert left(database, alpha) == ["dead", "done", "waiting"]


@pytest.mark.usefixtures("rows")
def test_access_logs_are_kept_more_than_six_months(database, tmp_path):
    for day in ("2025-09-08", "2025-09-09", "2026-03-18"):
        (tmp_path / f"access-{day}.jsonl").touch()
    housekeeping.housekeep(database, logs=tmp_path, now=NOON)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["access-2025-09-09.jsonl", "access-2026-03-18.jsonl"]
