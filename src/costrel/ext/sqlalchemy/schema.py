"""What the extension knows of tables: metadata by bind key, and creating, dropping, reflecting them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc, orm

from costrel.ext.sqlalchemy.async_engines import AsyncEngines
from costrel.ext.sqlalchemy.query import Query
from costrel.ext.sqlalchemy.sqlite import without_foreign_keys

if TYPE_CHECKING:
    from costrel.ext.sqlalchemy.table import BoundTable

__all__ = ["Schema"]

E = TypeVar("E")
BindKeys = str | Iterable[str | None] | None


class Schema:
    """Part of the extension; it has engines, and the metadata that belongs to each."""

    metadatas: dict[str | None, sa.MetaData]
    """The metadata by bind key; ``None`` is that of the default database."""

    Query: type[Query[Any]]
    """The class of ``Model.query`` and of dynamic relationships."""

    Table: type[BoundTable]
    """SQLAlchemy's, whose metadata is that of ``bind_key=`` unless one is given."""

    @property
    def engines(self) -> Mapping[str | None, sa.Engine]:
        """The engines of the current application by bind key."""
        raise NotImplementedError

    @property
    def async_engines(self) -> AsyncEngines:
        """The async engines of the current application and event loop by bind key."""
        raise NotImplementedError

    @property
    def metadata(self) -> sa.MetaData:
        """The metadata of the default database."""
        return self.metadatas[None]

    def _make_metadata(self, bind_key: str | None) -> sa.MetaData:
        """Return the metadata of a bind key; a new one has the default's naming convention."""
        found = self.metadatas.get(bind_key)
        if found is None:
            convention = None if bind_key is None else self._make_metadata(None).naming_convention
            found = sa.MetaData(naming_convention=convention, info={"bind_key": bind_key})
            self.metadatas[bind_key] = found

        return found

    def create_all(self, bind_key: BindKeys = "__all__") -> None:
        """Create the tables that do not exist; existing ones are left as they are.

        Args:
            bind_key: A bind key, or several; by default all databases.

        Raises:
            ContextError: Outside of a context.
            UnboundExecutionError: If no database is configured for a key.
        """
        self._call_for_binds(bind_key, "create_all")

    def drop_all(self, bind_key: BindKeys = "__all__") -> None:
        """Drop the tables, with all that is in them; the argument is that of ``create_all``."""
        for engine, metadata in self._pairs(bind_key, self.engines):
            with engine.connect() as connection:
                _drop(connection, metadata)

    def reflect(self, bind_key: BindKeys = "__all__") -> None:
        """Read from the databases what tables there are; the argument is that of ``create_all``."""
        self._call_for_binds(bind_key, "reflect")

    async def acreate_all(self, bind_key: BindKeys = "__all__") -> None:
        """Do as ``create_all``, awaited."""
        await self._acall_for_binds(bind_key, "create_all")

    async def adrop_all(self, bind_key: BindKeys = "__all__") -> None:
        """Do as ``drop_all``, awaited."""
        for engine, metadata in self._pairs(bind_key, self.async_engines):
            async with engine.connect() as connection:
                await connection.run_sync(_drop, metadata)

    async def areflect(self, bind_key: BindKeys = "__all__") -> None:
        """Do as ``reflect``, awaited."""
        await self._acall_for_binds(bind_key, "reflect")

    def _call_for_binds(self, bind_key: BindKeys, name: str) -> None:
        for engine, metadata in self._pairs(bind_key, self.engines):
            getattr(metadata, name)(bind=engine)

    async def _acall_for_binds(self, bind_key: BindKeys, name: str) -> None:
        for engine, metadata in self._pairs(bind_key, self.async_engines):
            async with engine.begin() as connection:
                await connection.run_sync(getattr(metadata, name))

    def _pairs(self, bind_key: BindKeys, engines: Mapping[str | None, E]) -> Iterator[tuple[E, sa.MetaData]]:
        keys: Iterable[str | None]
        if bind_key == "__all__":
            keys = list(self.metadatas)
        elif bind_key is None or isinstance(bind_key, str):
            keys = [bind_key]
        else:
            keys = bind_key
        for key in keys:
            if (
                key is None
                and None not in engines
                and not self.metadatas[None].tables
                and bind_key == "__all__"
            ):
                continue  # only other databases are configured
            try:
                engine = engines[key]
            except KeyError:
                raise exc.UnboundExecutionError(_unbound(key)) from None
            yield engine, self.metadatas[key]

    def relationship(self, *args: Any, **kwargs: Any) -> orm.RelationshipProperty[Any]:
        """Make SQLAlchemy's relationship; dynamic ones and backrefs have this extension's query class."""
        self._set_query_class(kwargs)

        return orm.relationship(*args, **kwargs)

    def dynamic_loader(self, argument: Any, **kwargs: Any) -> orm.RelationshipProperty[Any]:
        """Make SQLAlchemy's dynamic relationship, with this extension's query class."""
        self._set_query_class(kwargs)

        return orm.dynamic_loader(argument, **kwargs)

    def _set_query_class(self, kwargs: dict[str, Any]) -> None:
        kwargs.setdefault("query_class", self.Query)
        backref = kwargs.get("backref")
        if backref is not None:
            name, options = (backref, {}) if isinstance(backref, str) else backref
            kwargs["backref"] = (name, {"query_class": self.Query, **options})


def _drop(connection: sa.Connection, metadata: sa.MetaData) -> None:
    with without_foreign_keys(connection):
        metadata.drop_all(connection)


def _unbound(key: str | None) -> str:
    problem = f"Bind key '{key}' is not in 'SQLALCHEMY_BINDS' config."

    return f"'SQLALCHEMY_DATABASE_URI' config is not set. {problem}" if key is None else problem
