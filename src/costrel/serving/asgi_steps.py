"""The steps of a request on an event loop that are not in the way of most requests. Knows no lane."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from itertools import islice
from types import CoroutineType
from typing import Any

from costrel._current import current
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.drive import Call, Steps, is_async, run_async
from costrel.core.lifecycle import may_be_of_blueprint
from costrel.core.lifespan import AFTER_SENT
from costrel.core.marks import PRESERVE
from costrel.core.on_loop import may_run_on_loop
from costrel.serving.asgi_send import ClientLeftError, Reply
from costrel.serving.threads import in_thread
from costrel.serving.wsgi import free, pop_what_was_left
from costrel.signals import request_finished

__all__ = [
    "announce_finished",
    "begin_after",
    "call",
    "call_until_value",
    "leave",
    "open_session",
    "pass_through",
    "reading_ahead",
    "run_after",
    "run_after_this",
    "run_before",
    "save_session",
    "send_reply",
    "tear_down",
]

_reset_current = current.reset


async def send_reply(reply: Reply, scope: Any, receive: Any, send: Any) -> None:
    """Send a response, and then begin what waited for that."""
    try:
        await reply.send(receive, send)
    except ClientLeftError:
        return
    finally:
        if AFTER_SENT in scope:
            begin_after(scope)


def begin_after(scope: Any) -> None:
    """Begin what waited for the end of the response."""
    for begin in scope.pop(AFTER_SENT):
        begin()


def open_session(ctx: Any) -> None:
    """Open the session now; a class of its own may ask a database for it."""
    ctx._session  # noqa: B018  # opens it


async def save_session(app: Any, interface: Any, session: Any, response: Any) -> None:
    """Save a session that is no signed cookie's; see ``lifecycle.process_response``."""
    if not app._session_is_lazy():
        await call(interface.save_session, app, session, response)
    elif interface.asave_session is None:
        interface.save_session(app, session, response)
    else:
        await interface.asave_session(app, session, response)


def reading_ahead(app: Any, ctx: Any) -> Coroutine[Any, Any, None] | None:
    """Return what reads the body for synchronous code; ``None`` if the route wants it as a stream."""
    environ = ctx.environ
    config = app.config
    body = environ["wsgi.input"]
    body.seconds_left = config.get("BODY_TIMEOUT")
    rule = ctx._match and ctx._match[0]
    if rule is not None and getattr(rule, "stream_body", False):
        return None

    max_bytes: int | None = config["MAX_CONTENT_LENGTH"]
    if max_bytes is not None:
        length = environ.get("CONTENT_LENGTH", "")
        if length.isdecimal() and (len(length) > 19 or int(length) > max_bytes):
            return None  # refused when it is asked for

    coroutine: Coroutine[Any, Any, None] = body.read_ahead(max_bytes)

    return coroutine


async def leave(app: Any, ctx: Any, error: BaseException | None, scope: Any) -> None:
    """Pop the context with the error that teardown functions are to see."""
    if PRESERVE in scope:
        ctx._is_kept = True
        scope[PRESERVE](ctx)
    if error is not None and app.should_ignore_error(error):
        error = None
    try:
        if len(ctx._tokens or ()) != 1 or current.get(None) is not ctx:
            await in_thread(pop_what_was_left, ctx, error)
    finally:
        try:
            # All teardown functions run. One that is async and is cancelled meanwhile is cut short.
            await ctx.apop(error, in_thread=in_thread)
        finally:
            error = None
            free(ctx)


async def tear_down(app: Any, ctx: Any, tokens: list[Any]) -> None:
    """Tear down a request that met no error; see ``lifecycle.do_teardown_request``.

    Functions that may block the loop go to a worker thread, those that follow each other together.
    """
    names: tuple[str | None, ...] = (*_names(app, ctx), None) if app.teardown_request_funcs else ()
    functions = [f for name in names for f in reversed(app.teardown_request_funcs.get(name, ()))]
    for_app = app.teardown_appcontext_funcs
    if not all(is_async(function) for function in (*functions, *for_app, *(ctx._closing or ()))):
        await ctx.apop(None, in_thread=in_thread)
        return

    # PERF: 1 µs with one function, against 8 by the generators.
    errors = AllErrors(log=app._log_teardown_error)
    try:
        await _call_all(functions, errors)
        if ctx._request is not None:
            with errors:
                ctx._close_request()
        await _call_all(reversed(for_app), errors)
        while ctx._closing:
            try:
                await call(ctx._closing.pop(), None)
            except BaseException as error:
                errors.catch(error)
        errors.raise_first()
    finally:
        ctx._tokens = None
        _reset_current(tokens[0])


