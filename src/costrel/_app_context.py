"""The context of an application, and what every context has: ``g``, a teardown, and who holds it.

There is one context variable (``costrel._current``) and one object per
request or command. Knows the application only through what it is asked to do.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from werkzeug.routing import MapAdapter

from costrel import typing as ft
from costrel._current import current, outside_request_context
from costrel._missing import MISSING, Missing
from costrel.core import lifecycle
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import own_method, styled_args
from costrel.core.drive import Call, Steps, run_async, run_sync
from costrel.core.stack import put_back, take_out
from costrel.signals import appcontext_popped, appcontext_pushed

__all__ = ["AppContext", "teardown_step"]


class _AppCtxGlobals:
    """The namespace ``g``: attributes that live as long as their context."""

    if TYPE_CHECKING:  # at run time it would make every attribute slower

        def __getattr__(self, name: str) -> Any:
            """Any attribute may be there."""

        def __setattr__(self, name: str, value: Any) -> None:
            """Any attribute may be set."""

        def __delattr__(self, name: str) -> None:
            """Any attribute may be deleted."""

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

    # Any: the class of a request's context stands above this module.
    @property
    def _enclosing_request(self) -> Any:
        scope = self._request_scope
        if scope is None:
            raise outside_request_context("request")

        return scope

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
        return cast("list[tuple[str, str]] | None", self._enclosing_request.flashes)

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
            yield from teardown_step(self, "do_teardown_appcontext", exc)
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


def teardown_step(ctx: AppContext, name: str, exc: BaseException | None) -> Steps[None]:
    """Run a step of the teardown, or the application's method in its place."""
    method = own_method(ctx.app, name)
    if method is None:
        yield from lifecycle.STEPS[name](ctx, exc)
    else:  # in the style it was written for
        yield Call(method, styled_args(method, name, ctx, (exc,)))
