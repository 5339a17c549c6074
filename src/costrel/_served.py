"""What servers call of an application: WSGI, ASGI, RSGI, and how to tell them apart."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from costrel.serving.wsgi import wsgi_app

if TYPE_CHECKING:
    from costrel.serving.asgi import AsgiApp

__all__ = ["Served"]


_asgi_class: Any = None
_hear: Callable[[Any, Any], Any] | None = None
_answer_rsgi: Callable[..., Awaitable[None]] | None = None


class Served:
    """The doors of an application for servers."""

    wsgi_app = wsgi_app

    _own_doors: bool = False
    """Whether this instance has a ``wsgi_app`` or an ``asgi_app`` of its own, for middleware."""

    _trusts_nobody: bool = False
    """Whether it is settled that no proxy is believed."""

    _trust: Any = None
    """Who is believed, once that is settled: ``core.proxies.Trust``."""

    _rsgi_lifespan: Any = None
    """What serves by RSGI has begun."""

    @property
    def asgi(self) -> AsgiApp:
        """This application for a server of ASGI: ``uvicorn shop:app.asgi``.

        Example:
            >>> from costrel import Costrel
            >>> import inspect
            >>> inspect.iscoroutinefunction(Costrel("shop").asgi.__call__)
            True
        """
        return _asgi_app_class()(self)

    def asgi_app(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Answer what comes by ASGI: HTTP, WebSockets, and lifespan.

        Example:
            >>> class Logged:
            ...     def __init__(self, wrapped):
            ...         self.wrapped = wrapped
            ...     async def __call__(self, scope, receive, send):
            ...         await self.wrapped(scope, receive, send)
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> app.asgi_app = Logged(app.asgi_app)
        """
        return (_asgi_class or _asgi_app_class())(self, is_door=False)(scope, receive, send)

    def __call__(self, environ: Any, start_response: Any, send: Any = None) -> Any:
        """Answer a WSGI request or, with three arguments, serve an ASGI connection.

        Middleware goes round ``wsgi_app`` and ``asgi_app``, not round this.
        """
        # PERF: 10 ns; proxies are heard here, in front of all middleware, and nowhere else.
        if not self._trusts_nobody:
            environ = self._hear_proxies(environ)
        if send is not None:
            return self.asgi_app(environ, start_response, send)

        return self.wsgi_app(environ, start_response)

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        """Serve an RSGI connection: ``granian --interface rsgi shop:app``."""
        global _answer_rsgi
        if _answer_rsgi is None:
            from costrel.serving.rsgi import answer_rsgi  # for cost: as above

            _answer_rsgi = answer_rsgi
        is_plain = "asgi_app" not in self.__dict__ and self.__class__.asgi_app is Served.asgi_app

        return _answer_rsgi(self, scope, protocol, is_plain=is_plain)

    def __rsgi_init__(self, loop: Any) -> None:
        """Begin to serve by RSGI, on a loop that does not run yet."""
        from costrel.serving.rsgi import begin_rsgi  # for cost: as above

        self._rsgi_lifespan = begin_rsgi(self, loop)

    def __rsgi_del__(self, loop: Any) -> None:
        """Stop serving by RSGI, on a loop that does not run any more."""
        if self._rsgi_lifespan is not None:
            from costrel.serving.rsgi import end_rsgi  # for cost: as above

            lifespan, self._rsgi_lifespan = self._rsgi_lifespan, None
            end_rsgi(lifespan)

    def _hear_proxies(self, said: Any) -> Any:
        """Return an environment or a scope with what trusted proxies say of the request."""
        global _hear
        if self._trust is None:
            if said.get("type") == "lifespan":
                return said
            if not self.config.get("TRUSTED_PROXIES"):  # type: ignore[attr-defined]  # the application's
                self._trusts_nobody = True
                return said
        if _hear is None:
            from costrel.serving.proxied import hear  # for cost: ipaddress, 3 ms

            _hear = hear

        return _hear(self, said)


def _asgi_app_class() -> type[AsgiApp]:
    global _asgi_class
    if _asgi_class is None:
        from costrel.serving.asgi import AsgiApp  # for cost: asyncio, which WSGI does without

        _asgi_class = AsgiApp

    return _asgi_class  # type: ignore[no-any-return]  # see above


# Servers of ASGI look whether the call is a coroutine function; from 3.12 on an object can say so.
if sys.version_info >= (3, 12):
    inspect.markcoroutinefunction(Served.__call__)
