"""The options of ``ext.session``: Flask-Session's keys, and ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from costrel.extension import Option, Options, choice, flag, number, seconds, text

__all__ = ["SessionOptions"]

TYPES = ("sqlite", "redis", "memcached", "sqlalchemy", "filesystem", "cachelib", "memory", "null")


def _kind(value: Any) -> str:
    return choice(*TYPES)(value.lower() if isinstance(value, str) else value)


def _id_length(value: Any) -> int:
    if number(value) < 16:
        raise ValueError("must be 16 or more, or ids can be guessed")

    return number(value)


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a number from 0 to 1")

    return float(value)


def _prefix(value: Any) -> str:
    if not text(value).isascii() or not text(value).isprintable() or " " in value or len(value) > 60:
        raise ValueError("must be printable ASCII without spaces, up to 60 characters")

    return text(value)


def _optional_number(value: Any) -> int | None:
    return None if value is None else number(value)


class SessionOptions(Options):
    """What can be set."""

    prefix = "SESSION_"
    also_known = frozenset(
        {
            "SESSION_PROTECTION",  # of Flask-Login
            "SESSION_MONGODB",
            "SESSION_MONGODB_DB",
            "SESSION_MONGODB_COLLECT",
            "SESSION_DYNAMODB",
            "SESSION_DYNAMODB_TABLE",
            "SESSION_DYNAMODB_TABLE_NAME",
        }
    )

    type = Option(
        "sqlite",
        "Where sessions lie: sqlite, redis, memcached, sqlalchemy, filesystem, cachelib, memory;"
        " null: nowhere, there are none.",
        read=_kind,
    )
    store = Option[Any](None, "A store of your own, with the methods of Store; goes before the type.")
    permanent = Option(True, "Whether the cookie outlives the browser.", read=flag)
    use_signer = Option(
        False, "Whether ids are signed with SECRET_KEY; they are random enough without it.", read=flag
    )
    key_prefix = Option("session:", "What the keys in the store begin with.", read=_prefix)
    id_length = Option(32, "Random bytes in an id, 16 or more.", read=_id_length)
    serialization_format = Option(
        "json", "How sessions are written: json, or msgpack.", read=choice("json", "msgpack")
    )
    absolute_lifetime = Option[timedelta | None](
        None,
        "How long a session lives at most, used or not: a timedelta or seconds; None for ever.",
        read=seconds,
    )
    refresh_fraction = Option(
        0.1,
        "What part of PERMANENT_SESSION_LIFETIME passes (an hour at most) before a session is written"
        " only because it was used.",
        read=_fraction,
    )
    max_bytes = Option(256 * 1024, "How many bytes a session may have; 0 for any number.", read=number)
    user_key = Option(
        "_user_id", "The key in the session that says whose it is; ext.login's by default.", read=text
    )
    track_clients = Option(
        False, "Whether the address and the browser are kept that a session began with.", read=flag
    )
    unavailable = Option(
        "error",
        "What a request gets that uses the session while the store cannot be reached: error: a 503;"
        " empty: an empty session that is not kept.",
        read=choice("error", "empty"),
    )
    retry_after = Option(5, "The seconds in the 503's Retry-After.", read=number)
    cleanup_n_requests = Option[int | None](
        None,
        "After how many new sessions those that are over are deleted, on average; None: 1000 for sqlite and"
        " filesystem, never for sqlalchemy. Or call costrel session cleanup.",
        read=_optional_number,
    )
    sqlite_path = Option[Any](None, "The file of sqlite; None: sessions.sqlite3 in the instance folder.")
    redis = Option[Any](None, "A redis.Redis or a URL; None: redis://127.0.0.1:6379/0.")
    memcached = Option[Any](None, "A client of pymemcache or host:port; None: 127.0.0.1:11211.")
    sqlalchemy = Option[Any](
        None, "The SQLAlchemy extension, or an Engine; None: the one that is set up on the application."
    )
    sqlalchemy_table = Option("sessions", "The table's name.", read=text)
    sqlalchemy_schema = Option[str | None](None, "The table's schema.")
    sqlalchemy_sequence = Option[str | None](None, "The sequence that numbers its rows.")
    sqlalchemy_bind_key = Option[str | None](None, "The bind key of its database.")
    file_dir = Option[Any](None, "The folder of filesystem; None: flask_session in the working directory.")
    file_threshold = Option(
        500, "After how many new sessions filesystem deletes those that are over.", read=number
    )
    file_mode = Option(0o600, "The permissions of filesystem's files.", read=number)
    cachelib = Option[Any](None, "A cache of cachelib.")
