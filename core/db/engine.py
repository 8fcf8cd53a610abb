"""Connections: three roles, one place where the agency of a transaction is set.

The application role owns nothing and bypasses nothing. A session is opened
*for* an agency (or for none), and every transaction it begins sets
``wangge.agency`` before anything else, so row-level security always knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Dialect, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from core.db.json import dumps, loads
from core.db.prepared import HotConnection, Prepared, line_of
from core.settings import Settings

Parked = deque[PoolProxiedConnection]
"""Connections without a transaction, checked out of the pool and in nobody's hands; there are as many as threads that serve requests."""

_SET_AGENCY = Prepared("SELECT set_config('wangge.agency', %(agency)s, true)")


class Database:
    """The installation's PostgreSQL, by role."""

    def __init__(self, *, app_url: str, owner_url: str, scan_url: str, pool_size: int = 4) -> None:
        self.app_url, self.owner_url, self.scan_url = app_url, owner_url, scan_url
        self._pool_size = pool_size
        self._parked: Parked = deque()

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """Find the database of ``settings``: the external one, or the embedded server (which must run)."""
        if settings.database_url:
            owner = settings.database_owner_url or settings.database_url
            return cls(app_url=settings.database_url, owner_url=owner, scan_url=settings.database_scan_url or settings.database_url)
        from core.db.embedded import EmbeddedPostgres  # noqa: PLC0415  # psutil and the wheel are not loaded on an external server

        urls = EmbeddedPostgres.of(settings).urls()
        return cls(app_url=urls.app, owner_url=urls.owner, scan_url=urls.scan)

    @cached_property
    def app_engine(self) -> Engine:
        """Engine of the application role."""
        return make_engine(self.app_url, pool_size=self._pool_size)

    @cached_property
    def owner_engine(self) -> Engine:
        """Engine of the role that owns the tables: migrations and definition sync only."""
        return make_engine(self.owner_url, pool_size=1)

    @cached_property
    def scan_engine(self) -> Engine:
        """Engine of the role that sees (agency, id, due) of outbox and timers, and nothing else."""
        return make_engine(self.scan_url, pool_size=1)

    def session(self, agency_id: int | None) -> Session:
        """Open a session whose every transaction acts for ``agency_id`` (None: for no agency)."""
        return AgencySession(self.app_engine, agency_id=agency_id, parked=self._parked)

    def dispose(self) -> None:
        """Close every pooled connection, and those that a thread still works with as soon as it gives them back."""
        while self._parked:
            self._parked.pop().close()
        for name in ("app_engine", "owner_engine", "scan_engine"):
            engine: Engine | None = self.__dict__.pop(name, None)
            if engine is not None:
                event.listen(engine, "checkin", _close)
                engine.dispose()


class AgencySession(Session):
    """A session bound to one agency for its whole life.

    A request opens it with one statement of its own (:meth:`open_with`) on a
    connection taken straight from the pool; SQLAlchemy joins that transaction
    when something asks for it, and costs nothing when nothing does. Then the
    connection, just committed, is parked for the next session to open with:
    the pool's own way in and out costs as much as the engine of a workflow.
    """

    def __init__(self, bind: Engine | Connection, *, agency_id: int | None, parked: Parked | None = None, **options: Any) -> None:
        super().__init__(bind, expire_on_commit=False, autoflush=False, **options)
        self.agency_id = agency_id
        self._parked = parked
        self._taken: PoolProxiedConnection | None = None
        self._joined: Connection | None = None

    def open_with(self, statement: Prepared, parameters: Mapping[str, Any]) -> Any:
        """Begin the transaction with a statement that itself sets ``wangge.agency``, and give its one row.

        It saves the hot path a round trip. In a transaction that is under way
        already, or on somebody else's connection, it is one statement more.
        """
        if isinstance(self.bind, Engine) and self._taken is None and not self.in_transaction():
            self._taken = self._take(self.bind)
            self.info["line"] = line_of(self._taken, self.bind.dialect)
        return statement.first(self, parameters)

    def _take(self, bind: Engine) -> PoolProxiedConnection:
        try:
            return self._parked.pop() if self._parked else bind.raw_connection()
        except IndexError:  # another thread was quicker
            return bind.raw_connection()

    def get_bind(self, *given: Any, **named: Any) -> Engine | Connection:
        """Give SQLAlchemy the connection that was opened before it was asked."""
        if self._taken is None or not isinstance(self.bind, Engine):
            return super().get_bind(*given, **named)
        if self._joined is None:
            self._joined = Connection(self.bind, connection=self._taken)
        return self._joined

    def commit(self) -> None:
        """Commit."""
        if self._taken is None or self.in_transaction():
            super().commit()
            self._give_back()
            return
        self.info["line"].commit()
        if self._parked is None or self._joined is not None:
            self._give_back()
            return
        self.info.pop("line", None)
        self._parked.append(self._taken)
        self._taken = None

    def rollback(self) -> None:
        """Roll back."""
        if self._taken is not None:
            self.connection()  # so that whoever listens for a rollback hears of it
        try:
            super().rollback()
        finally:
            self._give_back()

    def close(self) -> None:
        """Roll back what is not committed, and give the connection back."""
        try:
            if self.in_transaction() or self.identity_map or self.new:  # else nothing was asked of SQLAlchemy
                super().close()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._taken is None:
            return
        taken, self._taken, self._joined = self._joined or self._taken, None, None
        self.info.pop("line", None)
        taken.close()


@event.listens_for(AgencySession, "after_begin")
def _set_agency(session: AgencySession, _transaction: SessionTransaction, connection: Connection) -> None:
    if session.info.get("line") is None:
        set_agency(connection, session.agency_id)
        session.info["line"] = line_of(connection.connection, connection.dialect)


@event.listens_for(AgencySession, "after_transaction_end")
def _forget_line(session: AgencySession, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("line", None)


def set_agency(connection: Connection, agency_id: int | None) -> None:
    """Tell row-level security whose transaction this is."""
    _SET_AGENCY.all_on(connection, {"agency": "" if agency_id is None else str(agency_id)})


def make_engine(url: str, *, pool_size: int) -> Engine:
    """Make an engine with our JSON codec and prepared statements."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        pool_reset_on_return=None,  # see _leave_nothing_open
        hide_parameters=True,  # values may be personal or secret: neither errors nor logs repeat them
        json_serializer=dumps,
        json_deserializer=loads,
        connect_args={"prepare_threshold": 3, "application_name": "wangge"},
        use_insertmanyvalues=True,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "reset", _leave_nothing_open)
    return engine


def _leave_nothing_open(connection: HotConnection, _record: object, _state: object) -> None:
    """Roll back what was left open when a connection comes back; after a commit there is nothing, and nothing is asked of the driver."""
    if connection.pgconn.transaction_status != TransactionStatus.IDLE:
        connection.rollback()


def _close(connection: HotConnection | None, record: ConnectionPoolEntry) -> None:
    if connection is not None:
        record.close()


def _connect(_dialect: Dialect, _record: object, given: list[Any], named: dict[str, Any]) -> HotConnection:
    return HotConnection.connect(*given, **named)
