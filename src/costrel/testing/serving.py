"""An application that is served in a test: what goes before serving was done, and is undone at the end."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, Self

from costrel.serving.lifespan import aserving, serving

__all__ = ["TestApp"]


class TestApp:
    """An application within its time of serving; made by ``app.test_app()``.

    ``with`` calls what goes before and after serving, and its clients are
    called; ``async with`` awaits it on the running loop, and its clients are
    awaited.

    Args:
        app: The application.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.before_serving
        ... def open_shop():
        ...     app.extensions["stock"] = 7
        >>> @app.get("/")
        ... def index():
        ...     return str(app.extensions["stock"])
        >>> with app.test_app() as served:
        ...     served.test_client().get("/").text
        '7'
    """

    __test__ = False  # pytest, it is no test

    def __init__(self, app: Any) -> None:  # the class of applications stands above this module
        self.app = app
        self._awaits = False
        self._serving: AbstractContextManager[Any] | None = None
        self._aserving: AbstractAsyncContextManager[Any] | None = None

    def test_client(self, **kwargs: Any) -> Any:
        """Create a client: ``app.async_test_client`` under ``async with``, else ``app.test_client``."""
        make = self.app.async_test_client if self._awaits else self.app.test_client

        return make(**kwargs)

    def __enter__(self) -> Self:
        block = serving(self.app)
        block.__enter__()
        self._serving = block

        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        block, self._serving = self._serving, None
        assert block is not None
        block.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        block = aserving(self.app)
        await block.__aenter__()
        self._aserving, self._awaits = block, True

        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        block, self._aserving = self._aserving, None
        self._awaits = False
        assert block is not None
        await block.__aexit__(kind, error, traceback)
