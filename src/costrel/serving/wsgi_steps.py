"""The steps of the fast lane of ``serving/wsgi.py`` that are not written out in it.

Each does what the step of ``core/lifecycle.py`` does that it names. Knows no server and no response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice
from types import CoroutineType
from typing import Any

from costrel._current import current
from costrel.core import lifecycle
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import originals, styled_args
from costrel.core.drive import is_async
from costrel.core.lifecycle import may_be_of_blueprint
from costrel.core.timeouts import seconds_for, within
from costrel.ctx import RequestContext
from costrel.serving.session_ahead import open_session_ahead
from costrel.signals import appcontext_popped, appcontext_tearing_down, request_tearing_down

__all__ = [
    "call_view",
    "run_after",
    "run_after_this",
    "run_before",
    "runs_async_code",
    "tear_down",
    "wait_for",
]

_reset_current = current.reset
_finish: Callable[[Any], Any] | None = None
"""Bound when something async is first waited for."""


def tear_down(app: Any, ctx: RequestContext, tokens: list[Any]) -> None:
    """Tear down a request that met no error; see ``lifecycle.do_teardown_request``."""
    # PERF: 1 µs with one function, against 12 by the generators.
    errors = AllErrors(log=app._log_teardown_error)
    try:
        if app.teardown_request_funcs:
            names: tuple[str | None, ...] = (None,)
            if app.blueprints and may_be_of_blueprint(ctx):
                names = (*ctx.request.blueprints, None)
            for name in names:
                _call_all(app, reversed(app.teardown_request_funcs.get(name, ())), errors)
        if request_tearing_down.receivers:
            with errors:
                announce(request_tearing_down, app, exc=None)
        if ctx._request is not None:
            with errors:
                ctx._close_request()
        if app.teardown_appcontext_funcs:
            _call_all(app, reversed(app.teardown_appcontext_funcs), errors)
        if appcontext_tearing_down.receivers:
            with errors:
                announce(appcontext_tearing_down, app, exc=None)
        while ctx._closing:
            _call_all(app, (ctx._closing.pop(),), errors)
        errors.raise_first()
    finally:
        ctx._tokens = None
        _reset_current(tokens[0])
        if appcontext_popped.receivers:
            announce(appcontext_popped, app)


def _call_all(app: Any, functions: Iterable[Callable[..., Any]], errors: AllErrors) -> None:
    for function in functions:
        try:
            rv = function(None)
            if type(rv) is CoroutineType:
                _run(app, rv)
        except BaseException as error:
            errors.catch(error)


def runs_async_code(app: Any, ctx: Any) -> bool:
    """Tell whether the view or one of the application's hooks must be awaited."""
    views = [] if ctx._match is None else [app.view_functions.get(ctx._match[0].endpoint)]
    hooks = chain(*app.before_request_funcs.values(), *app.after_request_funcs.values())

    return any(function is not None and is_async(function) for function in chain(views, hooks))


def wait_for(app: Any, coroutine: Any) -> Any:
    """Run a coroutine of the request to its end; what it reads of the session is there already."""
    # PERF: one look-up instead of five calls, for an interface that has nothing to wait for.
    if getattr(app.session_interface, "aopen_session", None) is not None:
        try:
            open_session_ahead(app, current.get(None))
        except BaseException:
            coroutine.close()
            raise

    return _run(app, coroutine)


def _run(app: Any, coroutine: Any) -> Any:
    """Run a coroutine to its end, by the application's own ``async_to_sync`` if it has one."""
    # PERF: what ``own_method`` finds, 0.1 µs less.
    if app._own_methods or app.__class__.async_to_sync is not originals["async_to_sync"]:
        return app.async_to_sync(_await)(coroutine)

    return (_finish or _load_finish())(coroutine)


def _load_finish() -> Callable[[Any], Any]:
    from costrel.serving.offload import finish  # for cost: 0.2 ms, only who has async code

    global _finish
    _finish = finish

    return finish


async def _await(coroutine: Any) -> Any:
    return await coroutine


def call_view(app: Any, ctx: RequestContext) -> Any:
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
    if type(rv) is not CoroutineType:
        return rv

    seconds = seconds_for(rule, app.config)
    return wait_for(app, rv if seconds is None else within(seconds, rv))


def run_before(app: Any, ctx: RequestContext, is_unsafe: bool) -> Any:
    """Run URL preprocessors and what goes before requests; see ``lifecycle.preprocess_request``."""
    names: tuple[str | None, ...] = (None,)
    if app.blueprints and may_be_of_blueprint(ctx):
        names = (None, *reversed(ctx.request.blueprints))
    table = app.url_value_preprocessors
    if table:
        for name in names:
            for function in table.get(name, ()):
                rv = function(ctx.request.endpoint, ctx.request.view_args)
                if type(rv) is CoroutineType:
                    wait_for(app, rv)
    tables: tuple[Any, ...] = (app.before_request_funcs,)
    if is_unsafe:
        tables = (app.before_unsafe_request_funcs, *tables)
    for table in tables:
        for name in names:
            for function in table.get(name, ()):
                rv = function()
                if rv is not None:
                    rv = wait_for(app, rv) if type(rv) is CoroutineType else rv
                    if rv is not None:
                        return rv

    return None


def run_after(app: Any, ctx: RequestContext, response: Any) -> Any:
    """Run ``after_request`` hooks; see ``lifecycle.process_response``."""
    called = 0
    if ctx._after_functions is not None:
        response = run_after_this(app, ctx, response)
        called = len(ctx._after_functions)
    names: tuple[str | None, ...] = (None,)
    if app.blueprints and may_be_of_blueprint(ctx):
        names = (*ctx.request.blueprints, None)
    table = app.after_request_funcs
    for name in names:
        for function in reversed(table.get(name, ())):
            response = function(response)
            if type(response) is CoroutineType:
                response = wait_for(app, response)

    return response if ctx._after_functions is None else run_after_this(app, ctx, response, called)


def run_after_this(app: Any, ctx: RequestContext, response: Any, called: int = 0) -> Any:
    """Run functions of ``after_this_request`` but for those called already; the rest came from hooks."""
    for function in islice(ctx._after_functions or (), called, None):
        response = function(response)
        if type(response) is CoroutineType:
            response = wait_for(app, response)

    return response
