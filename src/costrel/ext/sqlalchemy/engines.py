"""The engines of an application: what each is made with, and that no child process shares a connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from itertools import count
from typing import Any, cast
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.pool import Pool, QueuePool

from costrel.errors import ConfigError
from costrel.ext.sqlalchemy.options import SQLAlchemyOptions
from costrel.ext.sqlalchemy.recording import listen
from costrel.ext.sqlalchemy.sqlite import is_memory, set_up_sqlite, sqlite_defaults
from costrel.ext.sqlalchemy.urls import async_url, read_url, sync_url, translate_connect_args
from costrel.extension import MissingLibraryError

__all__ = [
    "CONNECT_TIMEOUT_SECONDS",
    "EngineTable",
    "MissingDatabaseError",
    "apply_defaults",
    "async_arguments",
    "engine_arguments",
    "follow_forks",
    "limit_connecting",
    "memory_name",
    "prepare_engine",
]

_ASYNC_KEY = "async_engine_options"
_serial = count()
_engines: WeakSet[sa.Engine] = WeakSet()
_of_parent: list[Pool] = []
_forks_followed = False


CONNECT_TIMEOUT_SECONDS = 10
"""How long a server may take until a connection is there."""

_CONNECT_TIMEOUT_NAMES = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "asyncpg": "timeout",
    "asyncmy": "connect_timeout",
    "aiomysql": "connect_timeout",
}


class MissingDatabaseError(ConfigError, RuntimeError):
    """No database is configured."""


class EngineTable(dict[str | None, sa.Engine]):
    """The sync engines by bind key; one whose driver is missing says so when it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str | None, MissingLibraryError] = {}

    def __missing__(self, key: str | None) -> sa.Engine:
        if key in self.missing:
            raise self.missing[key]
        raise KeyError(key)


def engine_arguments(
    options: SQLAlchemyOptions, defaults: Mapping[str, Any]
) -> dict[str | None, dict[str, Any]]:
    """Return the arguments of ``create_engine`` by bind key, each with ``url`` and ``async_engine_options``.

    Args:
        options: The options of the application.
        defaults: The constructor's ``engine_options``; the configuration
            goes before them.

    Raises:
        MissingDatabaseError: If there is no URL at all.
    """
    found: dict[str | None, dict[str, Any]] = {}
    for key, bind in options.binds.items():
        own = bind if isinstance(bind, Mapping) else {"url": bind}
        found[key] = {**defaults, **own}
    basic: dict[str, Any] = {**defaults, **options.engine_options}
    if options.database_uri is not None:
        basic["url"] = options.database_uri
    if "url" in basic:
        found.setdefault(None, {}).update(basic)
        found[None].setdefault(_ASYNC_KEY, options.async_engine_options)
    if not found:
        error = MissingDatabaseError("Either 'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set.")
        error.add_note('hint: app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db", before init_app.')
        raise error

    for key, arguments in found.items():
        if "url" not in arguments:
            raise ConfigError(
                f"the bind {key!r} has no 'url'", hint='Write {"url": "sqlite:///other.db", …}.'
            )
        arguments.setdefault("echo", options.echo)
        arguments.setdefault("echo_pool", options.echo)

    return found


def apply_defaults(arguments: dict[str, Any], folder: str) -> None:
    """Fill in what a database needs that SQLAlchemy does not know.

    Args:
        arguments: Those of ``create_engine``, with ``url``, for sync or
            async; they are changed.
        folder: The instance folder.
    """
    url: URL = read_url(arguments["url"])
    arguments["url"] = url
    backend = url.get_backend_name()
    if backend != "sqlite" and "pool" not in arguments:
        # A connection that a restart of the server closed is noticed before it is used.
        arguments.setdefault("pool_pre_ping", True)
    if backend == "sqlite":
        sqlite_defaults(arguments, folder)
    elif backend in {"mysql", "mariadb"}:
        if arguments.get("poolclass") in {None, QueuePool}:
            # The server closes what is idle for eight hours, and hosts do so sooner.
            arguments.setdefault("pool_recycle", 7200)
        if "charset" not in url.query:
            arguments["url"] = url.update_query_dict({"charset": "utf8mb4"})


