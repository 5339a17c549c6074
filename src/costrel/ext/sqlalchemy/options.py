"""The options: databases, how their engines are made, what is recorded. Opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL

from costrel.extension import Option, Options, flag, number

__all__ = ["UNUSED_KEYS", "SQLAlchemyOptions"]

UNUSED_KEYS = {
    "SQLALCHEMY_COMMIT_ON_TEARDOWN": "Call db.session.commit() in the view.",
    "SQLALCHEMY_MAX_OVERFLOW": 'Set SQLALCHEMY_ENGINE_OPTIONS = {"max_overflow": …}.',
    "SQLALCHEMY_MIGRATE_REPO": "Remove it: the folder of migrations is an argument of Migrate.",
    "SQLALCHEMY_NATIVE_UNICODE": "Remove it: all drivers speak Unicode.",
    "SQLALCHEMY_POOL_RECYCLE": 'Set SQLALCHEMY_ENGINE_OPTIONS = {"pool_recycle": …}.',
    "SQLALCHEMY_POOL_SIZE": 'Set SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": …}.',
    "SQLALCHEMY_POOL_TIMEOUT": 'Set SQLALCHEMY_ENGINE_OPTIONS = {"pool_timeout": …}.',
}
"""Keys that Flask-SQLAlchemy and SQLAlchemy-Migrate had, and what to write in their place."""


def _url(value: Any) -> str | URL | None:
    if value is None or isinstance(value, str | URL):
        return value

    raise ValueError("must be a URL: a text or a sqlalchemy.URL")


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value

    raise ValueError("must be a dict")


def _binds(value: Any) -> Mapping[str | None, Any]:
    for key, bind in _mapping(value).items():
        if not isinstance(bind, str | URL | Mapping):
            raise ValueError(f"must have URLs or dicts with options, which {key!r} is not")

    return value  # type: ignore[no-any-return]  # looked at above


def _echo(value: Any) -> bool | str:
    return "debug" if value == "debug" else flag(value)


def _count(value: Any) -> int | None:
    return None if value is None else number(value)


def _timeout_seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("must be seconds, 0 or more")

    return float(value)


class SQLAlchemyOptions(Options):
    """The keys of Flask-SQLAlchemy, and those for async engines and SQLite."""

    prefix = "SQLALCHEMY_"
    also_known = frozenset(UNUSED_KEYS)

    database_uri: Option[str | URL | None] = Option(
        None,
        "The URL of the default database. One serves sync and async code: the driver is chosen for each.",
        read=_url,
    )
    engine_options: Option[Mapping[str, Any]] = Option(
        dict,
        "Arguments of create_engine for the default database; they go before those of the constructor.",
        read=_mapping,
    )
    async_engine_options: Option[Mapping[str, Any]] = Option(
        dict,
        "Arguments for the async engine of the default database that differ from the sync one's; also url.",
        read=_mapping,
    )
    binds: Option[Mapping[str | None, Any]] = Option(
        dict,
        "More databases: a URL for each bind key, or a dict with url, arguments of create_engine and"
        " async_engine_options.",
        read=_binds,
    )
    echo: Option[bool | str] = Option(
        False, "Log all statements with their parameters; 'debug' logs rows too.", read=_echo
    )
    record_queries: Option[bool] = Option(
        False, "Keep what each context asked the databases, for get_recorded_queries.", read=flag
    )
    warn_repeated_queries: Option[int | None] = Option(
        None,
        "Warn once a context ran one SELECT more often than this from one line, which is likely an N+1;"
        " 0: never. By default 10 in debug mode, else 0.",
        read=_count,
    )
    retry_after: Option[int | None] = Option(
        5,
        "Seconds after which visitors are to come back when the database is gone, overloaded, or another"
        " transaction was in the way: they get a 503. None leaves it a 500.",
        read=_count,
    )
    track_modifications: Option[bool] = Option(
        False, "Send models_committed and before_models_committed with what a commit changed.", read=flag
    )
    sqlite_wal: Option[bool] = Option(
        True,
        "SQLite keeps a write-ahead log, so that readers and a writer do not wait for each other.",
        read=flag,
    )
    sqlite_foreign_keys: Option[bool] = Option(
        True, "SQLite enforces foreign keys, as other databases do.", read=flag
    )
    sqlite_busy_timeout: Option[float] = Option(
        5.0, "Seconds that SQLite waits for a database that another connection writes.", read=_timeout_seconds
    )
