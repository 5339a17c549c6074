"""Testing applications: clients, a builder of requests, a runner of commands.

``app.test_client()``, ``app.async_test_client()``, ``app.test_app()``,
``app.test_request_context()`` and ``app.test_cli_runner()`` make them; the
classes are here to be subclassed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from costrel.cli.script_info import ScriptInfo
from costrel.sessions import SessionMixin
from costrel.testing.builder import EnvironBuilder
from costrel.testing.client import FlaskClient, _get_werkzeug_version
from costrel.testing.runner import FlaskCliRunner

if TYPE_CHECKING:
    from costrel.testing.async_client import AsyncClient
    from costrel.testing.responses import TestResponse
    from costrel.testing.serving import TestApp
    from costrel.testing.websocket import AsyncTestWebSocket, TestWebSocket, WebSocketRefused

__all__ = [
    "AsyncClient",
    "AsyncTestWebSocket",
    "EnvironBuilder",
    "FlaskCliRunner",
    "FlaskClient",
    "ScriptInfo",
    "SessionMixin",
    "TestApp",
    "TestResponse",
    "TestWebSocket",
    "WebSocketRefused",
    "_get_werkzeug_version",
]

# Loaded when they are asked for: asyncio, which tests over WSGI do without, takes 15 ms.
_MODULE_OF = {
    "AsyncClient": "async_client",
    "AsyncTestWebSocket": "websocket",
    "TestApp": "serving",
    "TestResponse": "responses",
    "TestWebSocket": "websocket",
    "WebSocketRefused": "websocket",
}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    return getattr(import_module(f"{__name__}.{module}"), name)
