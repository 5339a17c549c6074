"""The errors of the command line, each a problem and a hint. Knows no command."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any

import click

__all__ = ["AppBroken", "NoAppException", "PortTaken", "nothing_found"]

_MOST_FILES = 50
_MAX_BYTES = 65_536
"""How much is read of each file that may hold an application."""
_MAKES_AN_APP = (b"Costrel(", b"Flask(", b"def create_app(", b"def make_app(")


class NoAppException(click.UsageError):
    """No application was found, or it could not be imported."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message alone: the command was typed rightly, so its usage does not help."""
        click.ClickException.show(self, file)


class AppBroken(click.ClickException):
    """The application's own code failed while it was loaded.

    Args:
        error: What it raised.
        describe: Tells it in a few lines; ``costrel.debug.terminal.describe``.
    """

    def __init__(self, error: BaseException, describe: Callable[[BaseException], str]) -> None:
        super().__init__(f"The application could not be loaded.\n\n{describe(error)}")
        self.error = error


class PortTaken(click.ClickException):
    """The address to serve is in use by another program.

    Args:
        port: The port that was asked for.
        holder: Who has it, in words.
        free: The next port that nobody has, or ``None``.
        stop: The command that ends the holder, or an empty string.
        option: What to type for another port, with ``{}`` in its place.
    """

    def __init__(
        self, port: int, *, holder: str, free: int | None, stop: str = "", option: str = "--port {}"
    ) -> None:
        super().__init__(f"Address already in use: port {port} is in use by {holder}.")
        ways = [f"stop it with '{stop}'"] if stop else []
        if free is not None:
            ways.append(f"use the next free port with '{option.format(free)}'")
        self.hint = " or ".join(ways)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the problem, then the hint."""
        super().show(file)
        if self.hint:
            click.echo(f"  hint: {self.hint[0].upper()}{self.hint[1:]}.", file=file, err=True)


def nothing_found(program: str, folder: str) -> NoAppException:
    """Build the error for a folder without an application to serve.

    Args:
        program: The command's name as it was typed, for the line to paste.
        folder: Where was looked.
    """
    candidates = _candidates(folder)
    name = candidates[0] if candidates else "hello"
    seen = f"\n  {candidates[0]}.py seems to make one." if candidates else ""

    return NoAppException(
        f"Could not locate an application: no 'wsgi.py' or 'app.py' in {folder}{seen}\n"
        f"  hint: Name its module: '{program} --app {name} run',"
        f" or set COSTREL_APP={name} (FLASK_APP works too)."
    )


def _candidates(folder: str) -> list[str]:
    """Name the modules of a folder whose text makes an application."""
    found = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
        for name in names[:_MOST_FILES]:
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read(_MAX_BYTES)
            if any(mark in text for mark in _MAKES_AN_APP):
                found.append(name.removesuffix(".py"))
    except OSError:
        # Only a suggestion is lost.
        return found

    return found
