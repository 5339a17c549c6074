"""What every store can do: keep bytes under a key, for a time, without one writer undoing another's work.

Knows no session. Each method has an async twin with an ``a`` before its name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from costrel.errors import CostrelError

__all__ = ["Entry", "Store", "StoreError"]


class StoreError(CostrelError):
    """The store cannot be reached, or cannot do its work at the moment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a store has under a key."""

    value: bytes
    version: Any
    """For ``replace`` and ``move``, and nothing else; each store has its own kind."""


class Store(Protocol):
    """Keeps bytes under keys.

    A key is a text of printable ASCII without spaces, up to 250 characters. A
    time to live is in seconds; ``None`` means for ever. An index is a name
    that many keys share, so that they can be found and deleted together; a
    key has one, or none, and what it is written with last.

    Raises:
        StoreError: From every method, if the store cannot be reached.
    """

    blocks: ClassVar[bool]
    """Whether the sync methods may wait for something, so that an event loop must not call them."""

    def get(self, key: str) -> Entry | None:
        """Return what is under a key; ``None`` if nothing is, or its time is over."""
        ...

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        ...

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing; tell whether that was so."""
        ...

    def replace(
        self,
        key: str,
        value: bytes,
        *,
        version: Any,
        ttl_seconds: float | None,
        index: str | None = None,
    ) -> bool:
        """Write if there still is what was read; tell whether that was so.

        Args:
            key: The key.
            value: The new value.
            version: That of the entry that was read.
            ttl_seconds: How long it is kept from now.
            index: Its index from now on.
        """
        ...

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
        """Delete a key and write another, if there still is what was read; tell whether that was so.

        Args:
            key: The key that goes.
            to: The other one.
            value: What is written there.
            version: That of the entry that was read.
            ttl_seconds: How long it is kept from now.
            index: Its index.
            left: What stays under the first key instead, in no index;
                ``None``: nothing.
            left_seconds: How long that stays.
        """
        ...

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        ...

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        ...

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index; return how many there were.

        Args:
            index: The index.
            keep: Keys that stay.
        """
        ...

    def clean_up(self) -> int:
        """Delete what is over; return how many keys. A store that does so by itself does nothing."""
        ...

    def close(self) -> None:
        """Let go of connections; the next use opens new ones."""
        ...

    async def aget(self, key: str) -> Entry | None:
        """Do as ``get``."""
        ...

    async def aset(
        self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None
    ) -> None:
        """Do as ``set``."""
        ...

    async def aadd(
        self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Do as ``add``."""
        ...

    async def areplace(
        self,
        key: str,
        value: bytes,
        *,
        version: Any,
        ttl_seconds: float | None,
        index: str | None = None,
    ) -> bool:
        """Do as ``replace``."""
        ...

    async def amove(
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
        """Do as ``move``."""
        ...

    async def adelete(self, key: str) -> bool:
        """Do as ``delete``."""
        ...

    async def afind(self, index: str) -> list[str]:
        """Do as ``find``."""
        ...

    async def adelete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Do as ``delete_index``."""
        ...

    async def aclean_up(self) -> int:
        """Do as ``clean_up``."""
        ...

    async def aclose(self) -> None:
        """Do as ``close``, and let go of the connections of this event loop."""
        ...
