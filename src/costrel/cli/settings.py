"""Environment variables of the command line, each under ``COSTREL_`` and ``FLASK_``."""

from __future__ import annotations

import os
import sys

import click

__all__ = ["PREFIXES", "TwinOption", "prefix_for", "program_name", "read_flag", "set_variable"]

PREFIXES = ("COSTREL", "FLASK")
"""The first one wins where both are set."""


class TwinOption(click.Option):
    """An option that is also read from ``COSTREL_<NAME>``, where click would read ``FLASK_<NAME>``."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the text of the first variable that is set and not empty."""
        prefix, _, rest = (ctx.auto_envvar_prefix or "").partition("_")
        if prefix in PREFIXES and self.name:
            name = "_".join(filter(None, (rest, self.name.upper())))
            for twin in PREFIXES:
                value = os.environ.get(f"{twin}_{name}")
                if value:
                    return value

        return super().resolve_envvar_value(ctx)


def prefix_for(command: str, prefix: str | None) -> str | None:
    """Choose the prefix for the variables of one command.

    The options of the built-in commands look for both. Those of an
    application's own commands are click's, and look for one: ``COSTREL`` as
    soon as any variable of the command has it.

    Args:
        command: The command's name.
        prefix: The prefix of the group it is in.
    """
    if prefix not in PREFIXES:
        return prefix
    start = f"COSTREL_{command.upper().replace('-', '_')}_"

    return "COSTREL" if any(name.startswith(start) for name in os.environ) else "FLASK"


def set_variable(name: str, value: str) -> None:
    """Set a variable of this process and of its reloader under both prefixes."""
    for prefix in PREFIXES:
        os.environ[f"{prefix}_{name}"] = value


def read_flag(name: str) -> bool:
    """Tell whether a variable is set under either prefix and says neither 0, false nor no."""
    for prefix in PREFIXES:
        value = os.environ.get(f"{prefix}_{name}")
        if value:
            return value.lower() not in ("0", "false", "no")

    return False


def program_name() -> str:
    """Return the command as it was typed, for lines to paste."""
    name = os.path.basename(sys.argv[0]).removesuffix(".exe")

    return name if name in ("costrel", "flask") else "costrel"
