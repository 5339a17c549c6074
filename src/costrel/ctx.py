"""The context: the application, and in a request everything that belongs to it.

There is one context variable (``costrel._current``) and one object per
request or command. Routing and the session are looked at when first asked
for. Knows the application only through what it is asked to do.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from costrel import typing as ft
from costrel._current import current, outside_request_context, require_context, require_request
from costrel._missing import MISSING, Missing
from costrel.core import lifecycle
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import own_method, styled_args
from costrel.core.carried import carried
from costrel.core.drive import Call, Steps, run_async, run_sync
from costrel.core.stack import put_back, take_out
from costrel.signals import appcontext_popped, appcontext_pushed
from costrel.wrappers import Request

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_app_context",
    "copy_current_request_context",
    "current_context",
    "has_app_context",
    "has_request_context",
    "has_websocket_context",
    "teardown_this_context",
]

_new_request: Any = Request.__new__

F = TypeVar("F", bound=Callable[..., Any])
T_teardown = TypeVar("T_teardown", bound=ft.TeardownCallable)


class _AppCtxGlobals:
    """The namespace ``g``: attributes that live as long as their context."""

    if TYPE_CHECKING:  # at run time it would make every attribute slower

        def __getattr__(self, name: str) -> Any:
            """Any attribute may be set."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = MISSING) -> Any:
        """Take an attribute out.

        Raises:
            KeyError: If it is not there and no default was given.
        """
        if default is MISSING:
            return self.__dict__.pop(name)

        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return an attribute, setting it to the default first if it is not there."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = current.get(None)
        return object.__repr__(self) if ctx is None else f"<flask.g of '{ctx.app.name}'>"


