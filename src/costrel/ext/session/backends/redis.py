"""A store in Redis or Valkey, by redis-py: for many machines.

Sync code uses one client, each event loop one of its own. Every change is one
script, so nobody sees half of it. What belongs together lies under several
keys: in a Redis Cluster their prefix must have a hash tag (``{session}:``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins
from costrel.extension import require_library

require_library("redis", extra="redis")

import redis  # noqa: E402  # after the check
import redis.asyncio  # noqa: E402

__all__ = ["RedisStore"]

_MAX_CONNECTIONS = 50
"""Of each event loop; who finds none free waits for one."""

# What a client of ours has in common with a client that the application made.
_CONNECTION_KEYS = frozenset(
    (
        "client_name",
        "credential_provider",
        "db",
        "health_check_interval",
        "host",
        "password",
        "path",
        "port",
        "protocol",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_timeout",
        "username",
    )
)

# KEYS: key, the note of its index. ARGV: mode, value, ttl in ms or -1, index or '', version, now in ms.
_DROP = """
local function drop(key, note)
    local old = redis.call('GET', note)
    if old then redis.call('ZREM', old, key) redis.call('DEL', note) end
    return redis.call('DEL', key)
end
"""
_WRITE = """
local function write(key, note, value, ttl, index, now)
    local old = redis.call('GET', note)
    if old and old ~= index then redis.call('ZREM', old, key) redis.call('DEL', note) end
    if ttl < 0 then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttl) end
    if index == '' then return end
    local over = '+inf'
    local left = redis.call('PTTL', index)
    if ttl < 0 then
        redis.call('SET', note, index)
        redis.call('ZADD', index, over, key)
        redis.call('PERSIST', index)
        return
    end
    redis.call('SET', note, index, 'PX', ttl)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
    redis.call('ZADD', index, now + ttl, key)
    if left ~= -1 and left < ttl then redis.call('PEXPIRE', index, ttl) end
