"""Which driver a database URL means: for sync code and for async code, from one URL. Opens nothing.

sqlite               pysqlite            aiosqlite
postgresql           psycopg, psycopg2   asyncpg, psycopg
mysql, mariadb       mysqldb, pymysql    asyncmy, aiomysql
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from sqlalchemy.engine import URL, make_url

from costrel.errors import ConfigError
from costrel.extension import require_library

__all__ = ["async_url", "is_async_driver", "read_url", "require_driver", "sync_url", "translate_connect_args"]


class _Driver(NamedTuple):
    name: str
    module: str
    extra: str


_MYSQL_SYNC = (
    _Driver("mysqldb", "MySQLdb", "mariadb"),
    _Driver("pymysql", "pymysql", "mariadb"),
)
_MYSQL_ASYNC = (_Driver("asyncmy", "asyncmy", "mariadb"), _Driver("aiomysql", "aiomysql", "mariadb"))
_SYNC: dict[str, tuple[_Driver, ...]] = {
    "sqlite": (_Driver("pysqlite", "sqlite3", "sqlalchemy"),),
    "postgresql": (
        _Driver("psycopg", "psycopg", "postgresql"),
        _Driver("psycopg2", "psycopg2", "postgresql"),
    ),
    "mysql": _MYSQL_SYNC,
    "mariadb": _MYSQL_SYNC,
    "oracle": (_Driver("oracledb", "oracledb", "oracle"),),
    "mssql": (_Driver("pyodbc", "pyodbc", "mssql"),),
}
_ASYNC: dict[str, tuple[_Driver, ...]] = {
    "sqlite": (_Driver("aiosqlite", "aiosqlite", "sqlalchemy"),),
    "postgresql": (
        _Driver("asyncpg", "asyncpg", "postgresql"),
        _Driver("psycopg", "psycopg", "postgresql"),
    ),
    "mysql": _MYSQL_ASYNC,
    "mariadb": _MYSQL_ASYNC,
    "oracle": (_Driver("oracledb_async", "oracledb", "oracle"),),
    "mssql": (_Driver("aioodbc", "aioodbc", "mssql"),),
}
_PREFERRED = {"mysql": "pymysql", "mariadb": "pymysql"}
"""Which of the drivers to name when none is installed, where that is not the first."""

_ASYNC_NAMES = frozenset(
    {"aiosqlite", "asyncpg", "asyncmy", "aiomysql", "aioodbc", "oracledb_async", "psycopg_async"}
)

_BOTH = frozenset({"psycopg"})
"""Drivers that serve both, under one name; a URL that names one means it for both."""


def read_url(url: str | URL) -> URL:
    """Read a URL; ``postgres://``, as some hosts give it, means ``postgresql://``.

    Example:
        >>> read_url("postgres://db/shop").drivername
        'postgresql'
    """
    read = make_url(url)
    backend, plus, driver = read.drivername.partition("+")

    return read.set(drivername=f"postgresql{plus}{driver}") if backend == "postgres" else read


def is_async_driver(url: URL) -> bool:
    """Tell whether a URL names a driver that serves async code only."""
    return url.drivername.partition("+")[2] in _ASYNC_NAMES


def sync_url(url: str | URL) -> URL:
    """Return the URL for sync code.

    One with a driver for sync code stays as it is, and so does one of a
    database that costrel does not know. Where no driver is installed, it names
    the one to install; ``require_driver`` says so.

    Example:
        >>> str(sync_url("sqlite+aiosqlite:///shop.db"))
        'sqlite:///shop.db'
    """
    read = read_url(url)
    backend, plus, _driver = read.drivername.partition("+")
    drivers = _SYNC.get(backend)
    if (plus and not is_async_driver(read)) or drivers is None:
        return read
    if backend == "sqlite":  # SQLAlchemy's default, and users compare the URL
        return _with_driver(read, backend, "")

    return _with_driver(read, backend, (_installed(drivers) or _wanted(backend, drivers)).name)


def require_driver(url: URL) -> None:
    """Refuse a URL for sync code whose driver is one of those known here, and not installed.

    Raises:
        MissingLibraryError: With the extra that brings it.
    """
    backend, _plus, name = url.drivername.partition("+")
    for driver in _SYNC.get(backend, ()):
        if driver.name == name:
            require_library(driver.module, extra=driver.extra)


def async_url(url: str | URL) -> URL:
    """Return the URL for async code.

    Raises:
        ConfigError: If the database has no async driver that costrel knows.
        MissingLibraryError: If none is installed.

    Example:
        >>> str(async_url("sqlite:///shop.db"))
        'sqlite+aiosqlite:///shop.db'
    """
    read = read_url(url)
    backend, _plus, driver = read.drivername.partition("+")
    if is_async_driver(read) or driver in _BOTH:
        return read

    drivers = _ASYNC.get(backend)
    if drivers is None:
        raise ConfigError(
            f"no async driver is known for {read.drivername!r}",
            hint='Set SQLALCHEMY_ASYNC_ENGINE_OPTIONS = {"url": …} to a URL that names one.',
        )

    found = _installed(drivers)
    if found is None:
        found = _wanted(backend, drivers)
        require_library(found.module, extra=found.extra)

    return _with_driver(read, backend, found.name)


def _installed(drivers: Iterable[_Driver]) -> _Driver | None:
    return next((driver for driver in drivers if find_spec(driver.module) is not None), None)


def _wanted(backend: str, drivers: Iterable[_Driver]) -> _Driver:
    """Return the driver to name where none is installed."""
    known = {driver.name: driver for driver in drivers}

    return known.get(_PREFERRED.get(backend, ""), next(iter(known.values())))


_ASYNCPG_NAMES = {"sslmode": "ssl", "connect_timeout": "timeout"}


def _with_driver(url: URL, backend: str, driver: str) -> URL:
    changed = url.set(drivername=f"{backend}+{driver}" if driver else backend)
    names = _names_for(url, changed)

    return changed.set(query={names.get(key, key): value for key, value in changed.query.items()})


def _names_for(old: URL, new: URL) -> Mapping[str, str]:
    """Return what arguments of one driver are called by another, where they mean the same."""
    was_asyncpg = old.drivername.endswith("+asyncpg")
    is_asyncpg = new.drivername.endswith("+asyncpg")
    if was_asyncpg == is_asyncpg:
        return {}
    if is_asyncpg:
        return _ASYNCPG_NAMES

    return {theirs: ours for ours, theirs in _ASYNCPG_NAMES.items()}


def translate_connect_args(args: Mapping[str, Any], old: URL, new: URL) -> dict[str, Any]:
    """Return ``connect_args`` that were written for one driver as another takes them.

    Only what has the same meaning is renamed; the rest stays, and the driver
    says what it does not know.

    Example:
        >>> old, new = make_url("postgresql+psycopg://"), make_url("postgresql+asyncpg://")
        >>> translate_connect_args({"connect_timeout": 3, "application_name": "shop"}, old, new)
        {'timeout': 3, 'server_settings': {'application_name': 'shop'}}
    """
    names = _names_for(old, new)
    found = {names.get(key, key): value for key, value in args.items()}
    if new.drivername.endswith("+asyncpg") and "application_name" in found:
        settings = dict(found.get("server_settings", {}))
        settings["application_name"] = found.pop("application_name")
        found["server_settings"] = settings

    return found
