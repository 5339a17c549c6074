"""ASGI: push the context, drive the lifecycle on the event loop, send the response, pop the context.

A request whose view is synchronous is answered in a worker thread, whole, by
``wsgi_app``: one hop. One whose view is async is answered here, in one of two
lanes as under WSGI: the general one runs the generators of
``core/lifecycle.py``, the fast one is the same as a straight function. A test
holds the two against each other, and the whole suite passes with either.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import copy_context
from functools import partial
from inspect import CO_COROUTINE
from types import CoroutineType, FunctionType
from typing import Any

from werkzeug.exceptions import NotFound

from costrel._current import current
from costrel.core import lifecycle
from costrel.core.announce import announce
from costrel.core.app_methods import fast_methods, own_method
from costrel.core.default_headers import SECURITY_HEADERS, add_missing, as_headers
from costrel.core.drive import is_async, run_async
from costrel.core.handlers import find_handler
from costrel.core.hosts import known_hosts
from costrel.core.lifespan import AFTER_SENT, BEGUN
from costrel.core.marks import PRESERVE
from costrel.core.on_loop import may_run_on_loop
from costrel.core.origins import SAFE_METHODS
from costrel.core.plain_response import quick_reply
from costrel.core.timeouts import seconds_for, within
from costrel.ctx import RequestContext
from costrel.json.provider import json_reply
from costrel.serving.asgi_send import Reply
from costrel.serving.asgi_steps import (
    announce_finished,
    begin_after,
    call,
    leave,
    open_session,
    reading_ahead,
    run_after,
    run_after_this,
    run_before,
    save_session,
    send_reply,
    tear_down,
)
from costrel.serving.scope import ScopeEnviron, fill, may_have_body, origin_form
from costrel.serving.scope_context import ScopeContext
from costrel.serving.session_ahead import aopen_session_ahead
from costrel.serving.threads import in_thread, in_thread_keeping
from costrel.serving.wsgi import free
from costrel.serving.wsgi import wsgi_app as own_wsgi_app
from costrel.sessions import SecureCookieSessionInterface
from costrel.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from costrel.wrappers import Request, Response

__all__ = ["answer"]

_SMALL_BYTES = 65_536
"""A body up to this length is read before a worker thread is taken for it."""

# PERF: bound once; each look-up of an attribute is 20 ns.
_get_current: Any = current.get
_set_current = current.set
_reset_current = current.reset
_new_context: Any = ScopeContext.__new__


def answer(app: Any, scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
    """Serve ASGI 3: choose what answers, and return it to be awaited.

    A request goes to the lane that fits its view.
    """
    if scope["type"] != "http":
        return _answer_other(app, scope, receive, send)
    if not app._got_first_request and app._has_lifespan() and BEGUN not in scope:
        return _answer_first(app, scope, receive, send)
    if app.__class__.wsgi_app is not own_wsgi_app or "wsgi_app" in app.__dict__:
        # WSGI middleware is to see every request.
        return _answer_in_thread(app, origin_form(scope), receive, send)

    sent = scope["headers"]
    headers = dict(sent)
    table = app._table
    is_unchanged = fast_methods[0]
    path = scope["path"]
    if (
        table is not None
        and not app._own_methods
        and is_unchanged is not None
        and is_unchanged(app.__class__)
        and _get_current(None) is None
        and len(headers) == len(sent)
        and headers.get(b"host") in known_hosts
        and not app.config["TRUSTED_HOSTS"]
        and b"upgrade" not in headers
        and not scope.get("root_path")
        and path.isascii()
    ):
        method = scope["method"]
        match = table.match(method, path)
        if match is not None and method != "OPTIONS":
            view = app.view_functions.get(match[0].endpoint)
            # PERF: what ``is_async`` finds for a function, 0.1 µs less; below too.
            if (
                (type(view) is FunctionType and view.__code__.co_flags & CO_COROUTINE)
                or is_async(view)
                or may_run_on_loop(view)
            ):
                return _answer_fast(app, match, headers, scope, receive, send)
            return _answer_in_thread(app, scope, receive, send, match)
        if (
            match is None
            and table.lacks(path)
            and not (_has_hooks(app) and _runs_sync(app, None, NotFound()))
        ):
            return _answer_fast(app, None, headers, scope, receive, send)

    if path[:1] != "/" and (whole := origin_form(scope)) is not scope:
        return answer(app, whole, receive, send)
    if own_method(app, "create_url_adapter") is not None:
        # It may ask a database, and is to be asked once.
        return _answer_in_thread(app, scope, receive, send)

    environ = ScopeEnviron(scope, receive)
    is_for_thread, match, error = _find_place(app, environ)
    if is_for_thread:
        return _answer_in_thread(app, scope, receive, send, match)

    return _answer_generally(app, environ, (match, error), scope, receive, send)


async def _answer_first(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Begin to serve before the answer, for a server that does not tell of its start."""
    from costrel.serving.lifespan import begin_for_scope  # for cost: only who has something to begin

    await begin_for_scope(app, scope)
    await answer(app, scope, receive, send)


