"""The extension: what an application's migrations belong to. Alembic is imported by commands only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from costrel import Costrel, current_app
from costrel.checks import Finding
from costrel.errors import Explanation, SetupError
from costrel.ext.migrate.arguments import check_arguments
from costrel.ext.migrate.options import MigrateOptions
from costrel.ext.migrate.state import MigrateState
from costrel.extension import Extension

if TYPE_CHECKING:
    from costrel.ext.migrate.config import Config

__all__ = ["Migrate"]

C = TypeVar("C", bound=Callable[[Any], Any])


class Migrate(Extension[MigrateOptions]):
    """Migrations of an application's databases, by Alembic.

    Args:
        app: The application; ``init_app`` sets up others.
        db: The ``SQLAlchemy`` object, or another one with ``engines`` and
            ``metadatas``. Without one it is the application's
            ``ext.sqlalchemy``.
        directory: The folder of the migrations.
        command: The name of the group of commands.
        compare_type: Whether ``migrate`` sees changed types of columns.
        render_as_batch: Whether it writes changes as batches, with which
            SQLite can make them; no other database minds.
        **kwargs: More arguments of Alembic's ``context.configure``, and
            options of this extension by their names.
    """

    name = "migrate"
    options_class = MigrateOptions

    def __init__(
        self,
        app: Costrel | None = None,
        db: Any = None,  # Any: whatever has engines and metadata
        directory: str | os.PathLike[str] = "migrations",
        command: str = "db",
        compare_type: Any = True,  # Any: a flag, or Alembic's callable
        render_as_batch: bool = True,
        **kwargs: Any,
    ) -> None:
        self.configure_callbacks: list[Callable[[Any], Any]] = []
        self.db = db
        self.directory = os.fspath(directory)
        self.alembic_ctx_kwargs: dict[str, Any] = {}
        super().__init__(None, **self._take_options(kwargs))
        self.alembic_ctx_kwargs.update(compare_type=compare_type, render_as_batch=render_as_batch)
        self._name_command(command)
        if app is not None and (db is not None or "sqlalchemy" in app.extensions):
            self.init_app(app, db)

    def init_app(
        self,
        app: Costrel,
        db: Any = None,  # Any: as above
        directory: str | os.PathLike[str] | None = None,
        command: str | None = None,
        compare_type: Any = None,  # Any: as above
        render_as_batch: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the migrations of an application up; the arguments go before those of the constructor.

        Called once more for an application of this object, it changes what
        is given.

        Args:
            app: The application.
            db: As for the class, like all others.
            directory: The folder of the migrations.
            command: The name of the group of commands.
            compare_type: Whether ``migrate`` sees changed types of columns.
            render_as_batch: Whether it writes changes as batches.
            **kwargs: As for the class.

        Raises:
            ConfigError: If an option is unfit, or an argument misspelt.
            SetupError: If there is no database, or if the application has
                another ``Migrate``.
        """
        if db is not None:
            self.db = db
        if command is not None:
            self._name_command(command)
        given = self._take_options(kwargs)
        if directory is not None:
            self.directory = os.fspath(directory)
        if self.directory != "migrations":
            given["directory"] = self.directory
        if compare_type is not None:
            self.alembic_ctx_kwargs["compare_type"] = compare_type
        if render_as_batch is not None:
            self.alembic_ctx_kwargs["render_as_batch"] = render_as_batch

        if self.db is None and "sqlalchemy" not in app.extensions:
            raise SetupError(
                "Migrate needs to know the databases that it migrates",
                hint="Pass the SQLAlchemy object: Migrate(app, db), or call db.init_app(app) before.",
            )
        have = app.extensions.get(self.name)
        if getattr(have, "migrate", None) is not self:
            self._set_up(app, **given)
        state: MigrateState = app.extensions[self.name]
        state.db = self.db
        state.configure_args.update(self.alembic_ctx_kwargs)

    def _take_options(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Keep what is Alembic's, and return what is this extension's."""
        own = {option.name for option in MigrateOptions.all_options()}
        check_arguments(kwargs.keys() - own)
        self.alembic_ctx_kwargs.update({name: value for name, value in kwargs.items() if name not in own})

        return {name: value for name, value in kwargs.items() if name in own}

    def _name_command(self, command: str) -> None:
        self.command = command
        # The module answers for any name with the group: an application may call it differently.
        target = f"costrel.ext.migrate.commands:{command.replace('-', '_')}"
        self.commands = target  # type: ignore[misc]  # each object has its own

    def setup(self, app: Costrel, options: MigrateOptions) -> MigrateState:
        """Register what explains errors that come from pending migrations."""
        state = MigrateState(self, app, options)

        def explain(error: Exception) -> Explanation | None:
            if not (app.debug and options.tell_pending):
                return None

            from costrel.ext.migrate.explain import explain_error  # for cost: errors are rare

            return explain_error(app, state, error)

        app.explain_error(explain)

        return state

    def configure(self, f: C) -> C:
        """Register a function that gets Alembic's configuration and returns it, or another one."""
        self.configure_callbacks.append(f)
        return f

    def call_configure_callbacks(self, config: Any) -> Any:
        """Call what ``configure`` registered, one after the other."""
        for callback in self.configure_callbacks:
            config = callback(config)

        return config

    def get_config(
        self,
        directory: str | os.PathLike[str] | None = None,
        x_arg: str | Sequence[str] | None = None,
        opts: Iterable[str] | None = None,
    ) -> Config:
        """Read Alembic's configuration, for use with Alembic's own functions.

        Args:
            directory: The folder of the migrations, if not the application's.
            x_arg: What ``-x`` says, one or several ``name=value``.
            opts: Flags to set, ``"autogenerate"``.
        """
        from costrel.ext.migrate.config import read_config  # for cost: it imports Alembic

        if directory is None:
            directory = self._state().directory if current_app else self.directory
        config = read_config(os.fspath(directory), x_arg=x_arg, opts=opts or ())

        return cast("Config", self.call_configure_callbacks(config))

    def _state(self) -> MigrateState:
        return cast(MigrateState, self.state_of())

    def development_notes(self, app: Costrel) -> Iterable[str]:
        """Tell how many migrations are pending."""
        if self.options_of(app).tell_pending:
            from costrel.ext.migrate.explain import describe_pending  # for cost: as above

            yield from describe_pending(app, self.state_of(app))

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find pending migrations, and several heads."""
        from costrel.ext.migrate.findings import find_all  # for cost: as above

        yield from find_all(app, self.state_of(app))
