"""Addresses of guests

Revision: 8a31
Follows: 4f0c
Written: 2026-11-21 10:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "8a31"
down_revision = "4f0c"
branch_labels = None
depends_on = None


def upgrade():
    # A column that may not be empty, in a table with rows: add it, fill it, then forbid.
    with op.batch_alter_table("guest") as batch:
        batch.add_column(sa.Column("slug", sa.String(length=80)))

    op.execute("UPDATE guest SET slug = lower(replace(name, ' ', '-'))")

    with op.batch_alter_table("guest") as batch:
        batch.alter_column("slug", existing_type=sa.String(length=80), nullable=False)
        batch.create_unique_constraint(op.f("uq_guest_slug"), ["slug"])


def downgrade():
    with op.batch_alter_table("guest") as batch:
        batch.drop_constraint(op.f("uq_guest_slug"), type_="unique")
        batch.drop_column("slug")
