"""Every store, for the tests that hold for all of them; and a clock to set."""

from __future__ import annotations

import os
import socketserver
import threading
import uuid
from contextlib import contextmanager

import pytest

from costrel.ext.session import MemoryStore
from costrel.ext.session.backends.file import FileStore
from costrel.ext.session.backends.sqlite import SQLiteStore

STORES = (
    "memory",
    "file",
    "sqlite",
    "sqlalchemy-sqlite",
    "sqlalchemy-postgresql",
    "sqlalchemy-mariadb",
    "redis",
    "memcached",
    "cachelib",
)
SELF_CLEANING = ("redis", "memcached", "cachelib")
"""Those that forget by a clock of their own."""


class Clock:
    """Stands still until it is set."""

    def __init__(self, now=1_800_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def prefix():
    """What the keys of one test begin with, in services that tests share."""
    return f"test-{uuid.uuid4().hex[:12]}:"


class TinyMemcached(socketserver.ThreadingTCPServer):
    """As much of memcached's text protocol as the store uses, in this process; nothing is ever over.

    It stands in where no memcached runs (``MEMCACHED_URL`` names a real one).
    """

    allow_reuse_address = daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TinyMemcachedConnection)
        self.rows = {}
        self.lock = threading.Lock()
        self.version = 0


class TinyMemcachedConnection(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            words = line.decode().split()
            noreply = words[-1] == "noreply"
            data = self.rfile.read(int(words[4]) + 2)[:-2] if words[0] in ("set", "add", "cas") else b""
            with self.server.lock:
                reply = self.answer(words, data)
            if not noreply:
                self.wfile.write(reply)

    def answer(self, words, data):
        rows, command, key = self.server.rows, words[0], words[1]
        if command in ("get", "gets"):
            return b"".join(self.told(key, command) for key in words[1:]) + b"END\r\n"
        if command == "delete":
            return b"NOT_FOUND\r\n" if rows.pop(key, None) is None else b"DELETED\r\n"
        if command == "add" and key in rows:
            return b"NOT_STORED\r\n"
        if command == "cas" and key not in rows:
            return b"NOT_FOUND\r\n"
        if command == "cas" and rows[key][1] != int(words[5]):
            return b"EXISTS\r\n"

        self.server.version += 1
        rows[key] = data, self.server.version
        if int(words[3]) < 0:
            del rows[key]
        return b"STORED\r\n"

    def told(self, key, command):
        if key not in self.server.rows:
            return b""
        value, version = self.server.rows[key]
        version = f" {version}" if command == "gets" else ""
        return f"VALUE {key} 0 {len(value)}{version}\r\n".encode() + value + b"\r\n"


@contextmanager
def serving_memcached():
    server = TinyMemcached()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def memcached_address():
    """A memcached: that of ``MEMCACHED_URL``, or a small one in this process."""
    url = os.environ.get("MEMCACHED_URL")
    if url:
        yield url.removeprefix("memcached://").rstrip("/")
    else:
        with serving_memcached() as address:
            yield address


@pytest.fixture
def make_store(request, tmp_path, prefix):
    """Make a store of a kind; closed at the end, and Redis emptied of the test's keys."""
    closing = []

    def make(kind, **options):
        store = _make(kind, request, tmp_path, options, closing)
        closing.append(store.close)
        return store

    yield make
    for close in reversed(closing):
        close()


def _make(kind, request, tmp_path, options, closing):
    if kind == "memory":
        return MemoryStore(**options)
    if kind == "file":
        return FileStore(tmp_path / "files", **options)
    if kind == "sqlite":
        return SQLiteStore(tmp_path / "store.sqlite3", **options)
    if kind.startswith("sqlalchemy"):
        return _make_sqlalchemy(kind, request, tmp_path, options, closing)
    if kind == "redis":
        return _make_redis(request, options, closing)
    if kind == "memcached":
        from costrel.ext.session.backends.memcached import MemcachedStore

        return MemcachedStore(request.getfixturevalue("memcached_address"), timeout_seconds=60, **options)

    from cachelib import FileSystemCache

    from costrel.ext.session.backends.cachelib import CachelibStore

    return CachelibStore(FileSystemCache(str(tmp_path / "cache")), **options)


def _make_sqlalchemy(kind, request, tmp_path, options, closing):
    from sqlalchemy import MetaData, create_engine

    from costrel.ext.session.backends.sqlalchemy import SQLAlchemyStore, make_tables

    dialect = kind.partition("-")[2]
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'tables.sqlite3'}"
    elif dialect == "postgresql":
        url = request.getfixturevalue("shared_postgres_url").replace("postgresql://", "postgresql+psycopg://")
    else:
        url = request.getfixturevalue("shared_mariadb_url").replace("mysql://", "mysql+pymysql://")
    engine = create_engine(url)
    tables = make_tables(metadata := MetaData(), f"sessions_{uuid.uuid4().hex[:12]}")
    closing.append(engine.dispose)
    closing.append(lambda: metadata.drop_all(engine))

    return SQLAlchemyStore(engine, tables=tables, **options)


def _make_redis(request, options, closing):
    import redis

    from costrel.ext.session.backends.redis import RedisStore

    url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("prefix")

    def empty():
        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter(f"{prefix}*", count=1_000):
                client.delete(key)

    closing.append(empty)

    return RedisStore(url, timeout_seconds=60, **options)


@pytest.fixture(params=STORES)
def store_kind(request):
    return request.param


@pytest.fixture
def at_once():
    """Call functions in threads, all at one moment, and return what they returned in their order."""

    def run(*functions):
        barrier = threading.Barrier(len(functions))
        results, errors = [None] * len(functions), []

        def call(number):
            try:
                barrier.wait(30)
                results[number] = functions[number]()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(len(functions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if errors:
            raise errors[0]

        return results

    return run
