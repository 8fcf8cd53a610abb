"""Statements of the hot paths: compiled once, then given to the server as they are.

SQLAlchemy still writes the SQL and knows how each type is bound; what is left
out is its work per execution, and the driver's: a statement is one call of
libpq. A statement here takes named parameters and cannot have expanding ones:
use ``= ANY(:list)`` for ``IN``. Values come back as the driver reads them.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import JSON, ClauseElement, Connection, Dialect, PoolProxiedConnection
from sqlalchemy.orm import Session

from core.db.json import dumps

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_MOST = 300
"""How many statements a connection keeps prepared; beyond it the oldest is let go."""


class HotConnection(psycopg.Connection[Any]):
    """A connection that tells its line when psycopg lets go of every prepared statement, as it does after each rollback."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.known: dict[bytes, None] = {}
        """The names of the statements that the server has prepared for the line, oldest first."""

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        if name is None:
            self.known.clear()
        return super()._deallocate(name)


class Line:
    """One open connection as the hot statements use it: libpq itself, and which statements the server knows.

    A call waits in C without the interpreter's lock, so other threads go on.
    """

    def __init__(self, driver: HotConnection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._libpq = driver.pgconn
        self._transformer = Transformer(driver)
        self._known = driver.known

    def commit(self) -> None:
        """Commit; raise OperationalError when the server rolled back instead."""
        result = self._libpq.exec_(b"COMMIT")
        self._done(result)
        if result.command_status != b"COMMIT":
            raise psycopg.OperationalError("the transaction had failed and was rolled back")

    def run(self, statement: Prepared, values: Sequence[Any]) -> list[Any]:
        """Execute a statement, prepared at its first use here; give its rows. A transaction is begun when there is none, as psycopg does."""
        name = statement.name
        if name not in self._known:
            self._prepare(name, statement.sql)
        if self._libpq.transaction_status == TransactionStatus.IDLE:
            result = self._begin_with(name, values)
        else:
            given: Any = self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
            result = self._libpq.exec_prepared(name, given)
        if result.status == ExecStatus.TUPLES_OK:
            self._transformer.set_pgresult(result)
            return self._transformer.load_rows(0, result.ntuples, statement.row_maker(result))
        self._done(result)
        return []

    def _begin_with(self, name: bytes, values: Sequence[Any]) -> Any:
        """Begin a transaction with a prepared statement: one round trip instead of two, which only a text without parameters can be."""
        literals = b",".join(self._transformer.as_literal(value) for value in values)
        return self._libpq.exec_(b"BEGIN; EXECUTE %b(%b)" % (name, literals) if values else b"BEGIN; EXECUTE %b" % name)

    def _prepare(self, name: bytes, sql: str) -> None:
        # Every value is sent as text and without a type, so that the server infers it and None needs no statement of its own.
        if len(self._known) >= _MOST:
            oldest = next(iter(self._known))
            self._done(self._libpq.exec_(b"DEALLOCATE " + oldest))
            del self._known[oldest]
        self._done(self._libpq.prepare(name, sql.encode()))
        self._known[name] = None

    def _done(self, result: Any) -> None:
        if result.status == ExecStatus.COMMAND_OK:
            return
        if self._libpq.status != ConnStatus.OK:
            raise psycopg.OperationalError(self._libpq.get_error_message())
        raise error_from_result(result)


def line_of(connection: PoolProxiedConnection, dialect: Dialect) -> Line:
    """Give the line of a pooled connection; it lives as long as the connection to the server."""
    line: Line | None = connection.info.get("line")
    if line is None:
        driver = connection.driver_connection
        if not isinstance(driver, HotConnection):
            raise TypeError("hot statements need a connection of core.db.engine.make_engine")
        line = connection.info["line"] = Line(driver, dialect)
    return line


class Prepared:
    """One statement, ready to be sent many times."""

    def __init__(self, statement: ClauseElement | str) -> None:
        """Take a statement, or SQL text with ``%(name)s`` parameters that are sent as they are."""
        self._statement = statement
        self._ready: Callable[[Mapping[str, Any]], list[Any]] | None = None
        self._make: Callable[[Sequence[Any]], Any] | None = None
        self.sql = ""
        self.name = b""

    def all(self, session: Session, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute in the session's transaction; give every row as a named tuple."""
        # The session finds its connection anew each time it is asked; the line of the running transaction is known already.
        return self.all_on(session.info.get("line") or session.connection(), parameters)

    def all_on(self, connection: Connection | Line, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute on a connection; give every row as a named tuple."""
        line = connection if isinstance(connection, Line) else line_of(connection.connection, connection.dialect)
        if self._ready is None:
            self._compile(line.dialect)
        assert self._ready is not None
        return line.run(self, self._ready(parameters))

    def first(self, session: Session, parameters: Mapping[str, Any]) -> Any:
        """Execute and give the first row, or None."""
        rows = self.all(session, parameters)
        return rows[0] if rows else None

    def row_maker(self, result: Any) -> Callable[[Sequence[Any]], Any]:
        """Give what makes a named tuple of a row; the columns are the same every time."""
        if self._make is None:
            names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
            row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024  # the names are the statement's
            self._make = row._make
        return self._make

    def _compile(self, dialect: Dialect) -> None:
        names: dict[str, int] = {}

        def numbered(found: re.Match[str]) -> str:
            return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

        if isinstance(self._statement, str):
            self.sql = _PLACEHOLDER.sub(numbered, self._statement)
            ready: Callable[[Mapping[str, Any]], list[Any]] = lambda parameters: [parameters[name] for name in names]  # noqa: E731
        else:
            compiled: Any = self._statement.compile(dialect=dialect)
            self.sql = _PLACEHOLDER.sub(numbered, compiled.string)
            ready = _values([compiled.binds[name] for name in names], dialect)
        self.name = f"wangge_{sha256(self.sql.encode()).hexdigest()[:24]}".encode()
        self._ready = ready  # last: another thread takes it as the sign that all is there


def _values(binds: Sequence[Any], dialect: Dialect) -> Callable[[Mapping[str, Any]], list[Any]]:
    """Say how the values of all parameters are found and written: most are sent as they are given, so they are fetched in one go."""
    fixed = {bind.key: bind.value for bind in binds if not bind.required and bind.callable is None and bind.value is not None}
    keys = [bind.key for bind in binds]
    written = [(place, process) for place, bind in enumerate(binds) if (process := _writer(bind.type, dialect)) is not None]

    def ready(parameters: Mapping[str, Any]) -> list[Any]:
        given = {**parameters, **fixed} if fixed else parameters
        values = [given[key] for key in keys]
        for place, process in written:
            values[place] = process(values[place])
        return values

    return ready


def _writer(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, JSON):
        return _json_text(kind)
    process: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return process


def _json_text(kind: JSON) -> Callable[[Any], str | None]:
    """Write JSON as SQLAlchemy does, but as plain text at once and not by a dumper of the driver."""

    def write(value: Any) -> str | None:
        return None if value is None and kind.none_as_null else dumps(value)

    return write
