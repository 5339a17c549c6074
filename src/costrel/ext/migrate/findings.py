"""What ``costrel check`` finds about migrations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from costrel import Costrel
from costrel.checks import Finding
from costrel.ext.migrate.errors import line_to_type
from costrel.ext.migrate.pending import find_pending, has_folder, load_scripts

if TYPE_CHECKING:
    from costrel.ext.migrate.state import MigrateState

__all__ = ["find_all"]


def find_all(app: Costrel, state: MigrateState) -> Iterator[Finding]:
    """Yield what is wrong; nothing about a database that is out of reach."""
    if not has_folder(state):
        return

    group = state.migrate.command
    scripts, _ = load_scripts(state)
    heads = scripts.get_heads()
    if len(heads) > 1:
        yield Finding(
            "migrate.E001",
            f"there are {len(heads)} heads, migrations that nothing comes after: {', '.join(sorted(heads))}",
            f"Type: {line_to_type('merge heads', command=group)}",
        )
    try:
        pending = find_pending(app)
    except CommandError as error:
        yield Finding(
            "migrate.E002",
            f"the database is at a revision that has no file: {error}",
            "Get the file, of another branch say.",
        )
        return
    except (SQLAlchemyError, OSError):
        return
    if pending:
        names = ", ".join(one.line for one in pending[:3]) + (", …" if len(pending) > 3 else "")
        yield Finding(
            "migrate.W001",
            f"{len(pending)} migration{'s are' if len(pending) > 1 else ' is'} pending: {names}",
            f"Type: {line_to_type('upgrade', command=group)}",
        )