end
"""
_CHANGE = f"""{_WRITE}
local there = redis.call('GET', KEYS[1])
if ARGV[1] == 'add' and there then return 0 end
if ARGV[1] == 'replace' and there ~= ARGV[5] then return 0 end
write(KEYS[1], KEYS[2], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[6]))
return 1
"""
_MOVE = f"""{_DROP}{_WRITE}
if redis.call('GET', KEYS[1]) ~= ARGV[4] then return 0 end
drop(KEYS[1], KEYS[2])
write(KEYS[3], KEYS[4], ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5]))
if ARGV[6] then write(KEYS[1], KEYS[2], ARGV[6], tonumber(ARGV[7]), '', 0) end
return 1
"""
_DELETE = f"""{_DROP}
return drop(KEYS[1], KEYS[2])
"""
_FIND = """
local found = {}
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if redis.call('EXISTS', key) == 1 then found[#found + 1] = key else redis.call('ZREM', KEYS[1], key) end
end
return found
"""
_DELETE_INDEX = f"""{_DROP}
local keep, count = {{}}, 0
for number = 2, #ARGV do keep[ARGV[number]] = true end
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if not keep[key] then count = count + drop(key, key .. ARGV[1]) redis.call('ZREM', KEYS[1], key) end
end
return count
"""
_NOTE = ":in"
"""What the key of the note ends with that names a key's index."""


class _OfLoop(NamedTuple):
    client: redis.asyncio.Redis
    closing: AsyncGenerator[None, None]


async def _closing_at_end(client: redis.asyncio.Redis) -> AsyncGenerator[None, None]:
    """Close a client when its event loop ends, which closes the async generators that wait in it."""
    try:
        yield
    finally:
        await client.aclose()


class RedisStore(AsyncTwins):
    """Keeps everything in Redis, which forgets by itself what is over.

    Args:
        client: A ``redis.Redis``, or a URL. A client of the application
            should have a ``socket_timeout``: without one a server that does
            not answer holds up requests.
        timeout_seconds: How long an answer is waited for, where the client is
            made of a URL.
        clock: Gives the time in seconds, for indexes only.
    """

    def __init__(
        self,
        client: redis.Redis | str,
        *,
        timeout_seconds: float = 5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if isinstance(client, str):
            timeouts: Any = {"socket_timeout": timeout_seconds, "socket_connect_timeout": timeout_seconds}
            client = redis.Redis.from_url(client, **timeouts)
        self.client = client
        self._clock = clock
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()
        self._awaits = _can_be_async(client)

    # What is sent, for both worlds.

    def _change(
        self, mode: str, key: str, value: bytes, ttl_seconds: float | None, index: str | None, version: Any
    ) -> tuple[Any, ...]:
        ttl, now = _milliseconds(ttl_seconds), int(self._clock() * 1000)

        return (_CHANGE, 2, key, key + _NOTE, mode, value, ttl, index or "", version, now)

    def _move(self, key: str, to: str, value: bytes, how: dict[str, Any]) -> tuple[Any, ...]:
        ttl, now = _milliseconds(how["ttl_seconds"]), int(self._clock() * 1000)
        index, left = how.get("index"), how.get("left")
        stays = () if left is None else (left, _milliseconds(how.get("left_seconds")))
        keys = (key, key + _NOTE, to, to + _NOTE)

        return (_MOVE, 4, *keys, value, ttl, index or "", how["version"], now, *stays)

    # Sync.

    def _eval(self, *args: Any) -> Any:
        with _told():
            return self.client.eval(*args)

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        with _told():
            return _entry(self.client.get(key))

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        self._eval(*self._change("set", key, value, ttl_seconds, index, b""))

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        return bool(self._eval(*self._change("add", key, value, ttl_seconds, index, b"")))

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        return bool(self._eval(*self._change("replace", key, value, ttl_seconds, index, version)))

    def move(self, key: str, to: str, value: bytes, **how: Any) -> bool:
        """Delete a key and write another, if there still is what was read."""
        return bool(self._eval(*self._move(key, to, value, how)))

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        return bool(self._eval(_DELETE, 2, key, key + _NOTE))

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        return _texts(self._eval(_FIND, 1, index))

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        return int(self._eval(_DELETE_INDEX, 1, index, _NOTE, *keep))

    def clean_up(self) -> int:
        """Do nothing: Redis forgets by itself what is over."""
        return 0

    def close(self) -> None:
        """Close the connections of sync code."""
        with _told():
            self.client.close()

    # Async.

    async def _await(self, command: Callable[[Any], Any]) -> Any:
        """Send one command by this loop's client, or by the sync one in a thread if it has no async twin."""
        if not self._awaits:
            with _told():
                return await asyncio.to_thread(command, self.client)

        of_loop = self._of_loop.get(asyncio.get_running_loop()) or await self._open_for_loop()
        with _told():
            return await cast(Awaitable[Any], command(of_loop.client))

    async def _open_for_loop(self) -> _OfLoop:
        """Make the client of this event loop."""
        for loop in [loop for loop in self._of_loop if loop.is_closed()]:
            del self._of_loop[loop]
        client = _async_twin(self.client)
        of_loop = self._of_loop[asyncio.get_running_loop()] = _OfLoop(client, _closing_at_end(client))
        await anext(of_loop.closing)

        return of_loop

    async def _aeval(self, *args: Any) -> Any:
        return await self._await(lambda client: client.eval(*args))

    async def aget(self, key: str) -> Entry | None:
        """Do as ``get``."""
        return _entry(await self._await(lambda client: client.get(key)))

    async def aset(self, key: str, value: bytes, **how: Any) -> None:
        """Do as ``set``."""
        await self._aeval(*self._change("set", key, value, how["ttl_seconds"], how.get("index"), b""))

    async def aadd(self, key: str, value: bytes, **how: Any) -> bool:
        """Do as ``add``."""
        sent = self._change("add", key, value, how["ttl_seconds"], how.get("index"), b"")
        return bool(await self._aeval(*sent))

    async def areplace(self, key: str, value: bytes, **how: Any) -> bool:
        """Do as ``replace``."""
        sent = self._change("replace", key, value, how["ttl_seconds"], how.get("index"), how["version"])
        return bool(await self._aeval(*sent))

    async def amove(self, key: str, to: str, value: bytes, **how: Any) -> bool:
        """Do as ``move``."""
        return bool(await self._aeval(*self._move(key, to, value, how)))

    async def adelete(self, key: str) -> bool:
        """Do as ``delete``."""
        return bool(await self._aeval(_DELETE, 2, key, key + _NOTE))

    async def afind(self, index: str) -> list[str]:
        """Do as ``find``."""
        return _texts(await self._aeval(_FIND, 1, index))

    async def adelete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Do as ``delete_index``."""
        return int(await self._aeval(_DELETE_INDEX, 1, index, _NOTE, *keep))

    async def aclean_up(self) -> int:
        """Do nothing, as ``clean_up``."""
        return 0

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        of_loop = self._of_loop.pop(asyncio.get_running_loop(), None)
        if of_loop is not None:
            await of_loop.closing.aclose()


def _milliseconds(ttl_seconds: float | None) -> int:
    return -1 if ttl_seconds is None else max(1, int(ttl_seconds * 1000))


def _entry(value: Any) -> Entry | None:
    if value is None:
        return None
    if isinstance(value, str):  # of a client with decode_responses
        value = value.encode()

    return Entry(value, value)


def _texts(values: Any) -> list[str]:
    return sorted(value if isinstance(value, str) else value.decode() for value in values)


def _can_be_async(client: Any) -> bool:
    """Tell whether a twin for event loops can be made; not of a client for a cluster or Sentinel."""
    kind = getattr(getattr(client, "connection_pool", None), "connection_class", None)

    return kind in (redis.Connection, redis.SSLConnection, redis.UnixDomainSocketConnection)


def _async_twin(client: Any) -> redis.asyncio.Redis:
    pool = client.connection_pool
    settings = {
        key: value
        for key, value in pool.connection_kwargs.items()
        if key in _CONNECTION_KEYS or key.startswith("ssl_")
    }
    kind: Any = getattr(redis.asyncio, pool.connection_class.__name__)
    limit = getattr(pool, "max_connections", None)
    twin_pool: Any = redis.asyncio.BlockingConnectionPool(
        connection_class=kind,
        max_connections=min(limit or _MAX_CONNECTIONS, _MAX_CONNECTIONS),
        timeout=settings.get("socket_timeout"),
        **settings,
    )

    return redis.asyncio.Redis.from_pool(twin_pool)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise StoreError(f"Redis cannot be used: {error}") from error
