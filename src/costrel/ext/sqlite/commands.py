"""The command ``init-db``, which makes the tables."""

from __future__ import annotations

import sqlite3

import click

from costrel import current_app
from costrel.cli import with_appcontext
from costrel.ext.sqlite.database import Database
from costrel.ext.sqlite.errors import SchemaError

__all__ = ["init_db"]


@click.command("init-db", short_help="Make the tables of the SQLite database.")
@click.option("--force", is_flag=True, help="Delete the tables that there are, without asking.")
@with_appcontext
def init_db(force: bool) -> None:
    """Make the tables of the file SQLITE_SCHEMA, all of them or none.

    If there are tables already, it asks whether to delete them.
    """
    database: Database = current_app.extensions["sqlite"]
    try:
        there = database.tables()
        if there and not force:
            told = f"{database.path} has tables: {', '.join(there)}."
            click.confirm(f"{told} Delete them, with all their rows?", abort=True)
        made = database.make_tables(replaces=bool(there))
    except (SchemaError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Made in {database.path}: {', '.join(made)}.")
