"""The command ``health``: what fails, for people and for cron."""

import click

from costrel import current_app
from costrel.cli import with_appcontext


@click.command("health")
@with_appcontext
def health() -> None:
    """Run the probes; the status is 1 if one fails."""
    failed = current_app.extensions["health"].failures()
    for name, error in sorted(failed.items()):
        click.echo(f"{name}: {error}")
    if failed:
        raise click.exceptions.Exit(1)
