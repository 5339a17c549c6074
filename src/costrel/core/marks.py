"""Keys that stand in environments and scopes beside those of WSGI and ASGI. Knows no request."""

from __future__ import annotations

__all__ = ["BESIDES", "PEER", "PRESERVE"]

BESIDES = "costrel.environ"
"""In a scope: what the environment is to have besides; a test client's."""

PEER = "costrel.peer"
"""The address that the connection came from: a sign that proxies were heard. No header can be named so."""

PRESERVE = "werkzeug.debug.preserve_context"
"""What is called with the context before it is popped; a test client's."""