async def _answer_other(app: Any, scope: Any, receive: Any, send: Any) -> None:
    kind = scope["type"]
    if kind == "lifespan":
        from costrel.serving.lifespan import run_lifespan  # for cost: once per process

        await run_lifespan(app, scope, receive, send)
    elif kind == "websocket":
        from costrel.serving.websocket import answer_websocket  # for cost: only applications that have some

        if not app._got_first_request and app._has_lifespan():
            from costrel.serving.lifespan import begin_for_scope  # for cost, as above

            await begin_for_scope(app, scope)
        await answer_websocket(app, origin_form(scope), receive, send)
    else:
        raise ValueError(f"ASGI scope type {kind!r} is not known")


def _has_hooks(app: Any) -> bool:
    """Tell whether anything but costrel's own code could answer a request that no rule is for."""
    return bool(
        app.before_request_funcs
        or app.after_request_funcs
        or app.teardown_request_funcs
        or app.teardown_appcontext_funcs
        or app.url_value_preprocessors
        or app.error_handler_spec
    )


def _find_place(app: Any, environ: Any) -> tuple[bool, Any, Any]:
    """Tell whether the view is synchronous or, without one, whether a hook or handler could be.

    Returns:
        That, the rule and the view's arguments, and the error if there is no rule.
    """
    probe = RequestContext(app, environ)
    try:
        app._route(probe)
    except Exception:
        return True, None, None  # raised again there, where it is handled
    free(probe)
    match = probe._match
    if match is not None:
        view = app.view_functions.get(match[0].endpoint)
        automatic = environ["REQUEST_METHOD"] == "OPTIONS" and getattr(
            match[0], "provide_automatic_options", False
        )
        if view is not None and not automatic:
            return not (is_async(view) or may_run_on_loop(view)), match, None

    return _runs_sync(app, match, probe._routing_error), match, probe._routing_error


def _runs_sync(app: Any, match: Any, error: Any) -> bool:
    """Tell whether a hook or handler that may block answers a request without a view, or is called for it.

    Args:
        app: The application.
        match: The rule and its arguments, if there is a rule: for OPTIONS.
        error: What routing raised, if there is none.
    """
    functions = [
        function
        for table in (
            app.url_value_preprocessors,
            app.before_request_funcs,
            app.before_unsafe_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
            {None: app.teardown_appcontext_funcs},
        )
        # Without a rule there is no blueprint.
        for functions in (table.values() if match is not None else (table.get(None, ()),))
        for function in functions
    ]
    if error is not None and app.error_handler_spec:
        functions.append(find_handler(app.error_handler_spec, error, code=error.code, blueprints=()))

    return any(
        not (function is None or is_async(function) or may_run_on_loop(function)) for function in functions
    )


# In a worker thread.


async def _answer_in_thread(app: Any, scope: Any, receive: Any, send: Any, match: Any = None) -> None:
    """Answer by ``wsgi_app``, hooks, view and all, with one hop to a worker thread."""
    environ: dict[str, Any] = {}
    fill(environ, scope, receive)
    environ["wsgi.input"].seconds_left = app.config.get("BODY_TIMEOUT")
    length = environ.get("CONTENT_LENGTH", "")
    if length.isdecimal() and len(length) < 7 and 0 < int(length) <= _SMALL_BYTES:
        # What is there when the thread looks for it needs no second hop.
        await environ["wsgi.input"].read_ahead(None)
    context = copy_context()
    reply = await in_thread_keeping(context, _reply_by_wsgi, app, environ, match)
    reply.context = context
    await send_reply(reply, scope, receive, send)


