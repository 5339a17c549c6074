"""How ``db.session`` and ``db.async_session`` are made: what makes their sessions, and what scopes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker

from costrel.ctx import has_app_context, teardown_this_context
from costrel.ext.sqlalchemy.async_engines import AsyncEngines, close_session
from costrel.ext.sqlalchemy.query import Query
from costrel.ext.sqlalchemy.session import ContextRegistry, Session

__all__ = ["ScopedSessions"]


class ScopedSessions:
    """Part of the extension; it makes the sessions."""

    Query: type[Query[Any]]
    _async_inner_class: type[Session]

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
            scoped.registry = cast(Any, ContextRegistry(factory, Session.close))
        else:
            scoped = orm.scoped_session(factory, scope)
            scoped.registry.createfunc = partial(_make_and_remove, factory, scoped)

        return scoped

    def _make_session_factory(self, options: dict[str, Any]) -> orm.sessionmaker[Session]:
        """Make what makes sessions."""
        return orm.sessionmaker(**{"class_": Session, "query_cls": self.Query, **options, "db": self})

    def _make_async_scoped_session(self, options: dict[str, Any]) -> async_scoped_session[AsyncSession]:
        """Make ``async_session``; inside of each is a session of the class that the sync ones have."""
        options = dict(options)
        options.pop("scopefunc", None)
        given: type[Any] = options.pop("class_", Session)
        is_outer = issubclass(given, AsyncSession)
        inner: type[Session] = Session if is_outer else given
        outer: type[AsyncSession] = given if is_outer else AsyncSession
        self._async_inner_class = type(f"Async{inner.__name__}", (_OnAsyncEngines, inner), {})
        arguments = {"query_cls": self.Query, "expire_on_commit": False, **options, "db": self}
        factory = async_sessionmaker(class_=outer, sync_session_class=self._async_inner_class, **arguments)
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
