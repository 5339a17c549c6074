"""The session's cookie, which goes along when a WebSocket is accepted. Knows no connection."""

from __future__ import annotations

from typing import Any

from costrel.core.drive import Steps
from costrel.core.lifecycle import saving

__all__ = ["session_cookies"]


def session_cookies(ctx: Any) -> Steps[list[str]]:
    """Save the session and return the values of its ``Set-Cookie`` headers."""
    app = ctx.app
    interface, session = app.session_interface, ctx._session
    if interface.is_null_session(session):
        return []

    response = app.response_class()
    yield saving(app, interface, session, response)

    cookies: list[str] = response.headers.getlist("Set-Cookie")
    return cookies
