"""The commands ``session cleanup`` and ``session delete-user``; imported when first used."""

from __future__ import annotations

from typing import cast

import click

from costrel import current_app
from costrel.cli import AppGroup
from costrel.ext.session.backends.store import StoreError
from costrel.ext.session.extension import Session

__all__ = ["session"]

session = AppGroup("session", help="Look after server-side sessions.")


def _extension() -> Session:
    return cast(Session, current_app.extension_setups["session"].extension)


@session.command("cleanup")
def cleanup() -> None:
    """Delete the sessions that are over, where the store does not do so by itself."""
    try:
        count = _extension().clean_up()
    except StoreError as error:
        raise click.ClickException(error.problem) from error
    click.echo(f"Deleted {count} {'session' if count == 1 else 'sessions'}.")


@session.command("delete-user")
@click.argument("user_id", metavar="ID")
def delete_user(user_id: str) -> None:
    """Log the user with this ID out everywhere."""
    try:
        count = _extension().delete_user(user_id)
    except StoreError as error:
        raise click.ClickException(error.problem) from error
    click.echo(f"Deleted {count} {'session' if count == 1 else 'sessions'}.")
