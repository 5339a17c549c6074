"""The tables, as classes. Knows no request.

Times and days are text in ISO 8601, as they were before there were classes.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, String, Table, Text, false, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, relationship

from costrel.ext.login import UserMixin
from costrel.ext.sqlalchemy import SQLAlchemy


class Base(DeclarativeBase):
    """What all tables share: nothing but the list of them."""


db = SQLAlchemy(model_class=Base)


def _cascading(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


class User(UserMixin, db.Model):
    """An account. Those without a password wrote sample walks, and cannot sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(collation="NOCASE"), unique=True)
    password_hash: Mapped[str]
    is_keeper: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[str]


walk_tag = Table(
    "walk_tag",
    Base.metadata,
    Column("walk_id", _cascading("walk.id"), primary_key=True),
    Column("tag_id", _cascading("tag.id"), primary_key=True),
    Index("walk_tag_by_tag", "tag_id", "walk_id"),
)


class Tag(db.Model):
    """A word that walks are found by."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Comment(db.Model):
    """What somebody said under a walk."""

    __tablename__ = "comment"
    __table_args__ = (Index("comment_by_walk", "walk_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    walk_id: Mapped[int] = mapped_column(_cascading("walk.id"))
    author_id: Mapped[int] = mapped_column(_cascading("user.id"))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    walk: Mapped[Walk] = relationship(back_populates="comments")


class Walk(db.Model):
    """A walk that somebody wrote about."""

    __tablename__ = "walk"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(_cascading("user.id"))
    title: Mapped[str]
    place: Mapped[str]
    walked_on: Mapped[str]
    distance_km: Mapped[float | None] = mapped_column(Float)
    ascent_m: Mapped[int | None]
    body: Mapped[str] = mapped_column(Text)
    picture: Mapped[str | None]
    picture_alt: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[str]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    tags: Mapped[list[Tag]] = relationship(secondary=walk_tag, order_by=Tag.name, passive_deletes=True)
    comments: Mapped[list[Comment]] = relationship(
        back_populates="walk", order_by=Comment.id, cascade="all, delete", passive_deletes=True
    )
    comment_count: Mapped[int] = column_property(
        select(func.count(Comment.id))
        .where(Comment.walk_id == id)
        .correlate_except(Comment)
        .scalar_subquery()
    )


Index("walk_by_day", Walk.walked_on.desc(), Walk.id.desc())
Index("walk_by_author", Walk.author_id)


class ApiToken(db.Model):
    """A key to the API; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(_cascading("user.id"))
    label: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[str]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Line(db.Model):
    """A line on the bench. No number is used twice, so who has seen 7 has missed what is above it."""

    __tablename__ = "line"
    __table_args__ = (Index("line_by_author", "author_id", "created_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(_cascading("user.id"))
    body: Mapped[str]
    created_at: Mapped[str]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Presence(db.Model):
    """An open page of the bench."""

    __tablename__ = "presence"

    token: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(_cascading("user.id"))
    seen_at: Mapped[str]


class News(db.Model):
    """That a walk or a comment came. No number is used twice here, either."""

    __tablename__ = "news"
    __table_args__ = (
        Index("news_by_walk", "walk_id"),
        Index("news_by_comment", "comment_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    walk_id: Mapped[int] = mapped_column(_cascading("walk.id"))
    comment_id: Mapped[int | None] = mapped_column(_cascading("comment.id"))

    walk: Mapped[Walk] = relationship(lazy="joined", innerjoin=True)
    comment: Mapped[Comment | None] = relationship(lazy="joined")

    @property
    def author(self) -> User:
        """Who wrote it."""
        return self.walk.author if self.comment is None else self.comment.author
