"""WSGI: push the context, drive the lifecycle, send the response, pop the context.

There are two lanes. The general one runs the generators of
``core/lifecycle.py``. The fast one is the same lifecycle as a straight
function, for an application whose lifecycle methods are all costrel's own;
what is unusual, and every error, it hands to the generators. A test holds
the two against each other, and the whole suite passes with either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CoroutineType
from typing import Any, cast

from costrel._current import current
from costrel.core import lifecycle
from costrel.core.announce import announce
from costrel.core.app_methods import fast_methods
from costrel.core.default_headers import SECURITY_HEADERS, add_missing, as_headers
from costrel.core.drive import run_sync
from costrel.core.hosts import known_hosts
from costrel.core.origins import SAFE_METHODS
from costrel.core.plain_response import quick_reply
from costrel.core.timeouts import seconds_for, within
from costrel.ctx import RequestContext
from costrel.json.provider import json_reply
from costrel.routing import decode_path
from costrel.serving.session_ahead import open_session_ahead
from costrel.serving.wsgi_steps import (
    call_view,
    run_after,
    run_after_this,
    run_before,
    runs_async_code,
    tear_down,
    wait_for,
)
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

__all__ = ["free", "general_lane", "pop_what_was_left", "wsgi_app"]

# PERF: bound once; each look-up of an attribute is 20 ns.
_get_current = current.get
_set_current = current.set
_reset_current = current.reset
_new_context = RequestContext.__new__


def general_lane(
    app: Any, environ: dict[str, Any], start_response: Callable[..., Any], match: Any = None
) -> Iterable[bytes]:
    """Answer a WSGI request by the generators of the lifecycle.

    Args:
        app: The application.
        environ: The WSGI environment.
        start_response: The server's.
        match: The rule and the view's arguments, if they were found already.
    """
    ctx = app.request_context(environ)
    if match is not None:
        ctx._found = match, None
    error: BaseException | None = None
    try:
        try:
            ctx.push()
            if "HTTP_COOKIE" in environ and app._session_is_awaited() and runs_async_code(app, ctx):
                open_session_ahead(app, ctx)
            response = run_sync(lifecycle.answer(ctx), app.ensure_sync)
        except (Exception, SystemExit) as raised:
            error = raised
            response = run_sync(lifecycle.recover(ctx, raised), app.ensure_sync)
        except BaseException as raised:
            error = raised
            raise
        return response(environ, start_response)  # type: ignore[no-any-return]  # the application's class
    finally:
        _leave(app, ctx, environ, error)
        error = None  # its traceback holds this frame


def _leave(app: Any, ctx: Any, environ: dict[str, Any], error: BaseException | None) -> None:
    """Pop the context with the error that teardown functions are to see."""
    if "werkzeug.debug.preserve_context" in environ:
        ctx._is_kept = True
        environ["werkzeug.debug.preserve_context"](ctx)
    if error is not None and app.should_ignore_error(error):
        error = None
    try:
        pop_what_was_left(ctx, error)
    finally:
        try:
            ctx.pop(error)
        finally:
            error = None
            free(ctx)


def free(ctx: Any) -> None:
    """Break the cycle of a context, its routing error, that one's traceback and the frames in it."""
    error = ctx._routing_error
    if error is not None:
        error.__traceback__ = error.__context__ = None  # Werkzeug's matcher raised an error before it


def pop_what_was_left(ctx: Any, error: BaseException | None) -> None:
    """Pop what the view pushed and did not pop: the worker's next request must not find it."""
    if ctx._tokens is None:
        return

    while (top := cast(Any, _get_current(None))) is not None and top._tokens is not None:
        if top is ctx and len(ctx._tokens) == 1:
            return
        top.pop(error)


