"""How Alembic runs the revisions of one component; core.db.migrate names it and lends the connection."""

from __future__ import annotations

from alembic import context

from core.db.base import Base
from core.db.migrate import comparison_options
from core.db.schema import import_models

component = context.config.attributes["component"]

import_models()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=component.version_table,
    transaction_per_migration=True,
    **comparison_options(component),
)
with context.begin_transaction():
    context.run_migrations()