def _reply_by_wsgi(app: Any, environ: dict[str, Any], match: Any) -> Reply:
    # Where routing was done already, nothing is in the place of costrel's own method.
    answer = app.wsgi_app if match is None else partial(app.wsgi_app, _match=match)

    return Reply(answer, environ).read_first()


# On the event loop.


async def _answer_generally(app: Any, environ: Any, found: Any, scope: Any, receive: Any, send: Any) -> None:
    """Answer by the generators of the lifecycle."""
    if own_method(app, "request_context") is None:
        ctx: Any = ScopeContext(app, environ)
    else:
        ctx = app.request_context(environ)
    if found != (None, None):
        ctx._found = found
    error: BaseException | None = None
    try:
        try:
            if appcontext_pushed.receivers:
                await in_thread(ctx.push)
            else:
                ctx.push()
            if ctx._session_object is None:
                if not app._session_is_lazy():
                    await in_thread(open_session, ctx)
                else:
                    await aopen_session_ahead(app, ctx)
            if may_have_body(scope):
                reading = reading_ahead(app, ctx)
                if reading is not None:
                    await reading
            response = await run_async(lifecycle.answer(ctx), in_thread)
        except (Exception, SystemExit) as raised:
            error = raised
            response = await run_async(lifecycle.recover(ctx, raised), in_thread)
        except BaseException as raised:
            error = raised
            raise
        reply = Reply(response, environ)
    finally:
        await leave(app, ctx, error, scope)
        error = None  # its traceback holds this frame
    await send_reply(reply, scope, receive, send)


