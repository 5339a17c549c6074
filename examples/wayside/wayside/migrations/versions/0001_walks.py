"""Accounts, walks with tags, comments, tokens.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the first version."""
    if sa.inspect(op.get_bind()).has_table("walk"):
        return  # a file of before there were migrations

    op.create_table(
        "user",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(collation="NOCASE"), nullable=False, unique=True),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("is_keeper", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", sa.String, nullable=False),
    )
    op.create_table(
        "walk",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("walked_on", sa.String, nullable=False),
        sa.Column("distance_km", sa.Float),
        sa.Column("ascent_m", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("picture", sa.String),
        sa.Column("picture_alt", sa.String, nullable=False, server_default=""),
        sa.Column("created_at", sa.String, nullable=False),
    )
    op.create_index("walk_by_day", "walk", [sa.text("walked_on DESC"), sa.text("id DESC")])
    op.create_index("walk_by_author", "walk", ["author_id"])
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
    )
    op.create_table(
        "walk_tag",
        sa.Column("walk_id", sa.Integer, sa.ForeignKey("walk.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag_id", sa.Integer, sa.ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("walk_tag_by_tag", "walk_tag", ["tag_id", "walk_id"])
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("walk_id", sa.Integer, sa.ForeignKey("walk.id", ondelete="CASCADE"), nullable=False),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
    )
    op.create_index("comment_by_walk", "comment", ["walk_id", "id"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        sa.Column("created_at", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Take them away."""
    for name in ("api_token", "comment", "walk_tag", "tag", "walk", "user"):
        op.drop_table(name)
