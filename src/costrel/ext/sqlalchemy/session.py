"""Sessions: which engine a statement goes to, and where the session of a context is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from itertools import count
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.sql import visitors

from costrel.ctx import current_context, teardown_this_context
from costrel.ext.sqlalchemy.faults import tell_of_break
from costrel.globals import app_ctx

__all__ = ["ContextRegistry", "Session", "context_id", "make_quickly"]

S = TypeVar("S")
Bind = sa.Engine | sa.Connection

_serial = count()


class Session(orm.Session):
    """SQLAlchemy's session, which sends each statement to the database of its model's bind key.

    Subclass it and pass ``session_options={"class_": …}`` to change it; the
    async session then has the subclass inside.

    Args:
        db: The extension.
        **kwargs: As for SQLAlchemy's.
    """

    # Any: the class of the extension stands above this module.
    def __init__(self, db: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._db = db
        self._engines: Mapping[str | None, Bind] | None = None
        self._model_changes: dict[object, tuple[Any, str]] = {}

    def expunge_all(self) -> None:
        """Remove all models from this session, as ``close`` does."""
        # PERF: 3 µs less at the end of a request that loaded none, or dropped what it loaded.
        if self._new or self._deleted or len(self.identity_map):
            super().expunge_all()

    def _find_engines(self) -> Mapping[str | None, Bind]:
        """Return the engines by bind key."""
        return self._db.engines  # type: ignore[no-any-return]  # of the extension

    def get_bind(
        self,
        mapper: Any = None,
        *,
        clause: Any = None,
        bind: Bind | None = None,
        **kwargs: Any,
    ) -> Bind:
        """Return the engine of a model's or a statement's bind key, or the default one.

        The default one is that of the configuration unless the session was
        made with a ``bind`` of its own.

        Raises:
            UnboundExecutionError: If no database is configured for it.
            UnmappedClassError: If ``mapper`` is a class that is no model.
        """
        if bind is not None:
            return bind

        engines = self._engines
        if engines is None:  # asked once: the session belongs to one application
            engines = self._engines = self._find_engines()
        table = _table_of(mapper) if mapper is not None else None
        if table is None and clause is not None:
            table = _table_in(clause, deeply=len(engines) > 1)
        if table is not None:
            key = table.metadata.info["bind_key"]
            if key is not None:
                if key in engines:
                    return engines[key]
                raise exc.UnboundExecutionError(f"Bind key {key!r} is not in 'SQLALCHEMY_BINDS' config.")
        if self.bind is not None:  # a test's connection, given as session_options={"bind": …}
            return self.bind
        if None in engines:
            return engines[None]

        try:
            return super().get_bind(mapper, clause=clause, **kwargs)
        except exc.UnboundExecutionError as error:
            error.add_note("hint: Set SQLALCHEMY_DATABASE_URI, or give the model a __bind_key__.")
            raise


def _table_of(mapper: Any) -> sa.Table | None:
    """Return the table of a model, if its metadata has a bind key."""
    try:
        inspected = sa.inspect(mapper)
    except exc.NoInspectionAvailable as error:
        if isinstance(mapper, type):
            raise orm.exc.UnmappedClassError(mapper) from error
        raise

    return _with_key(inspected.local_table)


def _with_key(table: Any) -> sa.Table | None:
    return table if isinstance(table, sa.Table) and "bind_key" in table.metadata.info else None


def _table_in(clause: Any, *, deeply: bool) -> sa.Table | None:
    """Return the first table with a bind key that a statement is about.

    Args:
        clause: The statement.
        deeply: Whether to look at all parts of it, which takes time.
    """
    found = _with_key(clause) or _with_key(getattr(clause, "table", None))
    if found is not None or not deeply:
        return found

    return next((part for part in visitors.iterate(clause) if _with_key(part) is not None), None)  # type: ignore[return-value]  # _with_key looked


def make_quickly(factory: Callable[[], S]) -> Callable[[], S]:
    """Return what calls the class that a ``sessionmaker`` calls, with the arguments it has by then."""
    if type(factory) is not orm.sessionmaker:
        return factory  # a subclass of the extension's made something else

    maker = cast(Any, factory)
    # PERF: 1 µs less; a sessionmaker merges its arguments with those of the call, which has none.
    return lambda: maker.class_(**maker.kw)


def context_id() -> int:
    """Return what tells contexts apart; for a ``scopefunc`` that adds to it.

    Raises:
        ContextError: If there is no context.
    """
    return id(app_ctx._get_current_object())  # type: ignore[attr-defined]  # the proxy's own


class ContextRegistry(Generic[S]):
    """Where a scoped session keeps the session of each context: in that context.

    It has the methods of SQLAlchemy's ``ScopedRegistry``. The first use in a
    context registers what closes the session, so that a context that uses
    none pays nothing, and none outlives its context.

    Args:
        createfunc: Makes a session.
        close: Closes one, given to the teardown; a coroutine function for
            async sessions.
    """

    def __init__(self, createfunc: Callable[[], S], close: Callable[[S], Any]) -> None:
        self.createfunc = createfunc
        self.scopefunc = context_id
        self._close = close
        self._is_async = iscoroutinefunction(close)
        self._name = f"_sqlalchemy_session_{next(_serial)}"

    def __call__(self) -> S:
        """Return the session of the current context, made now if there is none."""
        # PERF: one look into the context's dict; no lock, no table of contexts.
        current = current_context()
        ctx: Any = cast(Any, app_ctx)._get_current_object() if current is None else current.app_scope
        session: S | None = ctx.__dict__.get(self._name)
        if session is None:
            session = self.createfunc()
            self._keep(ctx, session)

        return session

    def has(self) -> bool:
        """Tell whether the current context has a session."""
        return cast(Any, app_ctx)._get_current_object().__dict__.get(self._name) is not None

    def set(self, obj: S) -> None:
        """Make this the session of the current context."""
        self._keep(cast(Any, app_ctx)._get_current_object(), obj)

    def clear(self) -> None:
        """Forget the session of the current context, without closing it."""
        fields = cast(Any, app_ctx)._get_current_object().__dict__
        if self._name in fields:
            fields[self._name] = None  # what closes the next one is registered already

    def _keep(self, ctx: Any, session: S) -> None:
        if self._name not in ctx.__dict__:
            teardown_this_context(self._closing(ctx))
        ctx.__dict__[self._name] = session

    def _closing(self, ctx: Any) -> Callable[[BaseException | None], Any]:
        """Return what the teardown of a context calls."""
        name, end = self._name, self._close

        def close(error: BaseException | None) -> None:
            if error is not None:
                tell_of_break(ctx.app, error)
            session = ctx.__dict__.pop(name, None)
            if session is not None:
                end(session)

        async def aclose(error: BaseException | None) -> None:
            if error is not None:
                tell_of_break(ctx.app, error)
            session = ctx.__dict__.pop(name, None)
            if session is not None:
                await end(session)

        return aclose if self._is_async else close
