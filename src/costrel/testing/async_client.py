"""The test client for tests that run on an event loop: the same calls, to be awaited.

Knows no protocol: it has a ``FlaskClient`` do everything, in a worker thread,
which the application's coroutines leave again for the test's own loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

from costrel.serving.lifespan import aserving
from costrel.serving.threads import in_thread, in_thread_until_cancelled
from costrel.sessions import SessionMixin
from costrel.testing.client import FlaskClient, under_way
from costrel.testing.responses import TestResponse
from costrel.testing.websocket import AsyncTestWebSocket

__all__ = ["AsyncClient"]


class AsyncClient:
    """A client for tests on an event loop, made by ``app.async_test_client()``.

    The application runs on the loop of the test. An ``async with`` block serves
    the application (``before_serving`` and its kin) and, as with
    ``app.test_client()``, keeps the context of the last request current.

    Args:
        client: The client that does the work.

    Example:
        >>> import asyncio
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.post("/cart")
        ... async def add():
        ...     return {"added": 1}, 201
        >>> async def test():
        ...     client = app.async_test_client()
        ...     response = await client.post("/cart", json={"item": "cup"})
        ...     return response.status_code, response.json
        >>> asyncio.run(test())
        (201, {'added': 1})
    """

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._serving: AbstractAsyncContextManager[Any] | None = None

    @property
    def application(self) -> Any:
        """The application."""
        return self.client.application

    @property
    def environ_base(self) -> dict[str, Any]:
        """What every request's environment begins with."""
        return self.client.environ_base

    async def open(
        self, *args: Any, buffered: bool = True, follow_redirects: bool = False, **kwargs: Any
    ) -> TestResponse:
        """Send a request, and return the response.

        Args:
            *args: What ``FlaskClient.open`` takes.
            buffered: Read the whole body before returning. With ``False`` it is
                read by ``response.aiter_pieces()`` or ``response.aiter_events()``,
                and given up by ``await response.aclose()``.
            follow_redirects: Follow redirects; ``response.history`` lists them.
            **kwargs: As ``args``.
        """
        exchanges: list[Any] = []
        token = under_way.set(exchanges)
        call = partial(
            self.client.open, *args, buffered=buffered, follow_redirects=follow_redirects, **kwargs
        )
        try:
            return await in_thread_until_cancelled(call)  # type: ignore[no-any-return]  # what the call returns
        except asyncio.CancelledError:
            for exchange in exchanges:
                exchange.leave()
            raise
        finally:
            under_way.reset(token)

    async def get(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a GET; see ``open``."""
        return await self.open(*args, method="GET", **kwargs)

    async def post(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a POST; see ``open``."""
        return await self.open(*args, method="POST", **kwargs)

    async def put(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a PUT; see ``open``."""
        return await self.open(*args, method="PUT", **kwargs)

    async def patch(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a PATCH; see ``open``."""
        return await self.open(*args, method="PATCH", **kwargs)

    async def delete(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a DELETE; see ``open``."""
        return await self.open(*args, method="DELETE", **kwargs)

    async def head(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a HEAD; see ``open``."""
        return await self.open(*args, method="HEAD", **kwargs)

    async def options(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send an OPTIONS; see ``open``."""
        return await self.open(*args, method="OPTIONS", **kwargs)

    async def trace(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a TRACE; see ``open``."""
        return await self.open(*args, method="TRACE", **kwargs)

    def websocket(
        self,
        path: str = "/",
        *,
        subprotocols: tuple[str, ...] = (),
        patience_seconds: float = 10,
        **kwargs: Any,
    ) -> AsyncTestWebSocket:
        """Return a WebSocket to the application, opened by ``async with``; see ``FlaskClient.websocket``."""
        return AsyncTestWebSocket(
            **self.client._connect(
                path, subprotocols=subprotocols, patience_seconds=patience_seconds, **kwargs
            )
        )

    @asynccontextmanager
    async def session_transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[SessionMixin]:
        """Read or change the session that the next request will find; see ``FlaskClient``."""
        transaction = self.client.session_transaction(*args, **kwargs)
        stored = await in_thread(transaction.__enter__)
        try:
            yield stored
        except BaseException as error:
            if not await in_thread(transaction.__exit__, type(error), error, error.__traceback__):
                raise
        else:
            await in_thread(transaction.__exit__, None, None, None)

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Any:
        """Return a cookie that is kept, or ``None``."""
        return self.client.get_cookie(key, domain, path)

    def set_cookie(self, key: str, value: str = "", **kwargs: Any) -> None:
        """Keep a cookie, to be sent with the next requests."""
        self.client.set_cookie(key, value, **kwargs)

    def delete_cookie(self, key: str, **kwargs: Any) -> None:
        """Keep a cookie no longer."""
        self.client.delete_cookie(key, **kwargs)

    async def __aenter__(self) -> Self:
        self.client.__enter__()
        serving = aserving(self.application)
        try:
            await serving.__aenter__()
        except BaseException:
            self.client.preserve_context = False
            raise
        self._serving = serving

        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        serving, self._serving = self._serving, None
        assert serving is not None
        try:
            await in_thread(self.client.__exit__, kind, error, traceback)
        finally:
            await serving.__aexit__(kind, error, traceback)
