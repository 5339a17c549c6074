"""How ``db.session`` and ``db.async_session`` are made: what makes their sessions, and what scopes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import orm

from costrel.ctx import has_app_context, teardown_this_context
from costrel.ext.sqlalchemy.async_engines import AsyncEngines, close_session
from costrel.ext.sqlalchemy.query import Query
from costrel.ext.sqlalchemy.session import ContextRegistry, Session, make_quickly
from costrel.ext.sqlalchemy.under_way import with_count

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

__all__ = ["ScopedSessions"]

_making = Lock()


class ScopedSessions:
    """Part of the extension; it makes the sessions."""

    Query: type[Query[Any]]
    _async_options: dict[str, Any]

    @property
    def async_engines(self) -> AsyncEngines:
        """The async engines of the current application and event loop, by bind key."""
        raise NotImplementedError

    def _make_scoped_session(self, options: dict[str, Any]) -> orm.scoped_session[Session]:
        """Make ``session``."""
        options = dict(options)
        scope = options.pop("scopefunc", None)
        factory = self._make_session_factory(options)
        if scope is None:
            scoped: orm.scoped_session[Session] = orm.scoped_session(factory)
            scoped.registry = cast(Any, ContextRegistry(make_quickly(factory), Session.close))
        else:
            scoped = orm.scoped_session(factory, scope)
            scoped.registry.createfunc = partial(_make_and_remove, factory, scoped)

        return scoped

    def _make_session_factory(self, options: dict[str, Any]) -> orm.sessionmaker[Session]:
        """Make what makes sessions."""
        return orm.sessionmaker(**{"class_": Session, "query_cls": self.Query, **options, "db": self})

    @cached_property
    def async_session(self) -> async_scoped_session[AsyncSession]:
        """Its twin to be awaited, on the async engines of the running event loop."""
        with _making:  # two of them would be two sessions in one context
            found = self.__dict__.get("async_session")
            if found is None:
                found = self.__dict__["async_session"] = self._make_async_scoped_session(self._async_options)

        return cast("async_scoped_session[AsyncSession]", found)

    @cached_property
    def _async_inner_class(self) -> type[Session]:
        """The class of the session inside of each async one: that of the sync ones, on other engines."""
        given = self._async_options.get("class_", Session)
        inner = given if issubclass(given, orm.Session) else Session

        return type(f"Async{inner.__name__}", (_OnAsyncEngines, inner), {})

    def _make_async_scoped_session(self, options: dict[str, Any]) -> async_scoped_session[AsyncSession]:
        """Make ``async_session``; inside of each is a session of the class that the sync ones have."""
        # For cost: loading it makes async views under WSGI slower, also those without a database.
        from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker

        options = dict(options)
        options.pop("scopefunc", None)
        given: type[Any] = options.pop("class_", AsyncSession)
        outer = given if issubclass(given, AsyncSession) else AsyncSession
        arguments = {"query_cls": self.Query, "expire_on_commit": False, **options, "db": self}
        factory = async_sessionmaker(
            class_=with_count(outer), sync_session_class=self._async_inner_class, **arguments
        )
        scoped = async_scoped_session(factory, _no_scope)
        scoped.registry = cast(Any, ContextRegistry(partial(self._note, factory), close_session))

        return scoped

    def _note(self, factory: Callable[[], AsyncSession]) -> AsyncSession:
        """Make an async session that the end of its loop closes, if its context does not."""
        session = factory()
        self.async_engines.sessions.add(session)

        return session


class _OnAsyncEngines(Session):
    """The inner session of an async one."""

    def _find_engines(self) -> Mapping[str | None, sa.Engine | sa.Connection]:
        return self._db.async_engines.sync_sides  # type: ignore[no-any-return]  # of the extension


def _make_and_remove(factory: Callable[[], Session], scoped: orm.scoped_session[Session]) -> Session:
    """Make a session whose scope is the application's own; the context removes it all the same."""
    if has_app_context():
        teardown_this_context(lambda error: scoped.remove())

    return factory()


def _no_scope() -> None:
    """Stand in for the scope function; the registry is replaced."""
