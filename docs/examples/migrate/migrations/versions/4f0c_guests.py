"""Guests

Revision: 4f0c
Follows:
Written: 2026-11-21 09:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "4f0c"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "guest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest")),
    )


def downgrade():
    op.drop_table("guest")
