"""Commands that installed packages bring, by entry points. Loads one only when it is used."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from costrel import _mode

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUPS", "find_plugins", "load_plugin"]

GROUPS = ("costrel.commands", "flask.commands")
"""Entry point groups; the first one wins where both have a name."""

_MARKS = tuple(f"[{group}]".encode() for group in GROUPS)
_PYTHONS_FINDERS = "_frozen_importlib_external"


def find_plugins() -> dict[str, EntryPoint]:
    """Return the entry points of all installed commands by name."""
    if not _may_exist():
        return {}

    from importlib.metadata import entry_points  # for cost: 20 ms

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


def _may_exist() -> bool:
    """Look whether any installed package has such an entry point at all.

    PERF: 1 ms for 60 packages instead of the 20 ms that importlib.metadata
    needs to be loaded. Where something is not a plain folder, it is asked.
    """
    for finder in sys.meta_path:
        # Python's own finder is a class of a frozen module; another one may know packages that no folder has.
        if hasattr(finder, "find_distributions") and finder.__module__ != _PYTHONS_FINDERS:
            return True

    return any(_names_a_group(folder or os.curdir) for folder in dict.fromkeys(sys.path))


def _names_a_group(folder: str) -> bool:
    try:
        packages = [name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info"))]
    except NotADirectoryError:
        # An archive: importlib.metadata can look into it.
        return True
    except OSError:
        return False

    for package in packages:
        try:
            with open(os.path.join(folder, package, "entry_points.txt"), "rb") as file:
                text = file.read()
        except OSError:
            continue
        if any(mark in text for mark in _MARKS):
            return True

    return False
