"""Create every table of core.

Works while the previous release is still running.
"""

from __future__ import annotations

from alembic import op

from core.db.schema import create_all

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_all(op.get_bind())
