"""The lifecycle of a WebSocket, written once: what comes before and after the handler.

Steps as in ``core/lifecycle.py``, whose error handling is used here too. Until
the connection is accepted a refusal is an HTTP response, made by the same
error handlers; afterwards there are only close codes. Knows no protocol, no
server and no event loop.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError

from costrel.core import lifecycle
from costrel.core.all_errors import AllErrors
from costrel.core.app_methods import styled_args
from costrel.core.default_headers import add_missing
from costrel.core.drive import Call, Steps
from costrel.core.ws_codes import (
    INTERNAL_ERROR,
    NORMAL,
    WebSocketDisconnect,
    WebSocketMessageError,
    code_for_status,
    short_reason,
)
from costrel.core.ws_origin import may_connect
from costrel.signals import got_request_exception

__all__ = [
    "after_websocket",
    "open_websocket",
    "refuse",
    "report",
    "tear_down",
    "verdict",
    "without_group",
]


def open_websocket(ctx: Any) -> Steps[Any]:
    """Run what comes before the handler.

    Returns:
        The value of a hook that refuses the connection, or ``None``.

    Raises:
        HTTPException: If no rule matched, or the origin may not connect.
    """
    app = ctx.app
    if not app._got_first_request:
        app._begin()
    if ctx._routing_error is not None:
        raise ctx._routing_error

    allowed = app.config["WEBSOCKET_ALLOWED_ORIGINS"]
    if not may_connect(ctx.environ, app.config["TRUSTED_ORIGINS"] if allowed is None else allowed):
        raise Forbidden("This connection was opened by a page of another site.")

    if not app.before_websocket_funcs and not app.url_value_preprocessors:
        return None

    names = (None, *reversed(_blueprints(ctx)))
    for function in lifecycle._functions(app.url_value_preprocessors, names):
        yield Call(function, (ctx.request.endpoint, ctx.request.view_args))
    for function in lifecycle._functions(app.before_websocket_funcs, names):
        rv = yield Call(function)
        if rv is not None:
            return rv

    return None


def refuse(ctx: Any, reason: Any) -> Steps[tuple[Any, BaseException | None]]:
    """Make the HTTP response that refuses a connection.

    Args:
        ctx: The context.
        reason: An error that was raised, or a value as a view may return it.

    Returns:
        The response, and the error if no handler took it.

    Raises:
        Exception: The error, where errors are to propagate.
    """
    app = ctx.app
    unhandled: BaseException | None = None
    try:
        if isinstance(reason, (Exception, SystemExit)):
            try:
                reason = yield from lifecycle.handle_error(ctx, reason)
            except Exception as error:
                unhandled = error
                yield from report(ctx, error)
                reason = InternalServerError(original_exception=error)
                handler = lifecycle.find_error_handler(ctx, reason)
                if handler is not None:
                    reason = yield Call(handler, (reason,), error)
        response = yield Call(app.make_response, (reason,))
        response = yield from after_websocket(ctx, response)
        if ctx._session_object is not None and not app.session_interface.is_null_session(ctx._session):
            yield lifecycle.saving(app, app.session_interface, ctx._session, response)
        add_missing(response, app._default_headers())

        return response, unhandled
    finally:
        del reason, unhandled  # an error's traceback holds this frame


def after_websocket(ctx: Any, response: Any) -> Steps[Any]:
    """Run the ``after_websocket`` hooks, the last one first.

    Args:
        ctx: The context.
        response: The refusal; ``None`` after a handler that ended.

    Returns:
        The response, or the one that a hook put in its place.
    """
    app = ctx.app
    if not app.after_websocket_funcs:
        return response

    for name in (*_blueprints(ctx), None):
        if name in app.after_websocket_funcs:
            for function in reversed(app.after_websocket_funcs[name]):
                replaced = yield Call(function, (response,))
                if replaced is not None:
                    response = replaced

    return response


def without_group(error: BaseException) -> BaseException:
    """Return the one error of a task group that ends the connection without being a fault.

    The end of the connection counts only where there is nothing else. A fault
    is left as it was raised, and so are several errors.

    Example:
        >>> without_group(ExceptionGroup("", [WebSocketDisconnect(1001), Forbidden()]))
        <Forbidden '403: Forbidden'>
        >>> without_group(ExceptionGroup("", [KeyError("secret")]))
        ExceptionGroup('', [KeyError('secret')])
    """
    if not isinstance(error, BaseExceptionGroup):
        return error

    members = [without_group(member) for member in error.exceptions]
    others = [member for member in members if not isinstance(member, WebSocketDisconnect)]
    only = (others or members)[0]
    is_plain = len(others) < 2 and isinstance(
        only, WebSocketDisconnect | WebSocketMessageError | HTTPException
    )

    return only if is_plain else error


def verdict(error: BaseException | None) -> tuple[int, str, bool]:
    """Say how a connection ends whose handler did.

    Args:
        error: What the handler raised, or ``None``.

    Returns:
        The close code, the reason, and whether it is the server's fault.

    Example:
        >>> verdict(None)
        (1000, '', False)
        >>> verdict(KeyError("secret"))
        (1011, '', True)
        >>> verdict(Forbidden())
        (1008, 'Forbidden', False)
    """
    if error is None or isinstance(error, WebSocketDisconnect):
        return NORMAL, "", False
    if isinstance(error, WebSocketMessageError):
        return error.code, short_reason(error.reason), False
    if isinstance(error, HTTPException):
        code = code_for_status(error.code)
        # SECURITY: the name only; a description may be meant for the log.
        return code, short_reason(error.name), False

    return INTERNAL_ERROR, "", True


def report(ctx: Any, error: BaseException) -> Steps[None]:
    """Tell of an error that nobody handled: by the signal, and once in the log.

    Raises:
        BaseException: The same error instead of logging it, in tests and where
            ``PROPAGATE_EXCEPTIONS`` is on: then the server or the test shows it.
    """
    app = ctx.app
    error = lifecycle.no_exit(error)
    try:
        if got_request_exception.receivers:
            yield Call(lifecycle._send, (app, got_request_exception, {"exception": error}), error)
        propagate = app.config["PROPAGATE_EXCEPTIONS"]
        if app.testing if propagate is None else propagate:
            raise error

        exc_info = (type(error), error, error.__traceback__)
        log = app.log_exception
        yield Call(log, styled_args(log, "log_exception", ctx, (exc_info,)), error)
        del exc_info
    finally:
        del error


def tear_down(ctx: Any, exc: BaseException | None) -> Steps[None]:
    """Run all ``teardown_websocket`` functions; then raise the first error, the others are logged."""
    app = ctx.app
    if not app.teardown_websocket_funcs:
        return

    names = [name for name in (*_blueprints(ctx), None) if name in app.teardown_websocket_funcs]
    functions = chain.from_iterable(reversed(app.teardown_websocket_funcs[name]) for name in names)
    errors = AllErrors(log=app._log_teardown_error)
    for function in functions:
        with errors:
            yield Call(function, (exc,))
    errors.raise_first()


def _blueprints(ctx: Any) -> list[str]:
    return ctx.request.blueprints if ctx.app.blueprints else []
