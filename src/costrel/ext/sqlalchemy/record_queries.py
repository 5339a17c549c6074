"""``get_recorded_queries`` under the name of Flask-SQLAlchemy's module; ``recording.py`` has it."""

from __future__ import annotations

from costrel.ext.sqlalchemy.recording import QueryInfo, get_recorded_queries

__all__ = ["QueryInfo", "get_recorded_queries"]
