"""``app.run()``: the development server, from a script instead of the command line."""

from __future__ import annotations

import os
from typing import Any

import click
from werkzeug import serving

from costrel.cli.envfiles import load_dotenv as load_env_files
from costrel.cli.logfilter import watch_server_log
from costrel.cli.serverlog import is_reloaded, show_notes, show_server_banner
from costrel.core.startup import refuse_unfit_settings
from costrel.debug.wiring import explain_errors
from costrel.helpers import get_debug_flag, get_load_dotenv
from costrel.serving.chunked import RequestHandler

__all__ = ["run"]


def run(
    app: Any, *, host: str | None, port: int | None, debug: bool | None, load_dotenv: bool, **options: Any
) -> None:
    """Serve an application with Werkzeug's server until it is interrupted.

    Within a command of ``costrel`` it does nothing but say so: the command
    serves, or does something else, and must not be blocked.
    """
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        if not serving.is_running_from_reloader():
            click.echo(
                " * Ignoring app.run(), which would block the command that loads this file.\n"
                '   Put it under  if __name__ == "__main__":  to be rid of this line.'
            )
        return

    if get_load_dotenv(load_dotenv):
        load_env_files()
        if "FLASK_DEBUG" in os.environ or "COSTREL_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)

    configured_host, _, configured_port = (app.config["SERVER_NAME"] or "").partition(":")
    address: str = host or configured_host or "127.0.0.1"
    port = int(port) if port or port == 0 else int(configured_port or 5_000)
    refuse_unfit_settings(app.config)
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    options.setdefault("request_handler", RequestHandler)
    show_server_banner(app.debug, app.name)
    watch_server_log()
    try:
        application = app
        if app.debug:
            if not options["use_reloader"] or is_reloaded():
                show_notes(app)
            application = explain_errors(app, host=address, page=options["use_debugger"])
        serving.run_simple(address, port, application, **options)
    finally:
        for what in (app._serving, app._background):
            if what is not None:
                what.end()
        # The server ran in this process; the application may be set up further, as in an interactive session.
        app._got_first_request = False
