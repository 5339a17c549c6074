"""What the development server says before it serves."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import click

from costrel import _mode

__all__ = ["development_notes", "is_reloaded", "show_notes", "show_server_banner"]


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Say what is served, once: not again by each restart of the reloader.

    Args:
        debug: Whether debug mode is on.
        app_import_path: What ``--app`` says; where the application was found.
    """
    if is_reloaded():
        return

    if app_import_path is not None:
        name = "Flask" if _mode.flask_defaults() else "Costrel"
        click.echo(f" * Serving {name} app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")


def is_reloaded() -> bool:
    """Tell whether this process was started by the reloader."""
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"


def show_notes(app: Any) -> None:
    """Tell what extensions have to say to the developer, without making the server wait.

    Args:
        app: What is served; ``Any``, because its class stands above this
            package, and a broken application is only a function.
    """
    if getattr(app, "extension_setups", None):
        threading.Thread(target=_show, args=(app,), name="costrel-notes", daemon=True).start()


def development_notes(app: Any) -> Iterator[str]:
    """Yield the notes of all extensions of an application; one that fails says so itself."""
    for name, setup in list(app.extension_setups.items()):
        try:
            yield from setup.extension.development_notes(app)
        except Exception as error:  # an extension's: the server is to run
            yield f"The extension {name!r} could not look for what you should know: {error}"


def _show(app: Any) -> None:
    for note in development_notes(app):
        click.secho(f" * {note}", fg="yellow", err=True)
