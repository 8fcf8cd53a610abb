"""The pytest plugin: a real PostgreSQL, two agencies, actors with just the rights a test names.

The server is the embedded one, or the one named by ``WANGGE_TEST_DATABASE_URL``
(the owner role's URL). The schema is made once a run, in a template; every module
of tests gets a clone of its own, so what one commits no other can see. A service
test runs in a transaction that is rolled back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from core.authz import Actor, Grant
from core.db.engine import AgencySession, Database, set_agency
from core.db.epoch import forget_all
from core.db.schema import create_all
from core.grid.service import indexing
from core.settings import Settings

if TYPE_CHECKING:
    from core.accounts.models import Agency

NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
"""A Wednesday noon in Beijing, on no holiday."""


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the test run: secrets made up, files in a temporary folder."""
    var = tmp_path_factory.mktemp("var")
    return Settings.from_env({**os.environ, "WANGGE_VAR": str(var), "WANGGE_SECRET_KEY": "s" * 48, "WANGGE_JWT_SECRET_KEY": "j" * 48})


@pytest.fixture(scope="session")
def server_urls() -> tuple[str, str, str]:
    """URLs (app, owner, scan) of the server that tests use; the embedded one is started when needed."""
    external = os.environ.get("WANGGE_TEST_DATABASE_URL")
    if external:
        owner = make_url(external)
        return (
            os.environ.get("WANGGE_TEST_APP_URL") or _as_role(owner, "wangge_app"),
            external,
            os.environ.get("WANGGE_TEST_SCAN_URL") or _as_role(owner, "wangge_scan"),
        )
    from core.db.embedded import EmbeddedPostgres  # noqa: PLC0415  # not wanted on an external server

    server = EmbeddedPostgres.of(Settings.from_env({**os.environ, "WANGGE_VAR": str(Path("var/test").absolute())}))
    server.ensure()
    urls = server.urls()
    return urls.app, urls.owner, urls.scan


def _as_role(url: URL, role: str) -> str:
    return url.set(username=role).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def blank(server_urls: tuple[str, str, str]) -> Iterator[str]:
    """Name of a template database with the whole schema and no row."""
    with new_database(server_urls) as made:
        with made.owner_engine.begin() as connection:
            create_all(connection)
        made.dispose()
        yield name_of(made)


@pytest.fixture(scope="module")
def database(server_urls: tuple[str, str, str], blank: str) -> Iterator[Database]:
    """A database of this module of tests alone, with the whole schema."""
    with new_database(server_urls, template=blank) as made:
        yield made


@contextmanager
def new_database(server_urls: tuple[str, str, str], *, template: str = "template1") -> Iterator[Database]:
    """Make a database as a clone of ``template`` (to which nobody may be connected), and drop it at the end.

    What this process has cached of another database is forgotten on both sides.
    """
    name = f"wangge_test_{uuid4().hex[:12]}"
    app, owner, scan = server_urls
    admin = create_engine(owner, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    made = Database(app_url=_named(app, name), owner_url=_named(owner, name), scan_url=_named(scan, name))
    forget_all()
    try:
        yield made
    finally:
        forget_all()
        indexing.wait()  # a thread that still reads the land would open a connection after the last was closed
        made.dispose()
        _drop(admin, name)
        admin.dispose()


def name_of(database: Database) -> str:
    """Give the name of a database, for a clone to name as its template."""
    return str(make_url(database.owner_url).database)


def _drop(admin: Engine, name: str) -> None:
    """Drop a database; a vacuum of the server's own may hold it for a moment, and no owner may end that."""
    for attempts_left in reversed(range(50)):
        try:
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        except (OperationalError, ProgrammingError):
            if not attempts_left:
                raise
            time.sleep(0.1)
        else:
            return


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def agencies(database: Database) -> tuple[Agency, Agency]:
    """Two agencies that must never see each other."""
    from core.accounts.models import Agency  # noqa: PLC0415  # models are mapped once the database fixture has imported them

    with AgencySession(database.owner_engine, agency_id=None) as session:
        pair = [
            Agency(key=key, title={"zh_CN": title, "en": key.title()}, origin_lon=116.41, origin_lat=39.91)
            for key, title in (("alpha", "甲区"), ("beta", "乙区"))
        ]
        session.add_all(pair)
        session.commit()
        for agency in pair:
            session.refresh(agency)
        session.expunge_all()
    return pair[0], pair[1]


@pytest.fixture
def alpha(agencies: tuple[Agency, Agency]) -> Agency:
    """The agency that tests act for."""
    return agencies[0]


@pytest.fixture
def beta(agencies: tuple[Agency, Agency]) -> Agency:
    """The other agency."""
    return agencies[1]


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection of the application role whose transaction is rolled back after the test."""
    forget_all()
    with database.app_engine.connect() as opened:
        transaction = opened.begin()
        yield opened
        transaction.rollback()


@pytest.fixture
def owner_engine(database: Database) -> Engine:
    """The owner role's engine, for what only migrations and definition sync may do."""
    return database.owner_engine


@pytest.fixture
def session(connection: Connection, alpha: Agency) -> Iterator[AgencySession]:
    """A session of agency alpha; a commit inside it releases a savepoint only."""
    set_agency(connection, alpha.id)
    with AgencySession(connection, agency_id=alpha.id, join_transaction_mode="create_savepoint") as opened:
        yield opened


@pytest.fixture
def make_actor(alpha: Agency) -> Callable[..., Actor]:
    """Make an actor of alpha (or another agency) that holds exactly ``rights``, at one place."""

    def make(
        rights: Iterable[str] = (),
        *,
        agency: Agency | None = None,
        grid_path: str | None = None,
        department_path: str | None = None,
        user_id: int | None = None,
        now: datetime = NOON,
        is_system: bool = False,
    ) -> Actor:
        owner = agency or alpha
        grants = tuple(Grant(str(right), grid_path, department_path) for right in rights)
        return Actor(user_id, owner.id, owner.key, "tester", grants, now, is_system=is_system)

    return make
