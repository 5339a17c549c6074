"""Makes the store that the options ask for. Opens nothing; imports the one library that is needed."""

from __future__ import annotations

import os
from typing import Any

from costrel import Costrel, current_app
from costrel.errors import ConfigError, SetupError
from costrel.ext.session.backends.memory import MemoryStore
from costrel.ext.session.backends.store import Store
from costrel.ext.session.options import SessionOptions

__all__ = ["cleanup_interval", "make_store"]

_CLEANUP_EVERY = 1_000

_METHODS = ("get", "set", "add", "replace", "move", "delete", "find", "delete_index", "clean_up", "close")


def make_store(app: Costrel, options: SessionOptions) -> Store:
    """Make the store.

    Args:
        app: The application; asked for its instance folder and its database.
        options: ``options.type`` says which.

    Raises:
        ConfigError: If what the type needs is not there.
        SetupError: If it needs an extension that is not set up.
    """
    own = options.store
    if own is not None:
        lacking = [name for name in _METHODS if not (hasattr(own, name) and hasattr(own, f"a{name}"))]
        if lacking:
            raise ConfigError(
                f"SESSION_STORE lacks {lacking[0]} or a{lacking[0]}, got {own!r}",
                hint="Give an object with all methods of costrel.ext.session.Store.",
            )
        return own  # type: ignore[no-any-return]  # it has the methods

    return _MAKERS[options.type](app, options)


def cleanup_interval(options: SessionOptions) -> int:
    """Return after how many new sessions those that are over are deleted; 0: never."""
    if options.cleanup_n_requests is not None:
        return options.cleanup_n_requests
    if options.store is not None:
        return 0

    return {"sqlite": _CLEANUP_EVERY, "filesystem": options.file_threshold}.get(options.type, 0)


# Libraries are imported by who needs them.


def _make_memory(app: Costrel, options: SessionOptions) -> Store:
    return MemoryStore()


def _make_sqlite(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.sqlite import SQLiteStore

    return SQLiteStore(options.sqlite_path or os.path.join(app.instance_path, "sessions.sqlite3"))


def _make_file(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.file import FileStore

    folder = options.file_dir or os.path.join(os.getcwd(), "flask_session")

    return FileStore(folder, mode=options.file_mode)


def _make_cachelib(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.cachelib import CachelibStore

    cache = options.cachelib
    if cache is None:
        raise ConfigError(
            "SESSION_TYPE is 'cachelib', and SESSION_CACHELIB is not set",
            hint='Set SESSION_CACHELIB = FileSystemCache("flask_session"), or SESSION_TYPE = "filesystem".',
        )

    return CachelibStore(cache)


def _make_redis(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.redis import RedisStore

    return RedisStore(options.redis or "redis://127.0.0.1:6379/0")


def _make_memcached(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.memcached import MemcachedStore

    client = options.memcached or "127.0.0.1:11211"
    if not isinstance(client, str) and not all(hasattr(client, name) for name in ("gets", "cas", "get_many")):
        raise ConfigError(
            f"SESSION_MEMCACHED must be a client of pymemcache or 'host:port', got {client!r}",
            hint='For another client: SESSION_TYPE = "cachelib", SESSION_CACHELIB = MemcachedCache(client).',
        )

    return MemcachedStore(client)


def _make_sqlalchemy(app: Costrel, options: SessionOptions) -> Store:
    from costrel.ext.session.backends.sqlalchemy import SQLAlchemyStore, make_tables

    client = _find_sqlalchemy(app, options)
    named: Any = {"schema": options.sqlalchemy_schema, "sequence": options.sqlalchemy_sequence}
    if not hasattr(type(client), "engines"):
        from sqlalchemy import MetaData

        return SQLAlchemyStore(client, tables=make_tables(MetaData(), options.sqlalchemy_table, **named))

    bind_key = options.sqlalchemy_bind_key

    def engine() -> Any:
        if current_app and current_app.extensions is app.extensions:
            return client.engines[bind_key]
        with app.app_context():
            return client.engines[bind_key]

    # In the metadata of the application's tables, or its migrations would drop ours.
    if bind_key not in client.metadatas:
        from sqlalchemy import MetaData

        client.metadatas[bind_key] = MetaData(info={"bind_key": bind_key})
    tables = make_tables(client.metadatas[bind_key], options.sqlalchemy_table, **named)

    return SQLAlchemyStore(engine, tables=tables, client=client)


def _find_sqlalchemy(app: Costrel, options: SessionOptions) -> Any:
    """Return the SQLAlchemy extension or the engine, of whichever class."""
    client = options.sqlalchemy
    if client is None:
        client = app.extensions.get("sqlalchemy")
    if client is None and app.config.get("SQLALCHEMY_DATABASE_URI"):
        from costrel.ext.sqlalchemy import SQLAlchemy

        return SQLAlchemy(app)
    if client is None:
        raise SetupError(
            "SESSION_TYPE is 'sqlalchemy', and the application has no extension of that name",
            hint="Call db.init_app(app) before, or set SESSION_SQLALCHEMY to an Engine.",
        )

    return client


_MAKERS = {
    "memory": _make_memory,
    "sqlite": _make_sqlite,
    "filesystem": _make_file,
    "cachelib": _make_cachelib,
    "redis": _make_redis,
    "memcached": _make_memcached,
    "sqlalchemy": _make_sqlalchemy,
}
