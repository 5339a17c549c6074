"""Commands that installed packages bring, by entry points. Loads one only when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costrel import _mode

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUPS", "find_plugins", "load_plugin"]

GROUPS = ("costrel.commands", "flask.commands")
"""Entry point groups; the first one wins where both have a name."""


def find_plugins() -> dict[str, EntryPoint]:
    """Return the entry points of all installed commands by name."""
    from importlib.metadata import entry_points  # for cost: 15 ms

    found: dict[str, EntryPoint] = {}
    for group in GROUPS:
        for entry in entry_points(group=group):
            found.setdefault(entry.name, entry)

    return found


def load_plugin(entry: EntryPoint) -> click.Command:
    """Import a command.

    Raises:
        ClickException: If it needs Flask, and the alias is not there to answer for it.
    """
    try:
        command: click.Command = entry.load()
    except ModuleNotFoundError as error:
        if error.name != "flask" or _mode.flask_defaults():
            raise
        raise click.ClickException(
            f"the command {entry.name!r} of {entry.value.partition(':')[0]!r} was written for Flask.\n"
            f"  hint: Run it with 'costrel --as-flask {entry.name}'."
        ) from error

    return command
