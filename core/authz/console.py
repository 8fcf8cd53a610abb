"""What a command of the command line works with: settings, terminal, database, and an agency to act for.

A command of any package takes it with `click.pass_obj`. It acts as the system
inside one agency: whoever may run commands on the server may do so anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.authz.actor import Actor
from core.db.embedded import EmbeddedPostgres
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.lib import clock
from core.lib.errors import Invalid, NotFound
from core.lib.terminal import Terminal
from core.lib.text import msg
from core.settings import Settings


class Console:
    """The surroundings of one command."""

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
        self.settings, self.terminal = settings, terminal
        self._open = ExitStack()

    @cached_property
    def database(self) -> Database:
        """Give the database; the embedded server is started for the command and stopped after it, unless others use it."""
        if not self.settings.database_url:
            self._open.enter_context(EmbeddedPostgres.of(self.settings).held())
        found = Database.of(self.settings)
        self._open.callback(found.dispose)
        return found

    def close(self) -> None:
        """Close what the command opened."""
        self._open.close()

    def agencies(self) -> list[str]:
        """Give the keys of all agencies, in order."""
        with self.database.session(None) as session:
            return list(session.scalars(text("SELECT key FROM agency ORDER BY key")))

    def agency(self, key: str | None) -> tuple[int, str]:
        """Give (id, key) of the agency named, or of the only one; raise when it is not clear which is meant."""
        with self.database.session(None) as session:
            known = {name: number for number, name in session.execute(text("SELECT id, key FROM agency ORDER BY key"))}
        if key is None and len(known) == 1:
            return next((number, name) for name, number in known.items())
        if key is None:
            raise Invalid(msg("authz.which_agency", known=", ".join(known) or "-"))
        if key not in known:
            raise NotFound(msg("authz.no_agency", agency=key, known=", ".join(known) or "-"))
        return known[key], key

    @contextmanager
    def work(self, agency: str | None = None) -> Iterator[tuple[Session, Actor]]:
        """Open one unit of work as the system inside `agency`; it is committed when the block ends well."""
        agency_id, key = self.agency(agency)
        with unit_of_work(self.database, agency_id) as session:
            yield session, Actor(None, agency_id, key, "system", (), clock.now(), locale=self.terminal.locale, is_system=True)