async def _call_all(functions: Iterable[Callable[..., Any]], errors: AllErrors) -> None:
    for function in functions:
        try:
            await function(None)
        except BaseException as error:
            errors.catch(error)


async def call(function: Any, *args: Any) -> Any:
    """Call a function where it belongs: awaited, on the loop, or in a worker thread."""
    if is_async(function):
        return await function(*args)

    rv = function(*args) if may_run_on_loop(function) else await in_thread(function, *args)

    return await rv if type(rv) is CoroutineType else rv


def announce_finished(app: Any, response: Any) -> None:
    """Send the signal ``request_finished``."""
    announce(request_finished, app, response=response)


def _names(app: Any, ctx: Any) -> list[str]:
    """Names of the request's blueprints, innermost first."""
    found: list[str] = ctx.request.blueprints if app.blueprints and may_be_of_blueprint(ctx) else []

    return found


async def run_before(app: Any, ctx: Any, is_unsafe: bool) -> Any:
    """Run URL preprocessors and what goes before requests; see ``lifecycle.preprocess_request``."""
    names: tuple[str | None, ...] = (None, *reversed(_names(app, ctx)))
    for name in names:
        for function in app.url_value_preprocessors.get(name, ()):
            await call(function, ctx.request.endpoint, ctx.request.view_args)
    tables: tuple[Any, ...] = (app.before_request_funcs,)
    if is_unsafe:
        tables = (app.before_unsafe_request_funcs, *tables)
    functions = iter([function for table in tables for name in names for function in table.get(name, ())])
    for function in functions:
        rv = await function() if is_async(function) else await call_until_value(function, functions)
        if rv is not None:
            return rv

    return None


async def run_after(app: Any, ctx: Any, response: Any) -> Any:
    """Run ``after_request`` hooks; see ``lifecycle.process_response``."""
    called = 0
    if ctx._after_functions is not None:
        response = await run_after_this(ctx, response)
        called = len(ctx._after_functions)
    table = app.after_request_funcs
    functions = iter([f for name in (*_names(app, ctx), None) for f in reversed(table.get(name, ()))])
    for function in functions:
        response = await pass_through(function, functions, response)

    return response if ctx._after_functions is None else await run_after_this(ctx, response, called)


async def run_after_this(ctx: Any, response: Any, called: int = 0) -> Any:
    """Run functions of ``after_this_request`` but for those called already; the rest came from hooks."""
    functions = islice(ctx._after_functions or (), called, None)
    for function in functions:
        response = await pass_through(function, functions, response)

    return response


async def call_until_value(function: Any, others: Iterator[Any]) -> Any:
    """Call a synchronous function, and others up to the first that gives a value, which is returned.

    Those that may block the loop go to a worker thread, those that follow each other together.
    """
    if may_run_on_loop(function):
        rv = function()
        return await rv if type(rv) is CoroutineType else rv

    return await run_async(_until_value([function, *others]), in_thread)


def _until_value(functions: list[Any]) -> Steps[Any]:
    for function in functions:
        rv = yield Call(function)
        if rv is not None:
            return rv

    return None


async def pass_through(function: Any, others: Iterator[Any], response: Any) -> Any:
    """Call a function with a response, and others with what it returned, as ``call_until_value`` does."""
    if is_async(function):
        return await function(response)
    if may_run_on_loop(function):
        response = function(response)
        return await response if type(response) is CoroutineType else response

    return await run_async(_passing_through([function, *others], response), in_thread)


def _passing_through(functions: list[Any], response: Any) -> Steps[Any]:
    for function in functions:
        response = yield Call(function, (response,))

    return response
