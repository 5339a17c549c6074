"""What a generated ``env.py`` does: connect to the databases, keep others away, and run what was asked for.

The same for synchronous and asynchronous engines and for several databases.
Each database's run is one transaction, where the database can do that; all
of them are committed when the last one is through.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from costrel import current_app
from costrel.errors import CostrelError
from costrel.ext.migrate.arguments import check_arguments
from costrel.ext.migrate.autogenerate import Directives
from costrel.ext.migrate.databases import Database, find_databases, is_async_engine, needs_loop
from costrel.ext.migrate.errors import MigrationError, line_to_type
from costrel.ext.migrate.failures import RunLog, describe_failure, tell_failure
from costrel.ext.migrate.locks import exclusive
from costrel.ext.migrate.loops import connect, run
from costrel.ext.migrate.sqlite import SqliteGuard

__all__ = ["run_migrations"]

log = logging.getLogger("costrel.migrate")


def run_migrations(**arguments: Any) -> None:
    """Run what the current command asks for; ``env.py`` calls this.

    Args:
        **arguments: What Alembic's ``context.configure`` gets besides; they
            go before those of ``Migrate``.

    Raises:
        MigrationError: If a migration fails, with what of the run stays.
    """
    _Run(arguments).start()


class _Run:
    """One run of ``env.py``."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.config = context.config
        self.app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's
        self.state = self.app.extensions["migrate"]
        self.arguments = {**self.state.configure_args, **arguments}
        check_arguments(arguments)
        self.is_multi = self.config.get_main_option("databases") == "all"
        self.databases: list[Database] = []
        self.writes: str = self.config.attributes.get("costrel.writes", "")
        self.logs: list[RunLog] = []

    def start(self) -> None:
        """Run on an event loop of its own if a database can be reached in no other way."""
        if needs_loop(self.app, self.state.db, binds=self.is_multi):
            run(self._start_async)
            return

        self._find()
        if context.is_offline_mode():
            self._write_sql()
            return
        with ExitStack() as stack:
            self._run([stack.enter_context(self._open(database)) for database in self.databases])

    async def _start_async(self) -> None:
        self._find()
        if context.is_offline_mode():
            self._write_sql()
            return
        async with AsyncExitStack() as stack:
            opened = [await self._open_async(stack, database) for database in self.databases]
            connections = [getattr(connection, "sync_connection", connection) for connection in opened]
            spawner = next(connection for connection in opened if hasattr(connection, "sync_connection"))
            # All asynchronous connections can be used inside of what one of them runs.
            await spawner.run_sync(lambda _: self._run(connections))

    def _find(self) -> None:
        self.databases = find_databases(self.app, self.state.db, binds=self.is_multi)

    def _open(self, database: Database) -> Connection:
        try:
            return database.engine.connect()  # type: ignore[return-value]  # only called for synchronous ones
        except OperationalError as error:
            raise _unreachable(database, error) from error

    async def _open_async(self, stack: AsyncExitStack, database: Database) -> Any:
        engine = database.engine
        if not is_async_engine(engine):
            return stack.enter_context(self._open(database))
        try:
            return await stack.enter_async_context(connect(engine, is_of_loop=database.is_of_loop))
        except (DBAPIError, OSError) as error:
            raise _unreachable(database, error) from error

    def _run(self, connections: Sequence[Connection]) -> None:
        try:
            with ExitStack() as stack:
                for database, connection in zip(self.databases, connections, strict=True):
                    if self.is_multi:
                        log.info("Database %s:", database.label)
                    self._migrate(stack, database, connection)
        except (CostrelError, CommandError):
            raise
        except Exception as error:
            told = describe_failure(error)
            if not told:
                raise
            retry = line_to_type(self.writes or "upgrade", command=self.state.migrate.command)
            raise tell_failure(error, self.logs, told=told, retry=retry) from error

    def _migrate(self, stack: ExitStack, database: Database, connection: Connection) -> None:
        """Run one database's migrations in a transaction that ends with the stack."""
        arguments = dict(self.arguments)
        # Any: Alembic takes several, which its stub does not say.
        callbacks: Any = _as_list(arguments.pop("on_version_apply", ()))
        version_table = arguments.get("version_table", "alembic_version")
        place = f"{arguments.get('version_table_schema') or ''}.{version_table}"
        is_sqlite = connection.dialect.name == "sqlite"
        wait_seconds = self.state.options.lock_timeout

        if self.writes:
            stack.enter_context(exclusive(connection, version_table=place, wait_seconds=wait_seconds))
            if is_sqlite:
                guard = stack.enter_context(SqliteGuard(connection, wait_seconds=wait_seconds))
                callbacks.append(lambda *, step, **others: guard.check(", ".join(step.up_revision_ids)))
                arguments.setdefault("transactional_ddl", True)
            run_log = RunLog(connection, label=database.label, version_table=version_table)
            self.logs.append(run_log)
            callbacks.append(run_log.applied)

        directives = Directives(
            arguments.pop("process_revision_directives", None),
            is_autogenerate=bool(getattr(self.config.cmd_opts, "autogenerate", False)),
            is_last=database is self.databases[-1],
            state=self.state,
        )
        context.configure(
            connection=connection,
            target_metadata=arguments.pop("target_metadata", database.metadata),
            process_revision_directives=directives,
            on_version_apply=callbacks,
            **self._tokens(database),
            **arguments,
        )
        stack.enter_context(context.begin_transaction())
        context.run_migrations(**self._step_arguments(database))

    def _write_sql(self) -> None:
        """Write the statements instead of running them."""
        for database in self.databases:
            arguments = {"literal_binds": True, **self.arguments}
            arguments.pop("process_revision_directives", None)
            context.configure(
                url=database.engine.url,
                target_metadata=arguments.pop("target_metadata", database.metadata),
                **self._tokens(database),
                **arguments,
            )
            if self.is_multi:
                context.get_context().impl.static_output(f"-- Database: {database.label}")
            with context.begin_transaction():
                context.run_migrations(**self._step_arguments(database))

    def _tokens(self, database: Database) -> dict[str, Any]:  # Any: to be passed with all arguments
        if not self.is_multi:
            return {}

        return {
            "upgrade_token": f"{database.identifier}_upgrades",
            "downgrade_token": f"{database.identifier}_downgrades",
        }

    def _step_arguments(self, database: Database) -> dict[str, str]:
        return {"engine_name": database.identifier} if self.is_multi else {}


def _as_list(callbacks: Any) -> list[Any]:
    if not callbacks:
        return []

    return [callbacks] if callable(callbacks) else list(callbacks)


def _unreachable(database: Database, error: Exception) -> MigrationError:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    url = database.engine.url.render_as_string(hide_password=True)

    return MigrationError(
        f"the database {database.label!r} at {url} cannot be reached: {reason}",
        hint="Start it, or mend the URL in the configuration.",
    )
