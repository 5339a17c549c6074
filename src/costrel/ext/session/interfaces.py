"""One interface and one session class for each store, under Flask-Session's names.

``Session(app)`` chooses among them. Made by hand they take what
Flask-Session's take: ``app.session_interface = RedisSessionInterface(app, client)``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from costrel import Costrel
from costrel.ext.session.backends.store import Store
from costrel.ext.session.interface import ServerSideSessionInterface
from costrel.ext.session.options import SessionOptions
from costrel.ext.session.server_side import ServerSideSession
from costrel.ext.session.stores import make_store

__all__ = [
    "CacheLibSession",
    "CacheLibSessionInterface",
    "FileSystemSession",
    "FileSystemSessionInterface",
    "MemcachedSession",
    "MemcachedSessionInterface",
    "RedisSession",
    "RedisSessionInterface",
    "SqlAlchemySession",
    "SqlAlchemySessionInterface",
    "make_interface",
]


class RedisSession(ServerSideSession):
    """A session in Redis."""


class MemcachedSession(ServerSideSession):
    """A session in memcached."""


class FileSystemSession(ServerSideSession):
    """A session in a file."""


class CacheLibSession(ServerSideSession):
    """A session in a cache of cachelib."""


class SqlAlchemySession(ServerSideSession):
    """A session in a table."""


class _OfOneType(ServerSideSessionInterface):
    session_type: ClassVar[str]
    client_option: ClassVar[str]

    def __init__(
        self,
        app: Costrel,
        client: Any = None,
        key_prefix: str = "session:",
        use_signer: bool = False,
        permanent: bool = True,
        sid_length: int = 32,
        serialization_format: str = "json",
        **more: Any,
    ) -> None:
        given = {
            "type": self.session_type,
            self.client_option: client,
            "key_prefix": key_prefix,
            "use_signer": use_signer,
            "permanent": permanent,
            "id_length": sid_length,
            "serialization_format": serialization_format,
            **more,
        }
        options = SessionOptions({}, given)  # not the application's: several interfaces may differ
        super().__init__(app, make_store(app, options), options)

    @classmethod
    def of(cls, app: Costrel, store: Store, options: SessionOptions) -> Self:
        made = cls.__new__(cls)
        ServerSideSessionInterface.__init__(made, app, store, options)

        return made


class RedisSessionInterface(_OfOneType):
    """Keeps sessions in Redis; ``client`` is a ``redis.Redis``."""

    session_class = RedisSession
    session_type, client_option = "redis", "redis"


class MemcachedSessionInterface(_OfOneType):
    """Keeps sessions in memcached; ``client`` is one of pymemcache."""

    session_class = MemcachedSession
    session_type, client_option = "memcached", "memcached"


class FileSystemSessionInterface(_OfOneType):
    """Keeps sessions in files; ``client`` is their folder."""

    session_class = FileSystemSession
    session_type, client_option = "filesystem", "file_dir"


class CacheLibSessionInterface(_OfOneType):
    """Keeps sessions in a cache of cachelib, ``client``."""

    session_class = CacheLibSession
    session_type, client_option = "cachelib", "cachelib"

    @property
    def cache(self) -> Any:
        """The cache; it does not pickle."""
        return self.store.cache  # type: ignore[attr-defined]  # of this store


class SqlAlchemySessionInterface(_OfOneType):
    """Keeps sessions in a table; ``client`` is the SQLAlchemy extension."""

    session_class = SqlAlchemySession
    session_type, client_option = "sqlalchemy", "sqlalchemy"

    @property
    def sql_session_model(self) -> Any:
        """The table."""
        return self.store.entries  # type: ignore[attr-defined]  # of this store


_CLASSES: dict[str, type[_OfOneType]] = {
    one.session_type: one
    for one in (
        RedisSessionInterface,
        MemcachedSessionInterface,
        FileSystemSessionInterface,
        CacheLibSessionInterface,
        SqlAlchemySessionInterface,
    )
}


def make_interface(app: Costrel, options: SessionOptions) -> ServerSideSessionInterface:
    """Make the interface that the options ask for, with its store."""
    store = make_store(app, options)
    one = None if options.store is not None else _CLASSES.get(options.type)

    return ServerSideSessionInterface(app, store, options) if one is None else one.of(app, store, options)
