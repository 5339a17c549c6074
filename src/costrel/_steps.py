"""The steps of a request as methods of the application.

They are methods because extensions call, wrap and override them; each only
runs its step of ``core/lifecycle.py``, and accepts the context first, as
Flask 3.2 does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar, cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from costrel import typing as ft
from costrel._current import current, require_request
from costrel.core import lifecycle, replies
from costrel.core.drive import is_async, run_sync
from costrel.core.views import where_defined
from costrel.ctx import AppContext
from costrel.sansio.app import App
from costrel.wrappers import Request, Response

__all__ = ["RequestSteps", "split_context"]

T = TypeVar("T")


class RequestSteps(App):
    """What an application does in a request."""

    response_class: type[Response] = Response

    def full_dispatch_request(self, ctx: Any = None) -> Response:
        """Run hooks, view and error handlers, and return the finished response."""
        return cast(Response, self._run(lifecycle.full_dispatch_request, ctx))

    def preprocess_request(self, ctx: Any = None) -> ft.ResponseReturnValue | None:
        """Run URL preprocessors and ``before_request`` hooks; return what ends the request."""
        return cast("ft.ResponseReturnValue | None", self._run(lifecycle.preprocess_request, ctx))

    def dispatch_request(self, ctx: Any = None) -> ft.ResponseReturnValue:
        """Call the view of the request and return its value."""
        return cast("ft.ResponseReturnValue", self._run(lifecycle.dispatch_request, ctx))

    def finalize_request(self, rv: Any, *more: Any, from_error_handler: bool = False) -> Response:
        """Make the response of a view's value, and run the hooks on it."""
        ctx, rv, *rest = split_context((rv, *more))
        rest = rest or [from_error_handler]

        return cast(Response, self._run(lifecycle.finalize_request, ctx, rv, *rest))

    def process_response(self, response: Any, *more: Any) -> Response:
        """Run ``after_request`` hooks and save the session."""
        ctx, response = split_context((response, *more))

        return cast(Response, self._run(lifecycle.process_response, ctx, response))

    def handle_http_exception(self, e: Any, *more: Any) -> HTTPException | ft.ResponseReturnValue:
        """Let the handlers answer an ``HTTPException``; without one it is the answer."""
        ctx, e = split_context((e, *more))

        return cast(
            "HTTPException | ft.ResponseReturnValue", self._run(lifecycle.handle_http_exception, ctx, e)
        )

    def handle_user_exception(self, e: Any, *more: Any) -> HTTPException | ft.ResponseReturnValue:
        """Let the handlers answer an error of a view or hook.

        Raises:
            Exception: The same error, if no handler takes it.
        """
        ctx, e = split_context((e, *more))

        return cast(
            "HTTPException | ft.ResponseReturnValue", self._run(lifecycle.handle_user_exception, ctx, e)
        )

    def handle_exception(self, e: Any, *more: Any) -> Response:
        """Answer an error that no handler took: log it, and make the 500.

        Raises:
            Exception: The same error, in debug mode and in tests.
        """
        ctx, e = split_context((e, *more))

        return cast(Response, self._run(lifecycle.handle_exception, ctx, e))

    def do_teardown_request(self, exc: Any = None, *more: Any) -> None:
        """Run the ``teardown_request`` functions; ``pop`` of the context calls this."""
        ctx, exc = split_context((exc, *more))
        self._run(lifecycle.do_teardown_request, ctx, exc)

    def do_teardown_appcontext(self, exc: Any = None, *more: Any) -> None:
        """Run the ``teardown_appcontext`` functions; ``pop`` of the context calls this."""
        ctx, exc = split_context((exc, *more))
        run_sync(lifecycle.do_teardown_appcontext(ctx or _OnlyApp(self), exc), self.ensure_sync)

    def _run(self, step: Callable[..., Any], ctx: Any, *args: Any) -> Any:
        if ctx is None:
            ctx = cast(Any, require_request(f"{step.__name__}()"))._request_scope

        return run_sync(step(ctx, *args), self.ensure_sync)

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise what routing found instead of a view; in debug mode, explain a lost form."""
        error = request.routing_exception
        if (
            not self.debug
            or not isinstance(error, RequestRedirect)
            or error.code in {307, 308}
            or request.method in {"GET", "HEAD", "OPTIONS"}
        ):
            raise cast(BaseException, error)

        from costrel.debughelpers import FormDataRoutingRedirect  # for cost: 0.2 ms, only debug mode

        raise FormDataRoutingRedirect(request)

    def make_response(self, rv: Any) -> Response:
        """Turn what a view returned into a response.

        Raises:
            TypeError: If it is nothing that a view may return.
        """
        kind = type(rv)
        if kind is self.response_class:
            return cast(Response, rv)
        if kind is str or kind is bytes:
            return self.response_class(rv)
        if kind is dict or kind is list:
            return cast(Response, self.json.response(rv))

        ctx: Any = current.get(None)
        scope = None if ctx is None else ctx._request_scope
        return cast(
            Response,
            replies.make_response(
                rv,
                response_class=self.response_class,
                to_json=self.json.response,
                environ=None if scope is None else scope.environ,
                view=lambda: _describe_view(self, scope),
            ),
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that can be called from synchronous code; override with ``async_to_sync``."""
        if is_async(func):
            return self.async_to_sync(func)

        return func

    def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs a coroutine function on the process's event loop."""
        from costrel.serving.offload import async_to_sync  # for cost: 0.2 ms, only async views

        return async_to_sync(func)

    def _finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from synchronous code, on the loop that is kept for that."""
        from costrel.serving.offload import finish  # for cost, as above

        return cast(T, finish(coroutine))


class _OnlyApp:
    """Stands for a context where only the application is asked for."""

    def __init__(self, app: App) -> None:
        self.app = app


def _describe_view(app: App, scope: Any) -> tuple[str, str]:
    """Name the view of a request, and the place where it is defined."""
    endpoint = None if scope is None else scope.request.endpoint
    if endpoint is None:
        return "the request", ""

    return repr(endpoint), where_defined(app.view_functions.get(endpoint))


def split_context(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sort arguments of either style into context (or ``None``) and the rest."""
    if isinstance(args[0], AppContext):
        ctx, *rest = args
        return (ctx, *(rest or (None,)))

    return (None, *args)
