"""Opens the session before async code may use it, which cannot wait for a store. Knows no lane.

Only for an interface with ``aopen_session``, and if the session's cookie was
sent: a new session needs no store.
"""

from __future__ import annotations

from typing import Any

__all__ = ["aopen_session_ahead", "open_session_ahead"]


def open_session_ahead(app: Any, ctx: Any) -> None:
    """Open the session in this thread, so that the loop that runs the async code does not stand still.

    Args:
        app: The application.
        ctx: The current context; what is around it counts.
    """
    scope = None if ctx is None else ctx._request_scope
    if scope is not None and scope._session_object is None and _is_sent(app, scope):
        scope._session  # noqa: B018  # opens it


async def aopen_session_ahead(app: Any, ctx: Any) -> None:
    """Open the session by awaiting."""
    if _is_sent(app, ctx):
        interface = app.session_interface
        session = await interface.aopen_session(app, ctx.request)
        ctx._session_object = interface.make_null_session(app) if session is None else session


def _is_sent(app: Any, ctx: Any) -> bool:
    """Tell whether the session has to be waited for, and its cookie may be there."""
    if not app._session_is_awaited():
        return False

    cookies = ctx.environ.get("HTTP_COOKIE")
    return bool(cookies) and app.session_interface.get_cookie_name(app) in cookies
