"""Who is in which group, and sending to them.

Every member has a bounded queue of its own, so that none waits for another;
one whose client reads too slowly for it is closed (``WebSocket.post``).
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Protocol

from werkzeug.local import LocalProxy

from costrel.core.ws_codes import WebSocketDisconnect
from costrel.errors import ConfigError
from costrel.serving.offload import finish

__all__ = ["Bus", "Group", "Groups"]


class Bus(Protocol):
    """What carries messages to other processes."""

    async def subscribe(self, name: str) -> None:
        """Have the messages of a group brought here, from now on."""

    async def unsubscribe(self, name: str) -> None:
        """Have them brought no more, if nobody here is in the group."""

    async def publish(self, name: str, message: str | bytes, skip: str) -> None:
        """Bring a message to all processes, this one too."""

    async def close(self) -> None:
        """Give up all connections."""


def _blocking_elsewhere(method: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    """Let a coroutine method be called in synchronous code too, where it runs to its end."""

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        coroutine = method(*args, **kwargs)

        return coroutine if asyncio._get_running_loop() is not None else finish(coroutine)

    return call


class Groups:
    """The groups of an application, by name.

    A group exists as long as somebody is in it; looking at one costs nothing.

    Args:
        url: ``None`` for members in this process; ``"redis://…"`` for those of
            all processes with this store.
        prefix: Keeps applications apart that share a store.

    Raises:
        ConfigError: If nothing is known for the URL's scheme.

    Example:
        >>> len(Groups()["lobby"])
        0
    """

    def __init__(self, url: str | None = None, *, prefix: str = "") -> None:
        self._members: dict[str, dict[Any, _Member]] = {}
        self._lock = threading.Lock()  # members may be on several loops, each in a thread of its own
        self._numbers = itertools.count()
        self._process = secrets.token_hex(6)
        self._bus_of: Callable[[], Bus] | None = None
        if url is not None:
            self._bus_of = _bus_for(url, f"costrel:{prefix}", self)

    def __getitem__(self, name: str) -> Group:
        """Return the group of a name."""
        return Group(self, name)

    def __iter__(self) -> Any:
        """Iterate over the names of groups with members in this process."""
        return iter(tuple(self._members))

    async def close(self) -> None:
        """Give up the connections to the store of the running loop; register it with ``after_serving``."""
        if self._bus_of is not None:
            await self._bus_of().close()

    async def _join(self, name: str, ws: Any) -> None:
        if ws.is_closed:  # nothing would take it out again
            raise WebSocketDisconnect(ws.close_code, ws.close_reason)

        with self._lock:
            members = self._members.setdefault(name, {})
            if ws not in members:
                members[ws] = _Member(asyncio.get_running_loop(), f"{self._process}{next(self._numbers):x}")
                if ws._groups is None:
                    ws._groups = set()
                ws._groups.add(self[name])
        if self._bus_of is not None:
            await self._bus_of().subscribe(name)

    def _remove(self, name: str, ws: Any) -> None:
        with self._lock:
            members = self._members.get(name)
            if members is None or members.pop(ws, None) is None:
                return

            ws._groups.discard(self[name])
            if not members:
                del self._members[name]
        if self._bus_of is not None:
            _in_background(self._bus_of().unsubscribe(name))

    async def _send(self, name: str, message: str | bytes, skip: Any) -> None:
        member = self._members.get(name, {}).get(skip)
        token = "" if member is None else member.token
        if self._bus_of is not None:
            await self._bus_of().publish(name, message, token)
            return

        here = asyncio.get_running_loop()
        await self.deliver(name, message, token)
        for loop in {member.loop for _, member in self._members_of(name)} - {here}:
            if not loop.is_closed():
                delivered = asyncio.run_coroutine_threadsafe(self.deliver(name, message, token), loop)
                await asyncio.wrap_future(delivered)

    def has_members(self, name: str) -> bool:
        """Tell whether somebody on the running loop is in a group."""
        here = asyncio.get_running_loop()

        return any(member.loop is here for _, member in self._members_of(name))

    async def deliver(self, name: str, message: str | bytes, skip: str) -> None:
        """Hand a message to the members on the running loop; what brings messages here calls it.

        Args:
            name: The group.
            message: The message.
            skip: The token of a member that is not to get it.
        """
        here = asyncio.get_running_loop()
        for ws, member in self._members_of(name):
            if member.loop is here and member.token != skip:
                ws.post(message)
        # The writers have their turn, so that a quick sender fills no queues of quick readers.
        await asyncio.sleep(0)

    def _members_of(self, name: str) -> tuple[tuple[Any, _Member], ...]:
        return tuple(self._members.get(name, {}).items())


class Group:
    """One group: all connections that joined under a name.

    In synchronous code the methods wait until they are done; in async code
    they are awaited.
    """

    __slots__ = ("_groups", "name")

    def __init__(self, groups: Groups, name: str) -> None:
        self._groups = groups
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {len(self)} here>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and (self._groups, self.name) == (other._groups, other.name)

    def __hash__(self) -> int:
        return hash((id(self._groups), self.name))

    def __len__(self) -> int:
        """Return how many members are in this process."""
        return len(self._groups._members.get(self.name, ()))

    def __bool__(self) -> bool:
        return True

    def __contains__(self, ws: Any) -> bool:
        return _plain(ws) in self._groups._members.get(self.name, ())

    @_blocking_elsewhere
    async def join(self, ws: Any) -> None:
        """Let a connection have the group's messages, until it leaves or is closed.

        Args:
            ws: The connection.

        Raises:
            WebSocketDisconnect: If it is closed.
        """
        await self._groups._join(self.name, _plain(ws))

    @_blocking_elsewhere
    async def leave(self, ws: Any) -> None:
        """Let a connection have the group's messages no more."""
        self.remove(_plain(ws))

    def remove(self, ws: Any) -> None:
        """Take a connection out, on its event loop; what its end does."""
        self._groups._remove(self.name, ws)

    @_blocking_elsewhere
    async def send(self, message: str | bytes, *, skip: Any = None) -> None:
        """Send a message to all members.

        It waits until the message is handed over, not until it has arrived: a
        member that is closed meanwhile misses it, and one that reads too slowly
        is closed with 1008.

        Args:
            message: Text or bytes.
            skip: A member that is not to get it: the sender, say.
        """
        await self._groups._send(self.name, message, _plain(skip))

    @_blocking_elsewhere
    async def send_json(self, value: Any, *, skip: Any = None) -> None:
        """Send a value as JSON to all members; see ``send``."""
        from costrel import json  # for cost: not everybody sends JSON

        await self._groups._send(self.name, json.dumps(value), _plain(skip))


class _Member:
    __slots__ = ("loop", "token")

    def __init__(self, loop: asyncio.AbstractEventLoop, token: str) -> None:
        self.loop = loop
        self.token = token


def _plain(ws: Any) -> Any:
    """Return the connection itself, of a proxy or of what a synchronous handler has."""
    if isinstance(ws, LocalProxy):
        ws = ws._get_current_object()

    return getattr(ws, "_ws", ws)


_tasks: set[asyncio.Task[Any]] = set()  # a loop keeps only weak references


def _in_background(coroutine: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(coroutine)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _bus_for(url: str, prefix: str, groups: Groups) -> Callable[[], Bus]:
    if url.partition("://")[0] not in ("redis", "rediss", "unix"):
        raise ConfigError(
            f"no store for groups is known for the URL {url.partition('://')[0]!r}",
            hint="Use redis://host:6379/0, or None for one process.",
        )
    try:
        from costrel.groups.redis_bus import bus_of_loop  # for cost, and redis is an extra
    except ImportError as error:
        raise ConfigError(
            "groups of several processes need redis, which is not installed",
            hint="pip install 'costrel[redis]'",
        ) from error

    return bus_of_loop(url, prefix, groups)
