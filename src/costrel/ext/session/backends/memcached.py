"""A store in memcached, by pymemcache. memcached may forget what it needs room for: sessions end early then.

An index is a list of keys under a key of its own, and beside each key a note
says its index. If memcached forgets the list, the sessions in it are found no
more, but end in their time.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins
from costrel.extension import require_library

require_library("pymemcache", extra="memcached")

from pymemcache.client.base import PooledClient  # noqa: E402  # after the check
from pymemcache.exceptions import MemcacheError  # noqa: E402

__all__ = ["MemcachedStore"]

_MONTH_SECONDS = 30 * 24 * 3600
"""Longer times memcached takes for dates."""

_OVER = -1
"""A time to live that is over at once: how a value is deleted only if it is the one that was read."""

_MAX_TRIES = 100
_NOTE = ":in"
"""What the key of the note ends with that names a key's index."""


class MemcachedStore(AsyncTwins):
    """Keeps everything in memcached.

    Args:
        client: A client of pymemcache, or ``"host:port"``. A client that is
            no ``PooledClient`` is used by one thread at a time.
        timeout_seconds: How long an answer is waited for, where the client is
            made of an address.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, client: Any, *, timeout_seconds: float = 5, clock: Callable[[], float] = time.time
    ) -> None:
        self._address = client if isinstance(client, str) else None
        self._client = None if self._address else client
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._pid = os.getpid()
        is_pooled = self._address is not None or isinstance(client, PooledClient)
        self._lock: Any = _NoLock() if is_pooled else threading.Lock()

    @property
    def client(self) -> Any:
        """The client; one of our own is made anew in a child process, which must not share connections."""
        if self._address is not None and (self._client is None or self._pid != os.getpid()):
            self._pid = os.getpid()
            self._client = PooledClient(
                self._address,
                connect_timeout=self._timeout_seconds,
                timeout=self._timeout_seconds,
                max_pool_size=50,
            )

        return self._client

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        with self._told() as client:
            value, version = client.gets(key)
        if value is None:
            return None
        if isinstance(value, str):
            value = value.encode()

        return Entry(value, version)

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        self._enter(index, key, ttl_seconds)
        with self._told() as client:
            client.set(key, value, expire=self._expiry(ttl_seconds), noreply=False)
            _leave(client, key, index)

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        self._enter(index, key, ttl_seconds)
        with self._told() as client:
            is_added = bool(client.add(key, value, expire=self._expiry(ttl_seconds), noreply=False))
            if is_added:
                _leave(client, key, index)

        return is_added

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        self._enter(index, key, ttl_seconds)
        with self._told() as client:
            is_written = bool(
                client.cas(key, value, version, expire=self._expiry(ttl_seconds), noreply=False)
            )
            if is_written:
                _leave(client, key, index)

        return is_written

    def move(
        self,
        key: str,
        to: str,
        value: bytes,
        *,
        version: Any,
        ttl_seconds: float | None,
        index: str | None = None,
        left: bytes | None = None,
        left_seconds: float | None = None,
    ) -> bool:
        """Delete a key and write another, if there still is what was read; not both at one moment."""
        with self._told() as client:
            expire = _OVER if left is None else self._expiry(left_seconds)
            if not client.cas(key, left or b"", version, expire=expire, noreply=False):
                return False
            _leave(client, key, None)
        self.set(to, value, ttl_seconds=ttl_seconds, index=index)

        return True

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        with self._told() as client:
            return bool(client.delete(key, noreply=False))

    def find(self, index: str) -> list[str]:
        """Return the keys of an index, as far as memcached remembers them."""
        return sorted(key for key in self._noted(index) if self.get(key) is not None)

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        return sum(self.delete(key) for key in self._noted(index) if key not in keep)

    def _noted(self, index: str) -> list[str]:
        """Return the keys of an index that were not given another one since."""
        keys = list(self._keys_of(index)[0])
        with self._told() as client:
            notes = client.get_many([key + _NOTE for key in keys])

        return [key for key in keys if notes.get(key + _NOTE) in (index, index.encode())]

    def clean_up(self) -> int:
        """Do nothing: memcached forgets by itself what is over."""
        return 0

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            with self._told() as client:
                client.close()

    def _keys_of(self, index: str) -> tuple[dict[str, float | None], Any]:
        """Return the keys of an index with the time when each is over, and the version of this list."""
        entry = self.get(_key_of(index))
        if entry is None:
            return {}, None
        try:
            keys = json.loads(entry.value)
        except ValueError:
            return {}, entry.version
        now = self._clock()

        return {key: over for key, over in keys.items() if over is None or over > now}, entry.version

    def _enter(self, index: str | None, key: str, ttl_seconds: float | None) -> None:
        """Add a key to an index, before it is written: a key that is not there does no harm in a list."""
        if index is None:
            return

        with self._told() as client:
            client.set(key + _NOTE, index.encode(), expire=self._expiry(ttl_seconds), noreply=True)

        for _ in range(_MAX_TRIES):
            keys, version = self._keys_of(index)
            over = None if ttl_seconds is None else self._clock() + ttl_seconds
            keys[key] = over
            longest = None if None in keys.values() else max(filter(None, keys.values())) - self._clock()
            value, expire = json.dumps(keys).encode(), self._expiry(longest)
            with self._told() as client:
                if version is None:
                    done = client.add(_key_of(index), value, expire=expire, noreply=False)
                else:
                    done = client.cas(_key_of(index), value, version, expire=expire, noreply=False)
            if done:
                return

        raise StoreError("too many requests write one index of memcached at once")

    def _expiry(self, ttl_seconds: float | None) -> int:
        if ttl_seconds is None:
            return 0
        if ttl_seconds > _MONTH_SECONDS:
            return int(self._clock() + ttl_seconds)

        return max(1, int(ttl_seconds))

    @contextmanager
    def _told(self) -> Iterator[Any]:
        try:
            with self._lock:
                yield self.client
        except (MemcacheError, OSError) as error:
            # That the connection was closed is told by the class alone.
            told = str(error) or type(error).__name__
            raise StoreError(f"memcached cannot be used: {told}") from error


def _key_of(index: str) -> str:
    return f"index:{sha256(index.encode()).hexdigest()}"


def _leave(client: Any, key: str, index: str | None) -> None:
    """Forget the index that a key had, if it has none now; nobody waits for it."""
    if index is None:
        client.delete(key + _NOTE, noreply=True)


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...
