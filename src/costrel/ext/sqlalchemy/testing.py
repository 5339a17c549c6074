"""Tests on a real database that leave nothing behind: all that a test does there is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.engine import Engine
from sqlalchemy.util import greenlet_spawn

from costrel import has_app_context
from costrel.errors import SetupError
from costrel.ext.sqlalchemy.one_transaction import OneTransaction
from costrel.globals import current_app

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from costrel import Costrel
    from costrel.ext.sqlalchemy.databases import Databases
    from costrel.ext.sqlalchemy.extension import SQLAlchemy

__all__ = ["rolled_back"]


class rolled_back:  # noqa: N801  # a context manager that reads like a function
    """Undo at the end of the block all that was done to the databases in it.

    Each engine has one connection there, in a transaction that is never
    committed. For the sessions and connections of the test, and of the
    requests it sends from whatever thread, it is as if each had its own;
    ``commit`` and ``rollback`` do what they should among them.

    With ``with``, async sessions go over the connection of the sync engine of
    their bind: both see the same data, on any event loop. With ``async with``
    they keep their driver, on the test's own loop; sync sessions have another
    transaction then, which sees nothing of it.

    Args:
        db: The ``SQLAlchemy`` instance.
        app: The application; by default the current one.

    Raises:
        SetupError: In ``with``, if a bind has no sync driver; in the block,
            for what cannot be undone.

    Example:
        A fixture for pytest::

            @pytest.fixture
            def database(app):
                with rolled_back(db, app):
                    yield db
    """

    # Any: SQLAlchemy is generic, and any will do.
    def __init__(self, db: SQLAlchemy[Any], app: Costrel | None = None) -> None:
        self._db = db
        self._app = app
        self._stack = ExitStack()
        self._async_stack = AsyncExitStack()

    def __enter__(self) -> Self:
        databases = self._databases()
        if databases.engines.missing:
            key = next(iter(databases.engines.missing))
            raise SetupError(
                f"the bind {key!r} has an async driver only", hint="Write: async with rolled_back(db, app):"
            )

        with self._stack:
            for engine in databases.engines.values():
                one = OneTransaction(engine)
                one.serves_async = True
                self._stack.callback(one.end)
                one.begin()
            self._stack.callback(_redirect(databases))
            self._stack.callback(self._remove_session)
            self._stack = self._stack.pop_all()

        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    async def __aenter__(self) -> Self:
        databases = self._databases()
        async_engines = [engine.sync_engine for engine in databases.loops.current().values()]
        async with self._async_stack:
            for engine in [*databases.engines.values(), *async_engines]:
                one = OneTransaction(engine)
                self._async_stack.push_async_callback(greenlet_spawn, one.end)
                one.begin()
            self._async_stack.push_async_callback(self._remove_sessions)
            self._async_stack = self._async_stack.pop_all()

        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._async_stack.aclose()

    def _databases(self) -> Databases:
        app: Any = current_app._get_current_object() if self._app is None else self._app  # type: ignore[attr-defined]  # the proxy's own
        self._app = app

        return self._db.databases_of(app)

    def _is_here(self) -> bool:
        """Tell whether the block was in a context, whose sessions know rows that are no more."""
        return has_app_context() and current_app == self._app

    def _remove_session(self) -> None:
        if self._is_here():
            self._db.session.remove()

    async def _remove_sessions(self) -> None:
        if self._is_here():
            await self._db.async_session.remove()
            self._db.session.remove()


def _redirect(databases: Databases) -> Callable[[], None]:
    """Have the async engines of all loops hand their work to the sync ones; return what undoes it."""
    loops = databases.loops
    make = loops.make
    changed: list[tuple[AsyncEngine, Engine]] = []

    def turn(key: str | None, engine: AsyncEngine) -> AsyncEngine:
        if hasattr(engine, "sync_engine"):  # a test may have put a connection in its place
            changed.append((engine, engine.sync_engine))
            engine.sync_engine = databases.engines[key]

        return engine

    def undo() -> None:
        loops.make = make
        for engine, sync_engine in changed:
            engine.sync_engine = sync_engine

    loops.make = lambda key: turn(key, make(key))
    for key, engine in loops.made():
        turn(key, engine)

    return undo
