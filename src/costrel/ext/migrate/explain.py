"""What is behind an error about a missing table or column, and what development is told at its start."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from costrel import Costrel
from costrel.errors import Explanation
from costrel.ext.migrate.errors import line_to_type
from costrel.ext.migrate.pending import PendingMigration, find_pending, has_folder

if TYPE_CHECKING:
    from costrel.ext.migrate.state import MigrateState

__all__ = ["describe_pending", "explain_error", "is_about_missing_thing"]

# A table or a column that is not there: PostgreSQL's states, MariaDB's and MySQL's states and numbers.
_CODES = frozenset(("42P01", "42703", "42S02", "42S22", 1146, 1054))
_SQLITE_TEXTS = re.compile(r"no such (table|column)|has no column named")
_MOST_LISTED = 20
# Alembic's modules import each other; two threads that import it first get halves of them.
_one_at_a_time = threading.Lock()


def explain_error(app: Costrel, state: MigrateState, error: BaseException) -> Explanation | None:
    """Say which command makes what the database lacks.

    Args:
        app: The application; no context need be current.
        state: What it has of this extension.
        error: What a view raised, or what was raised from it.

    Returns:
        ``None`` if the error is about something else.
    """
    if not is_about_missing_thing(error):
        return None

    group = state.migrate.command
    upgrade = line_to_type("upgrade", command=group)
    migrate = line_to_type("migrate -m 'What changes'", command=group)
    if not has_folder(state):
        init = line_to_type("init", command=group)
        return Explanation(
            "The database has no such table or column",
            "There are no migrations yet.",
            commands=(init, migrate, upgrade),
        )
    with _one_at_a_time:
        pending = find_pending(app)
    if pending:
        return Explanation(
            f"{_count(pending)} pending", _hint(pending), commands=(upgrade,), details=tuple(_listed(pending))
        )

    return Explanation(
        "The database has no such table or column",
        "All migrations were run: the models may have changed since the last one was written.",
        commands=(migrate, upgrade),
    )


def describe_pending(app: Costrel, state: MigrateState) -> Iterator[str]:
    """Yield the line for the terminal, if there are pending migrations.

    A database that is out of reach says so when it is used.
    """
    with _one_at_a_time:
        yield from _describe_pending(app, state)


def _describe_pending(app: Costrel, state: MigrateState) -> Iterator[str]:
    from alembic.util import CommandError  # for cost: only commands and development need it
    from sqlalchemy.exc import SQLAlchemyError

    try:
        pending = find_pending(app)
    except CommandError as error:
        yield f"The migrations do not fit the database: {error}"
        return
    except (SQLAlchemyError, OSError):
        return
    if pending:
        names = ", ".join(_listed(pending, most=3))
        command = line_to_type("upgrade", command=state.migrate.command)
        yield f"{_count(pending)} pending: {names}. Type: {command}"


def is_about_missing_thing(error: BaseException | None) -> bool:
    """Tell whether an error, or one behind it, says that a table or a column is not there.

    Example:
        >>> is_about_missing_thing(LookupError("no such table: cups"))
        False
    """
    exc: Any = sys.modules.get("sqlalchemy.exc")  # who has not imported it cannot have raised its errors
    seen: set[int] = set()
    while error is not None and exc is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, exc.DBAPIError) and _is_missing(getattr(error, "orig", None)):
            return True
        error = error.__cause__ or error.__context__

    return False


def _is_missing(cause: Any) -> bool:
    # Drivers of MariaDB have the number first in their arguments, and some of them a state beside it.
    codes = [
        getattr(cause, "sqlstate", None),
        getattr(cause, "pgcode", None),
        *getattr(cause, "args", ())[:1],
    ]
    if any(isinstance(code, str | int) and code in _CODES for code in codes):
        return True

    return "sqlite" in type(cause).__module__ and _SQLITE_TEXTS.search(str(cause)) is not None


def _count(pending: list[PendingMigration]) -> str:
    return "1 migration is" if len(pending) == 1 else f"{len(pending)} migrations are"


def _hint(pending: list[PendingMigration]) -> str:
    return "The database has not had it yet." if len(pending) == 1 else "The database has not had them yet."


def _listed(pending: list[PendingMigration], most: int = _MOST_LISTED) -> list[str]:
    lines = [one.line for one in pending[:most]]

    return [*lines, f"and {len(pending) - most} more"] if len(pending) > most else lines
