"""Connections that are in somebody's hands while everything is closed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text

from core.db.engine import Database


@pytest.fixture
def used(database: Database) -> Database:
    """The module's database as somebody else uses it, with connections of his own."""
    return Database(app_url=database.app_url, owner_url=database.owner_url, scan_url=database.scan_url)


def driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


def test_connection_that_comes_back_after_everything_was_closed_is_closed(used: Database) -> None:
    taken = used.app_engine.connect()
    driver = driver_of(taken)
    used.dispose()
    assert not driver.closed  # whoever works with it goes on
    assert taken.execute(text("SELECT 1")).scalar_one() == 1
    taken.close()
    assert driver.closed


def test_connection_that_is_opened_after_everything_was_closed_is_not_kept(used: Database) -> None:
    engine = used.app_engine
    used.dispose()
    with engine.connect() as late:
        driver = driver_of(late)
    assert driver.closed


def test_database_can_be_used_again_after_everything_was_closed(used: Database) -> None:
    with used.session(None) as session:
        session.execute(text("SELECT 1"))
    used.dispose()
    with used.app_engine.connect() as opened:
        driver = driver_of(opened)
    assert not driver.closed
    used.dispose()
    assert driver.closed
