"""The live parts: lines on the bench, who is there, news.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and news of what is there already, in the order in which it came."""
    if sa.inspect(op.get_bind()).has_table("line"):
        return  # a file of before there were migrations

    op.create_table(
        "line",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("line_by_author", "line", ["author_id", "created_at"])
    op.create_table(
        "presence",
        sa.Column("token", sa.String, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user.id", ondelete="CASCADE")),
        sa.Column("seen_at", sa.String, nullable=False),
    )
    op.create_table(
        "news",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("walk_id", sa.Integer, sa.ForeignKey("walk.id", ondelete="CASCADE"), nullable=False),
        sa.Column("comment_id", sa.Integer, sa.ForeignKey("comment.id", ondelete="CASCADE")),
        sqlite_autoincrement=True,
    )
    op.create_index("news_by_walk", "news", ["walk_id"])
    op.create_index("news_by_comment", "news", ["comment_id"])
    op.execute(
        """
        INSERT INTO news (walk_id, comment_id)
        SELECT walk_id, comment_id
        FROM (
            SELECT id AS walk_id, NULL AS comment_id, created_at FROM walk
            UNION ALL
            SELECT walk_id, id, created_at FROM comment
        )
        ORDER BY created_at, comment_id
        """
    )


def downgrade() -> None:
    """Take them away."""
    for name in ("news", "presence", "line"):
        op.drop_table(name)