async def _answer_fast(
    app: Any, match: Any, headers: dict[bytes, bytes], scope: Any, receive: Any, send: Any
) -> None:
    """Answer an async view of an application whose lifecycle methods are all costrel's own."""
    # PERF: 4 µs for a plain view against 16 by the generators. As in
    # ``serving/wsgi.py`` what most requests do not need is asked for by the
    # truth of a table, and the function is long because each call counts.
    ctx: Any = _new_context(ScopeContext)
    ctx.app = app
    ctx._sent = scope, receive, headers
    ctx._request = ctx._session_object = ctx._after_functions = ctx._g = ctx._closing = None
    ctx._holds = 0
    ctx._match = match
    if match is None:
        ctx._routing_error = NotFound()
    tokens = ctx._tokens = [_set_current(ctx)]
    error: BaseException | None = None
    reply: Reply | None = None
    response: Any = None
    started: dict[str, Any] | None = None
    method = scope["method"]
    try:
        try:
            if appcontext_pushed.receivers:
                await call(announce, appcontext_pushed, app)
            config = app.config
            interface = app.session_interface
            if type(interface) is not SecureCookieSessionInterface:
                if not app._session_is_lazy():
                    await in_thread(open_session, ctx)
                elif b"cookie" in headers:
                    await aopen_session_ahead(app, ctx)
            if (
                b"content-length" in headers
                or b"transfer-encoding" in headers
                or scope.get("http_version", "1.1") >= "2"
            ):
                reading = reading_ahead(app, ctx)
                if reading is not None:
                    await reading

            try:
                if not app._got_first_request:
                    app._begin()
                if request_started.receivers:
                    await call(announce, request_started, app)
                is_unsafe = method not in SAFE_METHODS
                # Who sends neither is no browser that could be misled.
                if is_unsafe and (b"origin" in headers or b"sec-fetch-site" in headers):
                    app._refuse_cross_origin(ctx)
                rv = None
                if is_unsafe and app.before_unsafe_request_funcs:
                    rv = await run_before(app, ctx, True)
                elif app.before_request_funcs or app.url_value_preprocessors:
                    if app.blueprints or app.url_value_preprocessors:
                        rv = await run_before(app, ctx, False)
                    else:
                        for function in app.before_request_funcs.get(None, ()):
                            if type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE:
                                rv = await function()
                            elif may_run_on_loop(function):
                                rv = function()
                                rv = await rv if type(rv) is CoroutineType else rv
                            else:
                                rv = await call(function)
                            if rv is not None:
                                break
                if rv is None:
                    request = ctx._request
                    if match is None:
                        if request is not None or not lifecycle.is_its_own_answer(app, ctx._routing_error):
                            app.raise_routing_exception(ctx.request)
                        rv = ctx._routing_error
                    elif request is not None and (
                        request.url_rule is not match[0] or request.routing_exception is not None
                    ):
                        rv = await run_async(lifecycle.dispatch_request(ctx), in_thread)
                    else:
                        rule, view_args = match
                        if request is not None:  # a hook may have set another dict
                            view_args = request.view_args
                        view = app.view_functions[rule.endpoint]
                        rv = view(**view_args) if view_args else view()
                        if type(rv) is CoroutineType:
                            if config["REQUEST_TIMEOUT"] or getattr(rule, "timeout_seconds", None):
                                seconds = seconds_for(rule, config)
                                rv = await (rv if seconds is None else within(seconds, rv))
                            else:
                                rv = await rv
            except (Exception, SystemExit) as raised:
                # At once, because an error may be its own answer, and its traceback holds this frame.
                rv = app.make_response(await run_async(lifecycle.handle_error(ctx, raised), in_thread))
                free(ctx)

            kind = type(rv)
            if kind is app.response_class:
                response = rv
            elif kind is str:
                response = quick_reply(app.response_class, rv)  # type: ignore[arg-type]  # kind says it is text
            elif kind is dict:
                response = json_reply(app.json, rv)
            else:
                response = app.make_response(rv)
            if ctx._after_functions is not None or app.after_request_funcs:
                if ctx._after_functions is not None or app.blueprints:
                    response = await run_after(app, ctx, response)
                else:
                    for function in reversed(app.after_request_funcs.get(None, ())):
                        if type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE:
                            response = await function(response)
                        elif may_run_on_loop(function):
                            response = function(response)
                            response = await response if type(response) is CoroutineType else response
                        else:
                            response = await call(function, response)
                    if ctx._after_functions is not None:  # a hook registered some
                        response = await run_after_this(ctx, response)  # type: ignore[unreachable]  # a hook's work
            if ctx._session_object is not None or (
                b"cookie" in headers and app._session_may_need_saving(ctx.environ)
            ):
                session = ctx._session
                if not interface.is_null_session(session):
                    if type(interface) is SecureCookieSessionInterface:
                        interface.save_session(app, session, response)
                    else:
                        await save_session(app, interface, session, response)
            wanted = config["SECURITY_HEADERS"]
            extra = SECURITY_HEADERS if wanted is True else as_headers(wanted)
            if request_finished.receivers:
                add_missing(response, extra)
                await call(announce_finished, app, response)
                extra = ()
        except (Exception, SystemExit) as raised:
            error = raised
            response = await run_async(lifecycle.recover(ctx, raised), in_thread)
            extra = ()
        except BaseException as raised:
            error = raised
            raise
        started = response.start_asgi(extra) if type(response) is Response else None
        if started is None:
            if extra:
                add_missing(response, extra)
            reply = Reply(response, ctx.environ)
    finally:
        if (
            error is not None
            or ctx._holds
            or len(tokens) != 1
            or _get_current(None) is not ctx
            or request_tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
            or PRESERVE in scope
        ):
            rv = None  # a stream that a hook replaced gives up the context
            await leave(app, ctx, error, scope)
            error = None  # its traceback holds this frame
        elif ctx._closing or app.teardown_request_funcs or app.teardown_appcontext_funcs:
            rv = None
            await tear_down(app, ctx, tokens)
            free(ctx)
        else:
            request = ctx._request
            if request is not None and (type(request) is not Request or request._may_hold_files):
                ctx._close_request()
            ctx._tokens = None
            _reset_current(tokens[0])
    if reply is not None:
        await send_reply(reply, scope, receive, send)
        return

    try:
        await send(started)
        body: Any = response.response
        await send({"type": "http.response.body", "body": body[0] if method != "HEAD" else b""})
    except OSError:
        return  # the client left
    finally:
        if AFTER_SENT in scope:
            begin_after(scope)
