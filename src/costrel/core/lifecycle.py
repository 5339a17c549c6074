"""The lifecycle of a request, written once: every decision about order and errors.

Each function is a step: a generator that yields the calls to be made and
returns its result (``core/drive.py`` says how it is run). A step whose method
was overridden on the application yields a call of that method instead, in the
style of Flask 3.1 or, with the context handed first, of Flask 3.2.

Knows no protocol, no server and no event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError, NotFound
from werkzeug.routing import RoutingException

from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import Step, own_method, styled_args
from costrel.core.default_headers import add_missing
from costrel.core.drive import Call, Steps
from costrel.core.handlers import find_handler
from costrel.core.origins import SAFE_METHODS
from costrel.core.timeouts import bounded, seconds_for
from costrel.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

__all__ = [
    "answer",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "finalize_request",
    "full_dispatch_request",
    "handle_exception",
    "handle_http_exception",
    "handle_user_exception",
    "preprocess_request",
    "process_response",
    "recover",
]


def _step(ctx: Any, name: str, step: Callable[..., Steps[Any]], *args: Any) -> Steps[Any]:
    """Run a step, or the method that overrides it."""
    # Names of errors are forgotten here and below when they go on, because their traceback holds the
    # frame: without that a request that failed would live until the garbage collector comes.
    method = own_method(ctx.app, name)
    try:
        if method is None:
            return (yield from step(ctx, *args))

        return (yield Call(method, styled_args(method, name, ctx, args), _handled(args)))
    finally:
        del args


def _handled(args: tuple[Any, ...]) -> BaseException | None:
    """Return the error among the arguments of a step, if it handles one."""
    return args[0] if args and isinstance(args[0], BaseException) else None


def answer(ctx: Any) -> Steps[Any]:
    """Answer a request; what raises here is for ``recover``."""
    return (yield from _step(ctx, "full_dispatch_request", full_dispatch_request))


def recover(ctx: Any, error: BaseException) -> Steps[Any]:
    """Answer a request whose ``answer`` raised.

    Raises:
        Exception: The same error, where errors are to propagate.
    """
    # What the view gave is not sent. The error's traceback holds it, and the context the error: only
    # the garbage collector would end that.
    ctx.give_up_streams()
    try:
        return (yield from _step(ctx, "handle_exception", handle_exception, no_exit(error)))
    finally:
        del error


def handle_error(ctx: Any, error: BaseException) -> Steps[Any]:
    """Let the handlers answer what a view or hook raised."""
    try:
        return (yield from _step(ctx, "handle_user_exception", handle_user_exception, no_exit(error)))
    finally:
        del error


def no_exit(error: BaseException) -> BaseException:
    """Return the error, or one in place of ``SystemExit``: a view must not stop the worker."""
    if not isinstance(error, SystemExit):
        return error

    exited = RuntimeError(f"the view called sys.exit({error.code!r})")
    exited.__cause__ = error

    return exited


def full_dispatch_request(ctx: Any) -> Steps[Any]:
    """Run the hooks and the view, let handlers answer their errors, finish the response."""
    app = ctx.app
    try:
        if not app._got_first_request:
            app._begin()
        if request_started.receivers:
            yield Call(_send, (app, request_started, {}))
        rv = yield from _step(ctx, "preprocess_request", preprocess_request)
        if rv is None:
            rv = yield from _step(ctx, "dispatch_request", dispatch_request)
    except (Exception, SystemExit) as error:
        rv = yield from handle_error(ctx, error)

    try:
        return (yield from _step(ctx, "finalize_request", finalize_request, rv))
    finally:
        del rv  # an error may be its own answer


def preprocess_request(ctx: Any) -> Steps[Any]:
    """Run URL preprocessors, ``before_unsafe_request`` and ``before_request`` hooks, the application's first.

    Returns:
        The first value of a hook that is not ``None``; it is the answer then.
    """
    app = ctx.app
    app._refuse_cross_origin(ctx)
    names = (None, *reversed(_blueprints(ctx)))
    for function in _functions(app.url_value_preprocessors, names):
        yield Call(function, (ctx.request.endpoint, ctx.request.view_args))

    hooks = _functions(app.before_request_funcs, names)
    if app.before_unsafe_request_funcs and ctx.environ["REQUEST_METHOD"] not in SAFE_METHODS:
        hooks = chain(_functions(app.before_unsafe_request_funcs, names), hooks)
    for function in hooks:
        rv = yield Call(function)
        if rv is not None:
            return rv

    return None


def dispatch_request(ctx: Any) -> Steps[Any]:
    """Call the view, or answer ``OPTIONS`` for it.

    Raises:
        HTTPException: If no rule matched.
    """
    app, request = ctx.app, ctx.request
    if request.routing_exception is not None:
        yield Call(app.raise_routing_exception, (request,), on_loop=True)

    rule = request.url_rule
    if getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS":
        method = app.make_default_options_response
        args = styled_args(method, "make_default_options_response", ctx, ())
        return (yield Call(method, args, on_loop=True))

    view = app.view_functions[rule.endpoint]
    seconds = seconds_for(rule, app.config)
    if seconds is not None:
        view = bounded(view, seconds)

    return (yield Call(view, kwargs=request.view_args))


def handle_user_exception(ctx: Any, error: Exception) -> Steps[Any]:
    """Let the handlers answer an error that a view or hook raised.

    Raises:
        Exception: The same error, if no handler takes it.
    """
    app = ctx.app
    if isinstance(error, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        error.show_exception = True
    if isinstance(error, HTTPException) and not app.trap_http_exception(error):
        return (yield from _step(ctx, "handle_http_exception", handle_http_exception, error))

    handler = find_error_handler(ctx, error)
    try:
        if handler is None:
            instead = _fall_back(app, error)
            if instead is None:
                raise error
            return (yield from _step(ctx, "handle_http_exception", handle_http_exception, instead))

        return (yield Call(handler, (error,), error))
    finally:
        del error


def _fall_back(app: Any, error: Exception) -> HTTPException | None:
    """Ask the extensions what visitors get in place of an error that is no bug."""
    for function in app.error_fallback_funcs:
        instead: HTTPException | None = function(error)
        if instead is not None:
            return instead

    return None


def handle_http_exception(ctx: Any, error: HTTPException) -> Steps[Any]:
    """Let the handlers answer an ``HTTPException``; without one it is the answer."""
    # A proxy exception has no code; routing's redirects are no errors.
    if error.code is None or isinstance(error, RoutingException):
        return error

    handler = find_error_handler(ctx, error)
    if handler is None:
        return error

    return (yield Call(handler, (error,), error))


def is_its_own_answer(app: Any, error: HTTPException) -> bool:
    """Tell whether a routing error would come back from ``handle_user_exception`` as it is.

    PERF: for the usual 404 of an application without error handlers it saves
    raising it and all that looks for a handler, 10 µs.
    """
    return (
        type(error) is NotFound
        and not app.error_handler_spec
        and not app.config["TRAP_HTTP_EXCEPTIONS"]
        and all(own_method(app, name) is None for name in _ANSWERING)
    )


_ANSWERING = (
    "raise_routing_exception",
    "handle_user_exception",
    "handle_http_exception",
    "_find_error_handler",
    "trap_http_exception",
)


def handle_exception(ctx: Any, error: Exception) -> Steps[Any]:
    """Answer an error that no handler took: log it, and send a 500.

    Raises:
        Exception: The same error, in debug mode and in tests.
    """
    app = ctx.app
    instead = _fall_back(app, error)
    if instead is not None:
        return (yield from _finish_without(ctx, instead))
    if got_request_exception.receivers:
        yield Call(_send, (app, got_request_exception, {"exception": error}), error)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate is None:
        propagate = app.testing or app.debug
    if propagate:
        try:
            raise error
        finally:
            del error

    exc_info = (type(error), error, error.__traceback__)
    log = app.log_exception
    yield Call(log, styled_args(log, "log_exception", ctx, (exc_info,)), error)
    server_error: Any = InternalServerError(original_exception=error)
    handler = find_error_handler(ctx, server_error)
    if handler is not None:
        server_error = yield Call(handler, (server_error,), error)

    return (yield from _step(ctx, "finalize_request", finalize_request, server_error, True))


def _finish_without(ctx: Any, instead: HTTPException) -> Steps[Any]:
    """Answer a request that was all but finished when what it needs was gone: its session's store, say."""
    rv: Any = instead
    try:
        rv = yield from _step(ctx, "handle_http_exception", handle_http_exception, instead)
    except Exception as error:
        if _fall_back(ctx.app, error) is None:
            raise
        # The page for the error needs the same; there is a plain one.

    return (yield from _step(ctx, "finalize_request", finalize_request, rv, True))


