"""Databases of a test's own, beside the shared one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from core.testing.fixtures import new_database


@pytest.fixture
def make_database(server_urls) -> Iterator[Callable[[], Engine]]:
    """Make empty databases, as their owner; they are dropped after the test."""
    with ExitStack() as stack:

        def make() -> Engine:
            # An engine of its own: the pool of the owner's lets no two upgrades run beside each other.
            engine = create_engine(stack.enter_context(new_database(server_urls)).owner_url)
            stack.callback(engine.dispose)
            return engine

        yield make


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
