"""ASGI, but for the fast lane: requests in worker threads, by the generators, and what is no request.

Knows which of these a request needs, where the fast lane of ``serving/asgi.py`` does not fit.
"""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from typing import Any

from costrel.core import lifecycle
from costrel.core.app_methods import own_method
from costrel.core.drive import is_async, run_async
from costrel.core.handlers import find_handler
from costrel.core.on_loop import may_run_on_loop
from costrel.ctx import RequestContext
from costrel.serving.asgi_send import Reply
from costrel.serving.asgi_steps import leave, open_session, reading_ahead, send_reply
from costrel.serving.scope import fill, may_have_body, origin_form
from costrel.serving.scope_context import ScopeContext
from costrel.serving.session_ahead import aopen_session_ahead
from costrel.serving.threads import in_thread, in_thread_keeping
from costrel.serving.wsgi import free
from costrel.signals import appcontext_pushed

__all__ = [
    "answer_generally",
    "answer_in_thread",
    "answer_other",
    "find_place",
    "has_hooks",
    "runs_sync",
]

_SMALL_BYTES = 65_536
"""A body up to this length is read before a worker thread is taken for it."""


async def answer_other(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Serve what is no HTTP request: WebSockets and lifespan."""
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


def has_hooks(app: Any) -> bool:
    """Tell whether anything but costrel's own code could answer a request that no rule is for."""
    return bool(
        app.before_request_funcs
        or app.after_request_funcs
        or app.teardown_request_funcs
        or app.teardown_appcontext_funcs
        or app.url_value_preprocessors
        or app.error_handler_spec
    )


def find_place(app: Any, environ: Any) -> tuple[bool, Any, Any]:
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

    return runs_sync(app, match, probe._routing_error), match, probe._routing_error


def runs_sync(app: Any, match: Any, error: Any) -> bool:
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


async def answer_in_thread(app: Any, scope: Any, receive: Any, send: Any, match: Any = None) -> None:
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


async def answer_generally(app: Any, environ: Any, found: Any, scope: Any, receive: Any, send: Any) -> None:
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