def async_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``create_async_engine`` made from those of the sync engine.

    Raises:
        ConfigError: If no async driver is known for the database.
        MissingLibraryError: If none is installed.
    """
    own = dict(arguments)
    differing = own.pop(_ASYNC_KEY, {})
    old = sync_url(own["url"]) if own["url"].drivername.partition("+")[2] == "" else own["url"]
    own["url"] = new = async_url(differing.get("url", own["url"]))
    if "connect_args" in own:
        own["connect_args"] = translate_connect_args(own["connect_args"], old, new)
    pool = own.get("poolclass")
    if pool is not None and issubclass(pool, QueuePool):
        del own["poolclass"]  # SQLAlchemy takes its twin for event loops
    own.update({key: value for key, value in differing.items() if key != "url"})
    limit_connecting(own)

    return own


def limit_connecting(arguments: dict[str, Any]) -> None:
    """Have a connection that a server never answers fail, where its driver would wait for minutes.

    Args:
        arguments: Those of ``create_engine``, with a URL that names the
            driver; what they say about it stays.
    """
    url: URL = arguments["url"]
    driver = url.drivername.partition("+")[2]
    name = _CONNECT_TIMEOUT_NAMES.get(driver)
    if name is None:
        return

    if driver in _WAITING_FOR_EVER:
        creator = {"async_creator_fn": partial(_connect_in_time, driver)}
        arguments["connect_args"] = {**creator, **arguments.get("connect_args", {})}
    seconds: float = CONNECT_TIMEOUT_SECONDS
    if name in url.query:
        if name != "timeout":
            return
        arguments["url"] = url.difference_update_query([name])
        seconds = float(cast(str, url.query[name]))  # asyncpg takes no text
    arguments["connect_args"] = {name: seconds, **arguments.get("connect_args", {})}


_WAITING_FOR_EVER = frozenset({"asyncmy", "aiomysql"})
"""Drivers whose timeout ends when the server has taken the connection, though it may never say a word."""


async def _connect_in_time(driver: str, *args: Any, **kwargs: Any) -> Any:
    """Connect by the driver, all of it within its ``connect_timeout``."""
    seconds = kwargs["connect_timeout"]
    try:
        async with asyncio.timeout(seconds):
            return await import_module(driver).connect(*args, **kwargs)
    except TimeoutError as error:  # which has no text, and goes to the log
        raise TimeoutError(f"timeout: no connection to the database within {seconds} seconds") from error


def memory_name(key: str | None) -> str:
    """Return a name for a database in memory that no other has."""
    return f"costrel-{os.getpid()}-{next(_serial)}-{key or 'default'}"


def prepare_engine(engine: sa.Engine, options: SQLAlchemyOptions, name: str) -> None:
    """Have an engine prepare its connections, note its queries, and drop its pool in child processes.

    Args:
        engine: The sync engine, or the sync side of an async one.
        options: The options of the application.
        name: The name of the database, if it is in memory.
    """
    repeated = options.warn_repeated_queries
    if repeated is None:
        repeated = 10 if options.config.get("DEBUG") else 0
    listen(engine, record=options.record_queries, repeated=repeated)
    if engine.dialect.name == "sqlite":
        set_up_sqlite(engine, options, name)
        if is_memory(engine.url):
            return  # a child has its own copy of the memory

    follow_forks()
    _engines.add(engine)


def follow_forks() -> None:
    """Have child processes begin with empty pools; asked for with the first engine."""
    global _forks_followed
    if not _forks_followed and hasattr(os, "register_at_fork"):
        _forks_followed = True
        os.register_at_fork(after_in_child=_forget_connections)


def _forget_connections() -> None:
    for engine in list(_engines):
        # Neither closed nor collected: what the connections hold is the parent's, SQLite's locks above all.
        _of_parent.append(engine.pool)
        engine.dispose(close=False)
