"""The commands as functions, for the current application. Alembic is imported when one is called."""

from __future__ import annotations

from collections.abc import Iterable

from costrel.ext.migrate.autogenerate import nameless_told_once
from costrel.ext.migrate.folders import init, list_templates
from costrel.ext.migrate.running import (
    Directory,
    XArg,
    configured,
    refuse_several_heads,
)

__all__ = [
    "branches",
    "check",
    "current",
    "downgrade",
    "edit",
    "heads",
    "history",
    "init",
    "list_templates",
    "merge",
    "migrate",
    "revision",
    "show",
    "stamp",
    "upgrade",
]


def revision(
    directory: Directory = None,
    message: str | None = None,
    autogenerate: bool = False,
    sql: bool = False,
    head: str = "head",
    splice: bool = False,
    branch_label: str | None = None,
    version_path: str | None = None,
    rev_id: str | None = None,
) -> None:
    """Write a migration to be filled in by hand.

    Args:
        directory: The folder of the migrations, if not the application's.
        message: What it does; part of the file's name.
        autogenerate: Fill it in from how models and database differ.
        sql: Write SQL to standard output instead.
        head: What it comes after: a revision, or ``<branch>@head``.
        splice: Whether that may be one that others come after.
        branch_label: A name for the branch that begins with it.
        version_path: The folder for its file, where there are several.
        rev_id: Its id, if not one by chance.

    Raises:
        MigrationError: If there are several heads and none is named.
    """
    from alembic import command

    options = ["autogenerate"] if autogenerate else []
    with configured(directory, opts=options) as config, nameless_told_once():
        refuse_several_heads(config, head, others="revision --head <branch>@head")
        command.revision(
            config,
            message,
            autogenerate=autogenerate,
            sql=sql,
            head=head,
            splice=splice,
            branch_label=branch_label,
            version_path=version_path,
            rev_id=rev_id,
        )


def migrate(
    directory: Directory = None,
    message: str | None = None,
    sql: bool = False,
    head: str = "head",
    splice: bool = False,
    branch_label: str | None = None,
    version_path: str | None = None,
    rev_id: str | None = None,
    x_arg: XArg = None,
) -> None:
    """Write a migration from how the models and the database differ.

    Nothing is written if they do not differ. Read the file before it is run:
    a column with another name looks like one removed and one added.

    Args:
        directory: As for ``revision``, like all that are not named here.
        message: What it does; part of the file's name.
        sql: Write SQL to standard output instead.
        head: What it comes after.
        splice: Whether that may be one that others come after.
        branch_label: A name for the branch that begins with it.
        version_path: The folder for its file, where there are several.
        rev_id: Its id, if not one by chance.
        x_arg: What an ``env.py`` of your own gets, ``"name=value"``.

    Raises:
        MigrationError: If the database has pending migrations, or there are
            several heads and none is named.
    """
    from alembic import command

    with configured(directory, x_arg=x_arg, opts=["autogenerate"]) as config, nameless_told_once():
        refuse_several_heads(config, head, others="migrate --head <branch>@head")
        command.revision(
            config,
            message,
            autogenerate=True,
            sql=sql,
            head=head,
            splice=splice,
            branch_label=branch_label,
            version_path=version_path,
            rev_id=rev_id,
        )


def edit(directory: Directory = None, revision: str = "current") -> None:
    """Open a migration in the editor that ``EDITOR`` names."""
    from alembic import command

    with configured(directory, asked_for=revision) as config:
        command.edit(config, revision)


def merge(
    directory: Directory = None,
    revisions: str | Iterable[str] = "",
    message: str | None = None,
    branch_label: str | None = None,
    rev_id: str | None = None,
) -> None:
    """Write a migration that comes after several others, so that there is one head again.

    Args:
        directory: The folder of the migrations, if not the application's.
        revisions: Which; by default ``"heads"``, all that nothing comes after.
        message: What it does; part of the file's name.
        branch_label: A name for the branch that begins with it.
        rev_id: Its id, if not one by chance.
    """
    from alembic import command

    merged = revisions if isinstance(revisions, str) else tuple(revisions)
    with configured(directory) as config:
        command.merge(config, merged or "heads", message=message, branch_label=branch_label, rev_id=rev_id)


