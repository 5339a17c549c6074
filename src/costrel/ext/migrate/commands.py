"""``costrel db``: the commands about migrations, with Flask-Migrate's names and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from costrel.cli import with_appcontext
from costrel.errors import CostrelError
from costrel.ext.migrate import operations
from costrel.ext.migrate.config import given_x_args
from costrel.ext.migrate.progress import show_progress

__all__ = ["db"]

F = TypeVar("F", bound=Callable[..., Any])

_DIRECTORY = "costrel.ext.migrate.directory"


class _Command(click.Command):
    """Shows errors of ours as the command line does, and what is logged meanwhile."""

    def invoke(self, ctx: click.Context) -> Any:
        # The group's is meant where the command has none of its own.
        if "directory" in ctx.params:
            ctx.params["directory"] = ctx.params["directory"] or ctx.meta.get(_DIRECTORY)
        try:
            with show_progress():
                return super().invoke(ctx)
        except CostrelError as error:
            raise click.ClickException(str(error)) from error


class _Group(click.Group):
    command_class = _Command


_directory = click.option(
    "-d", "--directory", default=None, help="The folder of the migrations; by default the application's."
)
_x_arg = click.option(
    "-x", "--x-arg", multiple=True, help="What an env.py of your own gets, name=value; may be repeated."
)
_sql = click.option("--sql", is_flag=True, help="Write SQL to standard output, and leave the database alone.")
_tag = click.option("--tag", default=None, help="What an env.py of your own gets.")
_verbose = click.option("-v", "--verbose", is_flag=True, help="Print more.")
_message = click.option("-m", "--message", default=None, help="What the migration does.")
_branch_label = click.option("--branch-label", default=None, help="A name for the branch that begins here.")
_rev_id = click.option("--rev-id", default=None, help="The id, instead of one by chance.")


def _for_new_files(f: F) -> F:
    """Add the options of what writes a migration."""
    for option in (
        _rev_id,
        click.option(
            "--version-path", default=None, help="The folder for the file, where there are several."
        ),
        _branch_label,
        click.option("--splice", is_flag=True, help="Let it come after one that others come after."),
        click.option("--head", default="head", help="What it comes after: a revision or <branch>@head."),
        _sql,
        _message,
        _directory,
    ):
        f = option(f)

    return f


@click.group(cls=_Group)
@_directory
@_x_arg
@click.pass_context
@with_appcontext
def db(ctx: click.Context, directory: str | None, x_arg: tuple[str, ...]) -> None:
    """Migrate the databases."""
    ctx.meta[_DIRECTORY] = directory
    ctx.with_resource(given_x_args(x_arg))


@db.command("list-templates")
@with_appcontext
def list_templates() -> None:
    """List what 'init' can make a folder from."""
    operations.list_templates()


@db.command()
@_directory
@click.option("--multidb", is_flag=True, help="For all databases, also those of SQLALCHEMY_BINDS.")
@click.option("-t", "--template", default=None, help="What to make it from: a name, or the path of a folder.")
@click.option("--package", is_flag=True, help="Make packages of the folders, with __init__.py.")
@with_appcontext
def init(directory: str | None, multidb: bool, template: str | None, package: bool) -> None:
    """Make the folder of migrations."""
    operations.init(directory, multidb, template, package)


@db.command()
@_for_new_files
@click.option("--autogenerate", is_flag=True, help="Fill it in from how models and database differ.")
@with_appcontext
def revision(**options: Any) -> None:
    """Write a migration to be filled in by hand."""
    operations.revision(**options)


@db.command()
@_for_new_files
@_x_arg
@with_appcontext
def migrate(**options: Any) -> None:
    """Write a migration from how models and database differ."""
    operations.migrate(**options)


@db.command()
@_directory
@click.argument("revision", default="head")
@with_appcontext
def edit(directory: str | None, revision: str) -> None:
    """Open a migration in the editor."""
    operations.edit(directory, revision)


@db.command()
@_directory
@_message
@_branch_label
@_rev_id
@click.argument("revisions", nargs=-1)
@with_appcontext
def merge(**options: Any) -> None:
    """Write a migration that comes after several; by default after all heads."""
    operations.merge(**options)


@db.command()
@_directory
@_sql
@_tag
@_x_arg
@click.argument("revision", default="head")
@with_appcontext
def upgrade(**options: Any) -> None:
    """Run the pending migrations."""
    operations.upgrade(**options)


@db.command(context_settings={"ignore_unknown_options": True})
@_directory
@_sql
@_tag
@_x_arg
@click.argument("revision", default="-1")
@with_appcontext
def downgrade(**options: Any) -> None:
    """Take migrations back; by default the last one."""
    operations.downgrade(**options)


@db.command()
@_directory
@click.argument("revision", default="head")
@with_appcontext
def show(directory: str | None, revision: str) -> None:
    """Print one migration."""
    operations.show(directory, revision)


@db.command()
@_directory
@click.option("-r", "--rev-range", default=None, help="Which ones, [start]:[end].")
@_verbose
@click.option("-i", "--indicate-current", is_flag=True, help="Mark where the database is.")
@with_appcontext
def history(**options: Any) -> None:
    """List the migrations, the newest first."""
    operations.history(**options)


@db.command()
@_directory
@_verbose
@click.option("--resolve-dependencies", is_flag=True, help="Take dependencies for what comes before.")
@with_appcontext
def heads(**options: Any) -> None:
    """List the migrations that nothing comes after."""
    operations.heads(**options)


@db.command()
@_directory
@_verbose
@with_appcontext
def branches(**options: Any) -> None:
    """List the migrations that more than one comes after."""
    operations.branches(**options)


@db.command()
@_directory
@_verbose
@with_appcontext
def current(**options: Any) -> None:
    """Print where each database is."""
    operations.current(**options)


@db.command()
@_directory
@_sql
@_tag
@click.option("--purge", is_flag=True, help="Forget first what is noted.")
@click.argument("revision", default="head")
@with_appcontext
def stamp(**options: Any) -> None:
    """Note where a database is, without running migrations."""
    operations.stamp(**options)


@db.command()
@_directory
@with_appcontext
def check(directory: str | None) -> None:
    """Look whether 'migrate' would write anything."""
    operations.check(directory)


def __getattr__(name: str) -> click.Group:
    """Return the group under the name that an application gave it: ``Migrate(command="database")``."""
    if name.startswith("_"):
        raise AttributeError(name)

    return db
