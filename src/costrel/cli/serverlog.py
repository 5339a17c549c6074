"""What the development server says before it serves."""

from __future__ import annotations

import os

import click

from costrel import _mode

__all__ = ["is_reloaded", "show_server_banner"]


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
