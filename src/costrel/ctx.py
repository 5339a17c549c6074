"""The contexts under their public names, and what code in one can ask for.

What is to come after it, a copy to carry elsewhere, the context itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from costrel import typing as ft
from costrel._app_context import AppContext, _AppCtxGlobals  # noqa: F401  # where Flask has it
from costrel._current import current, require_context, require_request
from costrel._request_context import RequestContext
from costrel.core.carried import carried
from costrel.errors import ContextError

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_app_context",
    "copy_current_request_context",
    "current_context",
    "has_app_context",
    "has_request_context",
    "has_websocket_context",
    "teardown_this_context",
]

F = TypeVar("F", bound=Callable[..., Any])
T_teardown = TypeVar("T_teardown", bound=ft.TeardownCallable)


def after_this_request(f: ft.AfterRequestCallable[Any]) -> ft.AfterRequestCallable[Any]:
    """Call the function with the response of this request only.

    It runs before all ``after_request`` hooks. What such a hook registers runs
    after them, before the session is saved.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.route("/")
        ... def index():
        ...     @after_this_request
        ...     def mark(response):
        ...         response.headers["X-Seen"] = "1"
        ...         return response
        ...     return "hello"
    """
    ctx = require_request("after_this_request()")
    cast(Any, ctx)._request_scope._after_request_functions.append(f)
    return f


def teardown_this_context(f: T_teardown) -> T_teardown:
    """Call the function when the current context goes, with the error or ``None``.

    For what is opened at its first use, as connections are: a request that
    uses none of it pays nothing. It runs after all functions of
    ``teardown_appcontext``, the one registered last first, and may be async.

    Raises:
        ContextError: If there is no context, or it is over: a task or a thread
            took it along and outlived it.

    Example:
        >>> from costrel import Costrel, g
        >>> app = Costrel("shop")
        >>> def connection():
        ...     if "connection" not in g:
        ...         g.connection = "open"
        ...         teardown_this_context(lambda error: print("closed"))
        ...     return g.connection
        >>> with app.app_context():
        ...     print(connection(), connection())
        open open
        closed
    """
    # Any: what a context is torn down with is no part of the Protocol.
    scope = cast(Any, require_context("teardown_this_context()")).app_scope
    if scope._tokens is None and not scope._holds:
        raise ContextError(
            "the context is over: what is opened in it now would never be closed",
            hint=(
                "In a task or thread that outlives its request use a context of its own:"
                " `async with app.app_context():`, or copy_current_app_context(function)."
            ),
        )
    if scope._closing is None:
        scope._closing = []
    scope._closing.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Make a function that runs in a thread, a task or an executor with this request's context.

    A coroutine function stays one, a generator function makes iterators.
    Each call gets a context of its own, with a ``g`` of its own; the session
    is for reading there.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> import asyncio
        >>> from costrel import Costrel, request
        >>> app = Costrel("shop")
        >>> @app.get("/<name>")
        ... async def hello(name):
        ...     @copy_current_request_context
        ...     def greet():
        ...         return f"Hello {request.view_args['name']}!"
        ...     return await asyncio.to_thread(greet)
        >>> app.test_client().get("/ada").text
        'Hello ada!'
    """
    ctx = cast(Any, require_request("copy_current_request_context()"))._request_scope.copy()

    return carried(f, ctx.copy, keep_async=not ctx.app._flask_defaults)


def copy_current_app_context(f: F) -> F:
    """Make a function that runs in a thread, a task or an executor with this application's context.

    As ``copy_current_request_context``, without the request: for work that
    outlives it. Values go in as arguments; ``g`` begins empty, because what
    was in it is torn down with its own context.

    Raises:
        ContextError: If there is no context.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from costrel import Costrel, current_app
        >>> with Costrel("shop").app_context(), ThreadPoolExecutor() as pool:
        ...     pool.submit(copy_current_app_context(lambda: current_app.name)).result()
        'shop'
    """
    app: Any = require_context("copy_current_app_context()").app

    return carried(f, app.app_context, keep_async=not app._flask_defaults)


def current_context() -> AppContext | None:
    """Return the current context itself, or ``None`` where there is none.

    For who needs several things of it: its ``app`` and ``g``, and its
    ``request`` and ``session`` if it ``has_request``. Each use of the proxies
    of these names looks the context up again.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> with app.app_context():
        ...     current_context().app is app
        True
        >>> current_context() is None
        True
    """
    return cast("AppContext | None", current.get(None))


def has_request_context() -> bool:
    """Tell whether there is a request to ask about."""
    ctx = current.get(None)
    return ctx is not None and ctx.has_request


def has_websocket_context() -> bool:
    """Tell whether there is a WebSocket to ask about.

    Example:
        >>> has_websocket_context()
        False
    """
    ctx: Any = current.get(None)
    return ctx is not None and getattr(ctx._request_scope, "websocket", None) is not None


def has_app_context() -> bool:
    """Tell whether there is an application context."""
    return current.get(None) is not None
