"""The options: where migrations lie, how long to wait for another process, what development is told."""

from __future__ import annotations

import os
from typing import Any

from costrel.extension import Option, Options, flag

__all__ = ["MigrateOptions"]


def _path(value: Any) -> str:
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)

    raise ValueError("must be a path")


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("must be seconds, 0 or more")

    return float(value)


class MigrateOptions(Options):
    """Where migrations lie, and how commands behave. What Alembic takes is given to ``Migrate``."""

    prefix = "MIGRATE_"

    directory = Option(
        "migrations",
        "The folder of the migrations; a relative one is below the working directory.",
        read=_path,
    )
    lock_timeout = Option(
        300.0,
        "Seconds that a command waits while another process changes the same database.",
        read=_seconds,
    )
    tell_pending = Option(
        True,
        "In debug mode, tell of pending migrations when the development server starts, and explain errors"
        " that come from them.",
        read=flag,
    )
