"""What an application has of its migrations. Imports no Alembic."""

from __future__ import annotations

from typing import Any

from costrel import Costrel
from costrel.ext.migrate.options import MigrateOptions

__all__ = ["MigrateState"]


class MigrateState:
    """What an application has in ``app.extensions["migrate"]``; the names are Flask-Migrate's."""

    # Any: the extension's class stands above this module.
    def __init__(self, migrate: Any, app: Costrel, options: MigrateOptions) -> None:
        self.migrate = migrate
        self.options = options
        self.configure_args: dict[str, Any] = {}
        """What Alembic's ``context.configure`` gets, beside the connection and the metadata."""
        self._app = app
        self._db: Any = None

    @property
    def db(self) -> Any:
        """The object that has the engines and the metadata."""
        return self._db if self._db is not None else self._app.extensions["sqlalchemy"]

    @db.setter
    def db(self, db: Any) -> None:
        self._db = db

    @property
    def directory(self) -> str:
        """The folder of the migrations."""
        return self.options.directory

    @property
    def metadata(self) -> Any:
        """The metadata of the default database."""
        return self.db.metadata