def wsgi_app(
    self: Any, environ: dict[str, Any], start_response: Callable[..., Any], _match: Any = None
) -> Iterable[bytes]:
    """Answer a WSGI request (PEP 3333); a method of the application.

    Example:
        >>> from costrel import Costrel
        >>> from werkzeug.middleware.proxy_fix import ProxyFix
        >>> app = Costrel(__name__)
        >>> app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)
    """
    # PERF: 3.5 µs for a plain view against 15 µs by the generators. Each call
    # that is not made counts, so this is one long function, and what most
    # requests do not need is asked for by the truth of a table.
    app = self
    if "HTTP_UPGRADE" in environ:
        from costrel.serving.upgrade import answered  # for cost: most requests ask for none

        answer = answered(app, environ, start_response)
        if answer is not None:
            return answer
    is_unchanged = fast_methods[0]
    if (
        app._own_methods
        or is_unchanged is None
        or not is_unchanged(type(app))
        or _get_current(None) is not None
    ):
        return general_lane(app, environ, start_response, _match)

    ctx = _new_context(RequestContext)
    ctx.app = app
    ctx.environ = environ
    # PERF: 8 ns each, for 40 ns saved at each reading of a default that is the class's.
    ctx._request = ctx._session_object = ctx._after_functions = ctx._g = ctx._closing = None
    ctx._holds = 0
    tokens = ctx._tokens = [_set_current(ctx)]
    error: BaseException | None = None
    try:
        try:
            if appcontext_pushed.receivers:
                announce(appcontext_pushed, app)
            interface = app.session_interface
            if type(interface) is not SecureCookieSessionInterface and not app._session_is_lazy():
                ctx._session  # noqa: B018  # opened now, because Flask would
            config = app.config
            method = environ["REQUEST_METHOD"]
            table = app._table
            match = None
            if _match is not None:  # ``serving/asgi.py`` found it, and converters are not to run twice
                app._note_route(ctx, _match, None)
            elif (
                table is not None
                and ctx._request is None
                and environ.get("HTTP_HOST") in known_hosts
                and not config["TRUSTED_HOSTS"]
                and "HTTP_UPGRADE" not in environ
            ):
                path = environ.get("PATH_INFO", "/")
                find = table.match
                ctx._match = match = find(method, path if path.isascii() else decode_path(environ))
            if match is None and _match is None:
                app._route(ctx)

            try:
                if not app._got_first_request:
                    app._begin()
                if request_started.receivers:
                    announce(request_started, app)
                is_unsafe = method not in SAFE_METHODS
                if is_unsafe:
                    app._refuse_cross_origin(ctx)
                rv = None
                if is_unsafe and app.before_unsafe_request_funcs:
                    rv = run_before(app, ctx, True)
                elif app.before_request_funcs or app.url_value_preprocessors:
                    if app.blueprints or app.url_value_preprocessors:
                        rv = run_before(app, ctx, False)
                    else:
                        for function in app.before_request_funcs.get(None, ()):
                            rv = function()
                            if rv is not None:
                                rv = wait_for(app, rv) if type(rv) is CoroutineType else rv
                                if rv is not None:
                                    break
                request = ctx._request
                if rv is not None:
                    pass
                elif (
                    match is None
                    or method == "OPTIONS"
                    or (
                        request is not None
                        and (request.url_rule is not match[0] or request.routing_exception is not None)
                    )
                ):
                    rv = call_view(app, ctx)
                else:
                    rule, view_args = match
                    if request is not None:  # a hook may have set another dict
                        view_args = request.view_args
                    view = app.view_functions[rule.endpoint]
                    rv = view(**view_args) if view_args else view()
                    if type(rv) is CoroutineType:
                        if config["REQUEST_TIMEOUT"] or getattr(rule, "timeout_seconds", None):
                            seconds = seconds_for(rule, config)
                            rv = rv if seconds is None else within(seconds, rv)
                        rv = wait_for(app, rv)
            except (Exception, SystemExit) as raised:
                # At once, because an error may be its own answer, and its traceback holds this frame.
                rv = app.make_response(run_sync(lifecycle.handle_error(ctx, raised), app.ensure_sync))
                free(ctx)

            kind = type(rv)
            if kind is app.response_class:
                response = rv
            elif kind is str:
                response = quick_reply(app.response_class, rv)
            elif kind is dict:
                response = json_reply(app.json, rv)
            else:
                response = app.make_response(rv)
            if ctx._after_functions is not None or app.after_request_funcs:
                if ctx._after_functions is not None or app.blueprints:
                    response = run_after(app, ctx, response)
                else:
                    functions = app.after_request_funcs.get(None, ())
                    for function in reversed(functions) if len(functions) > 1 else functions:
                        response = function(response)
                        if type(response) is CoroutineType:
                            response = wait_for(app, response)
                    if ctx._after_functions is not None:  # a hook registered some
                        response = run_after_this(app, ctx, response)  # type: ignore[unreachable]  # a hook's work
            if ctx._session_object is not None or (
                "HTTP_COOKIE" in environ and app._session_may_need_saving(environ)
            ):
                session = ctx._session
                if not interface.is_null_session(session):
                    interface.save_session(app, session, response)
            wanted = config["SECURITY_HEADERS"]
            headers = SECURITY_HEADERS if wanted is True else as_headers(wanted)
            if request_finished.receivers:
                add_missing(response, headers)
                announce(request_finished, app, response=response)
                headers = ()
        except (Exception, SystemExit) as raised:
            error = raised
            response = run_sync(lifecycle.recover(ctx, raised), app.ensure_sync)
            headers = ()
        except BaseException as raised:
            error = raised
            raise
        if type(response) is Response:
            return response.send(environ, start_response, headers)
        if headers:
            add_missing(response, headers)
        return response(environ, start_response)  # type: ignore[no-any-return]  # the application's class
    finally:
        if (
            error is not None
            or ctx._holds
            or len(tokens) != 1
            or _get_current(None) is not ctx
            or "werkzeug.debug.preserve_context" in environ
        ):
            rv = None  # a stream that a hook replaced gives up the context
            _leave(app, ctx, environ, error)
            error = None  # its traceback holds this frame
        elif (
            ctx._closing
            or app.teardown_request_funcs
            or app.teardown_appcontext_funcs
            or request_tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
        ):
            rv = None
            tear_down(app, ctx, tokens)
            free(ctx)
        else:
            request = ctx._request
            if request is not None:
                environ["werkzeug.request"] = None
                if type(request) is not Request or request._may_hold_files:
                    request.close()
            ctx._tokens = None
            _reset_current(tokens[0])
