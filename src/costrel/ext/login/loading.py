"""How the user of a request is found, written once for sync and async loaders.

``find_user`` is a generator: it yields calls of the application's loaders and
is sent what they return. ``run`` makes them by calling, ``arun`` by awaiting.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator
from types import FunctionType
from typing import Any, Protocol

from costrel import current_app, request, session
from costrel.ctx import current_context
from costrel.errors import ContextError, SetupError
from costrel.ext.login.config import SESSION_KEYS
from costrel.ext.login.options import LoginOptions
from costrel.ext.login.remember import is_revoked, remembered
from costrel.ext.login.signals import (
    _user_loaded_from_header,
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
)

__all__ = ["Manager", "Steps", "arun", "find_user", "is_async", "renew_session_id", "run"]

Steps = Generator[tuple[Callable[[Any], Any], Any], Any, Any]
"""Yields loaders with their argument, is sent what they return, returns the user."""


class Manager(Protocol):
    """What is asked of a login manager here."""

    _user_callback: Callable[[str], Any] | None
    _request_callback: Callable[[Any], Any] | None
    _header_callback: Callable[[str], Any] | None
    _session_identifier_generator: Callable[[], str]


def find_user(manager: Manager, options: LoginOptions) -> Steps:
    """Find the user of the current request: by session, remember cookie, or the request itself.

    Returns:
        The user; ``None`` if it is nobody.

    Raises:
        SetupError: If the manager has no loader.
    """
    if manager._user_callback is None and manager._request_callback is None:
        raise SetupError(
            "Missing user_loader or request_loader",
            hint="Register a function that returns the user of an id, with @login_manager.user_loader.",
        )

    if user_accessed.receivers:
        user_accessed.send(_sender())
    # PERF: the session itself; each look through its proxy is 0.4 µs.
    ctx = current_context()
    own: Any = session if ctx is None else ctx.session
    if _is_refused(manager, options, own):
        return None

    user = None
    user_id = own.get("_user_id")
    if user_id is not None and manager._user_callback is not None:
        user = yield manager._user_callback, user_id
    if user is None:
        user = yield from _find_remembered(manager, options)
    if user is None:
        user = yield from _find_by_request(manager, options)

    return user


def _find_remembered(manager: Manager, options: LoginOptions) -> Steps:
    token = remembered(options)
    if token is None or manager._user_callback is None:
        return None
    if (yield is_revoked, token):
        session["_remember"] = "clear"
        return None

    user_id = token.user_id
    user = yield manager._user_callback, user_id
    if user is not None:
        # SECURITY: this is a login. A session id that somebody else planted must not become the user's.
        # Where the browser has got a newer one meanwhile, it is a login for this request alone.
        if not getattr(session, "is_late", False):
            renew_session_id()
        session["_user_id"] = user_id
        session["_fresh"] = False
        session["_id"] = manager._session_identifier_generator()
        user_loaded_from_cookie.send(_sender(), user=user)

    return user


def _find_by_request(manager: Manager, options: LoginOptions) -> Steps:
    user = None
    if manager._header_callback is not None:
        value = request.headers.get(options.auth_header_name)
        if value is not None:
            user = yield manager._header_callback, value
            if user is not None:
                _user_loaded_from_header.send(_sender(), user=user)
    if user is None and manager._request_callback is not None:
        user = yield manager._request_callback, request._get_current_object()  # type: ignore[attr-defined]  # of the proxy
        if user is not None:
            user_loaded_from_request.send(_sender(), user=user)

    return user


def _is_refused(manager: Manager, options: LoginOptions, session: Any) -> bool:
    """Tell whether the session came from another browser or address and is void; note milder cases in it."""
    mode = options.session_protection
    # A session that names nobody has nothing to protect.
    if not mode or not session or not ("_user_id" in session or "_id" in session):
        return False
    if session.get("_id") == manager._session_identifier_generator():
        return False

    is_void = mode == "strong" and not session.permanent
    if is_void:
        for key in SESSION_KEYS:
            session.pop(key, None)
        session["_remember"] = "clear"
    elif session.get("_fresh") is not False:
        session["_fresh"] = False
    session_protected.send(_sender())

    return is_void


def renew_session_id() -> None:
    """Give a session that lies on the server a new id; one in a cookie has none."""
    rotate = getattr(session, "rotate", None)
    if rotate is not None:
        rotate()


def _sender() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy


# The two ways of running it.


def is_async(function: Callable[..., Any] | None) -> bool:
    """Tell whether a loader must be awaited."""
    # PERF: most are plain functions; inspect takes 1.4 µs to find the same.
    if type(function) is FunctionType and function.__code__.co_flags & inspect.CO_COROUTINE:
        return True

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  # of an object
    )


def run(steps: Steps) -> Any:
    """Make the calls, and run async loaders to their end; not on an event loop.

    Raises:
        ContextError: If a loader is async and this is an event loop, which
            would stand still meanwhile.
    """
    try:
        function, argument = next(steps)
        while True:
            try:
                result = _call(function, argument)
            except BaseException as error:
                function, argument = steps.throw(error)
            else:
                function, argument = steps.send(result)
    except StopIteration as stop:
        return stop.value


def _call(function: Callable[[Any], Any], argument: Any) -> Any:
    # PERF: what came back tells whether it is async; asking the function is 2 µs.
    result = function(argument)
    if not hasattr(type(result), "__await__"):
        return result
    if _is_on_loop():
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that nobody awaited it
        raise ContextError(
            "current_user is not loaded yet, and its loader is async",
            hint="Write `await load_current_user()` first.",
        )

    return current_app.async_to_sync(_wait_for)(result)


def _is_on_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # for cost: without it there is no loop

    return asyncio is not None and asyncio._get_running_loop() is not None


async def arun(steps: Steps) -> Any:
    """Make the calls: await async loaders, call the others in a worker thread."""
    from costrel.serving.threads import in_thread  # for cost: asyncio, 15 ms, which WSGI does without

    try:
        function, argument = next(steps)
        while True:
            try:
                if is_async(function):
                    result = await function(argument)
                else:
                    result = await in_thread(function, argument)
                    if inspect.isawaitable(result):
                        result = await result
            except BaseException as error:
                function, argument = steps.throw(error)
            else:
                function, argument = steps.send(result)
    except StopIteration as stop:
        return stop.value


async def _wait_for(awaitable: Any) -> Any:
    return await awaitable