class AppContext:
    """The context of an application: what commands, jobs and tests push.

    A context may be pushed again while it is pushed; its teardown runs when
    the last push is undone. Attributes may be set on it freely.

    Args:
        app: The application.
    """

    _tokens: list[Token[Any]] | None = None
    _uncovers: Any = MISSING
    _g: Any = None
    _url_adapter: MapAdapter | Missing | None = MISSING
    _shared: AppContext | None = None
    _request_scope: Any = None
    _request: Any = None
    _holds = 0
    _era = 0
    """How often the streams made so far were given up; those hold the context no more."""

    _closing: list[ft.TeardownCallable] | None = None
    """What is to be called with this context's end only; the last one first."""

    _over: tuple[BaseException | None] | None = None
    _in_thread: Callable[..., Awaitable[Any]] | None = None
    _beside_loop = False
    """Whether it was popped where no loop is, so that its functions may count on that."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {id(self):#x} of {self.app.name}>"

    @property
    def g(self) -> Any:
        """The namespace of this context, made when first asked for."""
        namespace = self._g

        return self._make_g() if namespace is None else namespace

    @g.setter
    def g(self, value: Any) -> None:
        self._g = value

    # PERF: methods, because the proxies call them without what a property costs, 30 ns.

    def _make_g(self) -> Any:
        shared = self._shared
        namespace = self._g = self.app.app_ctx_globals_class() if shared is None else shared.g

        return namespace

    def _make_request(self) -> Any:
        return self._enclosing_request.request

    @property
    def url_adapter(self) -> MapAdapter | None:
        """Werkzeug's URL adapter, or ``None`` where nothing says which host to build for."""
        adapter = self._url_adapter
        if adapter is MISSING:
            adapter = self._url_adapter = self._make_url_adapter()

        return adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    def _make_url_adapter(self) -> MapAdapter | None:
        return cast("MapAdapter | None", self.app.create_url_adapter(None))

    @property
    def has_request(self) -> bool:
        """Whether this is, or was pushed inside of, a request."""
        return self._request_scope is not None

    @property
    def _enclosing_request(self) -> RequestContext:
        scope = self._request_scope
        if scope is None:
            raise outside_request_context("request")

        return cast(RequestContext, scope)

    # What a plain app context answers about the request it was pushed inside of.

    @property
    def request(self) -> Any:
        """The request around this context.

        Raises:
            ContextError: If there is none.
        """
        return self._enclosing_request.request

    @property
    def session(self) -> Any:
        """The session of the request around this context.

        Raises:
            ContextError: If there is none.
        """
        return self._enclosing_request.session

    @property
    def flashes(self) -> list[tuple[str, str]] | None:
        """The messages that the request around this context has taken out already."""
        return self._enclosing_request.flashes

    @flashes.setter
    def flashes(self, value: list[tuple[str, str]] | None) -> None:
        self._enclosing_request.flashes = value

    @property
    def app_scope(self) -> AppContext:
        """The context that ``app_ctx`` names: this one, or the one whose ``g`` it shares."""
        return self if self._shared is None else self._shared

    def push(self) -> None:
        """Make this the current context."""
        if self._tokens is None:
            outer = current.get(None)
            self._tokens = [current.set(self)]
            self._enter(outer)
        else:
            self._tokens.append(current.set(self))

    def _enter(self, outer: Any) -> None:
        """Do what belongs to the first push; ``outer`` is the context before."""
        if outer is not None:
            self._request_scope = outer._request_scope
        self._over = None
        if appcontext_pushed.receivers:
            announce(appcontext_pushed, self.app)

    def pop(self, exc: BaseException | Missing | None = MISSING) -> None:
        """Undo one push; undoing the last one runs the teardown.

        Args:
            exc: The error to hand to teardown functions. Default: the one
                being handled.

        Raises:
            AssertionError: If another context was pushed since and not popped.
        """
        if self._undo_push():
            self._finish(sys.exc_info()[1] if exc is MISSING else exc)

    async def apop(
        self,
        exc: BaseException | Missing | None = MISSING,
        *,
        in_thread: Callable[..., Awaitable[Any]] | None = None,
    ) -> None:
        """Undo one push, as ``pop`` does, and await the teardown functions that are async.

        Args:
            exc: As for ``pop``.
            in_thread: Awaitable ``in_thread(function, *args)`` for teardown
                functions that are not async; ``None`` calls them here, on
                the event loop.

        Raises:
            AssertionError: If another context was pushed since and not popped.
        """
        if self._undo_push():
            self._in_thread = in_thread
            await self._afinish(sys.exc_info()[1] if exc is MISSING else exc)

    def _undo_push(self) -> bool:
        """Undo a push that is not the last one; tell whether it is."""
        tokens = self._tokens
        now: Any = current.get(None)
        if tokens is None or (now is not self and not self._may_go_before(now)):
            raise AssertionError(f"Popped wrong app context. ({now!r} instead of {self!r})")
        if len(tokens) == 1:
            return True

        token = tokens.pop()
        if now is self:
            put_back(token)

        return False

    def _may_go_before(self, top: Any) -> bool:
        """Tell whether this may be popped under ``top``: it is a request that shares this context."""
        return top is not None and top._shared is self

    def _finish(self, exc: BaseException | None) -> None:
        """Undo the last push, and tear down unless a stream still holds the context."""
        if self._is_held(exc):
            self._beside_loop = True
            return

        try:
            run_sync(self._teardown(exc), self.app.ensure_sync)
        finally:
            self._end()

    async def _afinish(self, exc: BaseException | None) -> None:
        """Do as ``_finish``, on an event loop."""
        if self._is_held(exc):
            return

        in_thread = self._in_thread or self._own_thread()
        try:
            await run_async(self._teardown(exc), in_thread)
        finally:
            if in_thread is None:
                self._end()
            else:
                self._detach()
                if self._shared is None and appcontext_popped.receivers:
                    await in_thread(announce, appcontext_popped, self.app)

    def _own_thread(self) -> Callable[..., Awaitable[Any]] | None:
        """Return what calls sync functions beside the loop, if nobody said where and they may block it."""
        names = ("do_teardown_request", "do_teardown_appcontext")
        if not self._beside_loop and all(own_method(self.app, name) is None for name in names):
            return None

        from asyncio import to_thread  # for cost; on an event loop it is loaded already

        return to_thread

    def _is_held(self, exc: BaseException | None) -> bool:
        """Tell whether a stream still holds the context, and leave the teardown to it then."""
        if not self._holds:
            return False

        self._over = (exc,)
        self._detach()

        return True

    def _end(self) -> None:
        """Undo the last push, after the teardown."""
        self._detach()
        if self._shared is None and appcontext_popped.receivers:
            announce(appcontext_popped, self.app)

    def _detach(self) -> None:
        tokens = self._tokens
        if tokens and (now := cast(Any, current.get(None))) is not self and self._may_go_before(now):
            take_out(self, now)
            return

        self._tokens = None
        if tokens:
            put_back(tokens[0])
            if self._uncovers is not MISSING:
                current.set(self._uncovers)
                self._uncovers = MISSING

    def _teardown(self, exc: BaseException | None) -> Steps[None]:
        """Make the steps of the teardown."""
        errors = AllErrors(log=self.app._log_teardown_error)
        with errors:
            yield from _teardown_step(self, "do_teardown_appcontext", exc)
        yield from self._close(exc, errors)
        errors.raise_first()

    def _close(self, exc: BaseException | None, errors: AllErrors) -> Steps[None]:
        """Call what ``teardown_this_context`` registered, also what one of them registers."""
        while self._closing:
            with errors:
                yield Call(self._closing.pop(), (exc,))

    def hold(self) -> None:
        """Postpone the teardown until ``release`` was called as often as this."""
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """Undo one ``hold``; the last one tears down if the context is over.

        Args:
            exc: The error that ended what held the context, if one did.
        """
        if self._is_last_hold():
            self._finish(self._resume(exc))

    async def arelease(self, exc: BaseException | None = None) -> None:
        """Undo one ``hold``, as ``release`` does, and await the teardown functions that are async.

        Args:
            exc: As for ``release``.
        """
        if self._is_last_hold():
            await self._afinish(self._resume(exc))

    def give_up_streams(self) -> None:
        """Have no stream that was made until now postpone the teardown: none of them will be sent."""
        self._holds = 0
        self._era += 1

    def _is_last_hold(self) -> bool:
        """Undo one hold; tell whether it was the last one of a context that is over."""
        self._holds -= 1

        return not self._holds and self._over is not None

    def _resume(self, exc: BaseException | None) -> BaseException | None:
        """Make this the current context again, and return the error for its teardown."""
        assert self._over is not None
        (ended_with,) = self._over
        self._over = None
        self._tokens = [current.set(cast(Any, self))]

        return ended_with if exc is None else exc

    def __enter__(self) -> Self:
        try:
            self.push()
        except BaseException:
            self._detach()
            raise

        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.apop(exc_value)


