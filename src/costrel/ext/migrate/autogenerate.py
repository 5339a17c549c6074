"""What is looked at when a migration was made by itself, before it is written. Knows no database."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from costrel.ext.migrate.errors import line_to_type

__all__ = ["Directives", "describe_diffs", "find_nameless", "nameless_told_once"]

log = logging.getLogger("costrel.migrate")


class Directives:
    """Alembic's ``process_revision_directives``: write no empty migration, and tell what to look at.

    Args:
        inner: The application's own one; called before.
        is_autogenerate: Whether a migration is being made by itself.
        is_last: Whether all databases have been compared.
        state: The application's ``app.extensions["migrate"]``.
    """

    # Any: Alembic's objects, handed through.
    def __init__(
        self, inner: Callable[..., Any] | None, *, is_autogenerate: bool, is_last: bool, state: Any
    ) -> None:
        self.inner = inner
        self.is_autogenerate = is_autogenerate
        self.is_last = is_last
        self.state = state

    def __call__(self, context: Any, revision: Any, directives: list[Any]) -> None:
        """Look at what Alembic is about to write."""
        if self.inner is not None:
            self.inner(context, revision, directives)
        if not self.is_autogenerate or not self.is_last or not directives:
            return
        script = directives[0]
        if all(operations.is_empty() for operations in script.upgrade_ops_list):
            directives[:] = []
            log.info("No changes in schema detected: no migration is written")
            return

        tables = list(find_nameless([*script.upgrade_ops_list, *script.downgrade_ops_list]))
        if tables:
            log.warning(
                "The migration removes constraints without a name from %s, which no database can do. Write"
                " their names into it, and give the models a naming convention:"
                ' SQLAlchemy(metadata=MetaData(naming_convention={"fk": …}))',
                ", ".join(sorted(set(tables))),
            )
        if not script.message:
            hint = line_to_type("migrate -m 'Add users'", command=self.state.migrate.command)
            log.info("The migration has no message; its file is easier to find with one: %s", hint)


def find_nameless(operations: Any) -> Iterator[str]:
    """Yield the tables from which constraints without a name are removed.

    Args:
        operations: Alembic's operations, one or a list of them.
    """
    for operation in operations if isinstance(operations, list) else [operations]:
        if type(operation).__name__ == "DropConstraintOp" and operation.constraint_name is None:
            yield operation.table_name
        yield from find_nameless(list(getattr(operation, "ops", ())))


@contextmanager
def nameless_told_once() -> Iterator[None]:
    """Keep Alembic from warning of what ``Directives`` tells with its remedy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Autogenerate rendered a drop_constraint", UserWarning)
        yield


def describe_diffs(diffs: list[Any]) -> list[str]:
    """Tell differences between models and database, a line each.

    Args:
        diffs: As Alembic's ``as_diffs`` returns them.

    Example:
        >>> describe_diffs([("remove_column", None, "guest", "name")])
        ['remove column guest.name']
    """
    flat = [part for diff in diffs for part in (diff if isinstance(diff, list) else [diff])]

    return [f"{diff[0].replace('_', ' ')} {_subject(diff)}".rstrip() for diff in flat]


def _subject(diff: tuple[Any, ...]) -> str:
    if len(diff) > 3 and isinstance(diff[2], str):
        return f"{diff[2]}.{getattr(diff[3], 'name', diff[3])}"
    thing = diff[1] if len(diff) > 1 else ""
    table = getattr(getattr(thing, "table", None), "name", "")
    name = getattr(thing, "name", None) or ""

    return f"{table}.{name}" if table and name else str(name or table)
