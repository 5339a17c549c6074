"""Commands for the keeper: ``costrel --app wayside <command>``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TextIO

import click
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from costrel import Blueprint, Costrel, current_app

from . import db as database
from .forms import password_problem, username_problem
from .identity import hash_password, sessions
from .models import db
from .records import transfer, users

# Without a group the commands stand beside ``run`` and ``shell``.
bp = Blueprint("commands", __name__, cli_group=None)


def init_app(app: Costrel) -> None:
    """Add the commands to the application's command line."""
    app.register_blueprint(bp)


def ready_session() -> Session:
    """Return the session of this command, with the database up to date."""
    database.make_ready()

    return db.session()


@bp.cli.command("init-db")
@click.option("--empty", is_flag=True, help="Without the sample walks.")
@click.confirmation_option(prompt="This deletes every account and walk. Continue?")
def init_db(empty: bool) -> None:
    """Delete the database and make a new one."""
    database.erase()
    if empty:
        current_app.config["SAMPLE_DATA"] = False
    database.make_ready()
    click.echo(f"Made {current_app.config['DATABASE']}.")


@bp.cli.command("add-user")
@click.argument("username")
@click.option("--keeper", is_flag=True, help="May edit and delete everything.")
@click.password_option()
def add_user(username: str, keeper: bool, password: str) -> None:
    """Add an account, or give an existing one a new password."""
    if problem := username_problem(username) or password_problem(password):
        raise click.ClickException(problem)
    session = ready_session()
    try:
        users.add(session, username, password_hash=hash_password(password), is_keeper=keeper or None)
    except IntegrityError:
        user = users.by_name(session, username)
        assert user is not None  # the name is taken, so it is there
        users.set_password(session, user, hash_password(password))
        sessions.delete_user(user.get_id())
        click.echo(f"Changed the password of {username}.")
    else:
        click.echo(f"Added {username}.")


@bp.cli.command("export-walks")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def export_walks(file: TextIO) -> None:
    """Write all walks to FILE as JSON (to the terminal without FILE)."""
    json.dump(list(transfer.dump(ready_session())), file, ensure_ascii=False, indent=2)
    file.write("\n")


@bp.cli.command("import-walks")
@click.argument("file", type=click.File("r", encoding="utf-8"))
def import_walks(file: TextIO) -> None:
    """Add the walks in FILE, as export-walks wrote it: all or none."""
    try:
        records = json.load(file)
        if not isinstance(records, list):
            raise transfer.TransferError("expected a list of walks")
        count = transfer.load(ready_session(), records, today=datetime.now(UTC).date())
    except json.JSONDecodeError as error:
        raise click.ClickException(f"this is not JSON: {error}") from error
    except transfer.TransferError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Imported {count} walks.")
