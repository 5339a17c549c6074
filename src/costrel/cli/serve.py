"""``serve``: an application for visitors, by a server made for that."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

import click

from costrel import _mode
from costrel.cli.addresses import check_port, free_unix_address
from costrel.cli.check import LEVELS, fails, show_findings
from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info
from costrel.cli.settings import TwinOption
from costrel.core.servers import (
    CONFUSES_UNDERSCORES,
    INTERFACES,
    SERVERS,
    Address,
    Choice,
    choose,
    read_address,
)
from costrel.errors import ConfigError

if TYPE_CHECKING:
    from costrel.cli.discovery import App

__all__ = ["serve_command"]

_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_THREADS = 8
"""As many requests as a process answers at once, where the server has threads."""
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3 only
    """Where to listen, as ``core.servers.read_address`` reads it."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address.

        Raises:
            BadParameter: If the text is none.
        """
        try:
            return value if isinstance(value, Address) else read_address(value)
        except ConfigError as error:
            raise click.BadParameter(f"{error.problem}\n  hint: {error.hint}", ctx, param) from None


@click.command("serve", short_help="Serve for visitors, by a production server.")
@click.option(
    "--bind",
    "-b",
    cls=TwinOption,
    type=AddressType(),
    default="127.0.0.1:8000",
    metavar="ADDRESS",
    help="Where to listen: host:port or unix:path; default is 127.0.0.1:8000.",
)
@click.option(
    "--server",
    "-s",
    cls=TwinOption,
    type=click.Choice(SERVERS),
    help="The server; default is the first that is installed and fits.",
)
@click.option(
    "--interface",
    cls=TwinOption,
    type=click.Choice(INTERFACES),
    help="How the server calls the application; default is ASGI if anything in it is async, else WSGI.",
)
@click.option(
    "--workers",
    "-w",
    cls=TwinOption,
    type=click.IntRange(1),
    default=1,
    envvar="WEB_CONCURRENCY",
    help="How many processes answer; default is one, or WEB_CONCURRENCY.",
)
@click.option(
    "--threads",
    cls=TwinOption,
    type=click.IntRange(1),
    help="How many threads of a process answer, under WSGI; default is 8.",
)
@click.option("--certfile", cls=TwinOption, type=_FILE, help="Serve HTTPS with this certificate.")
@click.option("--keyfile", cls=TwinOption, type=_FILE, help="The key of the certificate.")
@click.option(
    "--graceful-timeout",
    cls=TwinOption,
    type=click.IntRange(1),
    default=30,
    help="For how many seconds requests may end after SIGTERM; default is 30.",
)
@click.option(
    "--log-level",
    cls=TwinOption,
    type=click.Choice(_LOG_LEVELS),
    default="info",
    help="What the server says of itself; default is 'info'.",
)
@click.option(
    "--access-log/--no-access-log", cls=TwinOption, default=False, help="Write a line for each request."
)
@click.option(
    "--check/--no-check",
    cls=TwinOption,
    default=True,
    help="Run 'check' first; that is the default.",
)
@click.option(
    "--fail-level",
    cls=TwinOption,
    type=click.Choice(LEVELS),
    default="error",
    help="Do not serve with a finding of this level or above; default is 'error'.",
)
@pass_script_info
def serve_command(
    info: ScriptInfo,
    /,
    bind: Address,
    server: str | None,
    interface: str | None,
    workers: int,
    threads: int | None,
    check: bool,
    fail_level: str,
    **options: Any,
) -> None:
    """Serve the application for visitors.

    Takes the first of granian, uvicorn, hypercorn, gunicorn and waitress that
    is installed and fits, and stops at SIGTERM when all requests are answered.
    """
    from costrel.core.async_parts import find_async_parts  # for cost: other commands need it not

    if bool(options["certfile"]) != bool(options["keyfile"]):
        raise click.UsageError("--certfile and --keyfile belong together; one of them is missing.")

    reference = _reference(info)
    app = load_for_command(info)
    try:
        choice = choose(
            [name for name in SERVERS if find_spec(name) is not None],
            server=server,
            interface=interface,
            asynchronous=list(find_async_parts(app)),
            proxied=bool(app.config.get("TRUSTED_PROXIES")),
        )
    except ConfigError as error:
        raise click.ClickException(str(error)) from error

    threads = _fit(choice, workers=workers, threads=threads, tls=bool(options["certfile"]))
    _check_interface(app, choice)
    if check:
        _check(app, fail_level)
    _warn_of_underscores(app, choice)
    _check_address(bind)
    _tell(app, choice, bind, workers=workers, threads=threads, tls=bool(options["certfile"]))
    plan = {
        "app": reference,
        "as_flask": _mode.flask_defaults(),
        "checked": check,
        "server": choice.server,
        "interface": choice.interface,
        "bind": str(bind),
        "host": bind.host,
        "port": bind.port,
        "unix": bind.unix,
        "workers": workers,
        "threads": threads,
        "certfile": options["certfile"] or "",
        "keyfile": options["keyfile"] or "",
        "graceful_seconds": options["graceful_timeout"],
        "log_level": options["log_level"],
        "access_log": options["access_log"],
    }
    _become_server(plan)


def _reference(info: ScriptInfo) -> str:
    """Return what workers load the application by; nothing, to look for it as this process does.

    Raises:
        ClickException: If a command of the user's own makes it by a function that has no import name.
    """
    if info.create_app is None:
        return info.app_import_path or ""

    module, name = info.create_app.__module__, getattr(info.create_app, "__qualname__", "<lambda>")
    if module == "__main__" or not name.isidentifier():
        raise click.ClickException(
            f"The workers cannot import {name!r} of {module!r}, which makes the application.\n"
            "  hint: Put the factory at the top of a module, and give that one to the group of commands."
        )

    return f"{module}:{name}"


def _fit(choice: Choice, *, workers: int, threads: int | None, tls: bool) -> int:
    """Return the number of threads; refuse what the server has not.

    Raises:
        UsageError: If an option means nothing to this server.
    """
    name = choice.server
    if name == "waitress" and workers > 1:
        raise click.UsageError(
            "waitress has one process only: leave out --workers, or take another --server."
        )
    if name == "waitress" and tls:
        raise click.UsageError("waitress speaks no TLS: let a proxy do it, or take another --server.")
    if (name, choice.interface) == ("gunicorn", "asgi") and find_spec("gunicorn.workers.gasgi") is None:
        raise click.UsageError("this gunicorn does not speak ASGI: pip install --upgrade gunicorn")
    has_threads = choice.interface == "wsgi"
    if threads is not None and not has_threads:
        raise click.UsageError(
            f"{name} has no --threads under {choice.interface.upper()}: synchronous views are answered"
            " in threads of the application's own."
        )

    return threads or (_THREADS if has_threads else 0)


def _check_interface(app: App, choice: Choice) -> None:
    needed = {"asgi": "asgi", "rsgi": "__rsgi__"}.get(choice.interface)
    if needed is not None and not hasattr(app, needed):
        raise click.ClickException(
            f"The application does not speak {choice.interface.upper()}: it has no {needed!r}."
        )


def _check(app: App, fail_level: str) -> None:
    """Tell what ``check`` finds, and do not serve with what is too grave.

    Raises:
        ClickException: If there is such a finding.
    """
    from costrel.core.checks.finding import Level  # for cost, as above
    from costrel.core.checks.whole import check_application

    findings, _ = check_application(app)
    failed = fails(findings, fail_level)
    shown = [finding for finding in findings if finding.level >= Level.WARNING or fail_level == "info"]
    show_findings(shown, err=True)
    if failed:
        raise click.ClickException(
            f"Not served, because of findings of level '{fail_level}' or above.\n"
            "  hint: Mend them, silence them by SILENCED_CHECKS, or say --no-check."
        )


def _warn_of_underscores(app: App, choice: Choice) -> None:
    confused = choice.interface == "wsgi" and choice.server in CONFUSES_UNDERSCORES
    if confused and app.config.get("TRUSTED_PROXIES"):
        click.echo(
            f"warning: {choice.server} hands a WSGI application X_Forwarded_For as X-Forwarded-For, so"
            " clients can speak for the proxies.\n"
            "  hint: Let the proxy drop headers with underscores, or leave out --interface wsgi.",
            err=True,
        )


def _check_address(bind: Address) -> None:
    """Refuse an address that another program has; take away the socket that a dead one left.

    Raises:
        ClickException: If something is there, or nothing can be.
    """
    if not bind.unix:
        host = f"[{bind.host}]" if ":" in bind.host else bind.host
        check_port(bind.host, bind.port, option=f"--bind {host}:{{}}")
        return

    folder = os.path.dirname(os.path.abspath(bind.unix))
    if not os.path.isdir(folder):
        raise click.ClickException(f"No socket can be made at {bind.unix!r}: there is no folder {folder!r}.")
    if not free_unix_address(bind.unix):
        raise click.ClickException(
            f"Address already in use: another program listens at {bind.unix!r}, or it is no socket."
        )


def _tell(app: App, choice: Choice, bind: Address, *, workers: int, threads: int, tls: bool) -> None:
    """Say in one line what serves, where, and why that."""
    size = f"{workers} worker{'s' if workers > 1 else ''}"
    if threads:
        size += f", {threads} thread{'s' if threads > 1 else ''} each"
    click.echo(
        f" * Serving {app.name!r} by {choice.server} ({choice.interface.upper()}) at"
        f" {bind.url('https' if tls else 'http')} with {size}: {choice.reason}",
        err=True,
    )


def _become_server(plan: dict[str, Any]) -> NoReturn:
    """Run the server in place of this process, so that its workers begin without what was loaded here."""
    from costrel.serving.target import PLAN  # for cost: other commands need it not

    os.environ[PLAN] = json.dumps(plan)
    command = [sys.executable, "-m", "costrel.serving.launch"]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        import subprocess

        # Windows starts another process instead, and the shell would not wait for it.
        sys.exit(subprocess.call(command))

    os.execv(sys.executable, command)
