"""Statements of the hot paths: compiled once, then given to the driver as they are.

SQLAlchemy still writes the SQL and knows how each type is bound; what is left
out is its work per execution, and the driver's rewriting of placeholders. A
statement here takes named parameters and cannot have expanding ones: use
``= ANY(:list)`` for ``IN``. Values come back as the driver reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.orm import Session

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


class Prepared:
    """One statement, ready to be sent many times."""

    def __init__(self, statement: ClauseElement | str) -> None:
        """Take a statement, or SQL text with ``%(name)s`` parameters that are sent as they are."""
        self._statement = statement
        self._ready: Callable[[Mapping[str, Any]], list[Any]] | None = None
        self.sql = ""

    def all(self, session: Session, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute in the session's transaction; give every row as a named tuple."""
        # The session finds its connection anew each time it is asked; the one of the running transaction is known already.
        return self.all_on(session.info.get("connection") or session.connection(), parameters)

    def all_on(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute on a connection; give every row as a named tuple."""
        if self._ready is None:
            self._compile(connection.dialect)
        assert self._ready is not None
        driver: Any = connection.connection.driver_connection
        cursor = psycopg.RawCursor(driver, row_factory=namedtuple_row)
        cursor.execute(self.sql, self._ready(parameters), prepare=True)
        return cursor.fetchall()

    def first(self, session: Session, parameters: Mapping[str, Any]) -> Any:
        """Execute and give the first row, or None."""
        rows = self.all(session, parameters)
        return rows[0] if rows else None

    def _compile(self, dialect: Dialect) -> None:
        names: dict[str, int] = {}

        def numbered(found: re.Match[str]) -> str:
            return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

        if isinstance(self._statement, str):
            self.sql = _PLACEHOLDER.sub(numbered, self._statement)
            self._ready = lambda parameters: [parameters[name] for name in names]
            return
        compiled: Any = self._statement.compile(dialect=dialect)
        self.sql = _PLACEHOLDER.sub(numbered, compiled.string)
        binders = [_binder(compiled.binds[name], dialect) for name in names]
        self._ready = lambda parameters: [bind(parameters) for bind in binders]


def _binder(bind: Any, dialect: Dialect) -> Callable[[Mapping[str, Any]], Any]:
    """Say how the value of one parameter is found and written."""
    process = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if not bind.required and bind.callable is None and bind.value is not None:
        fixed = process(bind.value) if process else bind.value
        return lambda _parameters: fixed
    key = bind.key
    if process is None:
        return lambda parameters: parameters[key]
    return lambda parameters: process(parameters[key])
