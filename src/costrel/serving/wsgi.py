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
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import fast_methods, styled_args
from costrel.core.default_headers import SECURITY_HEADERS, add_missing, as_headers
from costrel.core.drive import run_sync
from costrel.core.hosts import known_hosts
from costrel.core.origins import SAFE_METHODS
from costrel.ctx import RequestContext
from costrel.routing import decode_path
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

__all__ = ["general_lane", "wsgi_app"]

# PERF: bound once; each look-up of an attribute is 20 ns.
_get_current = current.get
_set_current = current.set
_reset_current = current.reset
_new_context = RequestContext.__new__


def general_lane(app: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a WSGI request by the generators of the lifecycle."""
    ctx = app.request_context(environ)
    error: BaseException | None = None
    try:
        try:
            ctx.push()
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
        environ["werkzeug.debug.preserve_context"](ctx)
    if error is not None and app.should_ignore_error(error):
        error = None
    try:
        _pop_what_was_left(ctx, error)
    finally:
        try:
            ctx.pop(error)
        finally:
            error = None
            _free(ctx)


def _free(ctx: Any) -> None:
    """Break the cycle of a context, its routing error, that one's traceback and the frames in it."""
    if ctx._routing_error is not None:
        ctx._routing_error.__traceback__ = None


def _pop_what_was_left(ctx: Any, error: BaseException | None) -> None:
    """Pop what the view pushed and did not pop: the worker's next request must not find it."""
    if ctx._tokens is None:
        return

    while (top := cast(Any, _get_current(None))) is not None and top._tokens is not None:
        if top is ctx and len(ctx._tokens) == 1:
            return
        top.pop(error)


def wsgi_app(self: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
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
    is_unchanged = fast_methods[0]
    if (
        app._own_methods
        or is_unchanged is None
        or not is_unchanged(type(app))
        or _get_current(None) is not None
    ):
        return general_lane(app, environ, start_response)

    ctx = _new_context(RequestContext)
    ctx.app = app
    ctx.environ = environ
    # PERF: 8 ns each, for 40 ns saved at each reading of a default that is the class's.
    ctx._request = ctx._session_object = ctx._after_functions = ctx._g = None
    ctx._holds = 0
    tokens = ctx._tokens = [_set_current(ctx)]
    error: BaseException | None = None
    try:
        try:
            if appcontext_pushed.receivers:
                announce(appcontext_pushed, app)
            interface = app.session_interface
            if type(interface) is not SecureCookieSessionInterface:
                ctx._session  # noqa: B018  # opened now, because Flask would
            config = app.config
            method = environ["REQUEST_METHOD"]
            table = app._table
            match = None
            if (
                table is not None
                and ctx._request is None
                and environ.get("HTTP_HOST") in known_hosts
                and not config["TRUSTED_HOSTS"]
                and "HTTP_UPGRADE" not in environ
            ):
                path = environ.get("PATH_INFO", "/")
                ctx._match = match = table.match(method, path if path.isascii() else decode_path(environ))
            if match is None:
                app._route(ctx)

            try:
                if not app._got_first_request:
                    app._begin()
                if request_started.receivers:
                    announce(request_started, app)
                if method not in SAFE_METHODS:
                    app._refuse_cross_origin(ctx)
                rv = None
                if app.before_request_funcs or app.url_value_preprocessors:
                    if app.blueprints or app.url_value_preprocessors:
                        rv = _before(app, ctx)
                    else:
                        for function in app.before_request_funcs.get(None, ()):
                            rv = function()
                            if rv is not None:
                                rv = app.async_to_sync(_await)(rv) if type(rv) is CoroutineType else rv
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
                    rv = _call_view(app, ctx)
                else:
                    rule, view_args = match
                    if request is not None:  # a hook may have set another dict
                        view_args = request.view_args
                    view = app.view_functions[rule.endpoint]
                    rv = view(**view_args) if view_args else view()
                    if type(rv) is CoroutineType:
                        rv = app.async_to_sync(_await)(rv)
            except (Exception, SystemExit) as raised:
                # At once, because an error may be its own answer, and its traceback holds this frame.
                rv = app.make_response(run_sync(lifecycle.handle_error(ctx, raised), app.ensure_sync))
                _free(ctx)

            kind = type(rv)
            if kind is app.response_class:
                response = rv
            elif kind is str:
                response = app.response_class(rv)
            elif kind is dict:
                response = app.json.response(rv)
            else:
                response = app.make_response(rv)
            if ctx._after_functions is not None or app.after_request_funcs:
                if ctx._after_functions is not None or app.blueprints:
                    response = _after(app, ctx, response)
                else:
                    for function in reversed(app.after_request_funcs.get(None, ())):
                        response = function(response)
                        if type(response) is CoroutineType:
                            response = app.async_to_sync(_await)(response)
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
            app.teardown_request_funcs
            or app.teardown_appcontext_funcs
            or request_tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
        ):
            rv = None
            _tear_down(app, ctx, tokens)
            _free(ctx)
        else:
            request = ctx._request
            if request is not None:
                environ["werkzeug.request"] = None
                if type(request) is not Request or request._may_hold_files:
                    request.close()
            ctx._tokens = None
            _reset_current(tokens[0])


def _tear_down(app: Any, ctx: RequestContext, tokens: list[Any]) -> None:
    """Tear down a request that met no error; see ``lifecycle.do_teardown_request``."""
    # PERF: 2 µs with one function and one receiver, against 12 by the generators.
    errors = AllErrors(log=app._log_teardown_error)
    names: tuple[str | None, ...] = (None,)
    if app.blueprints and _may_be_of_blueprint(ctx):
        names = (*ctx.request.blueprints, None)
    try:
        for name in names:
            for function in reversed(app.teardown_request_funcs.get(name, ())):
                with errors:
                    _call_teardown(app, function)
        if request_tearing_down.receivers:
            with errors:
                announce(request_tearing_down, app, exc=None)
        with errors:
            ctx._close_request()
        for function in reversed(app.teardown_appcontext_funcs):
            with errors:
                _call_teardown(app, function)
        if appcontext_tearing_down.receivers:
            with errors:
                announce(appcontext_tearing_down, app, exc=None)
        errors.raise_first()
    finally:
        ctx._tokens = None
        _reset_current(tokens[0])
        if appcontext_popped.receivers:
            announce(appcontext_popped, app)


def _call_teardown(app: Any, function: Callable[..., Any]) -> None:
    rv = function(None)
    if type(rv) is CoroutineType:
        app.async_to_sync(_await)(rv)


def _may_be_of_blueprint(ctx: RequestContext) -> bool:
    """Tell whether the request's rule may be a blueprint's; a hook may have given it another."""
    request = ctx._request
    rule = request.url_rule if request is not None else ctx._match and ctx._match[0]

    return rule is None or "." in rule.endpoint


async def _await(coroutine: Any) -> Any:
    return await coroutine


def _call_view(app: Any, ctx: RequestContext) -> Any:
    """Dispatch: the view's value, or the error that routing found raised."""
    request = ctx._request
    if request is not None:  # a hook may have changed what was found
        if request.routing_exception is not None:
            app.raise_routing_exception(request)
        rule, view_args = request.url_rule, request.view_args
    elif ctx._match is not None:
        rule, view_args = ctx._match
    else:
        routing_error = ctx._routing_error
        if routing_error is not None and lifecycle.is_its_own_answer(app, routing_error):
            return routing_error
        app.raise_routing_exception(ctx.request)
        raise AssertionError("a request without a rule has a routing error")

    if ctx.environ["REQUEST_METHOD"].upper() == "OPTIONS" and getattr(
        rule, "provide_automatic_options", False
    ):
        answer = app.make_default_options_response
        return answer(*styled_args(answer, "make_default_options_response", ctx, ()))

    rv = app.view_functions[rule.endpoint](**view_args)

    return app.async_to_sync(_await)(rv) if type(rv) is CoroutineType else rv


def _before(app: Any, ctx: RequestContext) -> Any:
    """Run URL preprocessors and ``before_request`` hooks; see ``lifecycle.preprocess_request``."""
    names: tuple[str | None, ...] = (None,)
    if app.blueprints and _may_be_of_blueprint(ctx):
        names = (None, *reversed(ctx.request.blueprints))
    table = app.url_value_preprocessors
    if table:
        for name in names:
            for function in table.get(name, ()):
                rv = function(ctx.request.endpoint, ctx.request.view_args)
                if type(rv) is CoroutineType:
                    app.async_to_sync(_await)(rv)
    table = app.before_request_funcs
    for name in names:
        for function in table.get(name, ()):
            rv = function()
            if rv is not None:
                rv = app.async_to_sync(_await)(rv) if type(rv) is CoroutineType else rv
                if rv is not None:
                    return rv

    return None


def _after(app: Any, ctx: RequestContext, response: Any) -> Any:
    """Run ``after_request`` hooks; see ``lifecycle.process_response``."""
    for function in ctx._after_functions or ():
        response = function(response)
        if type(response) is CoroutineType:
            response = app.async_to_sync(_await)(response)
    names: tuple[str | None, ...] = (None,)
    if app.blueprints and _may_be_of_blueprint(ctx):
        names = (*ctx.request.blueprints, None)
    table = app.after_request_funcs
    for name in names:
        for function in reversed(table.get(name, ())):
            response = function(response)
            if type(response) is CoroutineType:
                response = app.async_to_sync(_await)(response)

    return response
