"""The one context variable, and the errors for using it when it is empty.

Everything below ``globals.py`` reads the current context from here. It must
not know what a context is made of; ``core/contracts.py`` says what it answers.
"""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from types import FrameType

from costrel.core.contracts import Context
from costrel.errors import ContextError

__all__ = [
    "current",
    "outside_app_context",
    "outside_request_context",
    "outside_websocket_context",
    "require_context",
    "require_request",
]

current: ContextVar[Context] = ContextVar("costrel.context")

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_LIBRARIES = (_PACKAGE, os.path.join("werkzeug", "local.py"))


def require_context(used: str = "this") -> Context:
    """Return the current context.

    Args:
        used: What needs it, as the developer wrote it (``"url_for()"``).

    Raises:
        ContextError: If there is none; a ``RuntimeError`` with Flask's words first.
    """
    ctx = current.get(None)
    if ctx is None:
        raise outside_app_context(used)

    return ctx


def require_request(used: str = "this") -> Context:
    """Return the current context if it has a request, as ``require_context`` does.

    Raises:
        ContextError: If there is no context, or one without a request.
    """
    ctx = current.get(None)
    if ctx is None or not ctx.has_request:
        raise outside_request_context(used)

    return ctx


def outside_app_context(used: str) -> ContextError:
    """Build the error for a use outside of any context."""
    return ContextError(
        f"Working outside of application context.\n\n{used} needs to know its application{_used_at()}",
        hint="Wrap the code in a context:\n\n      with app.app_context():\n          ...",
    )


def outside_request_context(used: str) -> ContextError:
    """Build the error for a use outside of a request."""
    return ContextError(
        f"Working outside of request context.\n\n{used} needs an active HTTP request{_used_at()}",
        hint=(
            "In a test, use the test client or wrap the code:\n\n"
            "      with app.test_request_context():\n          ...\n\n"
            "    In a thread, wrap its function with copy_current_request_context."
        ),
    )


def outside_websocket_context(used: str) -> ContextError:
    """Build the error for a use outside of a WebSocket."""
    return ContextError(
        f"Working outside of websocket context.\n\n{used} needs an open WebSocket{_used_at()}",
        hint=(
            "Use it in a handler:\n\n"
            '      @app.websocket("/ws")\n      async def handler():\n          await websocket.send("hello")'
        ),
    )


def _used_at() -> str:
    """Name the innermost line that is not costrel's or Werkzeug's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(_PACKAGE) and not filename.endswith(_LIBRARIES[1]):
            return f", but there is none at\n  {filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back

    return ""
