"""The whole schema at once, from the models: for tests, and the origin of the first migration."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from sqlalchemy import Connection, text

import core
from core.db import rls
from core.db.base import Base
from core.db.server_config import EXTENSIONS


def import_models() -> None:
    """Import every ``models`` module of core, so that the metadata is complete."""
    for module in walk_packages(core.__path__, "core."):
        if module.name.endswith(".models") or module.name in {"core.db.epoch", "core.db.outbox"}:
            import_module(module.name)


def create_all(connection: Connection) -> None:
    """Create every table of core with its row-level security, grants and triggers (as the owner role)."""
    import_models()
    for extension in EXTENSIONS:  # There already on the embedded server; elsewhere the owner of the database may add them.
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
    Base.metadata.create_all(connection, tables=rls.core_tables())
    for statement in rls.statements():
        connection.execute(text(statement))
    connection.execute(text("INSERT INTO configuration_epoch (id, value) VALUES (1, 1) ON CONFLICT DO NOTHING"))
