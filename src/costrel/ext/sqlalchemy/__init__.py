"""Relational data by SQLAlchemy 2: models, a session for each context, sync and async, several databases.

The API is Flask-SQLAlchemy's; ``db.async_session`` and the methods that begin
with ``a`` are its twins to be awaited. Engines are made at the setup, and
connect when they are first used.

Example:
    >>> from costrel import Costrel
    >>> from sqlalchemy.orm import Mapped, mapped_column
    >>> db = SQLAlchemy()
    >>> class Guest(db.Model):
    ...     id: Mapped[int] = mapped_column(primary_key=True)
    ...     name: Mapped[str]
    >>> app = Costrel("hotel")
    >>> app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    >>> db.init_app(app)
    >>> with app.app_context():
    ...     db.create_all()
    ...     db.session.add(Guest(name="Ada"))
    ...     db.session.commit()
    ...     db.session.scalars(db.select(Guest.name)).all()
    ['Ada']
"""

from __future__ import annotations

from costrel.extension import require_library

require_library("sqlalchemy", extra="sqlalchemy")

from costrel.ext.sqlalchemy.extension import SQLAlchemy  # noqa: E402  # after the look for the library
from costrel.ext.sqlalchemy.model import Model  # noqa: E402
from costrel.ext.sqlalchemy.options import SQLAlchemyOptions  # noqa: E402
from costrel.ext.sqlalchemy.pagination import AsyncPagination, Pagination  # noqa: E402
from costrel.ext.sqlalchemy.query import Query  # noqa: E402
from costrel.ext.sqlalchemy.recording import QueryInfo, get_recorded_queries  # noqa: E402
from costrel.ext.sqlalchemy.session import Session  # noqa: E402
from costrel.ext.sqlalchemy.track_modifications import (  # noqa: E402
    before_models_committed,
    models_committed,
)

__all__ = [
    "AsyncPagination",
    "Model",
    "Pagination",
    "Query",
    "QueryInfo",
    "SQLAlchemy",
    "SQLAlchemyOptions",
    "Session",
    "before_models_committed",
    "get_recorded_queries",
    "models_committed",
]
