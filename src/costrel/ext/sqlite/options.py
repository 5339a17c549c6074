"""The options of ``costrel.ext.sqlite``: keys, defaults, meaning."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from costrel.extension import Option, Options, choice, flag, seconds, text

__all__ = ["MEMORY", "SQLiteOptions"]

MEMORY = ":memory:"
_NAME = re.compile(r"[A-Za-z_]+")
_VALUE = re.compile(r"-?[A-Za-z0-9_]+")


def _file(value: Any) -> str:
    name = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(name, str) or not name:
        raise ValueError("must be the name of a file")

    return name


def _journal_mode(value: Any) -> str:
    read = choice("WAL", "DELETE", "TRUNCATE", "PERSIST")

    return read(text(value).upper())


def _pragmas(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict")
    read = {str(name): str(int(one) if isinstance(one, bool) else one) for name, one in value.items()}
    for name, one in read.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(one):
            raise ValueError("must have names and values of letters, digits and '_'")

    return read


class SQLiteOptions(Options):
    """What can be set."""

    prefix = "SQLITE_"

    database = Option(
        "app.sqlite",
        'The file, relative to the instance folder, or ":memory:" for one that is gone with its process.',
        read=_file,
    )
    schema = Option(
        "schema.sql",
        "The file with the statements that make the tables, relative to the application's folder.",
        read=_file,
    )
    busy_timeout = Option(
        timedelta(seconds=5),
        "How long to wait for a database that somebody else writes to; seconds or a timedelta.",
        read=seconds,
    )
    foreign_keys = Option(True, "Whether references to rows that do not exist are refused.", read=flag)
    journal_mode = Option(
        "WAL",
        "WAL lets others read while one writes; DELETE, TRUNCATE or PERSIST for a file on a network.",
        read=_journal_mode,
    )
    pragmas: Option[dict[str, str]] = Option(
        dict,
        "More pragmas for each connection, by name: {'synchronous': 'NORMAL', 'cache_size': -8000}.",
        read=_pragmas,
    )
