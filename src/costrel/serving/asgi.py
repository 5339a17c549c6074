"""ASGI: push the context, drive the lifecycle on the event loop, send the response, pop the context.

A request whose view is synchronous is answered in a worker thread, whole, by
``wsgi_app``: one hop. One whose view is async is answered on the loop, in one
of two lanes as under WSGI: the general one runs the generators of
``core/lifecycle.py`` (``serving/asgi_general.py``), the fast one, here, is the
same as a straight function. A test holds the two against each other, and the
whole suite passes with either.
"""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import CO_COROUTINE
from types import CoroutineType, FunctionType
from typing import Any

from werkzeug.exceptions import NotFound

from costrel._current import current
from costrel.core import lifecycle
from costrel.core.announce import announce
from costrel.core.app_methods import fast_methods, originals, own_method
from costrel.core.default_headers import SECURITY_HEADERS, add_missing, as_headers
from costrel.core.drive import is_async, run_async
from costrel.core.hosts import known_hosts
from costrel.core.lifespan import AFTER_SENT, BEGUN
from costrel.core.marks import PRESERVE
from costrel.core.on_loop import may_run_on_loop
from costrel.core.origins import SAFE_METHODS
from costrel.core.plain_response import quick_reply
from costrel.core.timeouts import seconds_for, within
from costrel.json.provider import json_reply
from costrel.serving.asgi_general import (
    answer_generally,
    answer_in_thread,
    answer_other,
    find_place,
    has_hooks,
    runs_sync,
)
from costrel.serving.asgi_send import Reply
from costrel.serving.asgi_steps import (
    announce_finished,
    begin_after,
    call,
    call_until_value,
    leave,
    open_session,
    pass_through,
    reading_ahead,
    run_after,
    run_after_this,
    run_before,
    save_session,
    send_reply,
    tear_down,
)
from costrel.serving.scope import ScopeEnviron, origin_form
from costrel.serving.scope_context import ScopeContext
from costrel.serving.session_ahead import aopen_session_ahead
from costrel.serving.threads import in_thread
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

__all__ = ["AsgiApp"]

# PERF: bound once; each look-up of an attribute is 20 ns.
_get_current: Any = current.get
_set_current = current.set
_reset_current = current.reset
_new_context: Any = ScopeContext.__new__


class AsgiApp:
    """An application as servers of ASGI 3 want it: an object whose call is a coroutine function.

    Args:
        app: The application.
        is_door: Whether servers call it, so that proxies are heard and
            ``app.asgi_app`` may be middleware; else it is what middleware goes round.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> app.asgi
        <ASGI application of 'shop'>
    """

    def __init__(self, app: Any, *, is_door: bool = True) -> None:
        self.app = app
        self._is_door = is_door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; middleware goes round ``app.asgi_app``, not round this."""
        # PERF: 4 µs for a plain view against 16 by the generators. As in
        # ``serving/wsgi.py`` what most requests do not need is asked for by the
        # truth of a table, and the function is long because each call counts,
        # and each coroutine more: 0.1 µs.
        app = self.app
        if self._is_door and (
            app._own_doors or not app._trusts_nobody or app.__class__.asgi_app is not originals["asgi_app"]
        ):
            if not app._trusts_nobody:
                scope = app._hear_proxies(scope)
            if own_method(app, "asgi_app") is not None:
                return await app.asgi_app(scope, receive, send)  # type: ignore[no-any-return]  # the application's
        if scope["type"] != "http":
            return await answer_other(app, scope, receive, send)
        if not app._got_first_request and app._has_lifespan() and BEGUN not in scope:
            from costrel.serving.lifespan import begin_for_scope  # for cost: only who has something to begin

            # The server did not tell of its start.
            await begin_for_scope(app, scope)
        if app.__class__.wsgi_app is not own_wsgi_app or (app._own_doors and "wsgi_app" in app.__dict__):
            # WSGI middleware is to see every request.
            return await answer_in_thread(app, origin_form(scope), receive, send)

        sent = scope["headers"]
        headers = dict(sent)
        table = app._table
        is_unchanged = fast_methods[0]
        path = scope["path"]
        method = scope["method"]
        if (
            table is None
            or app._own_methods
            or is_unchanged is None
            or not is_unchanged(app.__class__)
            or _get_current(None) is not None
            or len(headers) != len(sent)  # one came twice
            or headers.get(b"host") not in known_hosts
            or app.config["TRUSTED_HOSTS"]
            or b"upgrade" in headers
            or scope.get("root_path")
            or not path.isascii()
        ):
            return await _answer_slowly(app, scope, receive, send)

        match = table.match(method, path)
        if match is not None and method != "OPTIONS":
            view = app.view_functions.get(match[0].endpoint)
            # PERF: what ``is_async`` finds for a function, 0.1 µs less; below too.
            if (
                (type(view) is not FunctionType or not view.__code__.co_flags & CO_COROUTINE)
                and not is_async(view)
                and not may_run_on_loop(view)
            ):
                return await answer_in_thread(app, scope, receive, send, match)
        elif (
            match is not None
            or not table.lacks(path)
            or (has_hooks(app) and runs_sync(app, None, NotFound()))
        ):
            return await _answer_slowly(app, scope, receive, send)

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
                            functions = iter(app.before_request_funcs.get(None, ()))
                            for function in functions:
                                if (
                                    type(function) is FunctionType
                                    and function.__code__.co_flags & CO_COROUTINE
                                ) or is_async(function):
                                    rv = await function()
                                elif may_run_on_loop(function):
                                    rv = function()
                                    rv = await rv if type(rv) is CoroutineType else rv
                                else:
                                    rv = await call_until_value(function, functions)
                                if rv is not None:
                                    break
                    if rv is None:
                        request = ctx._request
                        if match is None:
                            if request is not None or not lifecycle.is_its_own_answer(
                                app, ctx._routing_error
                            ):
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
                        functions = reversed(app.after_request_funcs.get(None, ()))
                        for function in functions:
                            if type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE:
                                response = await function(response)
                            else:
                                response = await pass_through(function, functions, response)
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
            return None

        try:
            await send(started)
            body: Any = response.response
            await send({"type": "http.response.body", "body": body[0] if method != "HEAD" else b""})
        except OSError:
            return None  # the client left
        finally:
            if AFTER_SENT in scope:
                begin_after(scope)

    # A server that is told to speak RSGI, and given this, finds the application's.

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        """Serve an RSGI connection."""
        return self.app.__rsgi__(scope, protocol)  # type: ignore[no-any-return]  # the application's

    def __rsgi_init__(self, loop: Any) -> None:
        """Begin to serve by RSGI."""
        self.app.__rsgi_init__(loop)

    def __rsgi_del__(self, loop: Any) -> None:
        """Stop serving by RSGI."""
        self.app.__rsgi_del__(loop)

    def __repr__(self) -> str:
        return f"<ASGI application of {self.app.name!r}>"


async def _answer_slowly(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Answer a request that is no case for the fast lane."""
    if scope["path"][:1] != "/" and (whole := origin_form(scope)) is not scope:
        await AsgiApp(app, is_door=False)(whole, receive, send)
        return
    if own_method(app, "create_url_adapter") is not None:
        # It may ask a database, and is to be asked once.
        await answer_in_thread(app, scope, receive, send)
        return

    environ = ScopeEnviron(scope, receive)
    is_for_thread, match, error = find_place(app, environ)
    if is_for_thread:
        await answer_in_thread(app, scope, receive, send, match)
    else:
        await answer_generally(app, environ, (match, error), scope, receive, send)
