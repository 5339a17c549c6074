"""A store in any cache of cachelib. Its values are bytes of ours: nothing is pickled, and nothing unpickled.

cachelib cannot write on condition. The threads of one process take turns
here; of two processes that write one session at once, the later one wins.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, Any

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins
from costrel.extension import require_library

require_library("cachelib", extra="session")

__all__ = ["CachelibStore"]

_NOTE = ":in"
"""What the key of the note ends with that names a key's index."""


class _PlainSerializer:
    """Stands in for cachelib's pickle: bytes as they are, its own counters as JSON."""

    def dumps(self, value: Any, *args: Any) -> bytes:
        return b"b" + value if isinstance(value, bytes) else b"j" + json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        if not isinstance(data, bytes) or data[:1] not in (b"b", b"j"):
            return None
        try:
            return data[1:] if data[:1] == b"b" else json.loads(data[1:])
        except ValueError:
            return None

    def dump(self, value: Any, file: IO[bytes], *args: Any) -> None:
        file.write(self.dumps(value))

    def load(self, file: IO[bytes]) -> Any:
        return self.loads(file.read())


class CachelibStore(AsyncTwins):
    """Keeps everything in a cache of cachelib.

    Args:
        cache: The cache. It is not changed: a copy of it, whose serializer
            does not pickle, is used.
        clock: Gives the time in seconds.
    """

    def __init__(self, cache: Any, *, clock: Callable[[], float] = time.time) -> None:
        self.cache = copy.copy(cache)
        if hasattr(cache, "serializer"):
            # SECURITY: who can write into the cache could run code by what is unpickled.
            self.cache.serializer = _PlainSerializer()
        self._clock = clock
        self._lock = threading.RLock()

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        with self._told():
            value = self.cache.get(key)

        return Entry(value, value) if isinstance(value, bytes) else None

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        with self._told():
            self._enter(index, key, ttl_seconds)
            if not self.cache.set(key, value, timeout=_timeout(ttl_seconds)):
                raise StoreError("the cache did not take a session")

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        with self._told():
            if self.get(key) is not None:
                return False
            self.set(key, value, ttl_seconds=ttl_seconds, index=index)

        return True

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read; another process may come between."""
        with self._told():
            entry = self.get(key)
            if entry is None or entry.version != version:
                return False
            self.set(key, value, ttl_seconds=ttl_seconds, index=index)

        return True

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
        """Delete a key and write another, if there still is what was read; likewise."""
        with self._told():
            entry = self.get(key)
            if entry is None or entry.version != version:
                return False
            if left is None:
                self.cache.delete(key)
            else:
                self.set(key, left, ttl_seconds=left_seconds)
            self.set(to, value, ttl_seconds=ttl_seconds, index=index)

        return True

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        with self._told():
            found = self.get(key) is not None  # not every cache tells
            self.cache.delete(key)

        return found

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        with self._told():
            return sorted(
                key for key in self._keys_of(index) if self.get(key) is not None and self._note(key) == index
            )

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        with self._told():
            return sum(self.delete(key) for key in self.find(index) if key not in keep)

    def clean_up(self) -> int:
        """Do nothing: it is the cache's business."""
        return 0

    def close(self) -> None:
        """Do nothing: the cache is the application's."""

    def _keys_of(self, index: str) -> dict[str, float | None]:
        entry = self.get(_key_of(index))
        now = self._clock()
        keys = {} if entry is None else json.loads(entry.value)

        return {key: over for key, over in keys.items() if over is None or over > now}

    def _note(self, key: str) -> str | None:
        entry = self.get(key + _NOTE)

        return None if entry is None else entry.value.decode()

    def _enter(self, index: str | None, key: str, ttl_seconds: float | None) -> None:
        if index is None:
            self.cache.delete(key + _NOTE)
            return

        self.cache.set(key + _NOTE, index.encode(), timeout=_timeout(ttl_seconds))
        keys = self._keys_of(index)
        keys[key] = None if ttl_seconds is None else self._clock() + ttl_seconds
        longest = None if None in keys.values() else max(filter(None, keys.values())) - self._clock()
        self.cache.set(_key_of(index), json.dumps(keys).encode(), timeout=_timeout(longest))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Take turns, and tell what the cache's own library raises; which that is, only the cache knows."""
        try:
            with self._lock:
                yield
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"the cache cannot be used: {error}") from error


def _timeout(ttl_seconds: float | None) -> int:
    return 0 if ttl_seconds is None else max(1, int(ttl_seconds))


def _key_of(index: str) -> str:
    return f"index:{sha256(index.encode()).hexdigest()}"
