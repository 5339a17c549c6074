"""The error of all commands, and the lines that hints tell to type. Knows no Alembic."""

from __future__ import annotations

import os
import shlex
import sys
from itertools import pairwise

from costrel.cli.settings import program_name
from costrel.errors import CostrelError

__all__ = ["MigrationError", "line_to_type"]


class MigrationError(CostrelError, RuntimeError):
    """A command about migrations could not do what it was to do.

    The error that led to it, of Alembic or of the database, is its cause.
    """


def line_to_type(arguments: str, *, command: str = "db") -> str:
    """Return a line for a terminal, with the ``--app`` that was typed for this process.

    Args:
        arguments: What stands behind the group, ``"upgrade"``.
        command: The group's name in the application.

    Example:
        >>> line_to_type("merge heads").partition(" ")[2]
        'db merge heads'
    """
    return f"{program_name()}{_app_option(sys.argv)} {command} {arguments}"


def _app_option(argv: list[str]) -> str:
    if os.path.basename(argv[0]).removesuffix(".exe") not in ("costrel", "flask", "__main__.py"):
        return ""
    for option, value in pairwise(argv[1:]):
        if option in ("--app", "-A"):
            return f" --app {shlex.quote(value)}"
        if option.startswith("--app="):
            return f" {shlex.quote(option)}"

    return ""