class RequestContext(AppContext):
    """The context of one request.

    Args:
        app: The application.
        environ: The WSGI environment.
        request: The request, if it exists already.
        session: The session, if it is open already.
    """

    _session_object: Any = None
    _match: tuple[Any, dict[str, Any]] | None = None
    _routing_error: HTTPException | None = None
    _after_functions: list[ft.AfterRequestCallable[Any]] | None = None
    _flashes: list[tuple[str, str]] | None = None
    _deleted: frozenset[str] = frozenset()
    _opens_session_at_push = True
    """Whether the push opens a session that Flask would open; under ASGI it is opened in a thread."""

    def __init__(self, app: Any, environ: Any, request: Any = None, session: Any = None) -> None:
        self.app = app
        self.environ = environ
        if request is not None:
            self._request = request
        if session is not None:
            self._session_object = session

    def __repr__(self) -> str:
        request = self.request
        return f"<{type(self).__name__} {request.url!r} [{request.method}] of {self.app.name}>"

    @property
    def has_request(self) -> bool:
        """Always true."""
        return True

    @property
    def _request_scope(self) -> RequestContext:  # an attribute would be a reference cycle
        return self

    @property
    def request(self) -> Any:
        """The request, made when first asked for."""
        request = self._request

        return self._make_request() if request is None else request

    @request.setter
    def request(self, value: Any) -> None:
        self._request = value

    @request.deleter
    def request(self) -> None:
        self._request = None
        self._deleted |= {"request"}

    def _make_request(self) -> Any:
        if self._deleted:
            self._refuse_deleted("request")
        app, match = self.app, self._match
        if match is not None and app.request_class is Request:
            # PERF: what the constructor does and a request with a rule needs, 0.2 µs less.
            request = self._request = _new_request(Request)
            environ = request.environ = self.environ
            environ["werkzeug.request"] = request
            request.url_rule, request.view_args = match
            request.json_module = app.json
            return request

        request = self._request = app.request_class(self.environ)
        if match is not None:
            request.url_rule, request.view_args = match
        elif self._routing_error is not None:
            request.routing_exception = self._routing_error
        request.json_module = app.json

        return request

    def _refuse_deleted(self, name: str) -> None:
        """Make no other one of what was deleted: mocks delete theirs, look, and put the old one back."""
        if name in self._deleted:
            raise AttributeError(name)

    @property
    def flashes(self) -> list[tuple[str, str]] | None:
        """The messages taken out of the session by this request already."""
        return self._flashes

    @flashes.setter
    def flashes(self, value: list[tuple[str, str]] | None) -> None:
        self._flashes = value

    @property
    def _session(self) -> Any:
        """The session, opened now if it was not; not marked as accessed."""
        session = self._session_object
        if session is None:
            if self._deleted:
                self._refuse_deleted("session")
            interface = self.app.session_interface
            session = interface.open_session(self.app, self.request)
            if session is None:
                session = interface.make_null_session(self.app)
            self._session_object = session

        return session

    @_session.setter
    def _session(self, value: Any) -> None:  # Flask-SocketIO sets it
        self._session_object = value

    @property
    def session(self) -> Any:
        """The session, opened now if it was not, and marked as accessed."""
        session = self._session_object
        if session is None:
            session = self._session
        # PERF: 0.4 µs less than ``suppress``, at each use of the session.
        try:
            session.accessed = True
        except AttributeError:
            return session  # an interface may hand out any mapping

        return session

    @session.setter
    def session(self, value: Any) -> None:
        self._session_object = value

    @session.deleter
    def session(self) -> None:
        self._session_object = None
        self._deleted |= {"session"}

    @property
    def _after_request_functions(self) -> list[ft.AfterRequestCallable[Any]]:
        functions = self._after_functions
        if functions is None:
            functions = self._after_functions = []

        return functions

    @_after_request_functions.setter
    def _after_request_functions(self, value: list[ft.AfterRequestCallable[Any]]) -> None:
        self._after_functions = value

    def _make_url_adapter(self) -> MapAdapter | None:
        try:
            return cast("MapAdapter | None", self.app.create_url_adapter(self.request))
        except HTTPException as error:
            self.request.routing_exception = error
            self._routing_error = error
            return None

    def match_request(self) -> None:
        """Find the rule for the request, or the error that says why there is none."""
        self.app._route(self)

    def copy(self) -> RequestContext:
        """Return a context of the same request and session, to push elsewhere.

        SECURITY: the session is shared, so what a copy changes after the
        response was made is lost; copies are for reading.
        """
        return type(self)(self.app, environ=self.environ, request=self.request, session=self._session)

    def _enter(self, outer: Any) -> None:
        app = self.app
        if outer is not None and app._flask_defaults and outer.app is app:
            # NOTE: Flask 3.1 keeps the outer context's ``g`` and teardown for a
            # request inside of it; its users' tests count on that.
            self._shared = outer.app_scope
        elif appcontext_pushed.receivers:
            announce(appcontext_pushed, app)
        self._over = None
        if self._session_object is None and self._opens_session_at_push and not app._session_is_lazy():
            self._session  # noqa: B018  # opened now, because Flask would
        self.match_request()

    def _may_go_before(self, top: Any) -> bool:
        """Tell whether this may be popped under ``top``: an app context on a request without its own."""
        return self._shared is not None and top is not None and top._request_scope is self

    def _teardown(self, exc: BaseException | None) -> Steps[None]:
        errors = AllErrors(log=self.app._log_teardown_error)
        with errors:
            yield from _teardown_step(self, "do_teardown_request", exc)
        with errors:
            self._close_request()
        if self._shared is None:
            with errors:
                yield from _teardown_step(self, "do_teardown_appcontext", exc)
            yield from self._close(exc, errors)
        errors.raise_first()

    def _close_request(self) -> None:
        """Close uploaded files, and free the request from its reference cycle with the environment."""
        request = self._request
        if request is None:
            return

        self.environ["werkzeug.request"] = None
        close = getattr(request, "close", None)
        if close is not None:
            close()


