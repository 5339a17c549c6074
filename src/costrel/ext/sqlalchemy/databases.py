"""What one application has of databases: its engines. Knows no session and no model."""

from __future__ import annotations

import sqlalchemy as sa

from costrel.errors import SetupError
from costrel.ext.sqlalchemy.async_engines import LoopEngines
from costrel.ext.sqlalchemy.engines import EngineTable
from costrel.ext.sqlalchemy.sqlite import is_memory

__all__ = ["Databases", "NotSetUpError", "is_in_memory"]


class NotSetUpError(SetupError, RuntimeError):
    """The current application has another ``SQLAlchemy``, or none."""


class Databases:
    """What one application has: its engines, those for sync code and those of each event loop."""

    def __init__(self, engines: EngineTable, loops: LoopEngines) -> None:
        self.engines = engines
        self.loops = loops

    def close(self, *, also_memory: bool = True) -> None:
        """Close the connections of the sync engines.

        Args:
            also_memory: Whether databases in memory may go with them.
        """
        for engine in self.engines.values():
            if isinstance(engine, sa.Engine) and (also_memory or not is_in_memory(engine)):
                engine.dispose()

    def end(self) -> None:
        """Close all connections; loops that still run close theirs a moment later."""
        self.close()
        self.loops.close_soon()


def is_in_memory(engine: sa.Engine) -> bool:
    """Tell whether an engine's database is one of SQLite in memory."""
    return engine.dialect.name == "sqlite" and is_memory(engine.url)
