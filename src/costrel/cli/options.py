"""The options that stand before every command: application, environment, debug mode."""

from __future__ import annotations

import importlib
import os

import click
from click.core import ParameterSource

from costrel.cli.envfiles import load_dotenv
from costrel.cli.script_info import ScriptInfo
from costrel.cli.settings import TwinOption, read_flag, set_variable

__all__ = ["app_option", "as_flask_option", "debug_option", "env_file_option", "traceback_option"]

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.PROMPT)


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value

    return value


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    # Without the option the environment stays: its own reader knows more spellings than click.
    if param.name is None or ctx.get_parameter_source(param.name) not in _GIVEN:
        return None

    # A variable, because factories ask for it while the application is made, and the reloader inherits it.
    set_variable("DEBUG", "1" if value else "0")

    return value


def _read_env_files(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    info = ctx.ensure_object(ScriptInfo)
    use_defaults = info.load_dotenv_defaults and not read_flag("SKIP_DOTENV")
    if value is not None or use_defaults:
        load_dotenv(value, load_defaults=use_defaults)

    return value


def _use_alias(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value and not ctx.resilient_parsing:
        importlib.import_module("costrel.as_flask")

    return value


def _set_traceback(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        # A variable, because the reloader inherits it.
        os.environ["COSTREL_TRACEBACK"] = value

    return value


app_option = TwinOption(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The application or factory to load, as 'module:name'. The module is an import name or a file."
        " The name is not needed if it is 'app', 'application', 'create_app' or 'make_app';"
        " it can be 'name(args)' to call a factory."
    ),
    is_eager=True,
    callback=_set_app,
    expose_value=False,
)

debug_option = TwinOption(
    ["--debug/--no-debug"],
    help="Turn debug mode on or off.",
    callback=_set_debug,
    expose_value=False,
)

env_file_option = TwinOption(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Read environment variables from this file. It wins over '.env', '.flaskenv' and '.costrelenv';"
        " what is set in the environment wins over all files."
    ),
    # Eager, so that the variables of the other options may be in the file.
    is_eager=True,
    callback=_read_env_files,
    expose_value=False,
)

traceback_option = TwinOption(
    ["--traceback"],
    type=click.Choice(("short", "full")),
    help="How the terminal shows errors of the application; short is the default.",
    callback=_set_traceback,
    expose_value=False,
)

as_flask_option = TwinOption(
    ["--as-flask"],
    is_flag=True,
    help="Let 'import flask' answer with costrel, and use Flask's defaults.",
    is_eager=True,
    callback=_use_alias,
    expose_value=False,
)
