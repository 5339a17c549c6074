"""``run``: the development server, with reloader and debugger."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from costrel.cli.addresses import check_port
from costrel.cli.options import debug_option, traceback_option
from costrel.cli.params import CertParamType, SeparatedPathType, validate_key
from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info
from costrel.cli.serverlog import is_reloaded, show_notes, show_server_banner
from costrel.cli.settings import TwinOption
from costrel.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["run_command"]

_RELOAD_SECONDS = 0.25
"""PERF: a look costs 2 ms; Werkzeug's default second makes a reload take half a second longer."""


@click.command("run", short_help="Run a development server.")
@click.option("--host", "-h", cls=TwinOption, default="127.0.0.1", help="The interface to bind to.")
@click.option("--port", "-p", cls=TwinOption, default=5_000, help="The port to bind to.")
@click.option(
    "--cert",
    cls=TwinOption,
    type=CertParamType(),
    is_eager=True,
    help="Serve HTTPS with this certificate: a file, 'adhoc', or the import name of an SSLContext.",
)
@click.option(
    "--key",
    cls=TwinOption,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=validate_key,
    expose_value=False,
    help="The key of the certificate's file.",
)
@click.option(
    "--reload/--no-reload",
    cls=TwinOption,
    default=None,
    help="Restart when a file changes; default in debug mode.",
)
@click.option(
    "--debugger/--no-debugger",
    cls=TwinOption,
    default=None,
    help="Show errors in the interactive debugger; default in debug mode.",
)
@click.option(
    "--with-threads/--without-threads",
    cls=TwinOption,
    default=True,
    help="Answer requests in threads or one by one.",
)
@click.option(
    "--reloader",
    cls=TwinOption,
    type=click.Choice(("stat", "watchdog", "auto")),
    # NOTE: watchdog watches all installed packages, and loses changes when its queue overflows.
    default="stat",
    help="How changes are noticed: by looking at all files, the default, or by the watchdog package.",
)
@click.option(
    "--extra-files",
    cls=TwinOption,
    type=SeparatedPathType(),
    help=f"More files that restart the server when they change, separated by {os.path.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    cls=TwinOption,
    type=SeparatedPathType(),
    help=f"Patterns (fnmatch) of files that do not restart it, separated by {os.path.pathsep!r}.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,  # Any: two files, "adhoc" or an SSLContext
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
    reloader: str = "stat",
) -> None:
    """Run a local development server.

    It is for development only: it has not the stability, security and speed
    of a production server.

    The reloader and the debugger are on in debug mode: 'run --debug'.
    """
    from costrel.cli.logfilter import watch_server_log  # for cost: other commands need it not
    from costrel.helpers import get_debug_flag
    from costrel.serving.chunked import RequestHandler

    app = _load(info)
    debug = get_debug_flag()
    reload = debug if reload is None else reload
    debugger = debug if debugger is None else debugger
    _check_port(host, port)
    show_server_banner(debug, info.app_import_path or info.found_in)
    watch_server_log()
    # SECURITY: errors are explained to clients in debug mode only.
    if debug:
        from costrel.debug.wiring import explain_errors  # for cost, as above

        # The reloader's parent serves nothing: it would tell the same once more.
        if not reload or is_reloaded():
            show_notes(app)
        app = explain_errors(app, host=host, page=debugger)
    # NOTE: taken from the package, where extensions and tests replace it under Flask's name for it.
    run_simple = sys.modules["costrel.cli"].run_simple
    run_simple(
        host,
        port,
        app,
        use_reloader=reload,
        use_debugger=debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
        request_handler=RequestHandler,
        reloader_interval=_RELOAD_SECONDS,
        reloader_type=reloader,
    )


run_command.params.insert(0, debug_option)
run_command.params.append(traceback_option)


def _load(info: ScriptInfo) -> WSGIApplication:
    """Load the application; if it broke while the server runs, serve its error until it is mended."""
    from costrel.core.startup import refuse_unfit_settings  # for cost: ItsDangerous

    if not is_reloaded():
        loaded: WSGIApplication = load_for_command(info)
        try:
            refuse_unfit_settings(getattr(loaded, "config", {}))
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
        return loaded

    try:
        served: WSGIApplication = info.load_app()
        refuse_unfit_settings(getattr(served, "config", {}))
        return served
    except Exception as error:  # told below, and by every answer
        from costrel.debug.terminal import describe  # for cost: it loads Jinja

        click.echo(f"{describe(error)}\n * Waiting for a change that mends it.", err=True)
        broken = error

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise broken from None

    return app


def _check_port(host: str, port: int) -> None:
    # The reloader's child inherits the socket; a host with a scheme is a Unix socket.
    if not is_reloaded() and not host.startswith("unix://"):
        check_port(host, port)
