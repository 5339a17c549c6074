"""Migrations of databases by Alembic: ``costrel db init``, ``migrate``, ``upgrade`` and their like.

The API is Flask-Migrate's. One folder serves sync and async engines and
several databases; a run of migrations that fails leaves nothing half applied
where the database can take changes of tables back, and two runs at the same
time wait for each other.

Example:
    >>> from costrel import Costrel
    >>> from costrel.ext.sqlalchemy import SQLAlchemy
    >>> app = Costrel("hotel")
    >>> app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    >>> db = SQLAlchemy(app)
    >>> migrate = Migrate(app, db)
    >>> app.extensions["migrate"].directory
    'migrations'
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from costrel.extension import require_library

# Alembic takes a while to be imported, and only commands need it: here it is enough that it is there.
try:
    _found = find_spec("alembic")
except ModuleNotFoundError:  # an import hook's way to say so
    _found = None
if _found is None:
    require_library("alembic", extra="migrate")

from costrel.ext.migrate.errors import MigrationError
from costrel.ext.migrate.extension import Migrate
from costrel.ext.migrate.operations import (
    branches,
    check,
    current,
    downgrade,
    edit,
    heads,
    history,
    init,
    list_templates,
    merge,
    migrate,
    revision,
    show,
    stamp,
    upgrade,
)
from costrel.ext.migrate.options import MigrateOptions
from costrel.ext.migrate.pending import PendingMigration, find_pending
from costrel.ext.migrate.state import MigrateState

__all__ = [
    "Migrate",
    "MigrateOptions",
    "MigrateState",
    "MigrationError",
    "PendingMigration",
    "branches",
    "check",
    "current",
    "downgrade",
    "edit",
    "find_pending",
    "heads",
    "history",
    "init",
    "list_templates",
    "merge",
    "migrate",
    "revision",
    "show",
    "stamp",
    "upgrade",
]


def __getattr__(name: str) -> Any:  # Any: each of the names has another type
    """Return two more names of Flask-Migrate's, which need Alembic."""
    if name == "Config":
        from costrel.ext.migrate.config import Config  # for cost, as above

        return Config
    if name == "alembic_version":
        from alembic import __version__  # for cost, as above

        return tuple(int(part) for part in __version__.split(".")[:3])

    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
