"""Runs the commands of an application in a test. Knows how no command is found."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from costrel.cli.script_info import ScriptInfo

__all__ = ["FlaskCliRunner"]


class FlaskCliRunner(CliRunner):
    """Click's runner, with the application at hand; made by ``app.test_cli_runner()``.

    Args:
        app: The application whose commands are run.
        **kwargs: What click's runner takes.

    Example:
        >>> import click
        >>> from costrel import Costrel, current_app
        >>> app = Costrel("shop")
        >>> @app.cli.command("name")
        ... def show_name():
        ...     click.echo(current_app.name)
        >>> app.test_cli_runner().invoke(args=["name"]).output.strip()
        'shop'
    """

    def __init__(self, app: Any, **kwargs: Any) -> None:  # the class of applications stands above this module
        self.app = app
        super().__init__(**kwargs)

    def invoke(  # type: ignore[override]  # Flask's signature: the rest goes by name
        self, cli: Any = None, args: Any = None, **kwargs: Any
    ) -> Result:
        """Run a command.

        Args:
            cli: The command; the group ``app.cli`` by default.
            args: Its arguments, as a list or as one string.
            **kwargs: What click's ``invoke`` takes. Without ``obj``, the command
                gets this application.
        """
        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)

        return super().invoke(cli, args, **kwargs)
