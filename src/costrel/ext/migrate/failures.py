"""What a run of migrations did until it failed, and what of it stays. Knows no application."""

from __future__ import annotations

import os
import re
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from costrel.ext.migrate.errors import MigrationError

__all__ = ["RunLog", "describe_failure", "tell_failure"]

# MariaDB, MySQL and Oracle commit before and after such statements.
_CHANGES_TABLES = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE|GRANT|REVOKE)\b", re.IGNORECASE)
_READS = re.compile(r"\s*(SELECT|SHOW|PRAGMA|DESCRIBE|DESC|EXPLAIN|SET|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
_COMMIT_BY_THEMSELVES = frozenset(("mysql", "mariadb", "oracle"))
# A table, column or index that is there already or no more: MariaDB's and MySQL's numbers.
_IN_THE_WAY = frozenset((1050, 1051, 1060, 1061, 1091))
_NAMES = {"mysql": "MySQL", "mariadb": "MariaDB", "oracle": "Oracle"}


class RunLog:
    """Listens to a connection: which migrations and statements are done, and which of them for good.

    Args:
        connection: What migrations run on.
        label: The database's name for people.
        version_table: Statements about it are not told.
    """

    def __init__(self, connection: Connection, *, label: str, version_table: str) -> None:
        self.label = label
        self.kept_revisions: list[str] = []
        self.kept_statements: list[str] = []
        """Those of the migration that is under way."""
        self._revisions: list[str] = []
        self._statements: list[str] = []
        self._version_table = version_table
        self._dialect = connection.dialect
        event.listen(connection, "after_cursor_execute", self._executed)
        event.listen(connection, "commit", self._committed)

    @property
    def dialect_name(self) -> str:
        """The database's product, for people."""
        if getattr(self._dialect, "is_mariadb", False):
            return "MariaDB"

        return _NAMES.get(self._dialect.name, self._dialect.name)

    @property
    def commits_by_itself(self) -> bool:
        """Whether changes of tables cannot be rolled back."""
        return self._dialect.name in _COMMIT_BY_THEMSELVES

    def applied(self, *, step: Any, **others: Any) -> None:
        """Note that a migration is through; Alembic's ``on_version_apply`` calls this."""
        revisions = step.up_revision_ids if step.is_upgrade else step.down_revision_ids
        self._revisions.append(", ".join(revisions) or "base")
        self._statements.clear()
        self.kept_statements.clear()

    # Any: SQLAlchemy's events have no types of their own.
    def _executed(self, connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if _READS.match(statement) or self._version_table in statement:
            return
        self._statements.append(" ".join(statement.split()))
        if self.commits_by_itself and _CHANGES_TABLES.match(statement):
            self._committed(connection)

    def _committed(self, connection: Any) -> None:
        self.kept_revisions += self._revisions
        self.kept_statements += self._statements
        self._revisions.clear()
        self._statements.clear()


def describe_failure(error: BaseException) -> str:
    """Say in a line which migration an error comes from, and what it is.

    Returns:
        Nothing if it comes from no migration.
    """
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        names = traceback.tb_frame.f_globals
        if "down_revision" in names and isinstance(names.get("revision"), str):
            file = os.path.relpath(traceback.tb_frame.f_code.co_filename)
            place = f"{names['revision']!r} ({file}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    if not place:
        return ""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else ""

    return f"the migration {place} failed: {type(error).__name__}: {reason}"


def tell_failure(error: BaseException, logs: list[RunLog], *, told: str, retry: str) -> MigrationError:
    """Say which migration failed, why, and what of the run stays.

    Args:
        error: What the migration raised.
        logs: What was done in each database, the failing one last.
        told: What ``describe_failure`` says.
        retry: The line to type when it is mended.
    """
    lines = [told]
    stays = [f"  {line}" for log in logs for line in _what_stays(log, several=len(logs) > 1)]
    if stays:
        lines += [*stays, *_what_now(logs[-1])]
    else:
        lines.append("  nothing of this run was kept: the database is as it was before")

    hint = _naming_hint(error) or _cut_off_hint(error, logs) or f"Mend the migration, then type: {retry}"

    return MigrationError("\n".join(lines), hint=hint)


def _what_stays(log: RunLog, *, several: bool) -> list[str]:
    where = f"in {log.label!r}, " if several else ""
    lines = []
    if log.kept_revisions:
        lines.append(f"{where}done and kept: {', '.join(log.kept_revisions)}")
    if log.kept_statements:
        why = (
            f"{log.dialect_name} cannot take changes of tables back" if log.commits_by_itself else "committed"
        )
        lines.append(f"{where}of the failed migration, these statements stay ({why}):")
        lines += [f"  {statement[:200]}" for statement in log.kept_statements]

    return lines


def _what_now(log: RunLog) -> list[str]:
    if not log.kept_statements:
        return ["  nothing of the failed migration was kept"]

    return ["  undo these by hand, or take them out of the migration, before it is run again"]


def _naming_hint(error: BaseException) -> str:
    if "Constraint must have a name" in str(error):
        return (
            "Constraints need names to be changed, in the migration and from now on:"
            ' SQLAlchemy(metadata=MetaData(naming_convention={"fk": …}))'
        )

    return ""


def _cut_off_hint(error: BaseException, logs: list[RunLog]) -> str:
    arguments = getattr(getattr(error, "orig", None), "args", None)
    if not (logs and logs[-1].commits_by_itself and arguments and arguments[0] in _IN_THE_WAY):
        return ""

    return (
        f"It may come from an earlier run that failed or was killed, which {logs[-1].dialect_name} does not"
        " take back: undo that by hand, or take it out of the migration."
    )