def upgrade(
    directory: Directory = None,
    revision: str = "head",
    sql: bool = False,
    tag: str | None = None,
    x_arg: XArg = None,
) -> None:
    """Run the pending migrations, in one transaction where the database can take changes of tables back.

    Args:
        directory: The folder of the migrations, if not the application's.
        revision: Up to which one; ``"+1"`` is the next one, ``"heads"`` all
            where there are several branches.
        sql: Write SQL to standard output instead.
        tag: What an ``env.py`` of your own gets.
        x_arg: As ``tag``, ``"name=value"``.

    Raises:
        MigrationError: If one fails, with what of the run stays; or if there
            are several heads and none is named.
    """
    from alembic import command

    with configured(directory, x_arg=x_arg, writes="upgrade", asked_for=revision) as config:
        refuse_several_heads(config, revision, others="upgrade heads")
        command.upgrade(config, revision, sql=sql, tag=tag)


def downgrade(
    directory: Directory = None,
    revision: str = "-1",
    sql: bool = False,
    tag: str | None = None,
    x_arg: XArg = None,
) -> None:
    """Take migrations back.

    Args:
        directory: As for ``upgrade``, like all that are not named here.
        revision: Back to which one; by default the one before the last,
            ``"base"`` is before all.
        sql: Write SQL to standard output instead.
        tag: What an ``env.py`` of your own gets.
        x_arg: As ``tag``, ``"name=value"``.

    Raises:
        MigrationError: If one fails, with what of the run stays.
    """
    from alembic import command

    if sql and revision == "-1":
        revision = "head:-1"
    with configured(directory, x_arg=x_arg, writes="downgrade", asked_for=revision) as config:
        command.downgrade(config, revision, sql=sql, tag=tag)


def show(directory: Directory = None, revision: str = "head") -> None:
    """Print one migration."""
    from alembic import command

    with configured(directory, asked_for=revision) as config:
        command.show(config, revision)


def history(
    directory: Directory = None,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
) -> None:
    """Print the migrations in their order, the newest first.

    Args:
        directory: The folder of the migrations, if not the application's.
        rev_range: Which, ``"start:end"``.
        verbose: Whether to print more.
        indicate_current: Whether to mark where the database is.
    """
    from alembic import command

    with configured(directory) as config:
        command.history(config, rev_range, verbose=verbose, indicate_current=indicate_current)


def heads(directory: Directory = None, verbose: bool = False, resolve_dependencies: bool = False) -> None:
    """Print the migrations that nothing comes after."""
    from alembic import command

    with configured(directory) as config:
        command.heads(config, verbose=verbose, resolve_dependencies=resolve_dependencies)


def branches(directory: Directory = None, verbose: bool = False) -> None:
    """Print the migrations that more than one comes after."""
    from alembic import command

    with configured(directory) as config:
        command.branches(config, verbose=verbose)


def current(directory: Directory = None, verbose: bool = False) -> None:
    """Print where each database is."""
    from alembic import command

    with configured(directory) as config:
        command.current(config, verbose=verbose)


def stamp(
    directory: Directory = None,
    revision: str = "head",
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
) -> None:
    """Note that a database is at a revision, without running any migration.

    Args:
        directory: The folder of the migrations, if not the application's.
        revision: Which one.
        sql: Write SQL to standard output instead.
        tag: What an ``env.py`` of your own gets.
        purge: Forget first what is noted, also what no file knows.
    """
    from alembic import command

    with configured(directory, writes="stamp", asked_for=revision) as config:
        refuse_several_heads(config, revision, others="stamp heads")
        command.stamp(config, revision, sql=sql, tag=tag, purge=purge)


def check(directory: Directory = None) -> None:
    """Look whether ``migrate`` would write anything.

    Raises:
        MigrationError: If it would, with the differences; or if there are
            pending migrations.
    """
    from alembic import command

    with configured(directory) as config:
        command.check(config)
