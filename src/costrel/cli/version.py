"""What ``--version`` says."""

from __future__ import annotations

import platform

import click

from costrel import _mode

__all__ = ["get_version", "version_option"]


def get_version(ctx: click.Context, param: click.Parameter | None, value: object) -> None:
    """Write the versions and end the program; the callback of ``--version``."""
    if not value or ctx.resilient_parsing:
        return

    from importlib.metadata import PackageNotFoundError, version  # for cost: 15 ms

    # The alias answers under both names: users of it look for Flask's version.
    names = ["Costrel", "Flask", "Werkzeug"] if _mode.flask_defaults() else ["Costrel", "Werkzeug"]
    lines = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            lines.append(f"{name} {version(name.lower())}")
        except PackageNotFoundError:
            lines.append(f"{name} (not installed as a package)")
    click.echo("\n".join(lines), color=ctx.color)
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the versions.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)
