"""The sessions of users: listed, and deleted by whom they belong to. Knows no cookie and no store's kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from costrel import has_request_context, session
from costrel.errors import ContextError
from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.interface import ServerSideSessionInterface
from costrel.ext.session.merge import merge
from costrel.ext.session.records import decode, encode
from costrel.ext.session.server_side import ServerSideSession, Stored, UnavailableSession
from costrel.ext.session.steps import LEFT, LEFT_SECONDS, Call, Steps, arun, open_stored, run

__all__ = ["SessionInfo", "UserSessions"]

_MAX_TRIES = 1_000


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session of a user, for a page that shows them."""

    id: str
    """Names it for ``delete``. It is not the id in the cookie, so pages may show it."""

    created: datetime | None
    last_seen: datetime | None
    """Exact to ``SESSION_REFRESH_FRACTION`` of the lifetime, and to an hour."""

    ip: str
    """Where it began, with ``SESSION_TRACK_CLIENTS``; else empty."""

    agent: str
    is_current: bool
    """Whether it is this request's."""


class UserSessions:
    """Finds and deletes the sessions of users in one application.

    Args:
        interface: The application's.
    """

    def __init__(self, interface: ServerSideSessionInterface) -> None:
        self._interface = interface
        self._store = interface.store

    def list_user(self, user_id: Any) -> list[SessionInfo]:
        """Return a user's sessions."""
        return run(self._listing(user_id), self._store)

    async def alist_user(self, user_id: Any) -> list[SessionInfo]:
        """Do as ``list_user``."""
        return await arun(self._listing(user_id), self._store)

    def delete_user(self, user_id: Any, *, keep_current: bool) -> int:
        """Delete a user's sessions."""
        return run(self._deleting(user_id, keep_current), self._store)

    async def adelete_user(self, user_id: Any, *, keep_current: bool) -> int:
        """Do as ``delete_user``."""
        return await arun(self._deleting(user_id, keep_current), self._store)

    def delete(self, user_id: Any, session_id: str) -> bool:
        """Delete one of a user's sessions."""
        return run(self._deleting_one(user_id, session_id), self._store)

    async def adelete(self, user_id: Any, session_id: str) -> bool:
        """Do as ``delete``."""
        return await arun(self._deleting_one(user_id, session_id), self._store)

    def change(self, function: Callable[[dict[str, Any]], Any]) -> None:
        """Change the current session at once."""
        run(self._changing(function), self._store)

    async def achange(self, function: Callable[[dict[str, Any]], Any]) -> None:
        """Do as ``change``."""
        await arun(self._changing(function), self._store)

    # The steps.

    def _listing(self, user_id: Any) -> Steps[list[SessionInfo]]:
        interface, found = self._interface, []
        current = _current()
        keys = yield from self._keys_of(user_id)
        for key in keys:
            entry: Entry | None = yield Call("get", (key,), {})
            record = None if entry is None else decode(interface.serializer, entry.value)
            if record is None:
                continue
            stamp = record.stamp
            found.append(
                SessionInfo(
                    _public_id(key),
                    None if stamp is None else datetime.fromtimestamp(stamp.created, UTC),
                    None if stamp is None else datetime.fromtimestamp(stamp.seen, UTC),
                    "" if stamp is None else stamp.ip,
                    "" if stamp is None else stamp.agent,
                    current is not None and key == self._key_of(current),
                )
            )

        return sorted(found, key=lambda info: info.last_seen or _LONG_AGO, reverse=True)

    def _deleting(self, user_id: Any, keep_current: bool) -> Steps[int]:
        index = self._interface.index_of_user(user_id)
        since = str(time.time_ns() // 1_000).encode()
        yield Call("set", (self._interface.since_of_user(user_id), since), {"ttl_seconds": None})
        current = _current()
        keep = () if current is None or not keep_current else (self._key_of(current),)
        count: int = yield Call("delete_index", (index,), {"keep": keep})
        if not keep_current and current is not None and self._is_of(current, user_id):
            yield from self._forget(current)

        return count

    def _deleting_one(self, user_id: Any, session_id: str) -> Steps[bool]:
        current = _current()  # opened before it is deleted, or it would be taken for a new one
        keys = yield from self._keys_of(user_id)
        for key in keys:
            if _public_id(key) == session_id:
                is_deleted: bool = yield Call("delete", (key,), {})
                if current is not None and key == self._key_of(current):
                    yield from self._forget(current)
                return is_deleted

        return False

    def _forget(self, current: ServerSideSession) -> Steps[None]:
        """Let this request begin anew; what its browser still sends with the old id is late."""
        if current._stored is not None:
            yield Call("set", (self._key_of(current), LEFT), {"ttl_seconds": LEFT_SECONDS})
        current.forget()

    def _keys_of(self, user_id: Any) -> Steps[list[str]]:
        keys: list[str] = yield Call("find", (self._interface.index_of_user(user_id),), {})

        return keys

    def _changing(self, function: Callable[[dict[str, Any]], Any]) -> Steps[None]:
        current = _current()
        if current is None:
            raise ContextError("change() needs a request", hint="Call it in a view.")
        interface, rules = self._interface, self._interface.rules()
        if current._stored is None:
            function(current)
            return

        key = self._key_of(current)
        for _ in range(_MAX_TRIES):
            found = yield from open_stored(interface.serializer, key, rules)
            if not found:
                return  # deleted meanwhile
            content, stored = found
            function(content)
            stamp = replace(stored.stamp, seen=int(rules.now))
            value = encode(interface.serializer, content, stamp, max_bytes=rules.max_bytes)
            is_written = yield Call(
                "replace",
                (key, value),
                {
                    "version": stored.version,
                    "ttl_seconds": rules.seconds_left(stamp),
                    "index": interface.index_of(content),
                },
            )
            if is_written:
                _take_over(current, content, Stored(value, stamp), interface)
                return

        raise StoreError("too many requests write one session at once")

    def _key_of(self, session: ServerSideSession) -> str:
        return self._interface.key_of(session._moved_from or session.sid)

    def _is_of(self, session: ServerSideSession, user_id: Any) -> bool:
        owner = session.get(self._interface.options.user_key)

        return owner is not None and str(owner) == str(user_id)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _take_over(
    session: ServerSideSession,
    content: dict[str, Any],
    stored: Stored,
    interface: ServerSideSessionInterface,
) -> None:
    """Let this request's session go on from what was just written, with its own changes on top."""
    first = session._stored
    base = None if first is None else decode(interface.serializer, first.value)
    merged = merge(base.content if base else {}, dict(session), content)
    for key in [key for key in session if key not in merged]:
        del session[key]
    session.update(merged)
    session._stored = stored


def _public_id(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:16]


def _current() -> ServerSideSession | None:
    """Return the session of this request, if there is one."""
    if not has_request_context():
        return None

    found: Any = session._get_current_object()  # type: ignore[attr-defined]  # the proxy's
    if isinstance(found, UnavailableSession) or not isinstance(found, ServerSideSession):
        return None

    return found
