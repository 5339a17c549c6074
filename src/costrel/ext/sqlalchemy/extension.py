"""The class ``SQLAlchemy``: what applications have of it, its sessions and engines, and their end."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, cast
from weakref import WeakKeyDictionary, finalize

import sqlalchemy as sa
from sqlalchemy import event, orm
from typing_extensions import TypeVar  # SQLAlchemy needs it too; typing's has defaults from Python 3.13 on

from costrel.checks import Finding
from costrel.ctx import has_app_context
from costrel.ext.sqlalchemy.async_engines import AsyncEngines, LoopEngines
from costrel.ext.sqlalchemy.cli import add_models_to_shell
from costrel.ext.sqlalchemy.databases import Databases, NotSetUpError, is_in_memory
from costrel.ext.sqlalchemy.engines import (
    EngineTable,
    apply_defaults,
    async_arguments,
    engine_arguments,
    limit_connecting,
    memory_name,
    prepare_engine,
)
from costrel.ext.sqlalchemy.faults import make_fallback, retrying
from costrel.ext.sqlalchemy.lookups import Lookups
from costrel.ext.sqlalchemy.model import Model, QueryProperty, declarative_bases_of, make_declarative
from costrel.ext.sqlalchemy.options import UNUSED_KEYS, SQLAlchemyOptions
from costrel.ext.sqlalchemy.query import Query
from costrel.ext.sqlalchemy.schema import Schema
from costrel.ext.sqlalchemy.scoped import ScopedSessions
from costrel.ext.sqlalchemy.table import make_table_class
from costrel.ext.sqlalchemy.track_modifications import listen
from costrel.ext.sqlalchemy.urls import is_async_driver, read_url, require_driver, sync_url
from costrel.extension import Extension, MissingLibraryError
from costrel.globals import current_app

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from costrel import Costrel

__all__ = ["SQLAlchemy"]

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", default=Model)
_DEFAULT_MODEL: Any = Model  # a default does not tell type checkers what M is


class SQLAlchemy(Schema, Lookups, ScopedSessions, Extension[SQLAlchemyOptions], Generic[M]):
    """SQLAlchemy in an application; one instance serves many.

    Engines are an application's own; models, metadata and the names of the
    sessions are shared by all. ``db.Column``, ``db.select`` and all other
    names of ``sqlalchemy`` and ``sqlalchemy.orm`` are there too.

    Args:
        app: Set up on this application now; see ``init_app``.
        metadata: The metadata of the default database, with a naming
            convention, say. A ``DeclarativeBase`` brings its own.
        session_options: Arguments of each session; ``class_`` is its class,
            ``scopefunc`` what tells sessions apart instead of the context.
        query_class: The class of ``Model.query`` and dynamic relationships.
        model_class: What ``Model`` is made of: a ``DeclarativeBase``, with
            ``MappedAsDataclass`` or without, or a plain class.
        engine_options: Arguments of ``create_engine`` for all databases; the
            configuration goes before them.
        async_session_options: Arguments of each async session that differ
            from ``session_options``. By default ``expire_on_commit`` is off,
            because nothing can be loaded again without ``await``.
        add_models_to_shell: Whether ``costrel shell`` knows the models.
        disable_autonaming: Give models no names of tables.
    """

    name = "sqlalchemy"
    options_class = SQLAlchemyOptions

    Model: type[M]
    """The base of models: a table is named after its class, ``__bind_key__`` names the database."""

    def __init__(
        self,
        app: Costrel | None = None,
        *,
        metadata: sa.MetaData | None = None,
        session_options: dict[str, Any] | None = None,
        query_class: type[Query[Any]] = Query,
        model_class: type[M] = _DEFAULT_MODEL,
        engine_options: dict[str, Any] | None = None,
        async_session_options: dict[str, Any] | None = None,
        add_models_to_shell: bool = True,
        disable_autonaming: bool = False,
    ) -> None:
        super().__init__()
        self.Query = query_class
        self._engine_options = dict(engine_options or {})
        self._add_models_to_shell = add_models_to_shell
        self._databases: WeakKeyDictionary[Any, Databases] = WeakKeyDictionary()
        options = dict(session_options or {})
        self.session = self._make_scoped_session(options)
        self._async_options = {**options, **(async_session_options or {})}
        self.metadatas = {}
        if metadata is not None and declarative_bases_of(model_class):
            warnings.warn(
                "the metadata of a DeclarativeBase is an attribute of it; the argument is ignored",
                DeprecationWarning,
                stacklevel=2,
            )
        elif metadata is not None:
            metadata.info["bind_key"] = None
            self.metadatas[None] = metadata
        self.Table = make_table_class(self._make_metadata)
        if TYPE_CHECKING:  # else ``__getattr__`` finds it, as all names of SQLAlchemy
            self.select = sa.select
        self.Model = self._make_declarative_base(model_class, disable_autonaming=disable_autonaming)
        if app is not None:
            self.init_app(app)

    def __repr__(self) -> str:
        name = type(self).__name__
        if not has_app_context() or self._databases.get(_application()) is None:
            return f"<{name}>"

        engines = self.engines
        more = f" +{len(engines) - 1}" if len(engines) > 1 else ""
        url = engines[None].url if None in engines else next(iter(engines.values())).url

        return f"<{name} {url}{more}>"

    def __getattr__(self, name: str) -> Any:
        if name == "event":
            return event
        if name == "relation":  # SQLAlchemy 1's word
            return self.relationship
        if not name.startswith("_"):
            for module in (sa, orm):
                if hasattr(module, name):
                    return getattr(module, name)

        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    # Setup, and the end.

    def setup(self, app: Costrel, options: SQLAlchemyOptions) -> None:
        """Make the engines; none connects."""
        before = self._databases.pop(app, None)
        if before is not None:
            before.end()
        given = engine_arguments(options, self._engine_options)
        names = {key: memory_name(key) for key in given}
        engines = EngineTable()
        for key, arguments in given.items():
            self._make_metadata(key)
            self._apply_driver_defaults(arguments, app)
            try:
                engines[key] = self._make_sync_engine(key, arguments, app)
            except MissingLibraryError as error:
                if not is_async_driver(arguments["url"]):
                    raise
                engines.missing[key] = error  # it is for async code only
            else:
                prepare_engine(engines[key], options, names[key])
        make_async = partial(self._make_async_engine, given, options, names, engines)
        databases = self._databases[app] = Databases(engines, LoopEngines(list(given), make_async))
        finalize(app, databases.end)
        app.error_fallback(make_fallback(app, lambda: options.retry_after))
        if options.track_modifications:
            listen(self.session)
            listen(self._async_inner_class)
        if self._add_models_to_shell:
            app.shell_context_processor(add_models_to_shell)

    def close(self, app: Costrel) -> Coroutine[Any, Any, None] | None:
        """Close the connections when serving stops; what is returned closes those of async engines."""
        databases = self._databases[app]
        databases.close(also_memory=False)

        return databases.loops.close() if databases.loops.is_used() else None

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find keys of Flask-SQLAlchemy's past, which have no effect."""
        for key in UNUSED_KEYS:
            if key in app.config:
                yield Finding("sqlalchemy.W001", f"{key} has no effect", UNUSED_KEYS[key])

    # Engines.

    def _apply_driver_defaults(self, options: dict[str, Any], app: Costrel) -> None:
        """Fill in what the database needs; a subclass may add to it."""
        apply_defaults(options, app.instance_path)

    def _make_sync_engine(self, key: str | None, arguments: Mapping[str, Any], app: Costrel) -> sa.Engine:
        own = {name: value for name, value in arguments.items() if name != "async_engine_options"}
        own["url"] = sync_url(own["url"])
        limit_connecting(own)

        return self._make_engine(key, own, app)

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Costrel) -> sa.Engine:
        """Make an engine; a subclass may do it otherwise."""
        require_driver(read_url(options["url"]))
        return sa.engine_from_config(options, prefix="")

    def _make_async_engine(
        self,
        given: Mapping[str | None, dict[str, Any]],
        options: SQLAlchemyOptions,
        names: Mapping[str | None, str],
        engines: EngineTable,
        key: str | None,
    ) -> AsyncEngine:
        from sqlalchemy.ext.asyncio import async_engine_from_config  # for cost: see ScopedSessions

        engine = async_engine_from_config(async_arguments(given[key]), prefix="")
        prepare_engine(engine.sync_engine, options, names[key])
        if is_in_memory(engine.sync_engine) and key in engines:
            engines[key].connect().close()  # its connection keeps the memory when this engine goes

        return engine

    def _current(self) -> Databases:
        return self.databases_of(_application())

    @property
    def engines(self) -> EngineTable:
        """The engines of the current application by bind key; ``None`` is the default one.

        Raises:
            ContextError: Outside of a context.
            SetupError: If this is not set up on the application.
        """
        return self._current().engines

    @property
    def engine(self) -> sa.Engine:
        """The engine of the default database."""
        return self.engines[None]

    @property
    def async_engines(self) -> AsyncEngines:
        """The async engines of the current application and the running event loop, by bind key.

        Raises:
            ContextError: Outside of a context, or where no event loop runs.
            SetupError: If this is not set up on the application.
        """
        return self._current().loops.current()

    @property
    def async_engine(self) -> AsyncEngine:
        """The async engine of the default database, of the running event loop."""
        return self.async_engines[None]

    def get_engine(self, bind_key: str | None = None, **kwargs: Any) -> sa.Engine:
        """Return the engine of a bind key; deprecated, ``db.engines[key]`` is the same."""
        warnings.warn(
            "get_engine is deprecated; write db.engine or db.engines[key]", DeprecationWarning, stacklevel=2
        )

        return self.engines[kwargs.get("bind", bind_key)]

    def databases_of(self, app: Costrel) -> Databases:
        """Return what an application has: its engines, and those of each event loop.

        Raises:
            SetupError: If this is not set up on it.
        """
        databases = self._databases.get(app)
        if databases is None:
            raise NotSetUpError(
                f"this 'SQLAlchemy' instance is not set up on the application {app.name!r}",
                hint="Call db.init_app(app) in its factory, and make one SQLAlchemy() only.",
            )

        return databases

    # Sessions and models.

    def retry_on_deadlock(self, attempts: int = 3) -> Callable[[F], F]:
        """Make a decorator: the function begins again when another transaction was in its way.

        That is a deadlock, a serialization failure, a lock that was not to
        be had in time, or "database is locked". The session of the context is
        rolled back before, and a moment passes. The function should do a
        whole transaction, from the first query to ``commit``, and nothing
        that must not happen twice; it may be a view, and async.

        Args:
            attempts: How often it is called at most; 1 or more.

        Example:
            >>> db = SQLAlchemy()
            >>> @db.retry_on_deadlock(attempts=5)
            ... def book(room):
            ...     room.is_free = False
            ...     db.session.commit()
        """

        def decorator(function: F) -> F:
            return retrying(function, attempts=attempts, rollback=self._roll_back, arollback=self._aroll_back)

        return decorator

    def _roll_back(self) -> None:
        if self.session.registry.has():
            self.session.rollback()

    async def _aroll_back(self) -> None:
        if self.async_session.registry.has():
            await self.async_session.rollback()
        self._roll_back()

    def _make_declarative_base(self, model_class: type[Any], disable_autonaming: bool = False) -> Any:
        """Make ``Model``."""
        has_own_base = bool(declarative_bases_of(model_class)) or isinstance(model_class, orm.DeclarativeMeta)
        model = make_declarative(
            cast(Any, self),
            model_class,
            metadata=None if has_own_base else self._make_metadata(None),
            with_names=not disable_autonaming,
        )
        if None in self.metadatas:
            model.metadata = self.metadatas[None]
        else:
            model.metadata.info["bind_key"] = None
            self.metadatas[None] = model.metadata
        model.query_class = self.Query
        model.query = QueryProperty()
        model.__fsa__ = self

        return model


def _application() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own
