"""The ``costrel`` command, and Flask's names for commands of your own.

It starts without the framework: ``--help`` and ``--version`` load neither it
nor the application. What would load it is brought in when it is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from costrel.cli.discovery import find_app_by_string, find_best_app, locate_app, prepare_import
from costrel.cli.envfiles import load_dotenv
from costrel.cli.errors import NoAppException
from costrel.cli.groups import AppGroup, CostrelGroup, FlaskGroup
from costrel.cli.options import app_option as _app_option
from costrel.cli.options import debug_option as _debug_option
from costrel.cli.options import env_file_option as _env_file_option
from costrel.cli.params import CertParamType, SeparatedPathType
from costrel.cli.params import validate_key as _validate_key
from costrel.cli.routes import routes_command
from costrel.cli.run import run_command
from costrel.cli.script_info import F, ScriptInfo, pass_script_info, with_appcontext
from costrel.cli.serverlog import show_server_banner
from costrel.cli.shell import shell_command
from costrel.cli.version import get_version, version_option

__all__ = [
    "AppGroup",
    "CertParamType",
    "CostrelGroup",
    "F",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "_app_option",
    "_debug_option",
    "_env_file_option",
    "_validate_key",
    "cli",
    "find_app_by_string",
    "find_best_app",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]

# PERF: Flask has these names here, too; most would load Werkzeug or the framework, 60 ms and more.
_LAZY = {
    "ModuleType": "types",
    "ParameterSource": "click.core",
    "current_app": "costrel._proxies",
    "get_debug_flag": "costrel.helpers",
    "get_load_dotenv": "costrel.helpers",
    "import_string": "werkzeug.utils",
    "is_running_from_reloader": "werkzeug.serving",
    "itemgetter": "operator",
    "run_simple": "werkzeug.serving",
    "update_wrapper": "functools",
}

cli = FlaskGroup(
    name="costrel",
    help="""Serve and look after an application.

Name the application with '--app', with COSTREL_APP (or FLASK_APP) in the
environment, or call its file 'wsgi.py' or 'app.py'.
""",
)


def main() -> None:
    """Run the command line; the entry point of ``costrel`` and ``python -m costrel``."""
    cli.main()


def __getattr__(name: str) -> Any:  # Any: each of _LAZY has another type
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    setattr(sys.modules[__name__], name, value)

    return value
