"""``shell``: a Python prompt inside of the application."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from costrel import _mode
from costrel.cli.discovery import App
from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info

__all__ = ["shell_command", "shell_names"]


@click.command("shell", short_help="Run a shell in the application's context.")
@pass_script_info
def shell_command(info: ScriptInfo) -> None:
    """Run an interactive Python shell in the context of the application.

    Besides the names of your shell context processors it has app, g,
    current_app, request, url_for, and client, a test client.
    """
    app = load_for_command(info)
    # A request makes url_for() answer without SERVER_NAME; under the alias only what Flask has is there.
    context = app.app_context() if _mode.flask_defaults() else app.test_request_context()
    with context:
        names = shell_names(app)
        own = sorted(name for name in names if not name.startswith("_"))
        _run_startup_file(names)
        _interact(names, f"{_banner(app)}\nNames: {', '.join(own)}")


def shell_names(app: App) -> dict[str, Any]:  # Any: a namespace
    """Collect what the shell knows; the application's own names win.

    Args:
        app: The application, whose context is the current one.
    """
    from costrel._proxies import current_app, request  # for cost: they load Werkzeug
    from costrel.helpers import url_for

    names: dict[str, Any] = {
        "client": app.test_client(),
        "current_app": current_app,
        "request": request,
        "url_for": url_for,
    }

    names.update(app.make_shell_context())

    return names


def _banner(app: App) -> str:
    return f"Python {sys.version} on {sys.platform}\nApp: {app.import_name}\nInstance: {app.instance_path}"


def _run_startup_file(names: dict[str, Any]) -> None:
    """Run the file of ``PYTHONSTARTUP``, as Python's own prompt does."""
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), names)


def _interact(names: dict[str, Any], banner: str) -> None:
    import code  # for cost: only the shell needs it

    # Set by `site` where readline is there: it turns on completion and the history.
    hook = getattr(sys, "__interactivehook__", None)
    if hook is not None:
        try:
            import readline
            from rlcompleter import Completer
        except ImportError:
            pass
        else:
            readline.set_completer(Completer(names).complete)
        hook()

    code.interact(banner=banner, local=names)
