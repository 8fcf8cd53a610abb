"""Make the table of visits; written by ``wangge db revision "first tables" --component playground``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "playground_visit",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id", "case_id"], ["cases.agency_id", "cases.id"], name=op.f("fk_playground_visit_agency_id_case_id")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_playground_visit_agency_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_playground_visit_grid_id")),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_playground_visit")),
    )
    op.execute('GRANT SELECT, INSERT, UPDATE, DELETE ON "playground_visit" TO wangge_app')
    op.execute('ALTER TABLE "playground_visit" ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE "playground_visit" FORCE ROW LEVEL SECURITY')
    op.execute('CREATE POLICY owner_all ON "playground_visit" TO wangge_owner USING (true) WITH CHECK (true)')
    own = "agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)"
    op.execute(f'CREATE POLICY own_agency ON "playground_visit" TO wangge_app USING ({own}) WITH CHECK ({own})')


def downgrade() -> None:
    op.drop_table("playground_visit")
