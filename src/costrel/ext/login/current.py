"""Who the current user is: the proxy, and how to make sure that the user is there."""

from __future__ import annotations

from typing import Any

from werkzeug.local import LocalProxy

from costrel import current_app, g, has_request_context
from costrel.ctx import current_context
from costrel.errors import SetupError

__all__ = ["current_manager", "current_user", "get_user", "load_current_user"]

_NOT_LOADED: Any = object()


def current_manager() -> Any:
    """Return the login manager of the current application.

    Raises:
        SetupError: If it has none.
    """
    ctx = current_context()
    found = getattr(current_app if ctx is None else ctx.app, "login_manager", None)
    if found is None:
        raise SetupError(
            f"the application {current_app.name!r} has no login manager",
            hint="Write LoginManager(app), or login_manager.init_app(app) in the application's factory.",
        )

    return found


def get_user() -> Any:
    """Return the user of the current request, loaded now if nobody asked before.

    Returns:
        A user, logged in or anonymous; ``None`` outside of a request.

    Raises:
        ContextError: On an event loop, if the loader is async and has not
            run yet for this context.
    """
    # PERF: the context itself; each look through a proxy is 0.2 µs.
    ctx = current_context()
    if ctx is None or not ctx.has_request:
        return None

    user = ctx.g.get("_login_user", _NOT_LOADED)
    if user is _NOT_LOADED:
        _raise_what_was_put_off()
        current_manager()._load_user()
        user = ctx.g._login_user

    return user


async def load_current_user() -> Any:
    """Return the user of the current request, without blocking the event loop.

    A loader that is not async runs in a worker thread. ``current_user`` is
    there afterwards.

    Returns:
        As ``get_user``.

    Example:
        >>> import asyncio
        >>> asyncio.run(load_current_user()) is None  # there is no request here
        True
    """
    if not has_request_context():
        return None
    if "_login_user" not in g:
        _raise_what_was_put_off()
        await current_manager().aload_user()

    return g._login_user


def _raise_what_was_put_off() -> None:
    """Raise the error of an async loader that was called before the view."""
    error = g.get("_login_error")
    if error is not None:
        raise error


# What belongs to the proxy, not to the user.
_OWN = frozenset(dir(LocalProxy))
_get_plainly = object.__getattribute__


class _UserProxy(LocalProxy[Any]):
    """``current_user``, with a short way to its attributes."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        # PERF: LocalProxy looks for the name on itself first and fails, which is most of its cost.
        if name in _OWN:
            return _get_plainly(self, name)

        return getattr(get_user(), name)


# Any: applications have their own class of users; ``LoginManager[User].current_user`` knows which.
current_user: Any = _UserProxy(get_user)
"""The user of the current request, loaded when first looked at; ``None`` outside of a request."""
