"""``python -m costrel.as_flask install | remove | status``: the alias for an environment."""

from __future__ import annotations

import argparse
import sys

from click import echo

from costrel.as_flask import pth
from costrel.errors import CostrelError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return its exit status.

    Args:
        arguments: What stands behind the command's name; the process's own by default.

    Returns:
        0 when done; 1 when it could not be done, and for ``status`` without an alias.
    """
    options = _read(arguments)
    try:
        if options.command == "install":
            return _install(revive=options.revive, outside_venv=options.outside_venv)
        if options.command == "remove":
            return _remove()
        return _status()
    except (CostrelError, OSError) as error:
        echo(f"costrel.as_flask: {error}", err=True)
        return 1


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m costrel.as_flask",
        description="Make 'import flask' mean costrel in every process of this environment, or undo it.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="install | remove | status")
    install = commands.add_parser("install", help="write a .pth file that activates the alias at every start")
    install.add_argument(
        "--revive",
        action="store_true",
        help="bring back names that extensions of the Flask 2 era import, such as flask.json.JSONEncoder",
    )
    install.add_argument(
        "--outside-venv", action="store_true", help="also where Python is not in a virtual environment"
    )
    commands.add_parser("remove", help="take the file away")
    commands.add_parser("status", help="say whether the file is there; exit status 1 if not")

    return parser.parse_args(arguments)


def _install(*, revive: bool, outside_venv: bool) -> int:
    path = pth.pth_path()
    changed = pth.install(path, revive=revive, outside_venv=outside_venv)
    echo(f"'import flask' means costrel in {sys.prefix}" + ("" if changed else " (it did already)"))
    echo(f"  file: {path}")
    echo("  undo: python -m costrel.as_flask remove")

    return 0


def _remove() -> int:
    path = pth.pth_path()
    if pth.remove(path):
        echo(f"'import flask' means Flask again in {sys.prefix}")
        echo(f"  removed: {path}")
    else:
        echo(f"nothing to remove: there is no {path}")

    return 0


def _status() -> int:
    path = pth.pth_path()
    state = pth.read_state(path)
    if state == "off":
        echo(f"off: 'import flask' means Flask in {sys.prefix}")
        echo("  on: python -m costrel.as_flask install")
        return 1

    revived = ", with names of Flask 2 revived" if state == "revive" else ""
    echo(f"on: 'import flask' means costrel in {sys.prefix}{revived}")
    echo(f"  file: {path}")

    return 0


if __name__ == "__main__":
    raise SystemExit(main())
