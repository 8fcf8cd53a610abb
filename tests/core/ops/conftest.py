"""Databases of a test's own, beside the shared one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url


@pytest.fixture
def make_database(server_urls) -> Iterator[Callable[[], Engine]]:
    """Make empty databases, as their owner; they are dropped after the test."""
    owner = make_url(server_urls[1])
    admin = create_engine(owner, isolation_level="AUTOCOMMIT")
    made: list[Engine] = []

    def make() -> Engine:
        name = f"wangge_test_{uuid4().hex[:12]}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made.append(create_engine(owner.set(database=name)))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {engine.url.database} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def engine(make_database) -> Engine:
    """One empty database."""
    return make_database()


@pytest.fixture
def as_app(server_urls) -> Iterator[Callable[[Engine], Engine]]:
    """Give the application role's engine of a database."""
    made: list[Engine] = []

    def app(engine: Engine) -> Engine:
        made.append(create_engine(make_url(server_urls[0]).set(database=engine.url.database)))
        return made[-1]

    yield app
    for engine in made:
        engine.dispose()