def finalize_request(ctx: Any, rv: Any, from_error_handler: bool = False) -> Steps[Any]:
    """Make the response of a value, run the hooks on it and announce it."""
    app = ctx.app
    response = yield Call(app.make_response, (rv,), on_loop=True)
    try:
        response = yield from _step(ctx, "process_response", process_response, response)
        if request_finished.receivers:
            yield Call(_send, (app, request_finished, {"response": response}))
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("Request finalizing failed with an error while handling an error")

    return response


def process_response(ctx: Any, response: Any) -> Steps[Any]:
    """Run ``after_request`` hooks, save the session, add the default headers."""
    app = ctx.app
    for function in ctx._after_functions or ():
        response = yield Call(function, (response,))
    called = len(ctx._after_functions or ())
    for name in (*_blueprints(ctx), None):
        if name in app.after_request_funcs:
            for function in reversed(app.after_request_funcs[name]):
                response = yield Call(function, (response,))
    # Those that hooks registered by ``after_this_request``.
    for function in islice(ctx._after_functions or (), called, None):
        response = yield Call(function, (response,))

    if ctx._session_object is not None or app._session_may_need_saving(ctx.environ):
        interface, session = app.session_interface, ctx._session
        if not interface.is_null_session(session):
            yield saving(app, interface, session, response)
    headers = app._default_headers()
    if headers:
        add_missing(response, headers)

    return response


