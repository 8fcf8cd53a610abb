"""Migrations: each component (core, and every plugin with tables) has its own history and its own version table.

So a plugin whose folder was deleted stops nobody's upgrade. It must not know which
plugins exist: the caller names the components.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names

from core.db import rls
from core.db.base import Base
from core.db.types import LTree, PointXY, UTCDateTime

ischema_names.update(ltree=LTree, point=PointXY)  # what is read back of the database, when a migration is written

SCRIPTS = Path(__file__).parents[2] / "migrations"
_LOCK = 0x77616E67  # "wang": one upgrade at a time in one database


@dataclass(frozen=True)
class Component:
    """A history of migrations: its key, the folder of its revisions, and the prefix of its tables (none for core)."""

    key: str
    versions: Path
    prefix: str = ""

    @property
    def version_table(self) -> str:
        """Give the name of the table that remembers how far this history has gone."""
        return f"alembic_version_{self.key}"


CORE = Component("core", SCRIPTS / "versions")


@dataclass(frozen=True)
class PendingRevision:
    """A migration that the database has not seen yet."""

    component: str
    revision: str
    title: str


def plugin_component(key: str, versions: Path) -> Component:
    """Give the component of a plugin from the folder of its revisions; its tables are named `<key>_…`."""
    return Component(key, versions, prefix=f"{key}_")


def pending(engine: Engine, components: Sequence[Component] = (CORE,)) -> list[PendingRevision]:
    """List what an upgrade would run, in its order; it changes nothing."""
    with engine.connect() as connection:
        return [found for component in components for found in _pending(connection, component)]


def _pending(connection: Connection, component: Component) -> Iterator[PendingRevision]:
    context = MigrationContext.configure(connection, opts={"version_table": component.version_table})
    script = _script(component)
    newest_first = list(script.walk_revisions())
    heads = context.get_current_heads()
    if not knows(component, heads):
        return  # A newer release has migrated further; this one goes on beside it.
    applied = {revision.revision for head in heads for revision in script.iterate_revisions(head, "base", inclusive=True)}
    for revision in reversed(newest_first):
        if revision.revision not in applied:
            yield PendingRevision(component.key, revision.revision, revision.doc)


def knows(component: Component, heads: Sequence[str]) -> bool:
    """Tell whether this release has all of `heads`, that is, is not older than what they belong to."""
    return set(heads) <= {revision.revision for revision in _script(component).walk_revisions()}


@cache
def _script(component: Component) -> ScriptDirectory:
    # The revisions of a release do not change while it runs, and a probe asks every few seconds.
    return ScriptDirectory.from_config(_config(component))


def upgrade(engine: Engine, components: Sequence[Component] = (CORE,)) -> list[PendingRevision]:
    """Bring the database up to date as the owner role and give back what was run.

    Only one process upgrades at a time: a second one waits, then finds nothing to do.
    """
    with _alone(engine):
        found = pending(engine, components)
        for component in components:
            if any(revision.component == component.key for revision in found):
                with engine.connect() as connection:
                    command.upgrade(_config(component, connection=connection), "heads")
                    # The health probe of the application compares versions too.
                    connection.execute(text(f"GRANT SELECT ON {component.version_table} TO wangge_app"))
                    connection.commit()
    return found


def downgrade(engine: Engine, component: Component, revision: str = "base") -> None:
    """Take one component back to `revision`; for tests and for removing a plugin's tables."""
    with _alone(engine), engine.connect() as connection:
        command.downgrade(_config(component, connection=connection), revision)


def differences(engine: Engine, component: Component = CORE, *, other_prefixes: Sequence[str] = ()) -> list[Any]:
    """List where the migrated tables differ from the models; empty when the history is complete."""
    with engine.connect() as connection:
        options = comparison_options(component, other_prefixes)
        context = MigrationContext.configure(connection, opts={"version_table": component.version_table, **options})
        return list(compare_metadata(context, Base.metadata))


def new_revision(engine: Engine, component: Component, title: str) -> None:
    """Write a migration from the difference between models and database, new tables secured; read it before committing it."""
    with engine.connect() as connection:
        config = _config(component, connection=connection)
        command.revision(config, message=title, autogenerate=True, process_revision_directives=_secure_new_tables)


def _secure_new_tables(_context: object, _revision: object, directives: list[Any]) -> None:
    """Add to each new table the grants and policies that its model asks for, as plain SQL that no later release changes."""
    for upgrades in (directive.upgrade_ops for directive in directives):
        new = [one.table_name for one in upgrades.ops if isinstance(one, ops.CreateTableOp)]
        statements = [sql for name in new for sql in rls.secure_table(Base.metadata.tables[name], rls.model_of(name))]
        upgrades.ops += [ops.ExecuteSQLOp(statement) for statement in statements]


def render_item(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Write our own column types so that a migration needs no more of core than plugins may see."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, LTree | PointXY):
        context.imports.add(f"from core.api.db import {type(item).__name__}")
        return f"{type(item).__name__}()"
    return False


def comparison_options(component: Component, other_prefixes: Sequence[str] = ()) -> dict[str, Any]:
    """Give Alembic's options so that a component sees only its own tables."""

    def include_name(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name is None or _owns(component, name, other_prefixes)

    def include_object(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name is None or _owns(component, name, other_prefixes)

    return {"include_name": include_name, "include_object": include_object, "compare_type": True, "render_item": render_item}


def _owns(component: Component, table: str, other_prefixes: Sequence[str]) -> bool:
    if table.startswith("alembic_version_"):
        return False
    return table.startswith(component.prefix) if component.prefix else not table.startswith(tuple(other_prefixes))


def _config(component: Component, *, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("version_locations", str(component.versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["component"] = component
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    # A connection of its own: the lock is the session's and outlives each migration's transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
