"""Messages of groups through Redis' publish and subscribe. Knows no connection of a client.

What Redis promises holds: who is there gets a message at most once, and what
is sent while a process has lost its connection does not reach its members.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from costrel.groups.envelope import pack, unpack

__all__ = ["RedisBus", "bus_of_loop"]

_log = logging.getLogger("costrel.groups")
_ANSWER_SECONDS = 5
_MAX_PAUSE_SECONDS = 5.0


class Receiver(Protocol):
    """Who takes what comes."""

    def has_members(self, name: str) -> bool:
        """Tell whether a group is still of interest."""
        ...

    async def deliver(self, name: str, message: str | bytes, skip: str) -> None:
        """Take a message."""


def bus_of_loop(url: str, prefix: str, groups: Receiver) -> Callable[[], RedisBus]:
    """Return what gives each event loop a bus of its own: connections belong to a loop."""
    buses: WeakKeyDictionary[asyncio.AbstractEventLoop, RedisBus] = WeakKeyDictionary()

    def bus() -> RedisBus:
        loop = asyncio.get_running_loop()
        found = buses.get(loop)
        if found is None:
            found = buses[loop] = RedisBus(url, prefix, groups)

        return found

    return bus


class RedisBus:
    """The connections of one event loop: one that listens while groups have members, and some that send.

    Args:
        url: Where Redis is.
        prefix: Goes before the names of channels.
        groups: Take what comes.
    """

    def __init__(self, url: str, prefix: str, groups: Receiver) -> None:
        self._prefix = prefix
        self._groups = groups
        self._redis: Any = Redis.from_url(url, health_check_interval=30)  # Any: its stubs are incomplete
        self._pubsub: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._subscribed: dict[str, asyncio.Event] = {}
        self._lock = asyncio.Lock()

    async def subscribe(self, name: str) -> None:
        """Listen to a group, and wait until Redis has confirmed it.

        Raises:
            ConnectionError: If Redis does not answer.
        """
        async with self._lock:
            confirmed = self._subscribed.get(name)
            if confirmed is None:
                if self._pubsub is None:
                    self._pubsub = self._redis.pubsub()
                confirmed = self._subscribed[name] = asyncio.Event()
                try:
                    await self._pubsub.subscribe(self._prefix + name)
                except BaseException:
                    del self._subscribed[name]
                    raise
                if self._reader is None or self._reader.done():
                    self._reader = asyncio.get_running_loop().create_task(
                        self._read(), context=contextvars.Context(), name="costrel-groups"
                    )
        async with asyncio.timeout(_ANSWER_SECONDS):
            await confirmed.wait()

    async def unsubscribe(self, name: str) -> None:
        """Listen to a group no more, unless somebody is in it."""
        async with self._lock:
            if name not in self._subscribed or self._groups.has_members(name):
                return
            del self._subscribed[name]
            if self._subscribed:
                with contextlib.suppress(OSError, RedisConnectionError, RedisTimeoutError):
                    await self._pubsub.unsubscribe(self._prefix + name)
            else:
                await self._stop_reading()

    async def publish(self, name: str, message: str | bytes, skip: str) -> None:
        """Send a message to all processes.

        Raises:
            ConnectionError: If Redis does not answer.
        """
        await self._redis.publish(self._prefix + name, pack(message, skip))

    async def close(self) -> None:
        """Close all connections; another use opens new ones."""
        async with self._lock:
            self._subscribed.clear()
            await self._stop_reading()
        await self._redis.aclose()

    async def _stop_reading(self) -> None:
        reader, self._reader = self._reader, None
        pubsub, self._pubsub = self._pubsub, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])
        if pubsub is not None:
            with contextlib.suppress(OSError, RedisConnectionError, RedisTimeoutError):
                await pubsub.aclose()

    async def _read(self) -> None:
        """Deliver what comes; after a lost connection listen to the same groups again."""
        pubsub = self._pubsub
        pause_seconds = 0.1
        while True:
            try:
                message = await pubsub.get_message(timeout=None)
                pause_seconds = 0.1
            except (OSError, RedisConnectionError, RedisTimeoutError) as error:
                _log.warning("The connection to Redis is lost, messages of groups are missed: %s", error)
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _MAX_PAUSE_SECONDS)
                continue
            if message is not None:
                await self._take(message)

    async def _take(self, message: dict[str, Any]) -> None:
        name = message["channel"].decode().removeprefix(self._prefix)
        if message["type"] == "subscribe":
            confirmed = self._subscribed.get(name)
            if confirmed is not None:
                confirmed.set()
        elif message["type"] == "message":
            try:
                text, skip = unpack(message["data"])
            except ValueError as error:
                _log.warning("What came through Redis for the group %r is left out: %s", name, error)
                return
            await self._groups.deliver(name, text, skip)
