"""The databases of an application: their names, engines and metadata, from whatever has them.

That is ``ext.sqlalchemy``, Flask-SQLAlchemy, or another object with ``get_engine`` and ``metadata``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from sqlalchemy import MetaData
from sqlalchemy.engine import Engine

from costrel import Costrel, current_app
from costrel.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Database", "bind_names", "find_databases", "identifiers", "is_async_engine", "needs_loop"]


def is_async_engine(engine: Any) -> TypeGuard[AsyncEngine]:
    """Tell an asynchronous engine, without SQLAlchemy's module for them: that needs greenlet."""
    return hasattr(engine, "sync_engine")


@dataclass(frozen=True, slots=True)
class Database:
    """One database that migrations change."""

    name: str
    """Its bind key; empty for the default one."""

    engine: Engine | AsyncEngine
    metadata: Any
    """A ``MetaData``, or several of them."""

    is_of_loop: bool = False
    """Whether the engine was made for the running event loop."""

    @property
    def identifier(self) -> str:
        """The name as it stands in names of functions."""
        return re.sub(r"\W", "_", self.name)

    @property
    def is_async(self) -> bool:
        """Whether there is an asynchronous engine only."""
        return is_async_engine(self.engine)

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name or "default"


def find_databases(app: Costrel, db: Any, *, binds: bool) -> list[Database]:
    """List an application's databases, the default one first.

    Args:
        app: The application; its context is current. So is an event loop,
            where ``needs_loop`` says so.
        db: What has the engines and the metadata.
        binds: Whether to list more than the default one.

    Raises:
        SetupError: If one has no engine.
    """
    found = []
    for name in _names(app, db, binds=binds):
        engine, is_of_loop = _engine_of(db, name or None)
        found.append(Database(name, engine, _metadata_of(db, name or None), is_of_loop))

    return found


def needs_loop(app: Costrel, db: Any, *, binds: bool) -> bool:
    """Tell whether a database has an asynchronous engine only; takes what ``find_databases`` takes."""
    engines = getattr(db, "engines", None)
    keys = [name or None for name in _names(app, db, binds=binds)]
    if isinstance(engines, Mapping):
        return any(key not in engines for key in keys)

    return any(is_async_engine(db.get_engine(key)) for key in keys)


def bind_names(app: Costrel | None = None, db: Any = None) -> list[str]:
    """Name the databases besides the default one, in the order of the configuration.

    Args:
        app: The application; by default the current one.
        db: What has the engines; by default what was given to ``Migrate``.
    """
    app = app or current_app  # the proxy serves as well
    db = db if db is not None else app.extensions["migrate"].db
    binds: Any = app.config.get("SQLALCHEMY_BINDS")
    if binds is None:
        named = getattr(db, "bind_names", None)
        binds = named() if callable(named) else ()

    return [name for name in binds if name]


def identifiers() -> list[str]:
    """Name all databases of the current application as functions of migrations do."""
    return [re.sub(r"\W", "_", name) for name in ["", *bind_names()]]


def _names(app: Costrel, db: Any, *, binds: bool) -> list[str]:
    others = bind_names(app, db) if binds else []
    engines = getattr(db, "engines", None)
    has_default = not others or not isinstance(engines, Mapping) or None in engines
    if not has_default:
        has_default = app.config.get("SQLALCHEMY_DATABASE_URI") is not None

    return ["", *others] if has_default else others


def _engine_of(db: Any, key: str | None) -> tuple[Engine | AsyncEngine, bool]:
    """Return a database's engine, and whether it is the running loop's; a synchronous one goes first."""
    engines = getattr(db, "engines", None)
    if not isinstance(engines, Mapping):
        return db.get_engine(key), False
    if key in engines:
        return engines[key], False
    async_engines: Any = getattr(db, "async_engines", ())  # another object's may be of any type
    if key in async_engines:
        return async_engines[key], True

    raise SetupError(
        f"there is no engine for the database {key or 'default'!r}",
        hint="Set SQLALCHEMY_DATABASE_URI."
        if key is None
        else f"SQLALCHEMY_BINDS must have a URL for {key!r}.",
    )


def _metadata_of(db: Any, key: str | None) -> Any:
    metadatas = getattr(db, "metadatas", None)
    if isinstance(metadatas, Mapping):
        # A bind without models has none.
        return metadatas[key] if key in metadatas else MetaData()

    chosen = MetaData(naming_convention=db.metadata.naming_convention)
    for table in db.metadata.tables.values():
        if table.info.get("bind_key") == key:
            table.to_metadata(chosen)

    return chosen
