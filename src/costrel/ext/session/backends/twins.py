"""Async twins for a store that has only sync methods. Knows no store.

What may block goes to a worker thread; the rest is called in place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar

from costrel.ext.session.backends.store import Entry

__all__ = ["AsyncTwins"]

T = TypeVar("T")


class AsyncTwins:
    """The methods of ``Store`` that begin with ``a``, by those that do not."""

    blocks: ClassVar[bool] = True

    # Any: the sync methods are those of the class that this is mixed into.
    get: Any
    set: Any
    add: Any
    replace: Any
    move: Any
    delete: Any
    find: Any
    delete_index: Any
    clean_up: Any
    close: Any

    async def _call(self, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self.blocks:
            return await asyncio.to_thread(method, *args, **kwargs)

        return method(*args, **kwargs)

    async def aget(self, key: str) -> Entry | None:
        """Do as ``get``."""
        return await self._call(self.get, key)

    async def aset(self, key: str, value: bytes, **how: Any) -> None:
        """Do as ``set``."""
        await self._call(self.set, key, value, **how)

    async def aadd(self, key: str, value: bytes, **how: Any) -> bool:
        """Do as ``add``."""
        return await self._call(self.add, key, value, **how)

    async def areplace(self, key: str, value: bytes, **how: Any) -> bool:
        """Do as ``replace``."""
        return await self._call(self.replace, key, value, **how)

    async def amove(self, key: str, to: str, value: bytes, **how: Any) -> bool:
        """Do as ``move``."""
        return await self._call(self.move, key, to, value, **how)

    async def adelete(self, key: str) -> bool:
        """Do as ``delete``."""
        return await self._call(self.delete, key)

    async def afind(self, index: str) -> list[str]:
        """Do as ``find``."""
        return await self._call(self.find, index)

    async def adelete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Do as ``delete_index``."""
        return await self._call(self.delete_index, index, keep=keep)

    async def aclean_up(self) -> int:
        """Do as ``clean_up``."""
        return await self._call(self.clean_up)

    async def aclose(self) -> None:
        """Do as ``close``."""
        await self._call(self.close)
