"""Which migrations a database has not had yet. Changes nothing, and imports Alembic when called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costrel import Costrel, current_app
from costrel.ext.migrate.flask_names import flask_names_for

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

    from costrel.ext.migrate.databases import Database
    from costrel.ext.migrate.state import MigrateState

__all__ = ["PendingMigration", "find_pending", "has_folder", "load_scripts"]


@dataclass(frozen=True, slots=True)
class PendingMigration:
    """A migration that has not been run on a database."""

    revision: str
    message: str
    """What it does: the first paragraph of its file."""

    file: str
    database: str
    """The bind key; empty for the default database."""

    @property
    def line(self) -> str:
        """The migration for people, in one line."""
        where = f" ({self.database})" if self.database else ""

        return f"{self.revision} {' '.join(self.message.split())}".rstrip() + where


def find_pending(app: Costrel | None = None) -> list[PendingMigration]:
    """List the migrations that ``upgrade`` would run, in their order.

    Args:
        app: The application; by default the current one.

    Raises:
        sqlalchemy.exc.OperationalError: If a database cannot be reached.
        alembic.util.CommandError: If one is at a revision that has no file.

    Returns:
        None of them where there is no folder of migrations yet.
    """
    whole: Any = app or current_app
    state = whole.extensions["migrate"]
    if not has_folder(state):
        return []

    with whole.app_context():
        scripts, is_multi = load_scripts(state)
        return [
            pending
            for name, heads in _read_heads(whole, state, binds=is_multi).items()
            for pending in _pending_in(scripts, name, heads)
        ]


def has_folder(state: MigrateState) -> bool:
    """Tell whether ``init`` was run."""
    return os.path.isfile(os.path.join(state.directory, "env.py"))


def load_scripts(state: MigrateState) -> tuple[ScriptDirectory, bool]:
    """Read the migrations, and tell whether they are for several databases."""
    from alembic.script import ScriptDirectory  # for cost, as the module says

    config = state.migrate.get_config(state.directory)
    scripts = ScriptDirectory.from_config(config)
    with flask_names_for(state.directory):
        scripts.get_heads()  # runs the files, which is not done again
    if config.get_main_option("databases") == "all":
        return scripts, True

    # A folder that Flask-Migrate made says it by what its env.py does.
    with open(os.path.join(state.directory, "env.py"), encoding="utf-8") as file:
        return scripts, "upgrade_token" in file.read()


def _read_heads(app: Costrel, state: MigrateState, *, binds: bool) -> dict[str, tuple[str, ...]]:
    """Return the revisions that each database is at; no file is made for one of SQLite."""
    from costrel.ext.migrate.databases import find_databases, needs_loop  # for cost: SQLAlchemy, as below
    from costrel.ext.migrate.loops import connect, run

    arguments = state.configure_args
    if not needs_loop(app, state.db, binds=binds):
        databases = find_databases(app, state.db, binds=binds)
        return {database.name: _read_sync(database, arguments) for database in databases}

    async def read() -> dict[str, tuple[str, ...]]:
        found = {}
        for database in find_databases(app, state.db, binds=binds):
            engine: Any = database.engine
            if not database.is_async:
                found[database.name] = _read_sync(database, arguments)
            elif _exists(engine.url):
                async with connect(engine, is_of_loop=database.is_of_loop) as connection:
                    found[database.name] = await connection.run_sync(_heads_of, arguments)
            else:
                found[database.name] = ()
        return found

    return run(read)


def _read_sync(database: Database, arguments: dict[str, Any]) -> tuple[str, ...]:
    engine: Any = database.engine
    if not _exists(engine.url):
        return ()
    with engine.connect() as connection:
        return _heads_of(connection, arguments)


def _heads_of(connection: Any, arguments: dict[str, Any]) -> tuple[str, ...]:
    from sqlalchemy import Column, MetaData, String, Table, inspect, select  # for cost, as the module says

    name = arguments.get("version_table", "alembic_version")
    schema = arguments.get("version_table_schema")
    if not inspect(connection).has_table(name, schema=schema):
        return ()
    table = Table(name, MetaData(), Column("version_num", String(32)), schema=schema)

    return tuple(connection.scalars(select(table.c.version_num)))


def _pending_in(scripts: ScriptDirectory, database: str, heads: tuple[str, ...]) -> list[PendingMigration]:
    scripts.get_revisions(heads)  # refuses one that has no file, which iterating does in other words
    found = list(scripts.iterate_revisions("heads", heads or "base", implicit_base=True))

    return [
        PendingMigration(script.revision, script.doc, script.path, database)
        for script in reversed(found)
        if script.revision not in heads
    ]


def _exists(url: Any) -> bool:
    """Tell whether a database is more than a file of SQLite's that connecting would make."""
    name = url.database or ":memory:"
    if url.get_backend_name() != "sqlite" or name == ":memory:" or name.startswith("file:"):
        return True

    return os.path.exists(name)
