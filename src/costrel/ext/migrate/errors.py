"""The error of all commands, and the lines that hints tell to type. Knows no Alembic."""

from __future__ import annotations

import os
import shlex
import sys
from itertools import pairwise

from costrel.cli.settings import program_name
from costrel.errors import CostrelError

__all__ = ["MigrationError", "line_to_type"]

_PROGRAMS = ("costrel", "flask", "__main__.py")


class MigrationError(CostrelError, RuntimeError):
    """A command about migrations could not do what it was to do.

    The error that led to it, of Alembic or of the database, is its cause.
    """


def line_to_type(arguments: str, *, command: str = "db") -> str:
    """Return a line for a terminal, with the ``--app`` and the folder that were typed for this process.

    Args:
        arguments: What stands behind the group, ``"upgrade"``.
        command: The group's name in the application.

    Example:
        >>> line_to_type("merge heads").partition(" ")[2]
        'db merge heads'
    """
    argv = sys.argv if os.path.basename(sys.argv[0]).removesuffix(".exe") in _PROGRAMS else []
    begin = argv.index(command) if command in argv else len(argv)
    app = _typed(argv[:begin] or argv, "--app", "-A")
    folder = _typed(argv[begin:], "--directory", "-d")

    return f"{program_name()}{app} {command} {arguments}{folder}"


def _typed(argv: list[str], *names: str) -> str:
    """Return an option that was typed, under the first of its names; or nothing."""
    for option, value in pairwise([*argv[1:], ""]):
        if option in names:
            return f" {names[0]} {shlex.quote(value)}"
        if option.startswith(f"{names[0]}="):
            return f" {shlex.quote(option)}"

    return ""