def _teardown_step(ctx: AppContext, name: str, exc: BaseException | None) -> Steps[None]:
    """Run a step of the teardown, or the application's method in its place."""
    method = own_method(ctx.app, name)
    if method is None:
        yield from lifecycle.STEPS[name](ctx, exc)
    else:  # in the style it was written for
        yield Call(method, styled_args(method, name, ctx, (exc,)))


def after_this_request(f: ft.AfterRequestCallable[Any]) -> ft.AfterRequestCallable[Any]:
    """Call the function with the response of this request only.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.route("/")
        ... def index():
        ...     @after_this_request
        ...     def mark(response):
        ...         response.headers["X-Seen"] = "1"
        ...         return response
        ...     return "hello"
    """
    ctx = require_request("after_this_request()")
    cast(Any, ctx)._request_scope._after_request_functions.append(f)
    return f


def teardown_this_context(f: T_teardown) -> T_teardown:
    """Call the function when the current context goes, with the error or ``None``.

    For what is opened at its first use, as connections are: a request that
    uses none of it pays nothing. It runs after all functions of
    ``teardown_appcontext``, the one registered last first, and may be async.

    Raises:
        ContextError: If there is no context.

    Example:
        >>> from costrel import Costrel, g
        >>> app = Costrel("shop")
        >>> def connection():
        ...     if "connection" not in g:
        ...         g.connection = "open"
        ...         teardown_this_context(lambda error: print("closed"))
        ...     return g.connection
        >>> with app.app_context():
        ...     print(connection(), connection())
        open open
        closed
    """
    # Any: what a context is torn down with is no part of the Protocol.
    scope = cast(Any, require_context("teardown_this_context()")).app_scope
    if scope._closing is None:
        scope._closing = []
    scope._closing.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Make a function that runs in a thread, a task or an executor with this request's context.

    A coroutine function stays one, a generator function makes iterators.
    Each call gets a context of its own, with a ``g`` of its own; the session
    is for reading there.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> import asyncio
        >>> from costrel import Costrel, request
        >>> app = Costrel("shop")
        >>> @app.get("/<name>")
        ... async def hello(name):
        ...     @copy_current_request_context
        ...     def greet():
        ...         return f"Hello {request.view_args['name']}!"
        ...     return await asyncio.to_thread(greet)
        >>> app.test_client().get("/ada").text
        'Hello ada!'
    """
    ctx = cast(Any, require_request("copy_current_request_context()"))._request_scope.copy()

    return carried(f, ctx.copy, keep_async=not ctx.app._flask_defaults)


def copy_current_app_context(f: F) -> F:
    """Make a function that runs in a thread, a task or an executor with this application's context.

    As ``copy_current_request_context``, without the request: for work that
    outlives it. Values go in as arguments; ``g`` begins empty, because what
    was in it is torn down with its own context.

    Raises:
        ContextError: If there is no context.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from costrel import Costrel, current_app
        >>> with Costrel("shop").app_context(), ThreadPoolExecutor() as pool:
        ...     pool.submit(copy_current_app_context(lambda: current_app.name)).result()
        'shop'
    """
    app: Any = require_context("copy_current_app_context()").app

    return carried(f, app.app_context, keep_async=not app._flask_defaults)


def current_context() -> AppContext | None:
    """Return the current context itself, or ``None`` where there is none.

    For who needs several things of it: its ``app`` and ``g``, and its
    ``request`` and ``session`` if it ``has_request``. Each use of the proxies
    of these names looks the context up again.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> with app.app_context():
        ...     current_context().app is app
        True
        >>> current_context() is None
        True
    """
    return cast("AppContext | None", current.get(None))


def has_request_context() -> bool:
    """Tell whether there is a request to ask about."""
    ctx = current.get(None)
    return ctx is not None and ctx.has_request


def has_websocket_context() -> bool:
    """Tell whether there is a WebSocket to ask about.

    Example:
        >>> has_websocket_context()
        False
    """
    ctx: Any = current.get(None)
    return ctx is not None and getattr(ctx._request_scope, "websocket", None) is not None


def has_app_context() -> bool:
    """Tell whether there is an application context."""
    return current.get(None) is not None
