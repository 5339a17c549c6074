"""Flask-Session's names for sessions of the type ``sqlalchemy``, where it has them."""

from __future__ import annotations

from costrel.ext.session.interfaces import SqlAlchemySession, SqlAlchemySessionInterface

__all__ = ["SqlAlchemySession", "SqlAlchemySessionInterface"]
