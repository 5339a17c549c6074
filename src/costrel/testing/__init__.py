"""Testing applications: a client, a builder of requests, a runner of commands.

``app.test_client()``, ``app.test_request_context()`` and ``app.test_cli_runner()``
make them; the classes are here to be subclassed.
"""

from __future__ import annotations

from costrel.cli.script_info import ScriptInfo
from costrel.sessions import SessionMixin
from costrel.testing.builder import EnvironBuilder
from costrel.testing.client import FlaskClient, _get_werkzeug_version
from costrel.testing.runner import FlaskCliRunner

__all__ = [
    "EnvironBuilder",
    "FlaskCliRunner",
    "FlaskClient",
    "ScriptInfo",
    "SessionMixin",
    "_get_werkzeug_version",
]