def saving(app: Any, interface: Any, session: Any, response: Any) -> Call:
    """Make the call that saves a session, for either driver."""
    is_lazy = app._session_is_lazy()
    awaited = getattr(interface, "asave_session", None) if is_lazy else None

    return Call(interface.save_session, (app, session, response), on_loop=is_lazy, awaited=awaited)


def do_teardown_request(ctx: Any, exc: BaseException | None) -> Steps[None]:
    """Run all ``teardown_request`` functions; then raise the first error, the others are logged."""
    app = ctx.app
    names = [name for name in (*_blueprints(ctx), None) if name in app.teardown_request_funcs]
    functions = chain.from_iterable(reversed(app.teardown_request_funcs[name]) for name in names)
    yield from _tear_down(app, functions, request_tearing_down, exc)


def do_teardown_appcontext(ctx: Any, exc: BaseException | None) -> Steps[None]:
    """Run all ``teardown_appcontext`` functions; then raise the first error, the others are logged."""
    app = ctx.app
    yield from _tear_down(app, reversed(app.teardown_appcontext_funcs), appcontext_tearing_down, exc)


def _tear_down(app: Any, functions: Iterable[Any], signal: Any, exc: BaseException | None) -> Steps[None]:
    calls = [Call(function, (exc,)) for function in functions]
    if signal.receivers:
        calls.append(Call(_send, (app, signal, {"exc": exc})))
    errors = AllErrors(log=app._log_teardown_error)
    for call in calls:
        with errors:
            yield call
    errors.raise_first()


def find_error_handler(ctx: Any, error: Exception) -> Callable[..., Any] | None:
    """Return the handler that the application's tables have for an error."""
    method = own_method(ctx.app, "_find_error_handler")
    if method is not None:
        return method(error, _blueprints(ctx))  # type: ignore[no-any-return]  # an override's

    return find_handler(
        ctx.app.error_handler_spec,
        error,
        code=error.code if isinstance(error, HTTPException) else None,
        blueprints=_blueprints(ctx),
    )


def _blueprints(ctx: Any) -> list[str]:
    """Names of the request's blueprints, innermost first."""
    return ctx.request.blueprints if ctx.app.blueprints and may_be_of_blueprint(ctx) else []


def may_be_of_blueprint(ctx: Any) -> bool:
    """Tell whether the request's rule may be a blueprint's; a hook may have given it another."""
    request = ctx._request
    rule = request.url_rule if request is not None else ctx._match and ctx._match[0]

    return rule is None or "." in rule.endpoint


def _functions(table: Any, names: Iterable[Any]) -> Iterable[Callable[..., Any]]:
    return [function for name in names if name in table for function in table[name]]


def _send(app: Any, signal: Any, values: dict[str, Any]) -> None:
    announce(signal, app, **values)


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        full_dispatch_request,
        preprocess_request,
        dispatch_request,
        finalize_request,
        process_response,
        handle_http_exception,
        handle_user_exception,
        handle_exception,
        do_teardown_request,
        do_teardown_appcontext,
    )
}
"""The steps by the name of the method that runs, and may override, each."""
